"""Wear: what the constants say, and that the second order is worse than the first."""

import math

import numpy as np
import pytest

from translate.data import wear
from translate.data.wear import FIRST, SECOND, worn, worn_twice


def photo(side=64, seed=0):
    rows, columns = np.mgrid[:side, :side]
    random = np.random.default_rng(seed)
    waves = [127 + 100 * np.sin(random.uniform(0.1, 0.5) * rows + random.uniform(0.1, 0.5) * columns) for _ in range(3)]
    return np.dstack(waves).astype(np.uint8)


@pytest.mark.parametrize("sigma", [FIRST.sigma, SECOND.sigma])
def test_kernels_are_odd_and_keep_the_brightness(sigma):
    sides = set()
    for seed in range(80):
        kernel = wear._kernel(sigma, np.random.default_rng(seed))
        sides.add(kernel.shape)
        assert kernel.sum() == pytest.approx(1, abs=1e-4)
        assert kernel.argmax() == kernel.size // 2
        np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-6)
    assert sides == {(side, side) for side in range(7, 22, 2)}


def test_the_low_pass_rings_and_lets_low_frequencies_through():
    kernel = wear._sinc(21, np.random.default_rng(0))
    assert kernel.min() < 0
    spectrum = np.abs(np.fft.fft2(kernel))
    assert spectrum[0, 0] == pytest.approx(1, abs=1e-4)
    assert spectrum[0, 1] > 0.8


def test_photons_are_counted_without_bias():
    x = np.full((200, 200, 3), 100, np.float32)
    x[:, :100] = 150
    noise = wear._poisson(x, np.random.default_rng(0))
    assert abs(float(noise.mean())) < 1
    assert float(noise[:, :100].std()) == pytest.approx(255 * math.sqrt(150 / 255 / 2), rel=0.05)


def test_worn_twice_is_worse_than_worn_and_all_of_it_is_drawn():
    errors = {
        wear_: [np.abs(wear_(photo(), np.random.default_rng(seed)).astype(int) - photo()).mean() for seed in range(12)]
        for wear_ in (worn, worn_twice)
    }
    assert np.median(errors[worn_twice]) > np.median(errors[worn]) > 5
    assert len({round(error, 3) for error in errors[worn_twice]}) == 12


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 90, 3)])
def test_any_shape_is_kept(shape):
    picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    for seed in range(6):
        assert worn_twice(picture, np.random.default_rng(seed)).shape == shape
