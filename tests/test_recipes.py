import functools
import importlib
import itertools
import json
import os
import shutil
import signal
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors.torch
import torch

import translate
from translate import cards, images, runs
from translate.data.batches import UnpairedBatches
from translate.data.store import Store
from translate.errors import DataError, Diverged, Interrupted, OutOfMemory, OutputError, SettingsError, WeightsError
from translate.inference.translator import Translator
from translate.methods.cyclegan import CycleGAN
from translate.models.exports import read_about
from translate.runs import prepare
from translate.runs.options import PRESETS
from translate.toys.catalogue import drawn_scores
from translate.training import alarms
from translate.training.loop import Training
from translate.training.record import read_log

TOY = "toy-horse2zebra"
CARD = """
title = "Drawn horses and zebras, few and small"
drawn = true
domains = ["horse", "zebra"]
target = "zebra"
train = 6
test = 3

[recipe.data]
size = 32

[recipe.method]
lambda_idt = 1.0
pool = 2
generator = { width = 2, blocks = 1 }
discriminator = { width = 2, layers = 1 }

[recipe.training]
steps = 4
precision = "fp32"
log_every = 1
sample_every = 2
checkpoint_every = 2
"""


@pytest.fixture(scope="module", autouse=True)
def shelf(tmp_path_factory):
    """A shelf with one small card, and few horses to be scored on."""
    place = tmp_path_factory.mktemp("datasets")
    (place / f"{TOY}.toml").write_text(CARD, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cards, "shelf", lambda kind: place)
        patch.setattr(runs.results, "drawn_scores", functools.partial(drawn_scores, count=3))
        yield place


@pytest.fixture(scope="module")
def finished(tmp_path_factory, shelf):
    """The folder of a whole run, and its reports. Not to be changed."""
    out = tmp_path_factory.mktemp("finished") / "run"
    return out, list(prepare(TOY, out=out, device="cpu").start())


@pytest.fixture
def copied(finished, tmp_path):
    """A finished run that may be changed."""
    return shutil.copytree(finished[0], tmp_path / "run")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of three pictures of each domain."""
    place = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for folder in ("trainA", "trainB"):
        for index in range(3):
            images.write_pixels(random.integers(0, 256, (40, 40, 3), np.uint8), place / folder / f"{index}.png")
    return place


SMALL = [
    "data.size=32", "method.generator={width = 2, blocks = 1}", "method.discriminator={width = 2, layers = 1}",
    "method.pool=2", "training.steps=2", "training.precision=fp32",
]  # fmt: skip


def contents(folder):
    """Every file below a folder, with its bytes and its time."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def untimed(folder):
    """The log of a run without what the clock says."""
    clocked = ("elapsed_s", "seconds_per_step")
    return [{key: value for key, value in line.items() if key not in clocked} for line in read_log(folder)]


@pytest.mark.parametrize("name", sorted(path.stem for path in PRESETS.glob("*.toml")))
def test_our_own_settings_are_known_by_name_unless_a_file_has_it(name, photos, tmp_path, monkeypatch):
    run = prepare(photos, config=name, out=tmp_path / "run", device="cpu")
    assert run.recipe.method.generator.norm == run.recipe.method.discriminator.norm == "none"
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text("training = {seed = 3}")
    assert prepare(photos, config=name, out=tmp_path / "run", device="cpu").recipe.training.seed == 3
    with pytest.raises(SettingsError, match=r"no settings file smal\. Name a file, or one of ours: small"):
        prepare(photos, config="smal", out=tmp_path / "run", device="cpu")


def test_settings_lie_over_each_other_card_config_words_options(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text("[method]\nlambda_idt = 2.0\npool = 3\n[training]\nseed = 3\nbatch = 3", encoding="utf-8")
    words = ["method.pool=4", "training.seed=4", "training.batch=4", "training.seed=5"]

    def resolve(**arguments):
        recipe = prepare(TOY, out=tmp_path / "run", device="cpu", **arguments).recipe
        return recipe.method.lambda_idt, recipe.method.pool, recipe.training.seed, recipe.training.batch

    assert resolve() == (1.0, 2, 0, 1)
    assert resolve(config=file) == (2.0, 3, 3, 3)
    assert resolve(config=file, words=words) == (2.0, 4, 5, 4)
    assert resolve(config=file, words=words, batch=6) == (2.0, 4, 5, 6)


def test_a_precision_that_is_said_lies_over_the_recipe_also_where_it_is_auto(tmp_path):
    words = ["training.precision=fp32"]
    for said, expected in ((None, "fp32"), ("auto", "auto"), ("bf16", "bf16")):
        recipe = prepare(TOY, out=tmp_path / "run", words=words, device="cpu", precision=said).recipe
        assert recipe.training.precision == expected


def test_what_a_layer_does_not_name_stays_as_it_was(tmp_path):
    recipe = prepare(TOY, out=tmp_path / "run", words=["method.generator.width=3"], device="cpu").recipe
    assert (recipe.method.generator.blocks, recipe.method.generator.width) == (1, 3)
    assert (recipe.method.name, recipe.method.lambda_cyc, recipe.data.flip) == ("cyclegan", 10.0, 0.5)
    assert recipe.training.steps == 4


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["method.generator.widht=4"], "Unknown setting method.generator.widht. Did you mean width?"),
        (["method.discriminator.layer=2"], "Unknown setting method.discriminator"),
        (["method.lambda_id=4"], "Unknown setting method.lambda_id. Did you mean lambda_idt?"),
        (["trainings.steps=4"], "Unknown setting trainings. Did you mean training?"),
        (["data.colours=0.5"], "Unknown setting data.colours. Did you mean colour?"),
        (["training.seed=-1"], "The setting training.seed is wrong: Input should be greater than or equal to 0; found"),
        (["method.generator.width=wide"], "The setting method.generator.width is wrong: "),
        (["method.name=cyclegam"], "There is no method 'cyclegam'. Did you mean cyclegan?"),
        (["data.size=10"], "The setting data.size is wrong: "),
        (["method.discriminator.layers=4"], "Size 32 does not suit cyclegan with these networks: it must be a multiple"
         " of 4 and at least 48 pixels."),
    ],
)  # fmt: skip
def test_wrong_settings_are_refused_with_their_full_key(tmp_path, words, sentence):
    with pytest.raises(SettingsError) as caught:
        prepare(TOY, out=tmp_path / "run", words=words, device="cpu")
    assert caught.value.exit_code == 2
    assert str(caught.value).startswith(sentence)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault("R-39")
