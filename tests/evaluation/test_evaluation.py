"""`evaluate`: what it measures on folders, and that names, order and format of files change nothing."""

import shutil
import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from translate import cards, images
from translate.data.celeba import write_list
from translate.data.folders import Dataset, fingerprints
from translate.data.layouts import open_folder
from translate.errors import DataError, SettingsError
from translate.evaluation.evaluation import evaluate
from translate.evaluation.pictures import open_data
from translate.evaluation.thumbnails import SHOWN
from translate.inference.translator import Translator
from translate.methods import cut, stargan
from translate.methods.cyclegan import Settings
from translate.models.about import About
from translate.models.exports import write_export
from translate.networks.discriminators import Critic, PatchGAN
from translate.networks.label_resnet import LabelResnet
from translate.networks.resnet import Resnet
from translate.targets import Attributes
from translate.toys.catalogue import TOYS, draw, open_drawn
from translate.toys.drawn import Drawn

pytestmark = pytest.mark.usefixtures("quick_features")

TINY = Settings(generator=Resnet(width=2, blocks=0), discriminator=PatchGAN(width=2, layers=1), init_gain=0.5)
ABOUT = About(method=TINY.model_dump(), domains=["horse", "zebra"], target="zebra", size=32, steps=1, planned=1)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.manual_seed(0)
    method = TINY.build(ABOUT.domains, ABOUT.size)
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    write_export(path, nn.ModuleList(method.averaged()), ABOUT)
    return path


def drawn_folder(root, suffix=".png", rename=lambda index: f"{index:03d}", masks=True):
    for letter, domain in (("A", "horse"), ("B", "zebra")):
        for split, count in (("train", 3), ("test", 9 if letter == "A" else 10)):
            drawn = draw("toy-horse2zebra", domain, split, count, 32)
            for index in range(count):
                sample, place = drawn.sample(index), f"{split}{letter}/{rename(index)}"
                images.write_pixels(sample.image, root / f"{place}{suffix}")
                if masks:
                    mask = np.repeat(np.rint(sample.mask * 255).astype(np.uint8)[..., None], 3, axis=2)
                    images.write_pixels(mask, root / "masks" / f"{place}{suffix}")
    return root


@pytest.fixture(scope="module")
def horses(tmp_path_factory):
    return drawn_folder(tmp_path_factory.mktemp("data") / "horses")


def figures(result):
    return {figure.name: figure for figure in result.figures}


def test_every_figure_says_what_it_was_made_of(model, horses):
    result = evaluate(model, horses, device="cpu")
    found = figures(result)
    assert {"FID", "KID", "KID in subsets", "KID of inputs", "KID between halves of the real", "diversity",
            "SSIM to input", "PSNR to input", "change of input", "cycle error", "structure distance",
            "background error", "cycle error of the target", "dots per megapixel",
            "dots per megapixel of inputs"} <= found.keys()  # fmt: skip
    assert "LPIPS" not in found  # there is no head
    assert (found["KID"].count, found["KID"].against, found["KID"].features) == (9, 10, "random")
    assert "biased estimate at 9 and 10" in found["FID"].remark
    assert found["KID"].low < found["KID"].value < found["KID"].high
    assert (result.protocol, result.seed, result.split, result.to) == ("cut", 0, "test", "zebra")
    assert [what.split(":")[0] for what in result.missing] == [
        "What needs features that know objects",
        "FID and KID with the features of published tables",
        "LPIPS",
    ]


def test_names_order_and_lossless_format_change_nothing(model, horses, tmp_path):
    other = drawn_folder(tmp_path / "horses", ".tif", lambda index: f"{(7 * index) % 11:03d}")
    assert evaluate(model, other, device="cpu") == evaluate(model, horses, device="cpu")


def test_the_other_direction_and_training_reals(model, horses):
    result = evaluate(model, horses, "horse", protocol="train+test", device="cpu")
    assert (figures(result)["KID"].count, figures(result)["KID"].against) == (10, 9 + 3)


def test_translations_are_held_against_training_pictures(model, horses, tmp_path):
    """A training picture that is a translation is found, and shown first."""
    other = tmp_path / "horses"
    shutil.copytree(horses, other)
    source = images.read(horses / "testA" / "004.png").rgb
    images.write_pixels(Translator.load(model, "cpu")(source, "zebra"), other / "trainB" / "copy.png")
    before, after = (evaluate(model, place, device="cpu") for place in (horses, other))
    assert figures(after)["distance to training"].value < figures(before)["distance to training"].value
    assert figures(after)["distance to training"].against == 4
    assert figures(after)["distance to training of the real"].count == 10
    first = after.neighbours[0]
    assert first.words == "004.png, 0 from copy.png"
    np.testing.assert_array_equal(images.read(first.pictures[0]).rgb, source)
    assert first.pictures[1] == first.pictures[2]


