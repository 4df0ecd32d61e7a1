from functools import cache

import numpy as np
import pytest

from translate.toys.catalogue import TOYS, draw, drawn_scores
from translate.toys.turntable import LIKENESS, Protractor, correlation

TOY = "toy-turntable"


def samples(domain, count=12, size=64):
    return list(map(draw(TOY, domain, "train", count, size).sample, range(count)))


@pytest.mark.parametrize("domain", ["cars", "chairs"])
def test_an_object_stands_on_grey_and_touches_no_side(domain):
    for sample in samples(domain, 30):
        assert 0.12 < sample.mask.mean() < 0.45
        assert sample.mask[:, [0, -1]].max() == 0
        assert sample.mask[[0, -1]].max() == 0
        assert (sample.image[:4][sample.mask[:4] == 0] == 128).all()


@pytest.mark.parametrize("domain", ["cars", "chairs"])
def test_opposite_angles_mirror_the_silhouette(domain):
    for sample in samples(domain):
        _, mirrored = TOYS[TOY].painters[domain].paint(sample.parameters | {"angle": -sample.parameters["angle"]}, 64)
        assert np.abs(mirrored[:, ::-1] - sample.mask).mean() < 0.005


@pytest.mark.parametrize("domain", ["cars", "chairs"])
def test_the_angle_changes_the_picture_most(domain):
    painter = TOYS[TOY].painters[domain]
    middle = {name: 0.5 * sum(limits) for name, limits in painter.ranges.items()}

    def change(name):
        low, high = (painter.paint(middle | {name: limit}, 64)[0].astype(int) for limit in painter.ranges[name])
        return np.abs(high - low).mean()

    changes = {name: change(name) for name in painter.ranges}
    assert changes.pop("angle") > 2 * max(changes.values())


def test_angles_reach_from_minus_to_plus_75_degrees():
    angles = [sample.parameters["angle"] for sample in samples("cars", 60, 32)]
    assert -75 <= min(angles) < -60
    assert 60 < max(angles) <= 75


# Scores

COUNT, SIZE = 20, 32
OTHER = {"cars": "chairs", "chairs": "cars"}


protractor = cache(Protractor)


@cache
def drawn(domain, size=SIZE):
    return list(map(draw(TOY, domain, "test", COUNT, size).sample, range(COUNT)))


def turned(turn):
    """A translator that draws a chair at the car's angle after `turn`."""
    chair = TOYS[TOY].painters["chairs"]
    painted = {}
    for sample in drawn("cars"):
        middle = {name: 0.5 * sum(limits) for name, limits in chair.ranges.items()}
        painted[sample.image.tobytes()] = chair.paint(middle | {"angle": turn(sample.parameters["angle"])}, SIZE)[0]
    return lambda pictures, _: [painted[picture.tobytes()] for picture in pictures]


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("domain", ["cars", "chairs"])
def test_the_angle_of_a_drawn_object_is_read(domain, size):
    for sample in drawn(domain, size):
        reading = protractor(domain, size).read(sample.image)
        assert reading.degrees == pytest.approx(sample.parameters["angle"], abs=4)
        assert reading.likeness > 0.9


@pytest.mark.parametrize("domain", ["cars", "chairs"])
def test_neither_brightness_nor_contrast_change_the_angle(domain):
    read = protractor(domain, SIZE).read
    for sample in drawn(domain):
        faded = (60 + 0.5 * sample.image).astype(np.uint8)
        assert read(faded).degrees == pytest.approx(read(sample.image).degrees, abs=0.2)


@pytest.mark.parametrize("domain", ["cars", "chairs"])
def test_no_angle_is_read_off_anything_else(domain):
    random = np.random.default_rng(0)
    others = [sample.image for sample in drawn(OTHER[domain])]
    others += [random.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8), np.full((SIZE, SIZE, 3), 255, np.uint8)]
    others += [255 - sample.image for sample in drawn(domain)]
    for picture in others:
        reading = protractor(domain, SIZE).read(picture)
        assert reading.degrees == 0
        assert reading.likeness < LIKENESS


@pytest.mark.parametrize("turn", [lambda a: a, lambda a: 20 - 0.5 * a], ids=["same", "mirrored and offset"])
def test_an_offset_and_a_reflection_cost_nothing(turn):
    scores = drawn_scores(TOY, turned(turn), SIZE, COUNT)
    assert list(scores) == ["angle correlation", "likeness"]
    assert scores["angle correlation"] > 0.99
    assert scores["likeness"] > 0.95


@pytest.mark.parametrize("turn", [lambda a: 30.0, lambda a: abs(a)], ids=["the same chair", "folded"])
def test_chairs_that_do_not_follow_the_cars_have_low_marks(turn):
    scores = drawn_scores(TOY, turned(turn), SIZE, COUNT)
    assert scores["angle correlation"] < 0.5
    assert scores["likeness"] > 0.95


def test_cars_that_stay_cars_have_no_angle():
    scores = drawn_scores(TOY, lambda pictures, _: list(pictures), SIZE, COUNT)
    assert scores["angle correlation"] == 0
    assert scores["likeness"] < 0.3


def test_correlation():
    assert correlation([1, 2, 3], [3, 2, 1]) == pytest.approx(1)
    assert correlation([1, 2, 3], [5, 5, 5]) == 0
    assert correlation([0, 1, 2, 3], [1, 0, 0, 1]) == pytest.approx(0)
