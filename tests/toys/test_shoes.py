from functools import cache

import numpy as np
import pytest

from translate.toys.catalogue import TOYS, draw, drawn_scores
from translate.toys.shoes import COLOURS, EDGES, SHAPE, SHOES, overlap, silhouette

TOY = "toy-edges2shoes"


def samples(domain, count=12, size=64):
    return list(map(draw(TOY, domain, "train", count, size).sample, range(count)))


@pytest.mark.parametrize("size", [32, 64, 100])
def test_outlines_and_their_shoe_have_the_same_silhouette(size):
    for shoe in samples("shoes", 6, size):
        image, mask = TOYS[TOY].painters["edges"].paint(shoe.parameters, size)
        np.testing.assert_array_equal(mask, shoe.mask)
        for picture in (image, shoe.image):
            assert (picture[mask == 0] == 255).all()
            assert (picture.min(axis=2)[(mask > 0.5) & (mask < 1)] < 255).all()


def test_pairs_share_all_that_both_are_drawn_from_and_others_do_not():
    edges, shoes = (draw(TOY, domain, "train", 6, 64, paired=True) for domain in ("edges", "shoes"))
    for n in range(6):
        outline, shoe = edges.sample(n), shoes.sample(n)
        assert outline.parameters == {name: shoe.parameters[name] for name in SHAPE}
        np.testing.assert_array_equal(outline.mask, shoe.mask)
    assert edges.name(3) == shoes.name(3)
    alone = samples("edges", 6)
    assert all(edges.parameters(n) != alone[n].parameters for n in range(6))
    assert edges.fingerprint() != draw(TOY, "edges", "train", 6, 64).fingerprint()


def test_outlines_are_black_and_mostly_paper_inside():
    for edges in samples("edges"):
        assert np.ptp(edges.image, axis=2).max() == 0
        assert edges.image.min() < 40
        assert 0.4 < (edges.image[edges.mask == 1] == 255).all(axis=1).mean() < 0.8


def test_nothing_in_the_outlines_tells_the_colour():
    assert set(SHOES) - set(EDGES) == {"colour", "shade", "rubber"}
    assert EDGES == SHAPE
    parameters = samples("shoes", 1)[0].parameters
    paint = TOYS[TOY].painters["edges"].paint
    np.testing.assert_array_equal(paint(parameters, 64)[0], paint(parameters | {"colour": 0.9, "shade": 1.0}, 64)[0])


def test_there_are_six_colours_and_every_one_is_painted():
    assert len(COLOURS) == 6
    shoe, paint = samples("shoes", 1)[0], TOYS[TOY].painters["shoes"].paint
    for k, colour in enumerate(COLOURS):
        for place in (0.01, 0.99):
            image, _ = paint(shoe.parameters | {"colour": (k + place) / 6, "shade": 0.0}, 64)
            ratios = image[shoe.mask == 1] / 255 @ np.array(colour)
            brightest = np.linalg.norm(image[shoe.mask == 1] / 255, axis=1)
            assert np.median(ratios / brightest) > 0.95 * np.linalg.norm(colour)


def test_a_shoe_fills_a_quarter_to_a_half_of_the_picture_and_touches_no_side():
    for shoe in samples("shoes", 30):
        assert 0.18 < shoe.mask.mean() < 0.5
        assert shoe.mask[:, [0, -1]].max() == 0
        assert shoe.mask[[0, -1]].max() == 0


# Scores

COUNT = 40


@cache
def drawn(domain, size=64):
    return list(map(draw(TOY, domain, "test", COUNT, size).sample, range(COUNT)))


def partners(**fixed):
    """A translator that draws the true partner of every outline, in colours of its own choice."""
    shoe, random = TOYS[TOY].painters["shoes"], np.random.default_rng(0)
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
    scores = drawn_scores(TOY, partners(), 64, COUNT)
    assert list(scores) == ["silhouette IoU", "colour distance"]
    assert scores["silhouette IoU"] > 0.98
    assert scores["colour distance"] < 0.15


@pytest.mark.parametrize("colour", [0.1, 0.5, 0.9])
def test_the_same_colour_for_all_shoes_is_far_from_their_colours(colour):
    scores = drawn_scores(TOY, partners(colour=colour), 64, COUNT)
    assert scores["silhouette IoU"] > 0.98
    assert scores["colour distance"] > 0.35


def test_the_silhouettes_of_other_shoes_overlap_less():
    shoes = [shoe.image for shoe in drawn("shoes")]
    scores = drawn_scores(TOY, lambda pictures, _: [shoes.pop() for _ in pictures], 64, COUNT)
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
    scores = drawn_scores(TOY, lambda pictures, _: [paint(picture) for picture in pictures], 64, COUNT)
    assert low <= scores["silhouette IoU"] <= high
    assert scores["colour distance"] > 0.95 * colours


def test_overlap_is_intersection_over_union():
    first, second = np.zeros((2, 4, 4), np.bool_)
    assert overlap(first, second) == 1
    first[:2] = True
    assert overlap(first, second) == 0
    second[1:3] = True
    assert overlap(first, second) == pytest.approx(1 / 3)