def test_samples_show_there_and_back(model, horses):
    translator = Translator.load(model, "cpu")
    samples = evaluate(model, horses, device="cpu").samples
    assert len(samples) == SHOWN
    for sample in samples:
        source, translated, back = (images.read(picture).rgb for picture in sample.pictures)
        np.testing.assert_array_equal(translated, translator(source, "zebra"))
        np.testing.assert_array_equal(back, translator(translated, "horse"))


def test_pictures_of_different_sizes_are_named(model, horses, tmp_path):
    other = tmp_path / "horses"
    shutil.copytree(horses, other)
    images.write_pixels(draw("toy-horse2zebra", "horse", "test", 1, 40)[0], other / "testA" / "large.png")
    (note,) = evaluate(model, other, device="cpu").notes
    assert "2 different sizes" in note


def test_a_drawn_dataset_is_scored_by_rule_as_well(model, monkeypatch):
    def few(card, size, *more):
        assert size == 32
        return open_drawn(card.model_copy(update={"train": 2, "test": 6}), size, *more)

    monkeypatch.setattr("translate.evaluation.pictures.open_drawn", few)
    monkeypatch.setattr("translate.evaluation.evaluation.drawn_scores", lambda *_: {"stripe score": 0.5})
    found = figures(evaluate(model, "toy-horse2zebra", size=32, device="cpu"))
    assert found["stripe score"].value == 0.5
    assert {"KID", "background error"} <= found.keys()


def test_an_empty_test_folder_is_refused_and_training_pictures_only_taken_when_asked(model, horses, tmp_path):
    other = tmp_path / "horses"
    shutil.copytree(horses, other)
    shutil.rmtree(other / "testB")
    with pytest.raises(DataError, match=r"no test pictures of zebra.*--split train"):
        evaluate(model, other, device="cpu")
    for index in range(3, 6):
        shutil.copy(horses / "testB" / f"{index:03d}.png", other / "trainB" / f"{index:03d}.png")
        shutil.copy(horses / "testA" / f"{index:03d}.png", other / "trainA" / f"{index:03d}.png")
    result = evaluate(model, other, split="train", device="cpu")
    assert result.split == "train"
    assert "distance to training of the real" not in figures(result)  # they are the training pictures


def test_held_out_pictures_take_the_place_of_missing_test_pictures_only_when_asked(model, horses, tmp_path):
    other = tmp_path / "horses"
    for letter in "AB":
        shutil.copytree(horses / f"test{letter}", other / f"train{letter}")
    held_out = fingerprints(open_folder(other).holding_out(4).held_out)
    about = ABOUT.model_copy(update={
        "recipe": {"data": {"held_out": 4}}, "held_out": {"horse": held_out["A"], "zebra": held_out["B"]},
    })  # fmt: skip
    networks = nn.ModuleList(TINY.build(ABOUT.domains, ABOUT.size).averaged())
    write_export(tmp_path / "model.safetensors", networks, about)
    with pytest.raises(DataError, match=r"no test pictures of horse\..* with --split held-out, or .*--split train"):
        evaluate(tmp_path / "model.safetensors", other, device="cpu")
    result = evaluate(tmp_path / "model.safetensors", other, split="held-out", device="cpu")
    found = figures(result)
    assert (found["KID"].count, found["KID"].against, result.split) == (4, 4, "held-out")
    assert found["distance to training"].against == 10 - 4
    assert found["distance to training of the real"].value > 0  # they are not among the training pictures
    (other / "trainA" / "more.png").write_bytes((horses / "trainA" / "000.png").read_bytes())
    for path in open_folder(other).holding_out(4).held_out["A"].paths:
        images.write_pixels(np.zeros((40, 40, 3), np.uint8), path)  # now these are not the pictures of the run
    result = evaluate(tmp_path / "model.safetensors", other, split="train", device="cpu")
    assert (figures(result)["KID"].count, figures(result)["KID"].against) == (10, 10)
    with pytest.raises(DataError, match=r"held no pictures out of training, as one with --set data\.held_out=100"):
        evaluate(model, other, split="held-out", device="cpu")


def test_a_model_whose_run_held_pictures_out_is_measured_on_drawn_pictures_as_well():
    drawn = open_drawn(cards.dataset("toy-horse2zebra").model_copy(update={"train": 4, "test": 6}), 32)
    about = ABOUT.model_copy(update={"recipe": {"data": {"held_out": 4}}, "held_out": {"horse": "1", "zebra": "2"}})
    assert not open_data(drawn, about).held_out


