"""The U-Net of pix2pix, which CycleGAN's official code knows as well."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from translate.networks.blocks import Change, InRange, Norm, norm_layer
from translate.networks.dropout import Dropout
from translate.settings import Settings


class UNet(Settings):
    """The generator of pix2pix (Isola et al. 2017, section 3.2.1 and appendix 6.1.1), after Ronneberger et al. 2015.

    With width 64 and depth 8 it is `unet_256` of the official code, with depth 7 `unet_128`, with the same parameter
    names.
    """

    kind: Literal["unet"] = "unet"
    width: int = Field(64, ge=1)
    """Channels after the first convolution; they stop at 8 x width."""
    depth: int = Field(8, ge=2, le=10)
    """Times that the sides are halved."""
    norm: Norm = "instance"
    """Normalisation layers."""
    bias: bool = False
    """Also where no normalisation follows a convolution, as in files from before August 2017."""
    dropout: bool = False
    """In the decoder, where it has 8 x width channels at both ends."""
    residual: bool = False
    """Results are the picture plus a change, which starts at almost 0."""

    black: ClassVar[float] = -1.0  # pictures are in [black, 1]

    @property
    def multiple(self) -> int:
        """Sides must be a multiple of this, in pixels."""
        return 1 << self.depth

    @property
    def smallest(self) -> int:
        """The smallest side in pixels."""
        return 1 << self.depth

    def build(self, in_channels: int, out_channels: int) -> "UNetGenerator":
        """Build the network with torch's default initialisation."""
        return UNetGenerator(self, in_channels, out_channels)


class UNetGenerator(nn.Module):
    """4x4 convolutions of stride 2 down, transposed ones up, and what each level was given beside what it returns."""

    def __init__(self, settings: UNet, in_channels: int, out_channels: int) -> None:
        super().__init__()
        widths = [settings.width * min(1 << level, 8) for level in range(settings.depth)]
        level = _innermost(widths[-2], widths[-1], settings)
        for outer, inner in zip(widths[-3::-1], widths[-2:0:-1], strict=True):
            level = _between(outer, inner, level, settings)
        outermost = _Level(
            nn.Conv2d(in_channels, widths[0], 4, 2, 1, bias=settings.bias or settings.norm in ("instance", "none")),
            level,
            nn.ReLU(),
            nn.ConvTranspose2d(2 * widths[0], out_channels, 4, 2, 1),
            *([] if settings.residual else [nn.Tanh()]),
        )
        self.model = nn.Sequential(Change([outermost]), InRange()) if settings.residual else outermost

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) in [-1, 1] -> (N, out_channels, H, W) in [-1, 1]; sides are multiples of 2^depth."""
        y: Tensor = self.model(x)
        return y

    @property
    def layers(self) -> None:
        """What skips levels is no chain of layers."""


class _Level(nn.Module):
    """The layers of one level, with the next deeper level among them."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.model(x)
        return y


class _Skipping(_Level):
    """A level that returns what it was given, too: (N, C, h, w) -> (N, 2C, h, w)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.model(x)], dim=1)


def _innermost(outer: int, inner: int, settings: UNet) -> _Skipping:
    """Down to a single pixel in the smallest picture, which nothing can normalise, and up again."""
    bias = settings.norm in ("instance", "none")
    return _Skipping(
        nn.LeakyReLU(0.2),
        nn.Conv2d(outer, inner, 4, 2, 1, bias=settings.bias or bias),
        nn.ReLU(),
        nn.ConvTranspose2d(inner, outer, 4, 2, 1, bias=bias),
        norm_layer(settings.norm, outer),
    )


def _between(outer: int, inner: int, deeper: nn.Module, settings: UNet) -> _Skipping:
    bias = settings.norm in ("instance", "none")
    return _Skipping(
        nn.LeakyReLU(0.2),
        nn.Conv2d(outer, inner, 4, 2, 1, bias=bias),
        norm_layer(settings.norm, inner),
        deeper,
        nn.ReLU(),
        nn.ConvTranspose2d(2 * inner, outer, 4, 2, 1, bias=bias),
        norm_layer(settings.norm, outer),
        *([Dropout(0.5)] if settings.dropout and outer == inner else []),
    )
