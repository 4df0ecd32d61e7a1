"""Layers that make the same of a picture as those of the model, up to rounding, with less work.

    - Each pixel repeated 2 x 2, padding by reflection, a 3 x 3 convolution: a transposed 4 x 4 convolution of the small
      picture, with 4 multiplications in place of 9.
    - A 3 x 3 convolution of many channels: `Winograd`, with 1 in place of 4.
    - A large convolution to 3 channels: one of stride 2 to 12 channels, the pixels of a square, which fill registers.

Methods and networks know nothing of it. It is done on CPUs only; elsewhere nothing was measured.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from translate.devices import Engine
from translate.inference.winograd import Winograd, suits
from translate.methods.base import Layer
from translate.networks.blocks import Around, ReflectionPad, Residual

Convolution = TypeVar("Convolution", nn.Conv2d, nn.ConvTranspose2d)

FEW = 4  # channels at most that a convolution returns for whole squares


class EdgePad(nn.Module):
    """One more pixel on every side, equal to its neighbour."""

    pixels = 1

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H + 2, W + 2)."""
        with torch.autocast(x.device.type, enabled=False):  # which would widen it to fp32
            return pad(x, (1, 1, 1, 1), mode="replicate")


class Rewriting:
    """Finds cheaper layers, and keeps what it made of weights until these change.

    Args:
        multiple: the sides of pictures are multiples of this.
    """

    def __init__(self, multiple: int) -> None:
        self._is_even = multiple % 2 == 0
        self._made: dict[nn.Conv2d, tuple[tuple[object, ...], nn.Module]] = {}

    def __call__(self, layers: Sequence[Layer], engine: Engine) -> list[Layer]:
        """Return layers that do together what `layers` do, in order."""
        if engine.device.type != "cpu":
            return list(layers)
        modules = [part for layer in layers if isinstance(layer, nn.Module) for part in layer.modules()]
        last = next((part for part in reversed(modules) if isinstance(part, nn.Conv2d | nn.ConvTranspose2d)), None)
        return self._rewritten(layers, last if self._is_even else None, engine.dtype)

    def _rewritten(
        self, layers: Sequence[Layer] | nn.Sequential, last: nn.Module | None, dtype: torch.dtype
    ) -> list[Layer]:
        rest, found = list(_flat(layers)), list[Layer]()
        while rest:
            count, cheaper = self._begun(rest, last, dtype)
            found += cheaper
            del rest[:count]
        return found

    def _begun(
        self, layers: Sequence[Layer], last: nn.Module | None, dtype: torch.dtype
    ) -> tuple[int, Sequence[Layer]]:
        """Return how many of the first layers can be replaced at once, and by what.

        Args:
            layers: those that are left.
            last: the convolution that makes the picture, if its sides are even.
            dtype: of convolutions.
        """
        match layers:
            case [nn.Upsample() as up, ReflectionPad(pixels=1), nn.Conv2d() as layer, *_] if _is_doubling(up, layer):
                return 3, [EdgePad(), self._kept(layer, _transposed)]
            case [nn.Conv2d() as layer, *_] if suits(layer) and dtype == torch.float32:
                return 1, [self._kept(layer, Winograd)]
            case [nn.Conv2d() as layer, *_] if layer is last and _is_narrowing(layer):
                return 1, [self._kept(layer, _of_squares), nn.PixelShuffle(2)]
            case [Residual() as block, *_]:
                inside = self._rewritten(block.residual, last, dtype)
                return 1, [Around([layer for layer in inside if isinstance(layer, nn.Module)], block.shortcut)]
        return 1, layers[:1]

    def _kept(self, layer: nn.Conv2d, make: Callable[[nn.Conv2d], nn.Module]) -> nn.Module:
        """Return make(layer), made anew where the weights are others than the last time."""
        state: list[object] = []
        for x in (layer.weight, layer.bias):
            if x is not None:
                state += [x.data_ptr(), x.dtype, None if x.is_inference() else x._version]
        before = self._made.get(layer)
        if before is None or before[0] != tuple(state):
            before = self._made[layer] = tuple(state), make(layer).requires_grad_(False)
        return before[1]


def _flat(layers: Sequence[Layer] | nn.Sequential) -> Iterator[Layer]:
    for layer in layers:
        if isinstance(layer, nn.Sequential):
            yield from _flat(layer)
        elif not isinstance(layer, nn.Identity):
            yield layer


def _is_doubling(up: nn.Upsample, layer: nn.Conv2d) -> bool:
    return up.mode == "nearest" and up.scale_factor == 2 and _is_plain(layer, 3) and layer.padding == (0, 0)


def _is_narrowing(layer: nn.Conv2d) -> bool:
    size = layer.kernel_size[0]
    same = layer.padding in ((0, 0), (size // 2, size // 2))
    return layer.out_channels <= FEW and size % 2 == 1 and size >= 5 and same and _is_plain(layer, size)


def _is_plain(layer: nn.Conv2d, size: int) -> bool:
    is_dense = layer.stride == layer.dilation == (1, 1) and layer.groups == 1 and layer.padding_mode == "zeros"
    return is_dense and layer.kernel_size == (size, size)


@torch.no_grad()
def _transposed(layer: nn.Conv2d) -> nn.ConvTranspose2d:
    """Make what a 3 x 3 convolution does to doubled pixels: each lies under 2 x 2 of them, so weights are added up."""
    made = nn.ConvTranspose2d(layer.in_channels, layer.out_channels, 4, 2, padding=3, device="meta")
    flipped = layer.weight.flip(2, 3).transpose(0, 1)  # (C, C', 3, 3)
    summed = sum(pad(flipped, (j, 1 - j, i, 1 - i)) for i in (0, 1) for j in (0, 1))
    assert isinstance(summed, Tensor)
    return _with(made, summed, layer.bias)


@torch.no_grad()
def _of_squares(layer: nn.Conv2d) -> nn.Conv2d:
    """Make a convolution that returns four pixels as channels, as `torch.nn.PixelShuffle` takes them."""
    size, channels = layer.kernel_size[0], 4 * layer.out_channels
    made = nn.Conv2d(layer.in_channels, channels, size + 1, 2, device="meta")
    made.padding = layer.padding
    shifted = [pad(layer.weight, (j, 1 - j, i, 1 - i)) for i in (0, 1) for j in (0, 1)]
    bias = None if layer.bias is None else layer.bias.repeat_interleave(4)
    return _with(made, torch.stack(shifted, 1).flatten(0, 1), bias)


def _with(made: Convolution, weight: Tensor, bias: Tensor | None) -> Convolution:
    """Give a layer without memory its weights, channels-last, and its bias (C',)."""
    made.weight = nn.Parameter(weight.contiguous(memory_format=torch.channels_last))
    made.bias = None if bias is None else nn.Parameter(bias)
    return made
