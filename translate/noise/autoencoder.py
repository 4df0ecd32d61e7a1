"""Discriminators that are autoencoders, and the generators that have the same shape as their decoders."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, Tag
from torch import Tensor, nn

from translate import parallel
from translate.noise.generators import SIZES, Dcgan, Mlp
from translate.settings import Settings, kind_or


class Decoder(Settings):
    """The generator of BEGAN (Berthelot et al. 2017, figure 1): from 8 x 8 pixels on, each step doubles the side."""

    kind: Literal["decoder"] = "decoder"
    width: int = Field(64, ge=1)
    """Channels of each convolution."""

    multiple: ClassVar[int] = 8  # of the sides of pictures, in pixels
    smallest: ClassVar[int] = SIZES[0]

    def build(self, inputs: int, channels: int, size: int) -> "DecoderNetwork":
        """Build the network for pictures of `size` x `size` pixels, with torch's default initialisation."""
        return DecoderNetwork(self.width, inputs, channels, size)


class DecoderNetwork(nn.Module):
    """Two 3x3 convolutions with ELU at each size; no activation at the end, so results may leave [-1, 1]."""

    def __init__(self, width: int, inputs: int, channels: int, size: int) -> None:
        super().__init__()
        self.initialised = True  # as torch does it
        self.width = width
        self.first = nn.Linear(inputs, width * 8 * 8)
        layers: list[nn.Module] = []
        for scale in range(_scales(size)):
            layers += [nn.Upsample(scale_factor=2.0)] if scale else []
            layers += [*_convolution(width, width), *_convolution(width, width)]
        self.main = nn.Sequential(*layers, nn.Conv2d(width, channels, 3, padding=1))

    def forward(self, h: Tensor) -> Tensor:
        """(N, inputs) -> (N, channels, S, S), unbounded."""
        y: Tensor = self.main(self.first(h).reshape(-1, self.width, 8, 8))
        return y


class Autoencoder(Settings):
    """The discriminator of BEGAN: an encoder to a code, and the decoder of it."""

    kind: Literal["autoencoder"] = "autoencoder"
    width: int = Field(64, ge=1)
    """Channels at full size; once, twice, three times as many at each half."""
    code: int = Field(64, ge=1)
    """Numbers in a code."""

    multiple: ClassVar[int] = 8
    smallest: ClassVar[int] = SIZES[0]

    def build(self, channels: int, size: int) -> "AutoencoderNetwork":
        """Build the network for pictures of `size` x `size` pixels, with torch's default initialisation."""
        return AutoencoderNetwork(self, channels, size)


class AutoencoderNetwork(nn.Module):
    """3x3 convolutions with ELU, of which each last one of a size halves it; a linear layer makes the code."""

    def __init__(self, settings: Autoencoder, channels: int, size: int) -> None:
        super().__init__()
        self.initialised = True  # as torch does it
        layers, before = [*_convolution(channels, settings.width)], settings.width
        for scale in range(_scales(size)):
            width = settings.width * (scale + 1)
            layers += [*_convolution(before, width), *_convolution(width, width)]
            layers += _convolution(width, width, stride=2) if scale < _scales(size) - 1 else []
            before = width
        self.encoder = nn.Sequential(*layers, nn.Flatten(), nn.Linear(before * 8 * 8, settings.code))
        self.decoder = DecoderNetwork(settings.width, settings.code, channels, size)

    def forward(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """(N, channels, S, S) in [-1, 1] -> what it makes of that, of the same shape, and the codes (N, code)."""
        code: Tensor = self.encoder(v)
        return self.decoder(code), code


def _convolution(before: int, after: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, stride, padding=1), nn.ELU()]


def _scales(size: int) -> int:
    return (size // 8).bit_length()


def pulling_away(codes: Tensor) -> Tensor:
    """Return the mean squared cosine between different codes of the whole batch (N, s), Zhao et al. 2017, Eq. 4; N > 1.

    With U the normalised codes, the sum of all squared cosines, which are the entries of U U^T, is the squared norm of
    U^T U, of which each process has its part.
    """
    unit = nn.functional.normalize(codes.float() if codes.dtype.itemsize < 4 else codes, dim=1)
    count = parallel.count(codes)
    products = parallel.mean(unit.T @ unit / len(unit))
    itself = parallel.mean(unit.square().sum(1).square().mean())
    return (count * products.square().sum() - itself) / (count - 1)


# What the generator may be; where no kind is given, the first.
ToBeJudged = Annotated[
    Annotated[Decoder, Tag("decoder")] | Annotated[Dcgan, Tag("dcgan")] | Annotated[Mlp, Tag("mlp")],
    kind_or("decoder"),
]
