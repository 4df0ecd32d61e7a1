"""The mean of shifted passes: what depends on the place of a pixel goes away, and all else stays."""

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.conversion.small import TRANSLATOR
from translate.errors import SettingsError
from translate.images import Picture
from translate.inference.passes import SHIFTS, mean_of_passes
from translate.inference.treatment import Treatment
from translate.tensors import as_tensor


def grainy(x: Tensor) -> Tensor:
    """Brighten each pixel whose row and column are multiples of four."""
    y = x.clone()
    y[..., ::4, ::4] += 40 if not x.is_floating_point() else 0.4
    return y


@pytest.mark.parametrize("size", [(12, 20), (5, 7), (1, 1)], ids=str)
def test_what_does_not_depend_on_the_place_stays(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    for x in (as_tensor(pixels), as_tensor(pixels * np.uint16(257)), as_tensor(pixels) / 255):
        y = mean_of_passes(lambda some: some, x, 4)
        assert y.dtype == x.dtype
        torch.testing.assert_close(y, x)


def test_a_grain_that_depends_on_the_place_becomes_weaker() -> None:
    x = torch.full((2, 3, 16, 16), 100, dtype=torch.uint8)
    assert int(mean_of_passes(grainy, x, 1).max()) == 140
    assert int(mean_of_passes(grainy, x, 2).max()) == 120
    assert int(mean_of_passes(grainy, x, 4).max()) == 110
    assert len(SHIFTS) == 4


def test_a_treatment_and_a_tensor_of_a_user_take_the_mean() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (16, 18, 3), np.uint8)
    seen = [TRANSLATOR.tensor(as_tensor(pixels), None, passes) for passes in (1, 4)]
    assert not torch.equal(*seen)
    for passes, expected in zip((1, 4), seen, strict=True):
        result = TRANSLATOR.picture(Picture(pixels, None, ""), treatment=Treatment("native", passes=passes))
        np.testing.assert_array_equal(as_tensor(result.rgb), expected)


@pytest.mark.parametrize("passes", [0, 5])
def test_passes_that_there_are_not_are_refused(passes: int) -> None:
    with pytest.raises(SettingsError, match=f"--passes is between 1 and 4; found {passes}"):
        Treatment(passes=passes)