def test_size_10_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"data\.size is wrong: .*; found 10") as caught:
        prepare(TOY, out=tmp_path / "run", size=10, device="cpu")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("data", "domains", "error", "sentence"),
    [
        (None, None, SettingsError, "Name a dataset, a folder, or two --domain"),
        (TOY, {"a": ".", "b": "."}, SettingsError, "Give a dataset or --domain NAME=FOLDER, not both"),
        ("toy-hors2zebra", None, DataError, f"neither a folder nor a known dataset. Did you mean {TOY}"),
        ("gone/photos", None, DataError, "There is no dataset folder gone/photos. Wanted are the folders trainA"),
    ],
)
def test_a_wrong_dataset_is_refused_with_a_sentence(tmp_path, monkeypatch, data, domains, error, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as caught:
        prepare(data, domains=domains, device="cpu")
    assert sentence in str(caught.value).replace("\\", "/")


def test_a_run_is_called_as_its_dataset_unless_said_otherwise(tmp_path, photos):
    assert prepare(TOY, device="cpu").out.as_posix() == f"runs/{TOY}"
    assert prepare(photos, words=SMALL, device="cpu").out.name == photos.name
    named = {"day": photos / "trainA", "night": photos / "trainB"}
    run = prepare(domains=named, words=SMALL, device="cpu")
    assert (run.out.as_posix(), run.dataset.target) == ("runs/day2night", "night")
    assert prepare(TOY, out=tmp_path / "else", device="cpu").out == tmp_path / "else"


def test_preparing_and_looking_ahead_write_nothing(tmp_path):
    run = prepare(TOY, out=tmp_path / "run", device="cpu")
    prospect = run.prospect()
    assert list(tmp_path.iterdir()) == []
    method = run.recipe.method
    generator, discriminator = method.generator.build(3, 3), method.discriminator.build(3)
    expected = {
        "G": 2 * sum(parameter.numel() for parameter in generator.parameters()),
        "D": 2 * sum(parameter.numel() for parameter in discriminator.parameters()),
    }
    assert prospect.parameters == expected
    assert (prospect.steps, prospect.out, prospect.recipe) == (4, tmp_path / "run", run.recipe)
    assert {domain: len(pictures) for domain, pictures in prospect.dataset.train.items()} == {"horse": 6, "zebra": 6}
    assert prospect.seconds_per_step > 0
    assert prospect.memory_bytes is None or prospect.memory_bytes > 1 << 20


def test_a_prospect_knows_the_steps_of_epochs(tmp_path):
    assert prepare(TOY, out=tmp_path / "run", epochs=5, batch=4, device="cpu").prospect().steps == 10


def test_a_run_leaves_everything_behind(finished):
    out, reports = finished
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    steps = ["00000002", "00000004"]
    files = ["average.safetensors", "manifest.json", "state.pt", "weights.safetensors"]
    assert names == {
        "settings.json", "log.jsonl", "alarms.jsonl", "report.html", "losses.svg", "progress.gif", "model.safetensors",
        *(f"samples/{step}.png" for step in ("00000000", *steps)),
        *(f"checkpoints/{step}/{file}" for step in steps for file in files),
    }  # fmt: skip
    assert (reports[0].step, reports[-1].step, reports[-1].saved) == (0, 4, True)
    assert [line["step"] for line in read_log(out / "log.jsonl")] == [1, 2, 3, 4]


def test_the_settings_of_a_run_are_stored_with_it_and_with_its_checkpoints(finished):
    stored = json.loads((finished[0] / "settings.json").read_text(encoding="utf-8"))
    assert stored["method"]["generator"]["width"] == 2
    assert stored["training"]["steps"] == 4
    assert stored["dataset"]["target"] == "zebra"
    assert list(stored["dataset"]["domains"]) == ["horse", "zebra"]
    manifest = json.loads((finished[0] / "checkpoints" / "00000004" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["settings"] == stored


def test_the_export_carries_all_settings_of_its_run(finished):
    stored = json.loads((finished[0] / "settings.json").read_text(encoding="utf-8"))
    about = read_about(finished[0] / "model.safetensors")
    assert about.recipe == {key: stored[key] for key in ("method", "data", "training")}


def test_sample_grids_show_both_directions_and_the_animation_all_of_them(finished):
    grids = [images.read(path).rgb for path in sorted((finished[0] / "samples").glob("*.png"))]
    cell = 128 + 2  # 32 pixels, magnified until captions fit
    assert {grid.shape for grid in grids} == {(20 + 3 * cell - 2, 6 * cell - 2, 3)}
    inputs = [grid[20:, column * cell :][:, :128] for grid in grids for column in (0, 3)]
    assert all(np.array_equal(inputs[index], inputs[index % 2]) for index in range(6))  # fixed inputs
    translated = [grid[20:, cell : cell + 128] for grid in grids]
    assert not np.array_equal(translated[0], translated[-1])
    assert images.read(finished[0] / "progress.gif").rgb.shape == grids[0].shape
    assert (finished[0] / "losses.svg").read_text(encoding="utf-8").count("<polyline") == 8


def test_the_export_has_scores_and_translates(finished):
    out = finished[0]
    translator = Translator.load(out, device="cpu", precision="fp32")
    about = translator.about
    assert (about.steps, about.planned, about.size, about.target, about.data) == (4, 4, 32, "zebra", TOY)
    assert about.train == {"horse": 6, "zebra": 6}
    assert list(about.scores) == ["stripe score", "background error"]
    assert all(0 <= score <= 1 for score in about.scores.values())
    assert translator(np.zeros((33, 50, 3), np.uint8)).shape == (33, 50, 3)
    average = safetensors.torch.load_file(out / "checkpoints" / "00000004" / "average.safetensors")
    exported = safetensors.torch.load_file(out / "model.safetensors")
    assert average.keys() == exported.keys()
    assert all(torch.equal(average[name], exported[name]) for name in average)


def test_a_finished_run_says_so_and_is_left_alone(copied):
    before = contents(copied)
    run = prepare(TOY, out=copied, device="cpu")
    assert run.finished
    assert translate.train(TOY, out=copied, device="cpu") == copied / "model.safetensors"
    assert contents(copied) == before


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        (["training.steps=8"], ["training.steps was 4, now 8"]),
        (["training.seed=1"], ["training.seed was 0, now 1"]),
        (
            ["method.generator.width=3", "data.flip=0"],
            ["data.flip was 0.5, now 0.0", "method.generator.width was 2, now 3"],
        ),
        (["training.steps=4", "training.epochs=7"], ["training.epochs was 200, now 7"]),
        (["training.compile=off"], ["training.compile was 'auto', now 'off'"]),
        (["training.deterministic=true"], ["training.deterministic was False, now True"]),
    ],
)
@pytest.mark.fault("R-15")
def test_other_settings_under_the_same_name_are_refused_with_the_differences(copied, words, changes):
    before = contents(copied)
    with pytest.raises(SettingsError) as caught:
        prepare(TOY, out=copied, words=words, device="cpu")
    assert caught.value.exit_code == 2
    assert str(caught.value) == (
        f"{copied} holds a run with other settings: {'; '.join(changes)}."
        " Repeat its command to continue it, or choose another --out."
    )
    assert contents(copied) == before


def test_a_batch_is_split_into_equal_parts_or_refused(tmp_path):
    run = prepare(TOY, out=tmp_path / "run", batch=4, accumulate=2, device="cpu")
    assert (run.recipe.training.batch, run.recipe.training.accumulate) == (4, 2)
    with pytest.raises(SettingsError, match="A batch of 3 pictures cannot be split into 2 equal parts"):
        prepare(TOY, out=tmp_path / "run", batch=3, accumulate=2, device="cpu")


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


def test_another_dataset_under_the_same_name_is_refused(copied, photos):
    words = [f"training.{key}={value}" for key, value in
             {"steps": 4, "log_every": 1, "sample_every": 2, "checkpoint_every": 2}.items()]  # fmt: skip
    words += [*SMALL[:4], "training.precision=fp32", "method.lambda_idt=1.0"]
    with pytest.raises(SettingsError) as caught:
        prepare(photos, out=copied, words=words, device="cpu")
    found = str(caught.value)
    assert f"dataset.name was '{TOY}', now '{photos.name}'" in found
    assert "dataset.domains.A was None, now '3 pictures, " in found
    assert "training." not in found
    assert "method." not in found


def test_a_picture_more_is_another_dataset(tmp_path, photos):
    here = shutil.copytree(photos, tmp_path / "photos")
    for _ in prepare(here, out=tmp_path / "run", words=SMALL, device="cpu").start():
        pass
    moved = here.rename(tmp_path / "elsewhere").rename(tmp_path / "below").rename(tmp_path / "photos")
    assert prepare(moved, out=tmp_path / "run", words=SMALL, device="cpu").finished
    shutil.copy(moved / "trainA" / "0.png", moved / "trainA" / "more.png")
    with pytest.raises(SettingsError, match=r"dataset\.domains\.A was '3 pictures, .*', now '4 pictures, "):
        prepare(moved, out=tmp_path / "run", words=SMALL, device="cpu")


def test_pictures_that_are_held_out_are_not_trained_on_and_belong_to_the_run(tmp_path, photos, monkeypatch):
    here = shutil.copytree(photos, tmp_path / "photos")
    for folder in ("trainA", "trainB"):
        for index in range(3, 7):
            shutil.copy(here / folder / "0.png", here / folder / f"{index}.png")
    words, read = [*SMALL, "data.held_out=4"], set()

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
        prepare(here, out=tmp_path / "run", words=SMALL, device="cpu")
    images.write_pixels(np.zeros((8, 8, 3), np.uint8), run.dataset.held_out["B"].paths[0])
    with pytest.raises(SettingsError, match=r"settings: dataset\.held_out\.B was '4 pictures, .*', now '4 pictures, "):
        prepare(here, out=tmp_path / "run", words=words, device="cpu")


def test_fewer_held_out_pictures_than_a_choice_needs_are_refused(tmp_path, photos):
    with pytest.raises(SettingsError, match=r"data\.held_out is wrong: it must be 0 or at least 4, .*; found 3"):
        prepare(photos, out=tmp_path / "run", words=["data.held_out=3"], device="cpu")


@pytest.mark.parametrize("key", ["log_every", "sample_every", "checkpoint_every", "keep", "milestone_every"])
@pytest.mark.fault("R-15")
def test_settings_that_cannot_change_the_result_may_change(copied, key):
    assert prepare(TOY, out=copied, words=[f"training.{key}=3"], device="cpu").finished
    assert prepare(TOY, out=copied, nan_policy="recover", device="cpu").finished


def interrupt(run, after):
    """Train, and raise the signal of Ctrl-C once when `after` steps are done."""
    raised = False
    for report in run.start():
        if report.step == after and not raised:
            signal.raise_signal(signal.SIGINT)
            raised = True


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.fault("R-12", "R-13")
def test_an_interrupted_run_continues_to_the_same_result(tmp_path, finished, after):
    whole, out = finished[0], tmp_path / "run"
    first = prepare(TOY, out=out, device="cpu", workers=2)
    interrupt(first, after)
    assert (first.interrupted, first.step, first.steps) == (signal.SIGINT, after, 4)
    assert not (out / "preempted.json").exists()  # a person knows that
    assert not first.finished
    assert (out / "model.safetensors").exists() == (after > 0)
    second = prepare(TOY, out=out, device="cpu")
    reports = list(second.start())
    assert (second.interrupted, second.finished, reports[-1].step) == (None, True, 4)
    assert all(report.step > after or not after for report in reports)
    one, two = contents(whole), contents(out)
    for name in ("model.safetensors", "progress.gif", "settings.json", "losses.svg", "alarms.jsonl"):
        assert one[name][0] == two[name][0], name
    samples = [name for name in one if name.startswith("samples/")]
    assert len(samples) == 3
    assert all(one[name][0] == two[name][0] for name in samples)
    assert untimed(whole / "log.jsonl") == untimed(out / "log.jsonl")
    for name in ("weights", "average"):
        assert one[f"checkpoints/00000004/{name}.safetensors"][0] == two[f"checkpoints/00000004/{name}.safetensors"][0]


def test_a_run_that_was_killed_continues_from_its_newest_checkpoint_to_the_same_result(tmp_path, finished):
    whole, out = finished[0], tmp_path / "run"
    killed = prepare(TOY, out=out, device="cpu").start()
    for report in killed:
        if report.step == 3:
            break
    killed.close()
    assert [line["step"] for line in read_log(out / "log.jsonl")] == [1, 2, 3]
    reports = list(prepare(TOY, out=out, device="cpu").start())
    assert reports[0].step == 3
    assert contents(whole)["model.safetensors"][0] == contents(out)["model.safetensors"][0]
    assert untimed(whole / "log.jsonl") == untimed(out / "log.jsonl")


def test_a_run_is_finished_only_when_everything_is_there(tmp_path):
    """The export of a finished run has scores, so one without never says that it is."""
    run = prepare(TOY, out=tmp_path / "run", device="cpu")
    for _ in run.start():
        assert not run.finished
    assert run.finished
    assert run.about().scores


def test_a_run_that_was_killed_while_it_left_its_results_leaves_them_the_next_time(copied, finished):
    for name in ("model.safetensors", "progress.gif", "losses.svg"):
        (copied / name).unlink()
    run = prepare(TOY, out=copied, device="cpu")
    assert not run.finished
    assert list(run.start()) == []
    assert run.finished
    for name in ("model.safetensors", "progress.gif", "losses.svg"):
        assert (copied / name).read_bytes() == (finished[0] / name).read_bytes()


@pytest.mark.fault("R-16")
def test_a_damaged_newest_checkpoint_is_noted_and_the_run_continues_from_the_older_one(copied, finished):
    (copied / "model.safetensors").unlink()
    (copied / "checkpoints" / "00000004" / "state.pt").write_bytes(b"broken")
    run = prepare(TOY, out=copied, device="cpu")
    steps = [report.step for report in run.start()]
    assert (steps[0], steps[-1]) == (3, 4)
    assert len(run.notes) == 1
    assert "00000004 is damaged" in run.notes[0]
    assert (copied / "model.safetensors").read_bytes() == (finished[0] / "model.safetensors").read_bytes()


def test_a_run_without_a_whole_checkpoint_is_refused_and_left_alone(copied):
    (copied / "model.safetensors").unlink()
    for step in ("00000002", "00000004"):
        (copied / "checkpoints" / step / "state.pt").write_bytes(b"broken")
    before = contents(copied)
    with pytest.raises(WeightsError, match="is whole"):
        list(prepare(TOY, out=copied, device="cpu").start())
    assert contents(copied) == before


def test_the_python_face_trains_and_continues(tmp_path, finished, monkeypatch):
    start = runs.Run.start

    def interrupted(run, *arguments):
        for report in start(run, *arguments):
            if report.step == 1 and not report.saved:
                signal.raise_signal(signal.SIGINT)
            yield report

    with monkeypatch.context() as patch:
        patch.setattr(runs.Run, "start", interrupted)
        with pytest.raises(Interrupted, match="call train again to continue it") as caught:
            translate.train(TOY, out=tmp_path / "run", device="cpu")
    assert caught.value.exit_code == 130
    path = translate.train(TOY, out=tmp_path / "run", device="cpu")
    assert path == tmp_path / "run" / "model.safetensors"
    assert path.read_bytes() == (finished[0] / "model.safetensors").read_bytes()


@pytest.mark.fault("R-6", "R-9")
def test_a_signal_while_pictures_are_read_ends_it_and_only_that_is_written(tmp_path, photos):
    run = prepare(photos, out=tmp_path / "run", words=SMALL, device="cpu")
    assert list(run.start(lambda *_: signal.raise_signal(signal.SIGTERM))) == []
    assert (run.interrupted, run.step) == (signal.SIGTERM, 0)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["preempted.json"]


@pytest.mark.fault("R-9", "R-11")
def test_a_grid_that_a_signal_ended_is_drawn_when_the_run_continues(tmp_path, finished, monkeypatch):
    draw, drawn = runs.results.sample_grid, []

    def interrupted(*arguments):
        drawn.append(arguments)
        if len(drawn) == 2:
            signal.raise_signal(signal.SIGUSR1)
        return draw(*arguments)

    monkeypatch.setattr(runs.results, "sample_grid", interrupted)
    first = prepare(TOY, out=tmp_path / "run", device="cpu")
    list(first.start())
    assert (first.interrupted, first.step) == (signal.SIGUSR1, 2)
    word = {"signal": "SIGUSR1", "exit_code": 75, "step": 2, "steps": 4}
    assert json.loads((tmp_path / "run" / "preempted.json").read_text(encoding="utf-8")) == word
    monkeypatch.setenv("SLURM_RESTART_COUNT", "2")
    assert not (tmp_path / "run" / "samples" / "00000002.png").exists()
    second = prepare(TOY, out=tmp_path / "run", device="cpu")
    list(second.start())
    assert second.notes == ["Restarts of this job by SLURM so far: 2."]
    one, two = contents(finished[0]), contents(tmp_path / "run")
    assert set(one) == set(two)
    assert all(one[name][0] == two[name][0] for name in one if name.startswith(("samples/", "model")))


@pytest.mark.fault("R-9")
def test_a_signal_while_it_is_scored_leaves_that_for_the_next_time(tmp_path, finished, monkeypatch):
    score = runs.results.drawn_scores
    monkeypatch.setattr(runs.results, "drawn_scores", lambda *_: signal.raise_signal(signal.SIGTERM))
    first = prepare(TOY, out=tmp_path / "run", device="cpu")
    list(first.start())
    assert (first.interrupted, first.step, first.finished) == (signal.SIGTERM, 4, False)
    monkeypatch.setattr(runs.results, "drawn_scores", score)
    second = prepare(TOY, out=tmp_path / "run", device="cpu")
    assert list(second.start()) == []
    assert second.finished
    assert (second.out / "model.safetensors").read_bytes() == (finished[0] / "model.safetensors").read_bytes()


@pytest.mark.fault("R-4")
def test_a_disk_that_is_full_for_a_while_costs_a_note_and_no_step(tmp_path, finished, monkeypatch):
    write, full = runs.results.images.write_pixels, [True]

    def refused(*arguments):
        if full:
            raise OutputError("The disk is full: a grid was not written.")
        write(*arguments)

    monkeypatch.setattr(runs.results.images, "write_pixels", refused)
    run = prepare(TOY, out=tmp_path / "run", device="cpu")
    for report in run.start():
        if report.step == 3:
            full.clear()
    assert run.finished
    assert run.notes == ["The disk is full: a grid was not written. The run goes on without it."]
    assert [path.name for path in (run.out / "samples").iterdir()] == ["00000004.png"]
    assert untimed(run.out / "log.jsonl") == untimed(finished[0] / "log.jsonl")


@pytest.mark.fault("R-5")
def test_a_run_without_room_for_two_checkpoints_is_refused_before_the_first_step(tmp_path, photos, monkeypatch):
    run = prepare(photos, out=tmp_path / "run", words=SMALL, device="cpu")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(OutputError, match=r"has 0\.0 MB left; a checkpoint of this run takes 0\.\d MB"):
        list(run.start())
    assert list((tmp_path / "run").iterdir()) == []


@pytest.mark.fault("R-14")
def test_a_run_may_continue_with_another_number_of_threads_and_stays_near(tmp_path):
    """Sums in another order differ in the last bits, which Adam blows up where gradients are next to nothing.

    So it does with biases in front of a normalisation, which takes them out again: they drift by rounding alone and
    change no picture. Kernels stay near: measured were 2e-6 in the mean after five steps that moved them by 6e-4.
    """
    random = np.random.default_rng(0)
    for place in ("trainA/0.png", "trainA/1.png", "trainB/0.png", "trainB/1.png"):
        images.write_pixels(random.integers(0, 256, (72, 72, 3), np.uint8), tmp_path / "photos" / place)
    words = ["method.generator={width = 8, blocks = 1}", "method.discriminator={width = 8, layers = 2}"]
    words += ["training.log_every=1", "method.pool=2"]

    def made(name):
        return prepare(tmp_path / "photos", out=tmp_path / name, size=64, batch=2, steps=8, words=words,
                       precision="fp32", device="cpu")  # fmt: skip

    def weights(name, step):
        read = safetensors.torch.load_file(tmp_path / name / "checkpoints" / f"{step:08d}" / "weights.safetensors")
        return {key: value for key, value in read.items() if key.endswith(".weight")}

    list(made("one").start())
    interrupt(made("two"), after=3)
    begun = weights("two", 3)
    torch.set_num_threads(2)
    try:
        list(made("two").start())
    finally:
        torch.set_num_threads(1)
    expected = weights("one", 8)
    for name, value in weights("two", 8).items():
        assert float((value - expected[name]).abs().mean()) < 2e-5, name
        assert float((value - begun[name]).abs().mean()) > 1e-4, name
    one, two = (Translator.load(tmp_path / name, device="cpu", precision="fp32") for name in ("one", "two"))
    picture = torch.from_numpy(random.uniform(-1, 1, (1, 3, 64, 64)).astype(np.float32))
    assert float((one.tensor(picture, "B") - two.tensor(picture, "B")).abs().max()) < 5e-3


@pytest.mark.parametrize(("where", "kept"), [(Training, "train_step"), (UnpairedBatches, "__getitem__")])
@pytest.mark.parametrize("before", [0, 3])
@pytest.mark.fault("R-27", "R-28")
def test_a_step_for_which_memory_was_short_once_is_done_again_exactly(
    tmp_path, finished, monkeypatch, where, kept, before
):
    """In the step itself, or in a thread that prepares its batch."""
    original, short = getattr(where, kept), []

    def once(self, argument):
        if not short and before == (argument if where is UnpairedBatches else self.step):
            short.append(True)
            raise MemoryError
        return original(self, argument)

    monkeypatch.setattr(where, kept, once)
    run = prepare(TOY, out=tmp_path / "run", device="cpu", workers=2)
    steps = [report.step for report in run.start() if report.losses]
    assert steps == ([1, 2, 3, 3, 4] if before else [1, 2, 3, 4])
    assert run.finished
    assert run.notes == ["There was not enough memory for a step. It is tried once more from the newest checkpoint."]
    one, two = contents(finished[0]), contents(run.out)
    clocked = ("log.jsonl", "report.html", "state.pt", "manifest.json")  # say times, or the same in another order
    assert all(one[name][0] == two[name][0] for name in one if not name.endswith(clocked))
    assert untimed(run.out / "log.jsonl") == untimed(finished[0] / "log.jsonl")


@pytest.mark.fault("R-27")
def test_memory_that_is_short_twice_stops_the_run_and_the_newest_checkpoint_is_kept(tmp_path, monkeypatch):
    step = Training.train_step

    def full(self, batch):
        if self.step == 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        step(self, batch)

    monkeypatch.setattr(Training, "train_step", full)
    with pytest.raises(OutOfMemory, match=r"not enough memory for a step\. Start again with --accumulate 2") as caught:
        list(prepare(TOY, out=tmp_path / "run", device="cpu").start())
    assert caught.value.exit_code == 6
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["00000002"]


def break_steps(monkeypatch, is_broken):
    """Let steps not be finite of whose rate and number that is said; two such steps in a row are too many."""
    step = CycleGAN.step

    def some_broken(self, batch, update, n):
        if not is_broken(update._optimisers["G"].param_groups[0]["lr"], n):
            return step(self, batch, update, n)
        return step(self, batch, lambda **losses: update(**{name: loss * np.nan for name, loss in losses.items()}), n)

    monkeypatch.setattr(CycleGAN, "step", some_broken)
    monkeypatch.setattr("translate.training.loop.PATIENCE", 2)


@pytest.mark.fault("R-22")
def test_a_run_that_recovers_goes_on_with_half_the_rate_also_when_it_was_stopped_since(tmp_path, monkeypatch):
    break_steps(monkeypatch, lambda rate, n: n >= 2 and rate * (n - 1) > 1e-4)  # the last two of four, at full rate
    whole = prepare(TOY, out=tmp_path / "whole", nan_policy="recover", device="cpu")
    list(whole.start())
    assert whole.finished
    rates = {line["step"]: line["learning_rate"] for line in read_log(whole.out / "log.jsonl")}
    assert rates == pytest.approx({1: 2e-4, 2: 2e-4, 3: 2e-4 / 3, 4: 1e-4 / 3})
    (note,) = whole.notes
    assert note.startswith("The losses were not finite in 2 steps in a row, up to step 4. The last good checkpoint is ")
    assert note.endswith(" The run goes on from there with half the learning rate.")
    skipped = read_log(whole.out / "skipped.jsonl")
    assert [(line["step"], line["seed"], [*line["pictures"]]) for line in skipped] == [
        (3, 0, ["horse", "zebra"]),
        (4, 0, ["horse", "zebra"]),
    ]
    stopped = prepare(TOY, out=tmp_path / "stopped", nan_policy="recover", device="cpu")
    for report in stopped.start():
        if report.step == 3 and report.losses:  # the second time
            signal.raise_signal(signal.SIGINT)
    assert (stopped.step, stopped.interrupted) == (3, signal.SIGINT)
    list(prepare(TOY, out=tmp_path / "stopped", nan_policy="recover", device="cpu").start())
    assert untimed(stopped.out / "log.jsonl") == untimed(whole.out / "log.jsonl")
    assert (stopped.out / "model.safetensors").read_bytes() == (whole.out / "model.safetensors").read_bytes()


@pytest.mark.fault("R-22")
def test_a_run_that_recovers_before_its_first_checkpoint_begins_again(tmp_path, monkeypatch):
    break_steps(monkeypatch, lambda rate, n: rate > 1.5e-4)
    run = prepare(TOY, out=tmp_path / "run", nan_policy="recover", device="cpu")
    list(run.start())
    assert run.finished
    (note,) = run.notes
    assert "up to step 2. No checkpoint was written yet." in note
    assert note.endswith(" The run begins again with half the learning rate.")
    rates = {line["step"]: line["learning_rate"] for line in read_log(run.out / "log.jsonl")}
    assert rates == pytest.approx({1: 1e-4, 2: 1e-4, 3: 2e-4 / 3, 4: 1e-4 / 3})


@pytest.mark.fault("R-22")
def test_a_run_that_stopped_may_recover_and_does_so_once(tmp_path, monkeypatch):
    break_steps(monkeypatch, lambda rate, n: n >= 2)
    with pytest.raises(Diverged, match="--nan-policy recover halves it and goes on") as caught:
        list(prepare(TOY, out=tmp_path / "run", device="cpu").start())
    assert caught.value.exit_code == 1
    run = prepare(TOY, out=tmp_path / "run", nan_policy="recover", device="cpu")
    with pytest.raises(Diverged, match="up to step 4"):
        list(run.start())
    assert sum("half the learning rate" in note for note in run.notes) == 1
    assert [path.name for path in (run.out / "checkpoints").iterdir()] == ["00000002"]


@pytest.mark.fault("R-21")
def test_a_clock_that_runs_backwards_changes_nothing(tmp_path, finished, monkeypatch):
    clock = itertools.count(10**9, -1000)
    for name in ("time", "perf_counter", "monotonic"):
        monkeypatch.setattr(f"translate.runs.run.time.{name}", lambda: next(clock))
    first = prepare(TOY, out=tmp_path / "run", device="cpu")
    interrupt(first, 2)
    list(prepare(TOY, out=tmp_path / "run", device="cpu").start())
    assert (first.out / "model.safetensors").read_bytes() == (finished[0] / "model.safetensors").read_bytes()


def test_milestones_are_exports_from_on_the_way(tmp_path, finished):
    run = prepare(TOY, out=tmp_path / "run", words=["training.milestone_every=1"], device="cpu")
    list(run.start())
    places = sorted((run.out / "milestones").iterdir())
    assert [path.name for path in places] == [f"{step:08d}.safetensors" for step in (1, 2, 3)]
    assert [read_about(path).steps for path in places] == [1, 2, 3]
    average = safetensors.torch.load_file(run.out / "checkpoints" / "00000002" / "average.safetensors")
    milestone = safetensors.torch.load_file(places[1])
    assert all(torch.equal(average[name], milestone[name]) for name in average)
    assert Translator.load(places[0], device="cpu").about.size == 32


@pytest.mark.fault("R-20")
def test_a_file_in_the_place_of_the_run_is_refused_before_pictures_are_read(tmp_path, photos):
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(OutputError, match=r"file is a file\. Choose another --out, or move the file") as caught:
            prepare(photos, out=out, words=SMALL, device="cpu")
        assert caught.value.exit_code == 7


@pytest.mark.parametrize(
    ("words", "options", "source"),
    [
        (["method.lambda_idtt=1"], {}, "--set method.lambda_idtt=1"),
        ([], {}, "the file {file}"),
        (["training.seed=4"], {"seed": -1}, "the command's options"),
        (["training.batch=0", "training.batch=-1"], {}, "--set training.batch=-1"),
    ],
)
@pytest.mark.fault("R-49")
def test_a_wrong_setting_is_refused_with_where_it_came_from(tmp_path, photos, words, options, source):
    file = tmp_path / "config.toml"
    file.write_text("[method]\npool = 3\n" if words else "[method.generator]\nwidht = 3\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        prepare(photos, out=tmp_path / "run", config=file, words=words, device="cpu", **options)
    assert str(caught.value).endswith(f" It comes from {source.format(file=file)}.")


@pytest.mark.parametrize(
    "word",
    ["training.epochs=0", "method.optimiser.lr=-1.0", "method.optimiser.beta1=1.0", "method.lambda_cyc=nan",
     "method.lambda_cyc=1e400", "training.average=1.0", "training.batch=0", "data.flip=2.0"],
)  # fmt: skip
@pytest.mark.fault("R-50")
def test_values_out_of_their_range_are_refused_with_the_key(tmp_path, photos, word):
    with pytest.raises(SettingsError) as caught:
        prepare(photos, out=tmp_path / "run", words=[word], device="cpu")
    assert caught.value.exit_code == 2
    assert str(caught.value).startswith(f"The setting {word.partition('=')[0]} is wrong: ")


@pytest.mark.fault("R-35")
def test_a_folder_of_photos_trains_without_scores_and_notes_small_and_broken_pictures(tmp_path, photos):
    here = shutil.copytree(photos, tmp_path / "photos")
    images.write_pixels(np.zeros((20, 50, 3), np.uint8), here / "trainB" / "small.png")
    for index in range(100):
        shutil.copy(here / "trainA" / "0.png", here / "trainA" / f"more-{index}.png")
    (here / "trainA" / "0.png").write_bytes(b"broken")
    run = prepare(here, out=tmp_path / "run", words=SMALL, device="cpu")
    told = []
    for _ in run.start(lambda *words: told.append(words)):
        pass
    assert run.finished
    assert run.about().scores == {}
    assert told[0] == ("A", 1, 103)
    assert told[-1] == ("B", 4, 4)
    assert len(run.notes) == 2
    assert run.notes[0].startswith(f"1 pictures of A cannot be read, as {here / 'trainA' / '0.png'} cannot be decoded")
    assert (tmp_path / "run" / "unreadable.txt").read_text(encoding="utf-8").splitlines() == [
        run.notes[0].removeprefix("1 pictures of A cannot be read, as ").removesuffix(" All are in unreadable.txt.")
    ]
    assert run.notes[1] == "1 pictures of B are smaller than the crop and were enlarged."


@pytest.mark.fault("R-41")
def test_a_domain_with_one_picture_is_refused(tmp_path, photos):
    here = shutil.copytree(photos, tmp_path / "photos")
    for index in (1, 2):
        (here / "trainA" / f"{index}.png").unlink()
    with pytest.raises(DataError, match="Domain A has one picture"):
        prepare(here, out=tmp_path / "run", words=SMALL, device="cpu")


@pytest.mark.fault("R-42")
def test_pictures_that_are_in_both_domains_are_counted(tmp_path, photos):
    here = shutil.copytree(photos, tmp_path / "photos")
    for index in (0, 2):
        shutil.copy(here / "trainA" / f"{index}.png", here / "trainB" / f"other-{index}.png")
    run = prepare(here, out=tmp_path / "run", words=SMALL, device="cpu")
    next(run.start())
    assert run.notes == ["2 pictures are in A and in B, too; `translate data check` says which."]


@pytest.mark.fault("R-35")
def test_too_many_broken_pictures_are_refused_and_nothing_is_written(tmp_path, photos):
    here = shutil.copytree(photos, tmp_path / "photos")
    (here / "trainB" / "1.png").write_bytes(b"broken")
    run = prepare(here, out=tmp_path / "run", words=SMALL, device="cpu")
    with pytest.raises(DataError, match="1 of 3 pictures of domain B cannot be read") as caught:
        list(run.start())
    assert caught.value.exit_code == 4
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be locked there")
@pytest.mark.fault("R-19")
def test_a_second_run_in_a_folder_that_is_trained_in_is_refused(tmp_path, photos):
    first, second = (prepare(photos, out=tmp_path / "run", words=SMALL, device="cpu") for _ in range(2))
    reports = first.start()
    next(reports)
    before = contents(tmp_path / "run")
    who = rf"Process {os.getpid()} on \S+ is training in .*run\. Wait until it has ended"
    with pytest.raises(OutputError, match=who) as caught:
        list(second.start())
    assert caught.value.exit_code == 7
    assert contents(tmp_path / "run") == before
    for _ in reports:
        pass
    assert first.finished
    assert not (tmp_path / "run" / "running").exists()
    list(prepare(photos, out=tmp_path / "run", words=SMALL, device="cpu").start())  # the lock is gone


def test_attributes_are_learned_from_a_list_and_changed_by_name(tmp_path):
    random = np.random.default_rng(0)
    lines = ["12", "Hat Black_Hair Blond_Hair"]
    for n in range(12):
        images.write_pixels(random.integers(0, 256, (40, 40, 3), np.uint8), tmp_path / "faces" / "images" / f"{n}.png")
        lines.append(f"{n}.png {1 if n % 2 else -1} {1 if n % 3 else -1} {-1 if n % 3 else 1}")
    (tmp_path / "faces" / "list_attr_celeba.txt").write_text("\n".join(lines))
    words = ["generator={width = 2, blocks = 1}", "discriminator={width = 2, layers = 4}", "g_every=1"]
    run = prepare(
        tmp_path / "faces", method="stargan", size=32, batch=4, steps=2, out=tmp_path / "run", device="cpu",
        words=[*(f"method.{word}" for word in words), 'data.attributes=["Blond_Hair", "Hat", "Black_Hair"]'],
    )  # fmt: skip
    list(run.start())
    assert run.finished
    grid = images.read(sorted((tmp_path / "run" / "samples").glob("*.png"))[-1]).rgb
    assert grid.shape[1] > 5 * 32  # the input, three attributes on and one off
    translator = Translator.load(tmp_path / "run", device="cpu")
    assert translator.about.attributes
    assert translator.about.domains == ["Blond_Hair", "Hat", "Black_Hair"]
    picture = random.integers(0, 256, (50, 70, 3), np.uint8)
    assert translator(picture, to="Hat=0,Blond_Hair=1").shape == picture.shape
    with pytest.raises(SettingsError, match="changes the attributes Blond_Hair, Hat, Black_Hair; say how"):
        translator(picture)
    with pytest.raises(SettingsError, match="no attribute 'Scarf'"):
        translator(picture, to="Scarf=1")


def test_only_stargan_learns_attributes(tmp_path):
    for n in range(2):
        images.write_pixels(np.zeros((40, 40, 3), np.uint8), tmp_path / "images" / f"{n}.png")
    (tmp_path / "list_attr_celeba.txt").write_text("2\nHat\n0.png 1\n1.png -1\n")
    with pytest.raises(DataError, match=r"these pictures have attributes\. Use --method stargan"):
        prepare(tmp_path, out=tmp_path / "run")


def test_a_run_of_a_given_time_counts_its_steps_once(tmp_path, photos, monkeypatch):
    clock = itertools.count(step=0.125)  # each look at the clock is an eighth of a second later
    monkeypatch.setattr("translate.runs.cost_estimate.time.perf_counter", lambda: next(clock))
    monkeypatch.setattr("translate.runs.fitting.STEPS", 1)

    def made(seconds):
        words = [word for word in SMALL if "steps" not in word]
        return prepare(photos, out=tmp_path / "run", words=words, seconds=seconds, device="cpu")

    first = made(0.5)
    assert first.recipe.training.steps == 3  # 0.9 * 0.5 s at an eighth of a second each
    assert not first.out.exists()
    list(first.start())
    monkeypatch.setattr(importlib.import_module("translate.runs.prepare"), "steps_within", lambda *_: 1 / 0)
    assert made(0.5).finished
    with pytest.raises(SettingsError, match=r"training\.seconds was 0\.5, now 0\.75"):
        made(0.75)


def test_only_one_length_is_given(tmp_path, photos):
    with pytest.raises(SettingsError, match="one of --steps, --epochs and --time"):
        prepare(photos, out=tmp_path / "run", steps=2, seconds=10.0)


def test_what_labels_there_are_is_said_by_the_dataset(tmp_path, photos):
    words = ["method.labels=attributes", "method.discriminator.layers=4"]
    run = prepare(photos, method="stargan", size=32, batch=2, out=tmp_path / "run", words=words)
    assert run.recipe.method.labels == "domains"


def test_a_run_that_inverts_says_so_once_and_after_a_break_too_it_was_said(tmp_path, monkeypatch):
    """Staged: translations are the inverted inputs from the first step on."""
    monkeypatch.setattr(alarms, "EARLIEST", 0)
    monkeypatch.setattr(CycleGAN, "translate", lambda method, x, target: -x)
    words = ["training.steps=6", "training.log_every=1"]
    place = tmp_path / "datasets"
    place.mkdir()
    (place / f"{TOY}.toml").write_text(CARD.replace("test = 3", "test = 8"), encoding="utf-8")
    monkeypatch.setattr(cards, "shelf", lambda kind: place)
    first = prepare(TOY, out=tmp_path / "run", words=words, device="cpu")
    interrupt(first, after=3)
    assert [note.split(":")[0] for note in first.notes] == ["Alarm at step 2"]
    assert "dark becomes bright" in first.notes[0]
    second = prepare(TOY, out=tmp_path / "run", words=words, device="cpu")
    list(second.start())
    assert second.notes == []
    assert [line["name"] for line in read_log(tmp_path / "run" / "alarms.jsonl")] == ["inverted"]
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Step 2: From horse to zebra dark becomes bright" in page
    assert "Finished: all 6 steps" in page
    assert "stripe score" in page
    assert page.count("data-step=") == len(list((tmp_path / "run" / "samples").iterdir()))


@pytest.mark.fault("R-48")
def test_a_run_without_the_backend_of_tensorboard_goes_on(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    run = prepare(TOY, out=tmp_path / "run", device="cpu", tensorboard=True)
    list(run.start())
    assert run.finished
    assert [note for note in run.notes if "TensorBoard is not installed" in note] == run.notes
