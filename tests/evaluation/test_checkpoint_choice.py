"""`evaluate_every_checkpoint`: the best of a run by KID, chosen on some pictures and measured on others."""

import shutil
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from translate import images
from translate.data.folders import fingerprints, halves, scan
from translate.data.layouts import open_folder
from translate.errors import DataError, SettingsError, WeightsError
from translate.evaluation import checkpoint_choice
from translate.evaluation.checkpoint_choice import DRAWN, HALF, HELD_OUT, evaluate_every_checkpoint
from translate.methods.cyclegan import Settings
from translate.models.about import About
from translate.models.exports import write_export
from translate.networks.discriminators import PatchGAN
from translate.networks.resnet import Resnet
from translate.toys.catalogue import draw

pytestmark = pytest.mark.usefixtures("quick_features")

TINY = Settings(generator=Resnet(width=2, blocks=0), discriminator=PatchGAN(width=2, layers=1), init_gain=0.5)
ABOUT = About(method=TINY.model_dump(), domains=["horse", "zebra"], target="zebra", size=32, steps=300, planned=300)


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run", ABOUT)


def write_run(place, about):
    torch.manual_seed(0)
    networks = nn.ModuleList(TINY.build(ABOUT.domains, ABOUT.size).averaged())
    for step in (100, 200):
        write_export(
            place / "milestones" / f"{step:08d}.safetensors", networks, about.model_copy(update={"steps": step})
        )
    write_export(place / "model.safetensors", networks, about)
    return place


def drawn_folder(root, count=11, rename=str):
    """Draw horses as the pictures of both domains, so that the best translation is none."""
    for letter, split in (("A", "train"), ("B", "test")):
        drawn = draw("toy-horse2zebra", "horse", split, count, 32)
        for index in range(count):
            images.write_pixels(drawn[index], root / f"test{letter}" / f"{rename(index)}.png")
        images.write_pixels(drawn[0], root / f"train{letter}" / "0.png")
    return root


class Loaded:
    """In place of a translator: those of other steps than 200 show it."""

    loads: ClassVar[list[str]] = []

    @classmethod
    def load(cls, path, *_):
        cls.loads.append(path.name)
        return lambda picture, _: picture if "200" in path.name else 255 - picture


@pytest.fixture
def loads(monkeypatch):
    Loaded.loads = []
    monkeypatch.setattr(checkpoint_choice, "Translator", Loaded)
    return Loaded.loads


def test_the_checkpoint_with_the_lowest_kid_is_measured_once_on_the_other_half(run, tmp_path, loads):
    choice = evaluate_every_checkpoint(run, drawn_folder(tmp_path / "horses"), device="cpu")
    assert loads == ["00000100.safetensors", "00000200.safetensors", "model.safetensors"]
    assert [(found.step, found.final) for found in choice.candidates] == [(100, False), (200, False), (300, True)]
    assert choice.chosen == 200
    assert choice.candidates[1].kid.value < choice.candidates[0].kid.low
    assert (choice.count, choice.against, choice.pictures) == (6, 6, HALF)
    (kid,) = [figure for figure in choice.measured.figures if figure.name == "KID"]
    assert (kid.count, kid.against) == (5, 5)


@pytest.fixture
def held(tmp_path, loads):
    """A run that held pictures out, and its dataset: horses to train on, and others to test on."""
    root = drawn_folder(tmp_path / "horses")
    for letter, split in (("A", "train"), ("B", "test")):
        drawn = draw("toy-horse2zebra", "horse", split, 18, 32)
        for index in range(11, 18):
            images.write_pixels(drawn[index], root / f"train{letter}" / drawn.name(index))
    found = fingerprints(open_folder(root).holding_out(5).held_out)
    held_out = {"horse": found["A"], "zebra": found["B"]}
    return write_run(tmp_path / "run", ABOUT.model_copy(
        update={"recipe": {"data": {"held_out": 5}}, "held_out": held_out})), root  # fmt: skip


def test_where_pictures_were_held_out_they_choose_and_all_test_pictures_are_measured(held):
    choice = evaluate_every_checkpoint(*held, device="cpu")
    assert (choice.chosen, choice.count, choice.against, choice.pictures) == (200, 5, 5, HELD_OUT)
    found = {figure.name: figure for figure in choice.measured.figures}
    assert (found["KID"].count, found["KID"].against) == (11, 11)
    assert found["distance to training"].against == 8 - 5


def test_held_out_pictures_that_are_not_there_as_they_were_are_refused(held, loads):
    run, root = held
    images.write_pixels(np.zeros((32, 32, 3), np.uint8), root / "trainA" / "another.png")
    choice = evaluate_every_checkpoint(run, root, device="cpu")  # it is none of these
    assert choice.pictures == HELD_OUT
    files = open_folder(root).holding_out(5).held_out["A"]
    loads.clear()
    images.write_pixels(np.zeros((40, 40, 3), np.uint8), files.paths[0])
    with pytest.raises(
        DataError, match=r"pictures that the run of this model held out are not in horses .* as they were"
    ):
        evaluate_every_checkpoint(run, root, device="cpu")
    for path in files.paths:
        path.unlink()
    with pytest.raises(DataError, match=r"held out are not in horses .* as they were"):
        evaluate_every_checkpoint(run, root, device="cpu")
    assert not loads


def test_names_and_order_of_files_change_nothing(run, tmp_path, loads):
    first = evaluate_every_checkpoint(run, drawn_folder(tmp_path / "1" / "horses"), device="cpu")
    second = evaluate_every_checkpoint(
        run, drawn_folder(tmp_path / "2" / "horses", rename=lambda i: 7 * i % 11), device="cpu"
    )
    assert first == second


def test_halves_share_no_picture(tmp_path):
    folder = drawn_folder(tmp_path) / "testA"
    shutil.copy(folder / "3.png", folder / "copy.png")
    (folder / "broken.png").write_bytes(b"")
    first, second = halves(scan(folder))
    shown = [{images.read(path).rgb.tobytes() for path in half.paths if path.stem != "broken"}
             for half in (first, second)]  # fmt: skip
    assert not shown[0] & shown[1]
    assert (len(shown[0]), len(shown[1]), len(first) + len(second)) == (6, 5, 13)
    assert second.paths[-1].stem == "broken"


def test_drawn_pictures_are_drawn_again_to_choose_on():
    drawn = draw("toy-horse2zebra", "horse", "test", 2, 32)
    chosen_on, measured_on = checkpoint_choice._parted({"horse": drawn})
    assert measured_on["horse"] is drawn
    assert not np.array_equal(chosen_on["horse"][0], drawn[0])
    assert "another seed" in DRAWN


def test_what_cannot_be_chosen_from_is_refused(run, tmp_path, loads):
    with pytest.raises(DataError, match="at least 4 pictures in each set; found 3 and 3"):
        evaluate_every_checkpoint(run, drawn_folder(tmp_path / "few", 7), device="cpu")
    assert not loads
    shutil.rmtree(run / "milestones")
    with pytest.raises(WeightsError, match=r"holds no milestones"):
        evaluate_every_checkpoint(run, tmp_path / "few", device="cpu")


def test_a_model_that_changes_attributes_is_refused(run, tmp_path):
    about = ABOUT.model_copy(update={"attributes": True})
    write_export(run / "model.safetensors", nn.ModuleList(TINY.build(ABOUT.domains, 32).averaged()), about)
    with pytest.raises(SettingsError, match="has no KID to choose by"):
        evaluate_every_checkpoint(run, tmp_path, device="cpu")
