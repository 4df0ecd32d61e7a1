"""Layers that are run one after the other on a whole picture, in as little memory as they need.

What only one layer reads is written over by the next one where that works pixel by pixel, and sums of residual blocks
take the place of one of their terms.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu_, relu_

from translate.methods.base import Layer
from translate.networks.blocks import InRange, Residual, Times

OVERWRITING: dict[type[nn.Module], Callable[[Any, Tensor], Tensor]] = {
    nn.ReLU: lambda layer, x: relu_(x),
    nn.LeakyReLU: lambda layer, x: leaky_relu_(x, layer.negative_slope),
    nn.Tanh: lambda layer, x: x.tanh_(),
    Times: lambda layer, x: x.mul_(layer.factor),
    InRange: lambda layer, x: x.clamp_(layer.black, 1.0),
}  # in evaluation


def run(layers: Iterable[Layer], x: Tensor) -> Tensor:
    """Apply layers to (N, C, H, W), which stays as it is."""
    return _run(layers, x, is_free=False)[0]


def _run(layers: Iterable[Layer], x: Tensor, is_free: bool) -> tuple[Tensor, bool]:
    """Return what layers make of x, and whether it may be written over, as x may if it `is_free`."""
    for layer in layers:
        if isinstance(layer, Residual):
            residual, may = _run(layer.residual, x, is_free=False)
            x, is_free = _sum(residual, may, x if layer.shortcut is None else layer.shortcut(x)), True
        elif is_free and isinstance(layer, nn.Module) and (overwrite := OVERWRITING.get(type(layer))):
            x = overwrite(layer, x)
        else:
            y = layer(x)
            is_free = is_free or y.untyped_storage().data_ptr() != x.untyped_storage().data_ptr()
            x = y
    return x, is_free


def _sum(x: Tensor, is_free: bool, y: Tensor) -> Tensor:
    return x.add_(y) if is_free and x.dtype == torch.promote_types(x.dtype, y.dtype) else x + y
