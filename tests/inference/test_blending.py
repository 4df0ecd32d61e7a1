"""Blending: its ends, its middle, and where."""

import numpy as np
import pytest
import torch
from torch import Tensor

from translate.errors import SettingsError
from translate.inference.blending import UNBLENDED, Blending, _from_oklab, _to_oklab


def noise(height: int = 12, width: int = 9, seed: int = 0) -> Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2 - 1


BEFORE, AFTER = noise(), noise(seed=1)


@pytest.mark.parametrize(
    ("rgb", "lab"),  # of OKLab's definition page, to its three digits: white, and sRGB's corners
    [
        ((1, 1, 1), (1.0, 0.0, 0.0)),
        ((-1, -1, -1), (0.0, 0.0, 0.0)),
        ((1, -1, -1), (0.628, 0.225, 0.126)),
        ((-1, 1, -1), (0.866, -0.234, 0.179)),
        ((-1, -1, 1), (0.452, -0.032, -0.312)),
    ],
)
def test_known_colours(rgb, lab):
    found = _to_oklab(torch.tensor(rgb, dtype=torch.float64)[:, None, None]).flatten()
    assert found.tolist() == pytest.approx(lab, abs=6e-4)


def test_colours_come_back():
    assert torch.allclose(_from_oklab(_to_oklab(BEFORE)), BEFORE, rtol=0, atol=1e-9)


def test_all_256_greys_come_back_in_single_precision():
    grey = (torch.arange(256) / 127.5 - 1).expand(3, 1, 256)
    levels = (_from_oklab(_to_oklab(grey)) + 1) * 127.5
    assert torch.equal(levels.round()[0, 0], torch.arange(256.0))


def test_the_whole_result_is_not_touched():
    assert torch.equal(UNBLENDED(BEFORE, 3 * AFTER), 3 * AFTER)


@pytest.mark.parametrize("take", ["all", "lightness", "colour"])
def test_without_strength_the_picture_is_left(take):
    assert torch.allclose(Blending(0, take)(BEFORE, AFTER), BEFORE, rtol=0, atol=1e-9)


def test_half_is_half_of_both_in_oklab():
    half = _to_oklab(Blending(0.5)(BEFORE, AFTER))
    assert torch.allclose(half, (_to_oklab(BEFORE) + _to_oklab(AFTER)) / 2, rtol=0, atol=1e-6)


def test_lightness_and_colour_change_places():
    """With pale colours, so that no mixture leaves sRGB."""
    before, after = _to_oklab(BEFORE * 0.2), _to_oklab(AFTER * 0.2)
    lightness = _to_oklab(Blending(take="lightness")(BEFORE * 0.2, AFTER * 0.2))
    colour = _to_oklab(Blending(take="colour")(BEFORE * 0.2, AFTER * 0.2))
    assert torch.allclose(lightness, torch.cat([after[:1], before[1:]]), rtol=0, atol=1e-6)
    assert torch.allclose(colour, torch.cat([before[:1], after[1:]]), rtol=0, atol=1e-6)


def test_a_mask_says_where():
    mask = torch.zeros(12, 9, dtype=torch.float64)
    mask[:, 4:] = 1
    mask[0] = 0.25
    found = UNBLENDED(BEFORE, AFTER, mask)
    assert torch.allclose(found[:, 1:, :4], BEFORE[:, 1:, :4], rtol=0, atol=1e-9)
    assert torch.allclose(found[:, 1:, 4:], AFTER[:, 1:, 4:], rtol=0, atol=1e-9)
    assert torch.allclose(found[:, 0], Blending(0.25)(BEFORE, AFTER)[:, 0], rtol=0, atol=1e-9)


def test_what_leaves_srgb_is_clipped():
    red, white = torch.tensor([1.0, -1, -1]), torch.ones(3)
    found = Blending(take="lightness")(red[:, None, None], white[:, None, None]).flatten()
    assert found.isfinite().all()
    assert found.abs().max() <= 1
    assert not np.allclose(found, white)


@pytest.mark.parametrize("strength", [-0.1, 1.01, float("nan")])
def test_a_strength_is_between_nothing_and_all(strength):
    with pytest.raises(SettingsError, match=r"--strength is between 0.*found") as caught:
        Blending(strength)
    assert caught.value.exit_code == 2
