"""Generators: a picture in, a picture out."""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from translate.networks.blocks import Norm, ReflectionPad, ResidualBlock, norm_layer
from translate.settings import Settings


class Resnet(Settings):
    """The residual generator of CycleGAN (Zhu et al. 2017, appendix 7.2, after Johnson et al. 2016).

    Built with 9 blocks and width 64 it is `resnet_9blocks` of the official code, with the same parameter names.
    """

    kind: Literal["resnet"] = "resnet"
    width: int = Field(64, ge=1)  # channels after the first convolution
    blocks: int = Field(9, ge=0)  # residual blocks; the paper: 6 at 128 px, 9 from 256 px
    norm: Norm = "instance"
    upsampling: Literal["transposed", "resize"] = "transposed"  # "resize" avoids checkerboards (Odena et al. 2016)
    dropout: bool = False

    multiple: ClassVar[int] = 4  # sides must be a multiple of this, in pixels
    smallest: ClassVar[int] = 8  # and at least this, for the reflection at the bottleneck

    def build(self, in_channels: int, out_channels: int) -> "ResnetGenerator":
        """Build the network with torch's default initialisation."""
        return ResnetGenerator(self, in_channels, out_channels)


class ResnetGenerator(nn.Module):
    """Encoder with two stride-2 convolutions, residual blocks, decoder with two stride-2 upsamplings.

    The two stride-2 convolutions pad with zeros, all other convolutions by reflection, as in the official code. A bias
    in front of a normalisation has no effect; it is there because the official checkpoints have it.
    """

    def __init__(self, settings: Resnet, in_channels: int, out_channels: int) -> None:
        super().__init__()
        width, norm = settings.width, settings.norm
        bias = norm != "batch"
        layers: list[nn.Module] = [
            ReflectionPad(3),
            nn.Conv2d(in_channels, width, 7, bias=bias),
            norm_layer(norm, width),
            nn.ReLU(inplace=True),
        ]
        for channels in (width, 2 * width):  # (N, w, H, W) -> (N, 2w, H/2, W/2) -> (N, 4w, H/4, W/4)
            layers += [
                nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1, bias=bias),
                norm_layer(norm, 2 * channels),
                nn.ReLU(inplace=True),
            ]
        layers += [ResidualBlock(4 * width, norm, settings.dropout, bias) for _ in range(settings.blocks)]
        for channels in (4 * width, 2 * width):  # (N, 4w, H/4, W/4) -> (N, 2w, H/2, W/2) -> (N, w, H, W)
            layers += [
                _upsampling(settings.upsampling, channels, channels // 2, bias),
                norm_layer(norm, channels // 2),
                nn.ReLU(inplace=True),
            ]
        layers += [ReflectionPad(3), nn.Conv2d(width, out_channels, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) in [-1, 1] -> (N, out_channels, 4 ceil(H/4), 4 ceil(W/4)) in [-1, 1]."""
        y: Tensor = self.model(x)
        return y


def _upsampling(kind: Literal["transposed", "resize"], channels: int, out_channels: int, bias: bool) -> nn.Module:
    """(N, C, h, w) -> (N, out_channels, 2h, 2w)."""
    if kind == "transposed":
        return nn.ConvTranspose2d(channels, out_channels, 3, stride=2, padding=1, output_padding=1, bias=bias)
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"),
        ReflectionPad(1),
        nn.Conv2d(channels, out_channels, 3, bias=bias),
    )
