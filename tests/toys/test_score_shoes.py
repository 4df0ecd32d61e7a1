from functools import cache

import numpy as np
import pytest

from translate.toys.drawn import DATASETS, Drawn
from translate.toys.score_shoes import judge_shoes, overlap, silhouette

TOY = "toy-edges2shoes"
COUNT = 40


@cache
def drawn(domain, size=64):
    return list(map(Drawn(TOY, domain, "test", COUNT, size).sample, range(COUNT)))


def partners(**fixed):
    """A translator that draws the true partner of every outline, in colours of its own choice."""
    shoe, random = DATASETS[TOY]["shoes"], np.random.default_rng(0)
    painted = {}
    for sample in drawn("edges"):
        colours = {name: random.uniform(*limits) for name, limits in shoe.ranges.items()}
        painted[sample.image.tobytes()] = shoe.paint(colours | sample.parameters | fixed, 64)[0]
    return lambda pictures, _: [painted[picture.tobytes()] for picture in pictures]


@pytest.mark.parametrize("size", [64, 128])
def test_the_silhouette_of_a_drawn_shoe_is_its_mask(size):
    found = [overlap(silhouette(shoe.image), shoe.mask > 0.5) for shoe in drawn("shoes", size)]
    assert np.mean(found) > 0.98
    assert min(found) > 0.96


@pytest.mark.parametrize("size", [64, 128])
def test_outlines_are_not_silhouettes(size):
    assert max(overlap(silhouette(shoe.image), shoe.mask > 0.5) for shoe in drawn("edges", size)) < 0.5


def test_true_partners_have_nearly_full_marks():
    scores = judge_shoes(partners(), 64, COUNT)
    assert list(scores) == ["silhouette IoU", "colour distance"]
    assert scores["silhouette IoU"] > 0.98
    assert scores["colour distance"] < 0.15


@pytest.mark.parametrize("colour", [0.1, 0.5, 0.9])
def test_the_same_colour_for_all_shoes_is_far_from_their_colours(colour):
    scores = judge_shoes(partners(colour=colour), 64, COUNT)
    assert scores["silhouette IoU"] > 0.98
    assert scores["colour distance"] > 0.35


def test_the_silhouettes_of_other_shoes_overlap_less():
    shoes = [shoe.image for shoe in drawn("shoes")]
    scores = judge_shoes(lambda pictures, _: [shoes.pop() for _ in pictures], 64, COUNT)
    assert scores["silhouette IoU"] < 0.8
    assert scores["colour distance"] < 1e-9


@pytest.mark.parametrize(
    ("paint", "low", "high", "colours"),
    [
        (lambda picture: picture, 0.2, 0.5, 1.0),
        (lambda picture: np.full_like(picture, 255), 0.0, 0.0, 1.0),
        (lambda picture: np.zeros_like(picture), 0.2, 0.45, 5.0),
        (lambda picture: np.full_like(picture, 64), 0.2, 0.45, 3.0),
        (lambda picture: 255 - picture, 0.0, 0.4, 3.0),
    ],
    ids=["nothing", "paper", "black", "grey", "inverted"],
)
def test_what_paints_no_shoes_has_low_marks(paint, low, high, colours):
    scores = judge_shoes(lambda pictures, _: [paint(picture) for picture in pictures], 64, COUNT)
    assert low <= scores["silhouette IoU"] <= high
    assert scores["colour distance"] > 0.95 * colours


def test_overlap_is_intersection_over_union():
    first, second = np.zeros((2, 4, 4), np.bool_)
    assert overlap(first, second) == 1
    first[:2] = True
    assert overlap(first, second) == 0
    second[1:3] = True
    assert overlap(first, second) == pytest.approx(1 / 3)
