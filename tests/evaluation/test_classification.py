"""Translations to every label are counted as what a classifier sees in them."""

import numpy as np
import pytest
import torch

from translate.data.folders import Dataset
from translate.errors import ImageDecodeError
from translate.evaluation import classification
from translate.evaluation.classification import ClassifierEvaluator
from translate.methods.stargan import Settings
from translate.metrics.results import Evaluation
from translate.networks.discriminators import Critic
from translate.networks.label_resnet import LabelResnet
from translate.targets import Attributes

SETTINGS = Settings(generator=LabelResnet(width=2, blocks=0), discriminator=Critic(width=2, layers=2))


class Marked:
    """Pictures whose corner pixels are their labels."""

    def __init__(self, labels):
        self.rows = labels

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        if self.rows[index] is None:
            raise ImageDecodeError("It is broken.")
        picture = np.full((16, 16, 3), index, np.uint8)
        picture[0, : len(self.rows[index]), 0] = self.rows[index]
        return picture

    def name(self, index):
        return f"{index}.png"


class Seer:
    def read(self, picture):
        return picture[0, :COUNT, 0].astype(int)


COUNT = 3


class Painter:
    """In place of a translator: sets the labels as asked, but for attribute `deaf`, and `spoils` another one."""

    def __init__(self, method, deaf="", spoils=None):
        self.method, self.deaf, self.spoils = method, deaf, spoils

    def __call__(self, picture, target):
        if self.deaf and target.startswith(self.deaf):
            return picture
        translated, labels = picture.copy(), torch.from_numpy(picture[0, :COUNT, 0].astype(int))[None]
        translated[0, :COUNT, 0] = self.method.targets.change(labels, target)[0].numpy()
        if self.spoils is not None:
            translated[0, self.spoils, 0] = 1 - picture[0, self.spoils, 0]
        return translated


@pytest.fixture(autouse=True)
def seer(monkeypatch):
    monkeypatch.setattr(classification, "trained_classifier", lambda *_: Seer())


def examine(dataset, painter, targets):
    result = Evaluation("", "toy", "", "test", "cut", 0)
    ClassifierEvaluator(painter, dataset, "test", result, lambda *_: None).run(targets)
    return {figure.name: figure for figure in result.figures}, result


DOMAINS = ["black", "blond", "red"]
EYE = np.eye(3, dtype=int).tolist()
HAIR = {name: Marked([EYE[number]] * (number + 2)) for number, name in enumerate(DOMAINS)}


def test_each_domain_is_asked_of_the_pictures_of_the_others():
    method = SETTINGS.build(DOMAINS, 16)
    found, result = examine(Dataset("hair", HAIR, HAIR), Painter(method, deaf="blond"), DOMAINS)
    assert [(found[f"seen as {name}"].value, found[f"seen as {name}"].count) for name in DOMAINS] == [
        (1, 3 + 4), (0, 2 + 4), (1, 2 + 3)
    ]  # fmt: skip
    assert found["seen as asked"].value == pytest.approx(12 / 18)
    assert found["seen as asked"].low < 12 / 18 < found["seen as asked"].high
    assert (found["seen rightly"].value, found["seen rightly"].count) == (1, 9)
    assert "9 real training pictures" in found["seen as red"].remark
    assert "attributes kept" not in found
    assert not result.samples  # they are those of the distances


FACES = [[1, 0, 0], [0, 1, 1], [0, 1, 0], None]


def faces():
    known = ("black_hair", "blond_hair", "smile")
    labels = np.array([row or [0, 0, 0] for row in FACES], np.float32)
    return Dataset("faces", {"f": Marked(FACES)}, {"f": Marked(FACES)}, "", known, labels, labels)


def test_an_attribute_is_asked_of_those_without_it_and_others_are_kept():
    method = SETTINGS.for_targets(Attributes(())).build(faces().domains, 16)
    found, result = examine(faces(), Painter(method), ["black_hair=1", "smile=1", "smile=0"])
    counts = {name: figure.count for name, figure in found.items()}
    assert counts == {"seen as black_hair=1": 2, "seen as smile=1": 2, "seen as smile=0": 1, "seen as asked": 5,
                      "attributes kept": 5, "seen rightly": 3, "change of input": 5, "cycle error": 5}  # fmt: skip
    assert {found[name].value for name in ("seen as asked", "attributes kept", "seen rightly")} == {1.0}
    assert found["cycle error"].value == 0  # the way back is to all that it had
    assert found["change of input"].value > 0
    assert len(result.samples) == 5
    assert result.notes == ["Left out: It is broken."]


def test_what_is_spoilt_and_what_is_not_done_counts():
    method = SETTINGS.for_targets(Attributes(())).build(faces().domains, 16)
    found, _ = examine(faces(), Painter(method, spoils=2), ["black_hair=1"])
    assert (found["seen as asked"].value, found["attributes kept"].value) == (1, 0)
    found, _ = examine(faces(), Painter(method, deaf="black_hair"), ["black_hair=1"])
    assert (found["seen as asked"].value, found["attributes kept"].value) == (0, 1)
