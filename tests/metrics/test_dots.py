"""Dots: those that were planted are counted; noise, gradients, strokes and texture are none."""

import numpy as np
import pytest

from translate.metrics.dots import count_dots, flat_regions, per_megapixel

SIDE = 128
EVERYWHERE = np.ones((SIDE, SIDE), bool)


def sky(noise=0.0, seed=0):
    """A smooth blue gradient with a soft cloud, and noise of a sensor with that standard deviation."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    cloud = 40 * np.exp(-((x - 0.5) ** 2 + 3 * (y - 0.4) ** 2) / 0.3)
    planes = np.stack([90 + 60 * y + cloud, 130 + 60 * y + cloud, 220 - 20 * y + cloud / 4], 2)
    planes += np.random.default_rng(seed).normal(0, noise, planes.shape) if noise else 0
    return np.clip(np.rint(planes), 0, 255).astype(np.uint8)


def strokes(picture, seed=0):
    """Lay brush strokes over it: bars of 3 x 24 pixels in colours of their own."""
    random, painted = np.random.default_rng(seed), picture.copy()
    for _ in range(300):
        row, column = random.integers(0, SIDE - 24, 2)
        high, wide = (3, 24) if random.random() < 0.5 else (24, 3)
        painted[row : row + high, column : column + wide] = random.integers(60, 200, 3)
    return painted


def planted(picture, side, colour=(255, 180, 40)):
    """Plant 7 x 7 dots of `side` x `side` pixels, 16 pixels apart."""
    dotted = picture.copy()
    for row in range(12, 112, 16):
        for column in range(12, 112, 16):
            dotted[row : row + side, column : column + side] = colour
    return dotted


@pytest.mark.parametrize("side", [1, 2, 3])
@pytest.mark.parametrize("noise", [0, 2])
def test_planted_dots_are_counted(side, noise):
    photo = sky(noise)
    assert count_dots(planted(photo, side), flat_regions(photo)) == 49


def test_dots_of_photos_are_counted_where_these_are_flat():
    photo = planted(sky(1), 1)
    assert flat_regions(photo).mean() > 0.5
    assert count_dots(photo, flat_regions(photo)) == 49


@pytest.mark.parametrize("noise", [0, 1, 2])
def test_a_photographed_sky_is_flat_and_has_none(noise):
    assert flat_regions(sky(noise)).mean() > 0.9
    assert count_dots(sky(noise), EVERYWHERE) == 0


def test_brush_strokes_in_a_sky_are_no_dots():
    bars = sky()
    for row in range(8, 120, 12):
        bars[row : row + 2, 10:60] += 20
        bars[70:115, row : row + 3] -= 25
    assert count_dots(bars, EVERYWHERE) == 0


def test_texture_is_not_flat_whatever_is_painted_on_it():
    grass = np.random.default_rng(0).integers(40, 160, (SIDE, SIDE, 3), np.uint8)
    leaves = np.random.default_rng(0).integers(40, 160, (SIDE // 8, SIDE // 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    for photo in (grass, leaves, strokes(sky())):
        assert flat_regions(photo).mean() < 0.1
        assert count_dots(strokes(photo, 1), flat_regions(photo)) == 0


def test_only_flat_places_count():
    half = EVERYWHERE.copy()
    half[:, 64:] = False
    assert count_dots(planted(sky(), 2), half) == 28
    assert count_dots(planted(sky(), 2), ~EVERYWHERE) == 0


def test_the_rate_is_that_of_all_flat_pixels_together():
    estimate = per_megapixel(np.array([0, 5]), np.array([1000.0, 4000.0]))
    assert estimate.value == pytest.approx(1000)
    assert estimate.low < 1000 < estimate.high
    even = per_megapixel(np.array([2, 2]), np.array([1000.0, 1000.0]))
    assert (even.low, even.value, even.high) == (2000, 2000, 2000)
