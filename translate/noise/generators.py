"""Generators of pictures from noise: (N, numbers) in, (N, channels, S, S) in [-1, 1] out."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, Tag, field_validator
from torch import Tensor, nn

from translate.networks.blocks import Norm, norm_layer
from translate.settings import Settings, kind_or

SIZES = (32, 64, 128, 256)  # pixels: 4 x 4 doubled three times or more


class Dcgan(Settings):
    """The generator of DCGAN (Radford et al. 2016, figure 1): from 4 x 4 pixels on, each layer doubles the side."""

    kind: Literal["dcgan"] = "dcgan"
    width: int = Field(64, ge=1)
    """Channels before the last layer; twice as many at half the side, 8 times at most."""
    norm: Norm = "batch"
    """Normalisation layers, of all layers but the last."""
    bias: bool = False
    """Of convolutions."""

    multiple: ClassVar[int] = 4  # of the sides of pictures, in pixels
    smallest: ClassVar[int] = SIZES[0]

    def build(self, inputs: int, channels: int, size: int) -> "DcganGenerator":
        """Build the network for pictures of `size` x `size` pixels, with torch's default initialisation."""
        return DcganGenerator(self, inputs, channels, size)


class DcganGenerator(nn.Module):
    """Transposed 4x4 convolutions of stride 2, with normalisation and ReLU between and tanh at the end."""

    def __init__(self, settings: Dcgan, inputs: int, channels: int, size: int) -> None:
        super().__init__()
        doublings = (size // 4).bit_length() - 1
        widths = [settings.width * min(1 << k, 8) for k in reversed(range(doublings))]  # at 4, 8, ... size / 2
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(zip([inputs, *widths], [*widths, channels], strict=True)):
            stride, padding = (1, 0) if number == 0 else (2, 1)
            layers.append(nn.ConvTranspose2d(before, after, 4, stride, padding, bias=settings.bias))
            layers += [norm_layer(settings.norm, after), nn.ReLU(inplace=True)] if number < doublings else [nn.Tanh()]
        self.main = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        """(N, inputs) -> (N, channels, S, S) in [-1, 1]."""
        y: Tensor = self.main(z[..., None, None])
        return y


class Mlp(Settings):
    """A generator of fully connected layers, as in the first GAN (Goodfellow et al. 2014, section 5)."""

    kind: Literal["mlp"] = "mlp"
    widths: tuple[Annotated[int, Field(ge=1)], ...] = (256, 512, 1024)
    """Units of each hidden layer."""
    activation: Literal["relu", "leaky"] = "leaky"
    """After hidden layers."""

    multiple: ClassVar[int] = 4
    smallest: ClassVar[int] = SIZES[0]

    @field_validator("widths", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    def build(self, inputs: int, channels: int, size: int) -> "MlpGenerator":
        """Build the network for pictures of `size` x `size` pixels, with torch's default initialisation."""
        return MlpGenerator(self, inputs, channels, size)


class MlpGenerator(nn.Module):
    """Linear layers, with tanh at the end."""

    def __init__(self, settings: Mlp, inputs: int, channels: int, size: int) -> None:
        super().__init__()
        self.initialised = True  # as torch does it
        self.shape = (channels, size, size)
        layers: list[nn.Module] = []
        for before, after in zip([inputs, *settings.widths], settings.widths, strict=False):
            layers += [nn.Linear(before, after), nn.ReLU() if settings.activation == "relu" else nn.LeakyReLU(0.2)]
        last = [inputs, *settings.widths][-1]
        self.main = nn.Sequential(*layers, nn.Linear(last, channels * size * size), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        """(N, inputs) -> (N, channels, S, S) in [-1, 1]."""
        y: Tensor = self.main(z).reshape(-1, *self.shape)
        return y


# What the generator of a method that draws may be; where no kind is given, the first.
FromNoise = Annotated[Annotated[Dcgan, Tag("dcgan")] | Annotated[Mlp, Tag("mlp")], kind_or("dcgan")]
