"""`compare`: the same pictures through every model, and models that do not go together refused."""

import base64
import re

import numpy as np
import pytest
import torch
from torch import nn

from translate import Translator, images
from translate.assessment import comparison
from translate.assessment.comparison import compare
from translate.assessment.shown import LARGEST
from translate.data.truth import Drawn
from translate.errors import OutputError, SettingsError
from translate.evaluation.figures import Evaluation
from translate.inference.exports import About, write_export
from translate.methods.cyclegan import Settings
from translate.networks.discriminators import PatchGAN
from translate.networks.generators import Resnet

TINY = Settings(generator=Resnet(width=2, blocks=0), discriminator=PatchGAN(width=2, layers=1), init_gain=0.5)
ABOUT = About(method=TINY.model_dump(), domains=["horse", "zebra"], target="zebra", size=32, steps=1, planned=1)


def export(path, seed, **changes):
    torch.manual_seed(seed)
    about = ABOUT.model_copy(update=changes)
    write_export(path, nn.ModuleList(TINY.build(about.domains, about.size).shipped()), about)
    return path


@pytest.fixture
def models(tmp_path):
    return [export(tmp_path / f"{seed}.safetensors", seed) for seed in (1, 2)]


@pytest.fixture
def horses(tmp_path):
    for letter, domain in (("A", "horse"), ("B", "zebra")):
        for split in ("train", "test"):
            drawn = Drawn("toy-horse2zebra", domain, split, 3, 32)
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
        result.add("KID", 0.25 * len(seen), 3, 3, "random")
        result.add("KID of inputs", 0.125, 3, 3, "random")
        return result

    monkeypatch.setattr(comparison, "evaluate", evaluate)
    return seen


def shown(page):
    found = re.findall(r"data:image/png;base64,([^\"]+)", page.read_text(encoding="utf-8"))
    return [images.read(base64.b64decode(text)).rgb for text in found]


def test_the_page_shows_what_each_model_makes_of_the_same_pictures(models, horses, tmp_path, evaluations):
    page = compare(models, tmp_path / "page.html", horses, pictures=2, seed=5, device="cpu")
    assert evaluations == [(model, "horses", "zebra", 5) for model in models]
    found = shown(page)
    assert len(found) == 2 * 3
    source = images.read(horses / "testA" / "00000.png").rgb
    np.testing.assert_array_equal(found[0], source)
    for picture, model in zip(found[1:3], models, strict=True):
        np.testing.assert_array_equal(picture, Translator.load(model, "cpu")(source, "zebra"))
    text = page.read_text(encoding="utf-8")
    assert "<td>0.25</td><td>0.5</td>" in text
    assert "KID of inputs 0.125." in text


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
    assert "different domains" in refused(models[0], other)
    faces = export(tmp_path / "faces.safetensors", 3, attributes=True)
    assert "change attributes" in refused(models[0], faces)
    with pytest.raises(OutputError, match="is a folder"):
        compare(models, tmp_path, horses, device="cpu")
