"""`compare`: the same pictures through every model, and models that do not go together refused."""

import base64
import re
import shutil

import numpy as np
import pytest
import torch
from torch import nn

from translate import Translator, images
from translate.data.celeba import write_list
from translate.data.layouts import open_folder
from translate.errors import DataError, OutputError, SettingsError
from translate.evaluation import comparison
from translate.evaluation.comparison import compare
from translate.evaluation.pictures import open_data
from translate.evaluation.thumbnails import LARGEST
from translate.methods import stargan
from translate.methods.cyclegan import Settings
from translate.metrics.results import Evaluation
from translate.models.about import About
from translate.models.exports import read_about, write_export
from translate.networks.discriminators import Critic, PatchGAN
from translate.networks.label_resnet import LabelResnet
from translate.networks.resnet import Resnet
from translate.targets import Attributes
from translate.toys.catalogue import draw

FACES = stargan.Settings(generator=LabelResnet(width=2, blocks=0), discriminator=Critic(width=2, layers=2))
TINY = Settings(generator=Resnet(width=2, blocks=0), discriminator=PatchGAN(width=2, layers=1), init_gain=0.5)
ABOUT = About(method=TINY.model_dump(), domains=["horse", "zebra"], target="zebra", size=32, steps=1, planned=1)


def export(path, seed, settings=TINY, **changes):
    torch.manual_seed(seed)
    about = ABOUT.model_copy(update={"method": settings.model_dump(), **changes})
    write_export(path, nn.ModuleList(settings.build(about.domains, about.size).averaged()), about)
    return path


@pytest.fixture
def models(tmp_path):
    return [export(tmp_path / f"{seed}.safetensors", seed) for seed in (1, 2)]


@pytest.fixture
def horses(tmp_path):
    for letter, domain in (("A", "horse"), ("B", "zebra")):
        for split in ("train", "test"):
            drawn = draw("toy-horse2zebra", domain, split, 3, 32)
            for index in range(3):
                images.write_pixels(drawn[index], tmp_path / "horses" / f"{split}{letter}" / drawn.name(index))
    return tmp_path / "horses"


@pytest.fixture(autouse=True)
def evaluations(monkeypatch):
    """Do not measure, only note what would be."""
    seen = []

    def evaluate(model, data, to, **options):
        seen.append((model, data.name, to, options.get("seed")))
        result = Evaluation("", data.name, to, "test", "cut", 0)
        if to == "red_hair=1":
            result.add("seen as red_hair=1", 0.25 * len(seen), 3, remark="by a classifier")
            result.add("seen rightly", 0.875, 3)
        else:
            result.add("KID", 0.25 * len(seen), 3, 3, "random")
            result.add("KID of inputs", 0.125, 3, 3, "random")
            result.add("taken for zebra of the real", 0.75, 3)
        return result

    monkeypatch.setattr(comparison, "evaluate", evaluate)
    return seen


def shown(page):
    found = re.findall(r"data:image/png;base64,([^\"]+)", page.read_text(encoding="utf-8"))
    return [images.read(base64.b64decode(text)).rgb for text in found]


def test_the_page_shows_what_each_model_makes_of_the_same_pictures(models, horses, tmp_path, evaluations):
    page = compare(models, tmp_path / "page.html", horses, pictures=2, seed=5, device="cpu")
    assert evaluations == [(model, "horses (A = horse, B = zebra)", "zebra", 5) for model in models]
    found = shown(page)
    assert len(found) == 2 * 3
    source = images.read(horses / "testA" / "00000.png").rgb
    np.testing.assert_array_equal(found[0], source)
    for picture, model in zip(found[1:3], models, strict=True):
        np.testing.assert_array_equal(picture, Translator.load(model, "cpu")(source, "zebra"))
    text = page.read_text(encoding="utf-8")
    assert "<td>0.25</td><td>0.5</td>" in text
    assert "Scores: 3 translations against 3 pictures, protocol cut, features random, seed 5;" in text
    assert "KID of inputs 0.125; taken for zebra of the real 0.75." in text


@pytest.fixture
def faces(tmp_path):
    """A list of 40 drawn faces with their attributes."""
    drawn = draw("toy-faces", "face", "train", 40, 32)
    has = {drawn.name(index): drawn.attributes(index) for index in range(len(drawn))}
    for index, name in enumerate(has):
        images.write_pixels(drawn[index], tmp_path / "faces/images" / name)
    write_list(tmp_path / "faces/list_attr_celeba.txt", has)
    return tmp_path / "faces"


def changer(path, seed, attributes=("smile", "red_hair")):
    settings = FACES.for_targets(Attributes(()))
    return export(path, seed, settings, domains=list(attributes), attributes=True, target="")


