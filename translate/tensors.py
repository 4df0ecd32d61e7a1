"""The border between pictures, uint8 in 0..255 or uint16 in 0..65535, and what networks see, float in [-1, 1]."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from translate.devices import Engine

Pixels = NDArray[Any]  # uint8, or uint16 where 16 bits were asked for


def stack(pictures: Sequence[Pixels]) -> Tensor:
    """Stack N pictures (H, W, 3) of equal size and type into a tensor (N, 3, H, W), channels-last in memory."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)


def as_tensor(picture: Pixels) -> Tensor:
    """Return a picture (H, W, 3) as a tensor (1, 3, H, W) of the same values; where possible they share memory."""
    return torch.from_numpy(np.require(picture, requirements=("C", "W"))).permute(2, 0, 1)[None]


def as_pixels(x: Tensor) -> Pixels:
    """Return a tensor (1, 3, H, W) of uint8 or uint16 as a picture (H, W, 3)."""
    pixels: Pixels = x[0].permute(1, 2, 0).contiguous().cpu().numpy()
    return pixels


def scaled(x: Tensor) -> Tensor:
    """Turn uint8 or uint16 into fp32 in [-1, 1]; floats are in [-1, 1] already, and stay as they are."""
    return x if x.is_floating_point() else x.to(torch.float32).div_(torch.iinfo(x.dtype).max / 2).sub_(1)


def enter(x: Tensor, engine: Engine) -> Tensor:
    """Copy (N, 3, H, W) to the engine's device: uint8 or uint16 as fp32 in [-1, 1], in its layout; floats unchanged."""
    if x.is_floating_point():
        return x.to(engine.device, copy=True)
    pixels = x.to(engine.device, non_blocking=True).to(torch.float32, memory_format=engine.memory_format)
    return pixels.div_(torch.iinfo(x.dtype).max / 2).sub_(1)


def leave(x: Tensor, dtype: torch.dtype = torch.uint8) -> list[Pixels]:
    """Turn (N, 3, H, W) in [-1, 1], or what `levels` made of it, into N pictures (H, W, 3) of uint8 or uint16."""
    pixels = levels(x, dtype) if x.is_floating_point() else x
    return list(pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy())


def levels(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Turn any shape in [-1, 1] into uint8 or uint16: clamped, rounded half to even."""
    white = torch.iinfo(dtype).max
    return x.detach().float().add(1).mul(white / 2).round().clamp(0, white).to(dtype)
