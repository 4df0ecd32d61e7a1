"""Networks that grow (Karras et al. 2018): all blocks exist from the start, and those are used that a depth needs."""

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from translate.noise.generators import SIZES
from translate.settings import Settings

GROUP = 4  # pictures whose deviation D is told


class Progressive(Settings):
    """How wide the networks are: 2^13 / 2^s channels in stage s, at 2^(s + 1) pixels, and not more than `most`."""

    kind: Literal["progressive"] = "progressive"
    base: int = Field(8192, ge=16)
    """Channels, before they are halved once for each stage."""
    most: int = Field(512, ge=1)
    """The most channels."""

    multiple: ClassVar[int] = 4  # of the sides of pictures, in pixels
    smallest: ClassVar[int] = SIZES[0]

    def channels(self, side: int) -> int:
        """Return how many channels there are at `side` x `side` pixels."""
        return max(min(self.base >> (side.bit_length() - 2), self.most), 1)


class EqualisedConv(nn.Conv2d):
    """A convolution whose weights are N(0, 1), and multiplied by gain / sqrt(fan in) when it is used (section 4.1)."""

    def __init__(self, before: int, after: int, kernel: int, padding: int = 0, gain: float = math.sqrt(2)) -> None:
        super().__init__(before, after, kernel, padding=padding)
        self.scale = gain / math.sqrt(before * kernel * kernel)
        nn.init.normal_(self.weight)
        assert self.bias is not None
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, H, W) -> (N, after, H', W')."""
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=self.padding)


class Growing(nn.Module):
    """A network of blocks, of which the first one is for 4 x 4 pixels."""

    blocks: nn.ModuleList

    def block(self, k: int) -> Iterable[nn.Module]:
        """Return the layers of a block."""
        layers = self.blocks[k]
        assert isinstance(layers, nn.ModuleList)
        return layers


class ProgressiveGenerator(Growing):
    """Blocks of two 3x3 convolutions, each with a way to RGB; how far it has grown is a buffer, so exports know it."""

    grows = True  # it is another graph in each step in which a block fades in, which does not pay to compile
    grown: Tensor

    def __init__(self, settings: Progressive, inputs: int, channels: int, start: int, size: int) -> None:
        super().__init__()
        sides = [4 << k for k in range((size // 4).bit_length())]
        self.skipped = sides.index(start)  # blocks that are there from the first step
        widths = [settings.channels(side) for side in sides]
        self.first = EqualisedConv(inputs, widths[0] * 16, 1, gain=math.sqrt(2) / 4)
        self.blocks = nn.ModuleList(
            nn.ModuleList(EqualisedConv(wide, after, 3, 1) for wide in ((before, after) if k else (after,)))
            for k, (before, after) in enumerate(zip([widths[0], *widths], widths, strict=False))
        )
        self.to_rgb = nn.ModuleList(EqualisedConv(width, channels, 1, gain=1.0) for width in widths[self.skipped :])
        self.register_buffer("grown", torch.zeros(()))  # depth - 1 + t while the block of a depth fades in

    def forward(self, z: Tensor) -> Tensor:
        """(N, inputs) -> (N, channels, s, s), unbounded, at the size that it has grown to."""
        # Without memory, where only costs are counted, it is as large as it will be.
        depth, t = depth_of(len(self.to_rgb) - 1.0 if self.grown.is_meta else float(self.grown))
        h = self.first(pixel_norm(z)[..., None, None])
        h = pixel_norm(F.leaky_relu(h.reshape(len(z), -1, 4, 4), 0.2))
        before = h
        for k in range(self.skipped + depth + 1):
            before = h
            h = doubled(h) if k else h
            for layer in self.block(k):
                h = pixel_norm(F.leaky_relu(layer(h), 0.2))
        rgb: Tensor = self.to_rgb[depth](h)
        return rgb if t == 1 else torch.lerp(doubled(self.to_rgb[depth - 1](before)), rgb, t)


class ProgressiveDiscriminator(Growing):
    """The same the other way round, with the deviation within a batch as one more channel before the last block."""

    def __init__(self, settings: Progressive, channels: int, start: int, size: int) -> None:
        super().__init__()
        sides = [4 << k for k in range((size // 4).bit_length())]
        self.skipped = sides.index(start)
        widths = [settings.channels(side) for side in sides]
        self.from_rgb = nn.ModuleList(EqualisedConv(channels, width, 1) for width in widths[self.skipped :])
        self.blocks = nn.ModuleList(
            nn.ModuleList([EqualisedConv(after, after, 3, 1), EqualisedConv(after, before, 3, 1)])
            for before, after in pairwise(widths)
        )
        wide = widths[0]
        self.last = nn.ModuleList([EqualisedConv(wide + 1, wide, 3, 1), EqualisedConv(wide, wide, 4)])
        self.score = EqualisedConv(wide, 1, 1, gain=1.0)

    def forward(self, x: Tensor, grown: float) -> Tensor:
        """(N, channels, s, s) at the size that belongs to `grown`, see `depth_of` -> scores (N, 1), unbounded."""
        depth, t = depth_of(grown)
        h = F.leaky_relu(self.from_rgb[depth](x), 0.2)
        for k in reversed(range(self.skipped + depth)):
            for layer in self.block(k):
                h = F.leaky_relu(layer(h), 0.2)
            h = F.avg_pool2d(h, 2)
            if k == self.skipped + depth - 1 and t < 1:
                h = torch.lerp(F.leaky_relu(self.from_rgb[depth - 1](F.avg_pool2d(x, 2)), 0.2), h, t)
        h = with_deviation(h)
        for layer in self.last:
            h = F.leaky_relu(layer(h), 0.2)
        scores: Tensor = self.score(h).flatten(1)
        return scores


def depth_of(grown: float) -> tuple[int, float]:
    """Return how often the first size is doubled, and how far the last block has faded in, in (0, 1]."""
    depth = math.ceil(grown)
    return depth, 1.0 if depth == grown else 1 - (depth - grown)


def pixel_norm(h: Tensor) -> Tensor:
    """Divide the channels of each pixel by their root mean square (section 4.2)."""
    wide = h.float() if h.dtype.itemsize < 4 else h
    normalised: Tensor = (wide * torch.rsqrt(wide.square().mean(1, keepdim=True) + 1e-8)).to(h.dtype)
    return normalised


def with_deviation(h: Tensor) -> Tensor:
    """Add a channel: the standard deviation of features within a group of pictures, the mean over all (section 3).

    Groups are of pictures that follow each other, so that they are the same where several processes share a batch. The
    official code takes every so manieth, which is the same for pictures in another order.
    """
    count = len(h)
    size = GROUP if count % GROUP == 0 else count
    wide = h.float() if h.dtype.itemsize < 4 else h
    parts = wide.reshape(count // size, size, *h.shape[1:])
    deviation = (parts.var(1, correction=0) + 1e-8).sqrt().mean((1, 2, 3))  # (groups,)
    channel = deviation.repeat_interleave(size)[:, None, None, None].expand(-1, 1, *h.shape[2:])
    return torch.cat([h, channel.to(h.dtype)], 1)


def doubled(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, 2H, 2W), each pixel a square."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