def test_models_of_attributes_are_shown_what_lacks_the_wanted_ones(faces, tmp_path, evaluations):
    models = changer(tmp_path / "1.safetensors", 1), changer(tmp_path / "2.safetensors", 2)
    page = compare(models, tmp_path / "page.html", faces, "red_hair=1", pictures=9, device="cpu")
    assert evaluations == [(model, "faces", "red_hair=1", None) for model in models]
    dataset = open_folder(faces, attributes=["red_hair"])
    (test,) = dataset.test.values()
    lacking = [test[index] for index in range(len(test)) if not dataset.labels("images", "test")[index, 0]]
    found = shown(page)
    assert 0 < len(lacking) < len(test)
    assert len(found) == 3 * len(lacking)
    for source, picture in zip(found[::3], lacking, strict=True):
        np.testing.assert_array_equal(source, picture)
    np.testing.assert_array_equal(found[2], Translator.load(models[1], "cpu")(lacking[0], "red_hair=1"))
    text = page.read_text(encoding="utf-8")
    assert "<td>0.25</td><td>0.5</td>" in text
    assert "Scores: 3 translations by a classifier, seed 0; in brackets 95 % intervals. seen rightly 0.875." in text


def test_models_of_attributes_that_cannot_be_compared_are_refused(models, faces, tmp_path):
    one, two = changer(tmp_path / "one.safetensors", 1), changer(tmp_path / "two.safetensors", 2)
    others = [("smile", "blond_hair"), ("red_hair", "smile")]
    for other in (models[0], *(changer(tmp_path / f"{names[0]}.safetensors", 3, names) for names in others)):
        with pytest.raises(SettingsError, match="The models know different attributes, or the same in another order"):
            compare([one, other], tmp_path / "page.html", faces, "red_hair=1", device="cpu")
    with pytest.raises(SettingsError, match="changes the attributes smile, red_hair; say how, as in --to smile=1"):
        compare([one, two], tmp_path / "page.html", faces, device="cpu")
    path = faces / "list_attr_celeba.txt"
    path.write_text(path.read_text(encoding="utf-8").replace("-1", "1"), encoding="utf-8")
    with pytest.raises(DataError, match="No readable test picture of faces lacks red_hair=1"):
        compare([one, two], tmp_path / "page.html", faces, "red_hair=1", device="cpu")


def test_large_pictures_are_shrunk(models, horses, tmp_path):
    images.write_pixels(np.zeros((20, 2 * LARGEST, 3), np.uint8), horses / "testA" / "0.png")
    assert shown(compare(models, tmp_path / "page.html", horses, pictures=1, device="cpu"))[0].shape == (10, LARGEST, 3)


def test_models_that_cannot_be_compared_are_refused(models, horses, tmp_path):
    def refused(*given, data=horses):
        with pytest.raises(SettingsError) as error:
            compare(given, tmp_path / "page.html", data, device="cpu")
        assert not (tmp_path / "page.html").exists()
        return str(error.value)

    assert "two or more different models" in refused(models[0])
    assert "two or more different models" in refused(models[0], models[0])
    assert "Give a dataset with --data" in refused(*models, data=None)
    other = export(tmp_path / "back.safetensors", 3, target="horse")
    assert "different domains" in (sentence := refused(models[0], other))
    assert sentence.endswith("Name one with --to, or one for each.")
    forth, back = (export(tmp_path / f"to {target}.safetensors", 3, target=target, only=target)
                   for target in ("zebra", "horse"))  # fmt: skip
    assert refused(forth, back).endswith("to horse. Compare those that can be asked for the same.")
    with pytest.raises(OutputError, match="is a folder"):
        compare(models, tmp_path, horses, device="cpu")


@pytest.mark.fault("F-18")
def test_models_whose_domains_have_other_names_are_compared_by_the_folders_of_the_dataset(
    horses, tmp_path, evaluations
):
    pony = export(tmp_path / "pony.safetensors", 1)
    mule = export(tmp_path / "mule.safetensors", 2, domains=["mule", "okapi"], target="okapi")
    page = compare([pony, mule], tmp_path / "page.html", horses, device="cpu").read_text()
    assert "horses (A = horse, B = zebra) to zebra" in page
    compare([pony, mule], tmp_path / "page.html", horses, to="horse,mule", device="cpu")
    for to, sentence in (
        ("zebra,mule", "to different domains: .*pony.* to zebra, .*mule.* to mule"),
        ("zebra,okapi,okapi", "--to names 3 domains for 2 models"),
        ("okapi", "no domain 'okapi'"),
    ):
        with pytest.raises(SettingsError, match=sentence):
            compare([pony, mule], tmp_path / "page.html", horses, to=to, device="cpu")


@pytest.mark.fault("F-18")
def test_what_the_folders_of_a_dataset_were_taken_for_is_said(models, horses):
    about = read_about(models[0])
    assert open_data(horses, about).name == "horses (A = horse, B = zebra)"
    (horses / "trainA").rename(horses / "trainday")
    (horses / "trainB").rename(horses / "trainnight")
    for letter in "AB":
        shutil.rmtree(horses / f"test{letter}")
    with pytest.raises(
        SettingsError, match=r"has trainday, trainnight\. Say which .*: --domain horse=FOLDER --domain zebra="
    ):
        open_data(horses, about)
