import numpy as np
import pytest

from translate.training import symptoms

SIDE = 64


@pytest.fixture(scope="module")
def landscapes():
    """Eight pictures with soft light and shade, each another one, (8, 64, 64, 3) uint8."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    pictures = []
    for _ in range(8):
        waves = [np.sin(2 * np.pi * (a * x + b * y) + c) for a, b, c in random.uniform(-2, 2, (3, 3))]
        pictures.append(128 + 35 * np.stack(waves, -1) + random.normal(0, 2, (SIDE, SIDE, 3)))
    return np.clip(pictures, 0, 255).astype(np.uint8)


def shifted(pictures, levels):
    return np.clip(pictures.astype(int) + levels, 0, 255).astype(np.uint8)


def test_agreement_is_one_for_the_same_and_minus_one_for_the_inverted(landscapes):
    assert symptoms.agreement(landscapes, landscapes) == pytest.approx(1)
    assert symptoms.agreement(landscapes, landscapes // 2) > 0.99
    assert symptoms.agreement(landscapes, 255 - landscapes) == pytest.approx(-1)
    assert abs(symptoms.agreement(landscapes, np.roll(landscapes, 1, axis=0))) < 0.9


def test_plain_pictures_have_nothing_to_invert(landscapes):
    assert symptoms.agreement(landscapes, np.zeros_like(landscapes)) == 1


def test_variety_is_relative_to_inputs_and_targets(landscapes):
    same = np.repeat(landscapes[:1], 8, axis=0)
    assert symptoms.variety(landscapes, landscapes, landscapes) == pytest.approx(1)
    assert symptoms.variety(same, landscapes, landscapes) < 0.01
    assert symptoms.variety(landscapes // 2, landscapes, landscapes) == pytest.approx(0.5, abs=0.02)
    assert symptoms.variety(landscapes // 2, landscapes, landscapes // 2) == pytest.approx(1)
    assert symptoms.variety(same, same, landscapes) == 1  # the inputs do not differ either


@pytest.mark.parametrize("side", [32, 64, 66])
@pytest.mark.parametrize("period", [2, 4])
def test_a_checkerboard_is_measured_in_levels(landscapes, side, period):
    pictures = np.tile(landscapes, (1, 2, 2, 1))[:, :side, :side]
    wave = np.arange(side) % period < period // 2
    board = shifted(pictures, np.where(wave[:, None] == wave, 8, -8)[..., None])
    assert symptoms.checkerboard(pictures) < 0.5
    assert symptoms.checkerboard(board) == pytest.approx({2: 16, 4: 8}[period], rel=0.3)


def test_stripes_of_other_widths_are_no_checkerboard(landscapes):
    stripes = shifted(landscapes, np.where(np.arange(SIDE) % 11 < 5, 30, -30)[:, None])
    assert symptoms.checkerboard(stripes) < 2


def test_a_spot_sticks_out_as_far_as_it_is_bright(landscapes):
    def spotted(levels):
        pictures = landscapes.copy()
        pictures[:, 20:24, 36:40] = shifted(pictures[:, 20:24, 36:40], levels)
        return symptoms.droplets(pictures)

    assert symptoms.droplets(landscapes) < 3
    assert symptoms.droplets(landscapes) < spotted(40) < spotted(-100)
    assert spotted(-100) > 3 * symptoms.droplets(landscapes)


def test_the_nearest_of_thumbnails_is_found_mirrored_too(landscapes):
    small = symptoms.thumbnails(landscapes)
    assert small.shape == (8, 192)
    assert symptoms.nearest(landscapes, small) == 0
    assert symptoms.nearest(landscapes[:, :, ::-1], small) == pytest.approx(0)
    assert symptoms.nearest(shifted(landscapes, 3), small) == pytest.approx(3)
    assert symptoms.nearest(landscapes[:4], small[4:]) > 15
