"""Several passes over one picture, each shifted by a few pixels, and their mean.

A network that halves its picture twice treats pixels differently by where they lie in blocks of four. What depends on
that, a grain of dots above all, falls on other pixels where the picture is shifted, and goes away in the mean.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from translate.errors import SettingsError

SHIFTS = ((0, 0), (1, 2), (2, 1), (3, 3))  # pixels down and to the right


def check_passes(passes: int) -> None:
    """Raise `SettingsError` where there are none, or more than `SHIFTS`."""
    if not 1 <= passes <= len(SHIFTS):
        raise SettingsError(f"--passes is between 1 and {len(SHIFTS)}; found {passes}.")


def mean_of_passes(translate: Callable[[Tensor], Tensor], x: Tensor, passes: int) -> Tensor:
    """Return the mean of what `translate` makes of pictures (N, 3, H, W), shifted by the first so many of `SHIFTS`."""
    if passes == 1:
        return translate(x)
    total = torch.zeros(x.shape, dtype=torch.float32, device=x.device)
    for down, right in SHIFTS[:passes]:
        shifted = _shifted(_shifted(x, 2, down), 3, right)
        total += translate(shifted)[..., down:, right:].float()
    mean = total / passes
    return mean if x.is_floating_point() else mean.round().to(x.dtype)


def _shifted(x: Tensor, axis: int, pixels: int) -> Tensor:
    """Move pictures along an axis, and fill what becomes free by reflection."""
    places = torch.arange(-pixels, x.shape[axis], device=x.device).abs().clamp(max=x.shape[axis] - 1)
    return x.index_select(axis, places)
