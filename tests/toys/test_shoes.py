import numpy as np
import pytest

from translate.toys.drawn import DATASETS, Drawn
from translate.toys.shoes import COLOURS, EDGES, SHAPE, SHOES

TOY = "toy-edges2shoes"


def samples(domain, count=12, size=64):
    return list(map(Drawn(TOY, domain, "train", count, size).sample, range(count)))


@pytest.mark.parametrize("size", [32, 64, 100])
def test_outlines_and_their_shoe_have_the_same_silhouette(size):
    for shoe in samples("shoes", 6, size):
        image, mask = DATASETS[TOY]["edges"].paint(shoe.parameters, size)
        np.testing.assert_array_equal(mask, shoe.mask)
        for picture in (image, shoe.image):
            assert (picture[mask == 0] == 255).all()
            assert (picture.min(axis=2)[(mask > 0.5) & (mask < 1)] < 255).all()


def test_outlines_are_black_and_mostly_paper_inside():
    for edges in samples("edges"):
        assert np.ptp(edges.image, axis=2).max() == 0
        assert edges.image.min() < 40
        assert 0.4 < (edges.image[edges.mask == 1] == 255).all(axis=1).mean() < 0.8


def test_nothing_in_the_outlines_tells_the_colour():
    assert set(SHOES) - set(EDGES) == {"colour", "shade", "rubber"}
    assert EDGES == SHAPE
    parameters = samples("shoes", 1)[0].parameters
    paint = DATASETS[TOY]["edges"].paint
    np.testing.assert_array_equal(paint(parameters, 64)[0], paint(parameters | {"colour": 0.9, "shade": 1.0}, 64)[0])


def test_there_are_six_colours_and_every_one_is_painted():
    assert len(COLOURS) == 6
    shoe, paint = samples("shoes", 1)[0], DATASETS[TOY]["shoes"].paint
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