def test_a_model_of_one_direction_is_measured_without_cycles_and_scored_by_rule(tmp_path):
    settings = cut.Settings.parse({
        "generator": {"kind": "skip-resnet", "width": 2, "blocks": 1}, "taps": ["block1"],
        "discriminator": {"width": 2, "layers": 1},
    })  # fmt: skip
    domains = ("horse", "zebra")
    about = ABOUT.model_copy(update={"method": settings.model_dump(), "only": "zebra"})
    write_export(tmp_path / "model.safetensors", nn.ModuleList(settings.build(domains, 32).averaged()), about)
    dataset = open_drawn(cards.dataset("toy-horse2zebra").model_copy(update={"train": 4, "test": 5}), 32)
    result = evaluate(tmp_path / "model.safetensors", dataset, device="cpu")
    found = figures(result)
    assert found["KID"].count == 5
    assert found["background error"].value == pytest.approx(0, abs=0.01)  # it starts as the identity
    assert not {"cycle error", "cycle error of the target"} & found.keys()
    assert any("one direction" in missing for missing in result.missing)
    assert {len(sample.pictures) for sample in result.samples} == {2}
    assert "stripe score" in found


def test_too_few_pictures_are_refused_with_the_minimum(model, horses, tmp_path):
    other = tmp_path / "horses"
    shutil.copytree(horses, other)
    for path in sorted((other / "testA").iterdir())[3:]:
        path.unlink()
    with pytest.raises(DataError, match=r"at least 4 pictures in each set; found 3 and 10\. .* bias"):
        evaluate(model, other, device="cpu")


def test_too_few_pictures_that_can_be_read_are_refused(model, horses):
    with pytest.raises(DataError, match="at least 4 pictures in each set; found 0 and 0"):
        evaluate(model, horses, max_pixels=100, device="cpu")


def test_too_few_pictures_are_refused_before_anything_is_translated(model, horses, tmp_path, monkeypatch):
    shutil.copytree(horses, tmp_path / "horses")
    for path in sorted((tmp_path / "horses" / "testB").iterdir())[3:]:
        path.unlink()
    monkeypatch.setattr("translate.evaluation.evaluator.Translator.__call__", lambda *_: pytest.fail("too late"))
    with pytest.raises(DataError, match="at least 4 pictures in each set; found 9 and 3"):
        evaluate(model, tmp_path / "horses", device="cpu")


def test_what_cannot_be_measured_on_a_picture_is_left_out_with_a_reason(model, horses, tmp_path):
    other = tmp_path / "horses"
    shutil.copytree(horses, other)
    images.write_pixels(np.zeros((10, 40, 3), np.uint8), other / "testA" / "flat.png")
    images.write_pixels(np.full((32, 32, 3), 255, np.uint8), other / "masks" / "testA" / "000.png")
    images.write_pixels(np.zeros((16, 16, 3), np.uint8), other / "masks" / "testA" / "001.png")
    result = evaluate(model, other, device="cpu")
    assert (figures(result)["SSIM to input"].count, figures(result)["background error"].count) == (9, 7)
    assert result.notes[1:] == [
        "Left out of SSIM, whose window has 11 pixels: smaller pictures, 1.",
        "Left out of background error: masks of another size than their picture, 1.",
        "Left out of background error: masks that cover the whole picture, 1.",
    ]


def test_pictures_are_not_kept(model, monkeypatch):
    """Of each only its features and some numbers are: for 50,000 pictures these are what is held."""

    @dataclass(frozen=True)
    class Large(Drawn):
        def __getitem__(self, index):
            return np.random.default_rng([index, len(self.domain)]).integers(0, 256, (256, 256, 3), np.uint8)

    def large(split, count):
        painters = TOYS["toy-horse2zebra"].painters
        return {domain: Large("many", domain, split, painter, count, 256) for domain, painter in painters.items()}

    def peak(count):
        dataset = Dataset("many", large("train", count), large("test", count), "zebra")
        tracemalloc.start()
        evaluate(model, dataset, device="cpu")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    monkeypatch.setattr("translate.evaluation.evaluation.Drawn", type(None))  # they are not scored by rule
    monkeypatch.setattr("translate.evaluation.evaluator.SUBSETS", 2)
    monkeypatch.setattr("translate.evaluation.evaluator._mask", lambda *_: None)
    monkeypatch.setattr("translate.inference.translator.Translator.__call__", lambda self, picture, _: picture)
    few, many = peak(8), peak(24)
    assert many - few < 16 * 256 * 256 * 3 / 2  # half of what the further inputs alone would take


ATTRIBUTES = ["black_hair", "blond_hair", "smile"]


@pytest.fixture(scope="module")
def changer(tmp_path_factory):
    """A StarGAN of attributes."""
    small = {"generator": LabelResnet(width=2, blocks=0), "discriminator": Critic(width=2, layers=2)}
    settings = stargan.Settings(**small).for_targets(Attributes(()))
    about = ABOUT.model_copy(
        update={"method": settings.model_dump(), "domains": ATTRIBUTES, "attributes": True, "target": ""}
    )
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("changer") / "model.safetensors"
    write_export(path, nn.ModuleList(settings.build(ATTRIBUTES, 32).averaged()), about)
    return path


