"""The generator of DiscoGAN."""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from translate.networks.blocks import BatchNorm, Change, InRange
from translate.settings import Settings


class EncoderDecoder(Settings):
    """The generator of DiscoGAN (Kim et al. 2017, section 3): strided down, strided up, no skip connections.

    With width 64 and no bottleneck it is the one of the official image translation, with a bottleneck of 100 the deeper
    one of its angle study; the parameter names are the official ones.
    """

    kind: Literal["encoder-decoder"] = "encoder-decoder"
    width: int = Field(64, ge=1)
    """Channels after the first convolution."""
    bottleneck: int = Field(0, ge=0)
    """Channels of a narrowest layer without padding, 1 x 1 at 64 px; 0 leaves it out."""
    residual: bool = False
    """Results are the picture plus a change, which starts at almost 0."""

    multiple: ClassVar[int] = 16  # sides must be a multiple of this, in pixels
    black: ClassVar[float] = 0.0  # pictures are in [black, 1]

    @property
    def smallest(self) -> int:
        """The smallest side in pixels."""
        return 64 if self.bottleneck else 32

    def build(self, in_channels: int, out_channels: int) -> "EncoderDecoderGenerator":
        """Build the network with torch's default initialisation."""
        return EncoderDecoderGenerator(self, in_channels, out_channels)


class EncoderDecoderGenerator(nn.Module):
    """Four 4x4 convolutions of stride 2 and four transposed ones, batch-normalised but for the first and the last.

    Like the official network it works on pictures in [0, 1].
    """

    def __init__(self, settings: EncoderDecoder, in_channels: int, out_channels: int) -> None:
        super().__init__()
        w, narrow = settings.width, settings.bottleneck
        layers: list[nn.Module] = [nn.Conv2d(in_channels, w, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
        for channels in (w, 2 * w, 4 * w):  # (N, w, H/2, W/2) -> (N, 8w, H/16, W/16)
            layers += _down(nn.Conv2d(channels, 2 * channels, 4, 2, 1, bias=False))
        if narrow:  # (N, 8w, h, w) -> (N, narrow, h - 3, w - 3) -> (N, 8w, h, w)
            layers += _down(nn.Conv2d(8 * w, narrow, 4, bias=False))
            layers += _up(nn.ConvTranspose2d(narrow, 8 * w, 4, bias=False))
        for channels in (8 * w, 4 * w, 2 * w):  # -> (N, w, H/2, W/2)
            layers += _up(nn.ConvTranspose2d(channels, channels // 2, 4, 2, 1, bias=False))
        layers.append(nn.ConvTranspose2d(w, out_channels, 4, 2, 1, bias=False))
        if settings.residual:
            self.main = nn.Sequential(Change(layers), InRange(0.0))
        else:
            self.main = nn.Sequential(*layers, nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) in [0, 1] -> (N, out_channels, 16 floor(H/16), 16 floor(W/16)) in [0, 1]."""
        y: Tensor = self.main(x)
        return y

    @property
    def layers(self) -> list[nn.Module]:
        """What `forward` does, layer after layer."""
        return list(self.main)


def _down(convolution: nn.Conv2d) -> list[nn.Module]:
    return [convolution, BatchNorm(convolution.out_channels), nn.LeakyReLU(0.2, inplace=True)]


def _up(convolution: nn.ConvTranspose2d) -> list[nn.Module]:
    return [convolution, BatchNorm(convolution.out_channels), nn.ReLU(inplace=True)]
