import numpy as np
import pytest

from translate.targets import read_changes
from translate.toys import faces
from translate.toys.catalogue import draw, drawn_scores
from translate.toys.face_attributes import TARGETS, read_attributes

SIZES = [64, 128]
NOTHING = dict.fromkeys(faces.HAIR, 0) | {"glasses": 0, "smile": None}


def samples(size, count):
    return list(map(draw("toy-faces", "face", "test", count, size).sample, range(count)))


def blurred(image, sigma):
    places = np.arange(len(image))
    line = np.exp(-0.5 * ((places[:, None] - places) / sigma) ** 2)
    line /= line.sum(1, keepdims=True)
    return np.rint(np.einsum("ij,jkc,lk->ilc", line, image, line, optimize=True)).astype(np.uint8)


def share_read_right(found):
    """Return for each attribute how often it was read as it was drawn."""
    names = next(iter(found))[0]
    return {name: np.mean([read[name] == drawn[name] for read, drawn in found]) for name in names}


@pytest.mark.parametrize(("size", "count"), [(64, 200), (128, 40)])
def test_attributes_of_drawn_faces_are_read_as_they_were_drawn(size, count):
    found = [(read_attributes(face.image, face.parameters), face.attributes) for face in samples(size, count)]
    assert min(share_read_right(found).values()) >= 0.98


def test_they_are_still_read_when_slightly_blurred_and_faded():
    found = []
    for face in samples(64, 60):
        faded = np.rint(127.5 + 0.85 * (blurred(face.image, 0.5) - 127.5)).astype(np.uint8)
        found.append((read_attributes(faded, face.parameters), face.attributes))
    assert min(share_read_right(found).values()) >= 0.9


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["grey noise", "coloured noise", "black or white noise", "grey", "white"])
def test_nothing_is_read_off_noise_and_even_colours(size, kind):
    for k, face in enumerate(samples(size, 12)):
        random = np.random.default_rng(k)
        image = {
            "grey noise": random.integers(0, 256, (size, size, 1)),
            "coloured noise": random.integers(0, 256, (size, size, 3)),
            "black or white noise": 255 * random.integers(0, 2, (size, size, 1)),
            "grey": np.full((size, size, 1), 128),
            "white": np.full((size, size, 1), 255),
        }[kind]
        image = np.broadcast_to(image, (size, size, 3)).astype(np.uint8)
        assert read_attributes(image, face.parameters) == NOTHING


def test_a_black_picture_has_black_hair_and_nothing_else():
    for face in samples(64, 4):
        found = read_attributes(np.zeros((64, 64, 3), np.uint8), face.parameters)
        assert found == NOTHING | {"black_hair": 1}


def test_what_the_face_was_drawn_with_is_not_looked_up():
    face = samples(64, 1)[0]
    others = {"hair": 3 - face.parameters["hair"], "glasses": -face.parameters["glasses"]}
    others |= {"smile": -face.parameters["smile"], "skin": 1 - face.parameters["skin"]}
    assert read_attributes(face.image, face.parameters | others) == face.attributes


@pytest.mark.parametrize(
    ("name", "change"), [("glasses", {"glasses": 0.5}), ("smile", {"smile": 0.5}), ("red_hair", {"hair": 2.5})]
)
def test_a_change_of_one_attribute_is_read_and_the_others_stay(name, change):
    for face in samples(64, 20):
        parameters = face.parameters | change
        image, _ = faces.paint_face(parameters, 64)
        assert read_attributes(image, face.parameters)[name] == 1
        assert read_attributes(image, face.parameters) == faces.attributes(parameters)


def test_half_of_the_hair_is_no_hair_colour():
    for face in samples(64, 10):
        other = faces.paint_face(face.parameters | {"hair": (face.parameters["hair"] + 1) % 3}, 64)[0]
        image = face.image.copy()
        columns = np.cumsum((face.mask > 0.95).sum(0)) > 0.5 * (face.mask > 0.95).sum()
        image[:, columns] = other[:, columns]
        assert not any(read_attributes(image, face.parameters)[colour] for colour in faces.HAIR)


# Scores

COUNT = 24
NAMES = ["target attribute", "kept attributes", "lowest target attribute", "lowest kept attributes"]
HAIR = {"black": 0.5, "blond": 1.5, "red": 2.5}  # values of the parameter
CHANGES = {f"{name}=1": {"hair": number + 0.5} for number, name in enumerate(faces.HAIR)}
CHANGES |= {f"{name}={value}": {name: value - 0.5} for name in ("glasses", "smile") for value in (0, 1)}


def parameters(dataset, domains):
    """What each unseen face was drawn from, by the bytes of its picture."""
    drawn = [draw(dataset, domain, "test", COUNT, 64) for domain in domains]
    return {sample.image.tobytes(): sample.parameters for d in drawn for sample in map(d.sample, range(COUNT))}


def test_every_attribute_is_set_and_those_that_can_be_are_cleared():
    known = draw("toy-faces", "face", "test", 1, 64).attributes(0)
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
    face = draw("toy-faces", "face", "train", 1, 64)[0]
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