def test_a_model_of_attributes_is_measured_on_a_list_of_them(changer, horses, tmp_path, monkeypatch):
    monkeypatch.setenv("TRANSLATE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("translate.metrics.classifier.STEPS", 2)
    drawn = draw("toy-faces", "face", "train", 40, 32)
    has = {}
    for index in range(len(drawn)):
        images.write_pixels(drawn[index], tmp_path / "faces/images" / drawn.name(index))
        has[drawn.name(index)] = drawn.attributes(index)
    write_list(tmp_path / "faces/list_attr_celeba.txt", has)
    result = evaluate(changer, tmp_path / "faces", device="cpu")
    found = figures(result)
    assert {"seen as asked", "attributes kept", "seen rightly", "change of input", "cycle error"} <= found.keys()
    assert found["seen rightly"].count == 4
    assert (result.to, len(result.samples)) == ("all attributes", SHOWN)
    one = evaluate(changer, tmp_path / "faces", "smile=0", device="cpu")
    smiling = sum(had["smile"] for name, had in has.items() if (tmp_path / "faces/images" / name) in
                  open_folder(tmp_path / "faces").test["images"].paths)  # fmt: skip
    assert figures(one)["seen as asked"].count == smiling
    with pytest.raises(SettingsError, match=r"changes the attributes black_hair, .*; .*horses has no list of them"):
        evaluate(changer, horses, device="cpu")


def test_domains_that_the_model_does_not_know_are_refused(model, horses, tmp_path):
    with pytest.raises(SettingsError, match=r"The model has no domain 'zebras'\. Did you mean zebra"):
        evaluate(model, horses, "zebras", device="cpu")
    for name in ("cat", "dog"):
        shutil.copytree(horses / "testA", tmp_path / "pets" / name)
    with pytest.raises(SettingsError, match="The model knows the domains horse, zebra; pets has cat, dog"):
        evaluate(model, tmp_path / "pets", device="cpu")


@pytest.mark.fault("F-6", "F-12")
def test_pictures_are_read_as_the_run_of_the_model_read_them(tmp_path):
    for letter in "AB":
        stored = images.Picture(np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9), np.uint8), "PNG")
        images.write(stored, tmp_path / f"train{letter}" / "1.png")
    trained = ABOUT.model_copy(update={"recipe": {"data": {"background": "red", "max_pixels": 81}}})
    for about, colour in ((ABOUT, [255, 255, 255]), (trained, [255, 0, 0])):
        assert open_data(tmp_path, about).train["horse"][0][0, 0].tolist() == colour
    with pytest.raises(DataError, match="limit 80; a larger --max-pixels reads it"):
        open_data(tmp_path, trained, max_pixels=80).train["zebra"][0]


@pytest.mark.fault("F-22")
def test_test_pictures_alone_are_measured(model, horses, tmp_path):
    for part in ("testA", "testB", "masks"):
        shutil.copytree(horses / part, tmp_path / "horses" / part)
    whole, alone = evaluate(model, horses, device="cpu"), evaluate(model, tmp_path / "horses", device="cpu")
    kept = [figure for figure in whole.figures if not figure.name.startswith("distance to training")]
    assert alone.figures == kept
    assert len(kept) == len(whole.figures) - 2
    assert "Distance to training: no training picture of the target can be read here." in alone.missing
    with pytest.raises(DataError, match="no training pictures of zebra, which the protocol train"):
        evaluate(model, tmp_path / "horses", device="cpu", protocol="train+test")
    for letter, domain in (("A", "horse"), ("B", "zebra")):
        shutil.copytree(horses / f"test{letter}", tmp_path / "named" / "test" / domain)
    assert {domain: len(files) for domain, files in open_data(tmp_path / "named", ABOUT).test.items()} == {
        "horse": 9, "zebra": 10
    }  # fmt: skip
    with pytest.raises(DataError, match="is not a dataset with two or more domains"):
        open_folder(tmp_path / "named")  # to train on


@pytest.mark.fault("F-22")
def test_subsets_that_are_the_whole_set_are_no_subsets(model, horses, tmp_path):
    shutil.copytree(horses, tmp_path / "few")
    for path in sorted((tmp_path / "few").glob("test*/*.png")):
        if int(path.stem) >= 6:
            path.unlink()
    result = evaluate(model, tmp_path / "few", device="cpu")
    assert "KID in subsets" not in figures(result)
    assert "KID in subsets: these need 8 pictures of each set; found 6." in result.missing
    assert "subsets of 4, standard deviation" in figures(evaluate(model, horses, device="cpu"))["KID in subsets"].remark
