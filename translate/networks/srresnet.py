"""SRResNet, which enlarges pictures: the generator of SRGAN."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from translate.networks.blocks import Around, Change, InRange, Norm, Residual, norm_layer
from translate.settings import Settings


class SRResNet(Settings):
    """The generator of SRGAN (Ledig et al. 2017, arXiv 1609.04802, figure 4), which works on the small picture.

    It is given that picture as all generators here are, each of its pixels repeated `scale` x `scale` times: their mean
    comes first. Width 64, 16 blocks and scale 4 are the paper's. There is no activation at the end, where
    pictures that are shown are clamped.
    """

    kind: Literal["srresnet"] = "srresnet"
    width: int = Field(64, ge=1)
    """Channels of all layers, but four times as many before pixels are shuffled."""
    blocks: int = Field(16, ge=0, le=1000)
    """Residual blocks."""
    norm: Norm = "batch"
    """Normalisation layers."""
    residual: bool = False
    """Results are the coarse picture plus a change, which starts at almost 0."""
    scale: Literal[1, 2, 4, 8] = 1
    """How many times as large results are: that of the method, which fills it in."""

    @property
    def multiple(self) -> int:
        """Sides must be a multiple of this, in pixels."""
        return self.scale

    @property
    def smallest(self) -> int:
        """The smallest side in pixels."""
        return 2 * self.scale

    def build(self, in_channels: int, out_channels: int) -> "SRResNetGenerator":
        """Build the network with torch's default initialisation, but for what is shuffled."""
        return SRResNetGenerator(self, in_channels, out_channels)


class SRResNetGenerator(nn.Module):
    """The small picture, residual blocks and the way around them, and as many shuffles as it is doubled.

    The convolutions before shuffles begin as if each pixel were repeated (Aitken et al. 2017, arXiv 1707.02937), so
    that no checkerboard is there to be unlearned.
    """

    initialised = True  # its initial values belong to it, see `first_weights.initialise`

    def __init__(self, settings: SRResNet, in_channels: int, out_channels: int) -> None:
        super().__init__()
        width, scale = settings.width, settings.scale
        blocks = [_Block(width, settings.norm) for _ in range(settings.blocks)]
        layers: list[nn.Module] = [
            *([nn.AvgPool2d(scale)] if scale > 1 else []),  # (N, 3, H, W) -> (N, 3, H / scale, W / scale)
            nn.Conv2d(in_channels, width, 9, padding=4),
            nn.PReLU(),
            Around([*blocks, nn.Conv2d(width, width, 3, padding=1), norm_layer(settings.norm, width)]),
        ]
        for _ in range(scale.bit_length() - 1):  # (N, w, h, w) -> (N, w, 2h, 2w)
            layers += [_repeating(nn.Conv2d(width, 4 * width, 3, padding=1)), nn.PixelShuffle(2), nn.PReLU()]
        layers.append(nn.Conv2d(width, out_channels, 9, padding=4))
        self.model = nn.Sequential(*([Change(layers)] if settings.residual else layers), InRange())

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) in [-1, 1] -> (N, out_channels, H, W); in training results may lie outside."""
        y: Tensor = self.model(x)
        return y

    @property
    def layers(self) -> list[nn.Module]:
        """What `forward` does, layer after layer."""
        return list(self.model)


class _Block(Residual):
    """x + f(x) with two 3x3 convolutions and no activation after the sum."""

    def __init__(self, channels: int, norm: Norm) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            norm_layer(norm, channels),
            nn.PReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            norm_layer(norm, channels),
        )

    @property
    def residual(self) -> nn.Sequential:
        return self.block


@torch.no_grad()
def _repeating(convolution: nn.Conv2d) -> nn.Conv2d:
    """Let the four channels that become one pixel's square be equal."""
    for parameter in (convolution.weight, convolution.bias):
        assert parameter is not None
        parameter.copy_(parameter[::4].repeat_interleave(4, 0))
    return convolution
