"""The border between pictures, uint8 in 0..255, and what networks see, float in [-1, 1]."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from translate.devices import Engine

Pixels = NDArray[np.uint8]


def stack(pictures: Sequence[Pixels]) -> Tensor:
    """Stack N pictures (H, W, 3) of equal size into a uint8 tensor (N, 3, H, W), channels-last in memory."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)


def enter(pixels: Tensor, engine: Engine) -> Tensor:
    """Bring uint8 (N, 3, H, W) in 0..255 to the engine's device and layout as fp32 in [-1, 1]."""
    x = pixels.to(engine.device, non_blocking=True).to(torch.float32, memory_format=engine.memory_format)
    return x.div_(127.5).sub_(1)


def leave(x: Tensor) -> list[Pixels]:
    """Turn (N, 3, H, W) in [-1, 1] into N pictures (H, W, 3): clamped, rounded half to even, uint8."""
    levels = x.detach().float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
    return list(levels.permute(0, 2, 3, 1).contiguous().cpu().numpy())
