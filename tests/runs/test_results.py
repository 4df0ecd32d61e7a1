"""What a run leaves to look at and to use."""

import json

import numpy as np
import pytest
import safetensors.torch
import torch

from translate import images
from translate.errors import SettingsError
from translate.inference.translator import Translator
from translate.models.exports import read_about
from translate.runs import prepare

TOY = "toy-horse2zebra"
pytestmark = pytest.mark.usefixtures("shelf")


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
