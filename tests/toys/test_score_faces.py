import numpy as np
import pytest

from translate.attributes import read_changes
from translate.toys import faces
from translate.toys.drawn import Drawn
from translate.toys.score_faces import TARGETS
from translate.toys.scores import drawn_scores

COUNT = 24
NAMES = ["target attribute", "kept attributes", "lowest target attribute", "lowest kept attributes"]
HAIR = {"black": 0.5, "blond": 1.5, "red": 2.5}  # values of the parameter
CHANGES = {f"{name}=1": {"hair": number + 0.5} for number, name in enumerate(faces.HAIR)}
CHANGES |= {f"{name}={value}": {name: value - 0.5} for name in ("glasses", "smile") for value in (0, 1)}


def parameters(dataset, domains):
    """What each unseen face was drawn from, by the bytes of its picture."""
    drawn = [Drawn(dataset, domain, "test", COUNT, 64) for domain in domains]
    return {sample.image.tobytes(): sample.parameters for d in drawn for sample in map(d.sample, range(COUNT))}


def test_every_attribute_is_set_and_those_that_can_be_are_cleared():
    known = Drawn("toy-faces", "face", "test", 1, 64).attributes(0)
    assert {**TARGETS}.keys() == CHANGES.keys()
    for target, becomes in TARGETS.items():
        assert read_changes(target, list(known)).items() <= becomes.items()


def test_a_translator_that_paints_the_true_face_has_full_marks():
    truth = parameters("toy-faces", ["face"])

    def translate(pictures, target):
        return [faces.paint_face(truth[picture.tobytes()] | CHANGES[target], 64)[0] for picture in pictures]

    scores = drawn_scores("toy-faces", translate, 64, COUNT)
    assert list(scores) == NAMES
    assert min(scores.values()) > 0.95


def test_a_translator_that_paints_the_true_face_by_domain_has_full_marks():
    truth = parameters("toy-faces-hair", HAIR)

    def translate(pictures, target):
        return [faces.paint_face(truth[picture.tobytes()] | {"hair": HAIR[target]}, 64)[0] for picture in pictures]

    scores = drawn_scores("toy-faces-hair", translate, 64, COUNT)
    assert list(scores) == NAMES
    assert min(scores.values()) > 0.95


@pytest.mark.parametrize("dataset", ["toy-faces", "toy-faces-hair"])
def test_a_translator_that_changes_nothing_keeps_everything_and_reaches_nothing(dataset):
    scores = drawn_scores(dataset, lambda pictures, _: list(pictures), 64, COUNT)
    assert scores["target attribute"] < 0.05
    assert scores["lowest kept attributes"] > 0.95


@pytest.mark.parametrize("dataset", ["toy-faces", "toy-faces-hair"])
def test_a_translator_that_paints_one_face_over_all_keeps_little(dataset):
    face = Drawn("toy-faces", "face", "train", 1, 64)[0]
    scores = drawn_scores(dataset, lambda pictures, _: [face] * len(pictures), 64, COUNT)
    assert scores["lowest target attribute"] < 0.2
    assert scores["kept attributes"] < 0.7


def test_a_translator_that_does_the_target_and_spoils_the_rest_is_found_out():
    truth = parameters("toy-faces", ["face"])

    def translate(pictures, target):
        painted = []
        for picture in pictures:
            p = truth[picture.tobytes()]
            other = {"glasses": -p["glasses"], "smile": -p["smile"], "hair": (p["hair"] + 1) % 3}
            painted.append(faces.paint_face(p | other | CHANGES[target], 64)[0])
        return painted

    scores = drawn_scores("toy-faces", translate, 64, COUNT)
    assert scores["lowest target attribute"] > 0.95
    assert scores["kept attributes"] < 0.05


def test_noise_reaches_and_keeps_nothing():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    scores = drawn_scores("toy-faces", lambda pictures, _: [noise] * len(pictures), 64, COUNT)
    assert scores["target attribute"] < 0.2  # a face without glasses is what noise is, too
    assert scores["kept attributes"] < 0.3
