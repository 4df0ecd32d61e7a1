"""What a run is made with, and which commands may continue it."""

import json
import shutil

import numpy as np
import pytest

from translate import images
from translate.data.store import Store
from translate.errors import SettingsError
from translate.runs import prepare

TOY = "toy-horse2zebra"
pytestmark = pytest.mark.usefixtures("shelf")


def test_the_settings_of_a_run_are_stored_with_it_and_with_its_checkpoints(finished):
    stored = json.loads((finished[0] / "settings.json").read_text(encoding="utf-8"))
    assert stored["method"]["generator"]["width"] == 2
    assert stored["training"]["steps"] == 4
    assert stored["dataset"]["target"] == "zebra"
    assert list(stored["dataset"]["domains"]) == ["horse", "zebra"]
    manifest = json.loads((finished[0] / "checkpoints" / "00000004" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["settings"] == stored


@pytest.mark.parametrize(
    ("words", "changes", "longer"),
    [
        (
            ["training.steps=8"],
            ["training.steps was 4, now 8"],
            " To make it longer, repeat its command with --more 4.",
        ),
        (["training.steps=3"], ["training.steps was 4, now 3"], ""),
        (["training.seed=1"], ["training.seed was 0, now 1"], ""),
        (
            ["method.generator.width=3", "data.flip=0"],
            ["data.flip was 0.5, now 0.0", "method.generator.width was 2, now 3"],
            "",
        ),
        (["training.steps=4", "training.epochs=7"], ["training.epochs was 200, now 7"], ""),
        (
            ["training.epochs=300"],
            ["training.epochs was 200, now 300"],
            " To make it longer, repeat its command with --more STEPS.",
        ),
        (["training.compile=off"], ["training.compile was 'auto', now 'off'"], ""),
        (["training.deterministic=true"], ["training.deterministic was False, now True"], ""),
    ],
)
@pytest.mark.fault("R-15")
def test_other_settings_under_the_same_name_are_refused_with_the_differences(copied, words, changes, longer, contents):
    before = contents(copied)
    with pytest.raises(SettingsError) as caught:
        prepare(TOY, out=copied, words=words, device="cpu")
    assert caught.value.exit_code == 2
    assert str(caught.value) == (
        f"{copied} holds a run with other settings: {'; '.join(changes)}."
        f" Repeat its command to continue it, or choose another --out.{longer}"
    )
    assert contents(copied) == before


def test_a_run_from_before_a_setting_existed_had_its_default(copied):
    path = copied / "settings.json"
    identity = json.loads(path.read_text(encoding="utf-8"))
    del identity["ranks"], identity["training"]["accumulate"], identity["method"]["generator"]["skip"]
    del identity["data"]["held_out"], identity["dataset"]["held_out"]
    path.write_text(json.dumps(identity), encoding="utf-8")
    assert prepare(TOY, out=copied, device="cpu").finished
    assert prepare(TOY, out=copied, batch="auto", device="cpu").recipe.training.batch == 1  # nothing is measured anew
    identity["training"]["averaging"] = 0.5  # a setting that exists no longer
    path.write_text(json.dumps(identity), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"training\.averaging was 0\.5, now None"):
        prepare(TOY, out=copied, device="cpu")


def test_another_dataset_under_the_same_name_is_refused(copied, photos, small):
    words = [f"training.{key}={value}" for key, value in
             {"steps": 4, "log_every": 1, "sample_every": 2, "checkpoint_every": 2}.items()]  # fmt: skip
    words += [*small[:4], "training.precision=fp32", "method.lambda_idt=1.0"]
    with pytest.raises(SettingsError) as caught:
        prepare(photos, out=copied, words=words, device="cpu")
    found = str(caught.value)
    assert f"dataset.name was '{TOY}', now '{photos.name}'" in found
    assert "dataset.domains.A was None, now '3 pictures, " in found
    assert "training." not in found
    assert "method." not in found


def test_a_picture_more_is_another_dataset(tmp_path, photos, small):
    here = shutil.copytree(photos, tmp_path / "photos")
    for _ in prepare(here, out=tmp_path / "run", words=small, device="cpu").start():
        pass
    moved = here.rename(tmp_path / "elsewhere").rename(tmp_path / "below").rename(tmp_path / "photos")
    assert prepare(moved, out=tmp_path / "run", words=small, device="cpu").finished
    shutil.copy(moved / "trainA" / "0.png", moved / "trainA" / "more.png")
    with pytest.raises(SettingsError, match=r"dataset\.domains\.A was '3 pictures, .*', now '4 pictures, "):
        prepare(moved, out=tmp_path / "run", words=small, device="cpu")


@pytest.mark.fault("F-15")
def test_equal_pictures_under_another_name_continue_and_others_are_told_how(tmp_path, photos, small, interrupt):
    here, run = shutil.copytree(photos, tmp_path / "photos"), tmp_path / "run"
    interrupt(prepare(here, out=run, words=small, device="cpu"), after=1)
    moved = here.rename(tmp_path / "other")
    again = prepare(moved, out=run, words=small, device="cpu")
    for _ in again.start():
        pass
    assert again.finished
    named = {"A": moved / "trainA", "B": moved / "trainB"}
    assert prepare(domains=named, out=run, words=small, device="cpu").finished
    shutil.copy(moved / "trainA" / "0.png", moved / "trainA" / "more.png")
    advice = rf" begin another run: --from {run} --out FOLDER\.$"
    with pytest.raises(SettingsError, match=rf"dataset\.domains\.A was '3 pictures, .*{advice}"):
        prepare(moved, out=run, words=small, device="cpu")
    assert not prepare(moved, out=tmp_path / "next", begin_from=run, words=small, device="cpu").finished


@pytest.mark.parametrize("key", ["log_every", "sample_every", "checkpoint_every", "keep", "milestone_every"])
@pytest.mark.fault("R-15")
def test_settings_that_cannot_change_the_result_may_change(copied, key):
    assert prepare(TOY, out=copied, words=[f"training.{key}=3"], device="cpu").finished
    assert prepare(TOY, out=copied, nan_policy="recover", device="cpu").finished


def test_pictures_that_are_held_out_are_not_trained_on_and_belong_to_the_run(
    tmp_path, photos, monkeypatch, interrupt, small
):
    here = shutil.copytree(photos, tmp_path / "photos")
    for folder in ("trainA", "trainB"):
        for index in range(3, 7):
            shutil.copy(here / folder / "0.png", here / folder / f"{index}.png")
    words, read = [*small, "data.held_out=4"], set()

    def remembering(*arguments, **named):
        store = Store(*arguments, **named)
        read.update((arguments[0], arguments[1].name(index)) for index in range(len(store)))
        return store

    monkeypatch.setattr("translate.runs.building.Store", remembering)
    run = prepare(here, out=tmp_path / "run", words=words, device="cpu")
    interrupt(run, after=1)
    held = {(domain, files.name(index)) for domain, files in run.dataset.held_out.items() for index in range(4)}
    assert (len(held), len(read), held & read) == (8, 6, set())
    for _ in (again := prepare(here, out=tmp_path / "run", words=words, device="cpu")).start():
        pass
    assert again.finished
    assert again.about().train == {"A": 3, "B": 3}
    assert [value.split(",")[0] for value in again.about().held_out.values()] == ["4 pictures"] * 2
    page = (tmp_path / "run/report.html").read_text()
    assert "3 to train on, 4 held out to choose a checkpoint on, 0 to test on" in page
    with pytest.raises(SettingsError, match=r"data\.held_out was 4, now 0; dataset\.domains\.A was '3 pictures"):
        prepare(here, out=tmp_path / "run", words=small, device="cpu")
    images.write_pixels(np.zeros((8, 8, 3), np.uint8), run.dataset.held_out["B"].paths[0])
    with pytest.raises(SettingsError, match=r"settings: dataset\.held_out\.B was '4 pictures, .*', now '4 pictures, "):
        prepare(here, out=tmp_path / "run", words=words, device="cpu")
