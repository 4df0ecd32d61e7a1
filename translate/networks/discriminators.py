"""Discriminators: a picture in, a map of scores out. No sigmoid: objectives take scores."""

from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, Tag
from torch import Tensor, nn

from translate.networks.blocks import Norm, norm_layer
from translate.settings import Settings


class PatchGAN(Settings):
    """The n-layer patch discriminator (Isola et al. 2017, section 3.2.2); 3 layers judge 70x70 patches.

    Receptive field for 1..6 layers: 16, 34, 70, 142, 286, 574 px.
    """

    kind: Literal["patchgan"] = "patchgan"
    width: int = Field(64, ge=1)  # channels after the first convolution
    layers: int = Field(3, ge=1, le=8)  # stride-2 convolutions
    norm: Norm = "instance"

    @property
    def smallest(self) -> int:
        """The smallest side in pixels that leaves one score and more than one pixel for every normalisation."""
        return 3 << self.layers

    def build(self, in_channels: int) -> "PatchDiscriminator":
        """Build the network with torch's default initialisation."""
        return PatchDiscriminator(self, in_channels)


class PatchDiscriminator(nn.Module):
    """Stride-2 4x4 convolutions, then two of stride 1; all pad with zeros; channels stop at 8 x width."""

    def __init__(self, settings: PatchGAN, in_channels: int) -> None:
        super().__init__()
        width, norm = settings.width, settings.norm
        layers: list[nn.Module] = [
            nn.Conv2d(in_channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        channels = width
        for layer in range(1, settings.layers + 1):  # each halves the sides, but the last one takes one pixel off
            wider = width * min(2**layer, 8)
            stride = 2 if layer < settings.layers else 1
            layers += [
                nn.Conv2d(channels, wider, 4, stride=stride, padding=1, bias=norm != "batch"),
                norm_layer(norm, wider),
                nn.LeakyReLU(0.2, inplace=True),
            ]
            channels = wider
        layers.append(nn.Conv2d(channels, 1, 4, padding=1))
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) in [-1, 1] -> (N, 1, h, w), unbounded; 256 px -> 30 x 30 with 3 layers."""
        scores: Tensor = self.model(x)
        return scores


class PixelGAN(Settings):
    """The 1x1 discriminator of pix2pix: judges every pixel alone, so it sees colour but no structure."""

    kind: Literal["pixelgan"] = "pixelgan"
    width: int = Field(64, ge=1)
    norm: Norm = "instance"

    @property
    def smallest(self) -> int:
        """The smallest side in pixels."""
        return 2

    def build(self, in_channels: int) -> "PixelDiscriminator":
        """Build the network with torch's default initialisation."""
        return PixelDiscriminator(self, in_channels)


class PixelDiscriminator(nn.Module):
    """Three 1x1 convolutions. With batch norm only the first has a bias, as in the official code."""

    def __init__(self, settings: PixelGAN, in_channels: int) -> None:
        super().__init__()
        width, bias = settings.width, settings.norm != "batch"
        self.net = nn.Sequential(
            nn.Conv2d(in_channels, width, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, 2 * width, 1, bias=bias),
            norm_layer(settings.norm, 2 * width),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(2 * width, 1, 1, bias=bias),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) in [-1, 1] -> (N, 1, H, W), unbounded."""
        scores: Tensor = self.net(x)
        return scores


def _kind(value: Any) -> str:
    return str(value.get("kind", "patchgan") if isinstance(value, dict) else getattr(value, "kind", "patchgan"))


Discriminator = Annotated[
    Annotated[PatchGAN, Tag("patchgan")] | Annotated[PixelGAN, Tag("pixelgan")], pydantic.Discriminator(_kind)
]
