import itertools

import numpy as np
import pytest

from translate.toys import faces
from translate.toys.catalogue import draw

FACES = draw("toy-faces", "face", "test", 60, 64)
SAMPLES = list(map(FACES.sample, range(60)))
OFF = {"glasses": -0.5, "smile": -0.5}


def painted(parameters, **changes):
    return faces.paint_face(parameters | changes, 64)[0].astype(int)


@pytest.mark.parametrize(
    ("changes", "has"),
    [
        ({"hair": 0.0}, "black_hair"),
        ({"hair": 0.99}, "black_hair"),
        ({"hair": 1.0}, "blond_hair"),
        ({"hair": 2.0}, "red_hair"),
        ({"hair": 3.0}, "red_hair"),
    ],
)
def test_a_face_has_one_hair_colour(changes, has):
    found = faces.attributes(SAMPLES[0].parameters | changes)
    assert [name for name in faces.HAIR if found[name]] == [has]


@pytest.mark.parametrize("name", ["glasses", "smile"])
def test_the_sign_says_whether_there_are_glasses_and_a_smile(name):
    assert [faces.attributes(SAMPLES[0].parameters | {name: value})[name] for value in (-1.0, 0.0, 0.1, 1.0)] == [
        0, 0, 1, 1,
    ]  # fmt: skip


def test_attributes_depend_on_three_parameters_only():
    for one, other in itertools.pairwise(SAMPLES):
        kept = {name: one.parameters[name] for name in ("hair", "glasses", "smile")}
        assert faces.attributes(other.parameters | kept) == one.attributes


def test_attributes_are_about_equally_frequent():
    shares = np.mean([list(sample.attributes.values()) for sample in SAMPLES], axis=0)
    assert all(abs(share - wanted) < 0.2 for share, wanted in zip(shares, (1 / 3, 1 / 3, 1 / 3, 0.5, 0.5), strict=True))


def test_glasses_change_their_frames_and_nothing_else():
    for sample in SAMPLES[:10]:
        cover = faces.frames(sample.parameters, faces.place(sample.parameters, 64))
        changed = np.abs(painted(sample.parameters, glasses=0.5) - painted(sample.parameters, glasses=-0.5)).max(2) > 0
        assert not changed[cover == 0].any()
        assert changed[(cover > 0.5) & (sample.mask == 0)].mean() > 0.95


def test_a_smile_changes_the_mouth_and_nothing_else():
    for sample in SAMPLES[:10]:
        p = sample.parameters | OFF
        head = faces.place(p, 64)
        cover = np.maximum(faces.mouth(p, head), faces.mouth(p | {"smile": 0.5}, head))
        assert not np.abs(painted(p, smile=0.5) - painted(p)).max(2)[cover == 0].any()


def test_the_hair_colour_changes_the_hair_and_nothing_else():
    for sample in SAMPLES[:10]:
        changed = np.abs(painted(sample.parameters, hair=0.5) - painted(sample.parameters, hair=1.5)).max(2) > 0
        assert not changed[sample.mask == 0].any()
        assert changed[sample.mask > 0.5].all()


def test_hair_is_inside_the_picture_and_its_colours_are_far_apart():
    for sample in SAMPLES:
        assert 0.06 < sample.mask.mean() < 0.3
        assert sample.mask[0].max() == sample.mask[:, [0, -1]].max() == 0
    middles = [np.mean(shades, axis=0) for shades in faces.HAIR.values()]
    assert min(np.linalg.norm(a - b) for k, a in enumerate(middles) for b in middles[:k]) > 0.4
