"""The residual generator of CycleGAN, whose encoder CUT looks into."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import relu

from translate.networks.blocks import (
    Change,
    InRange,
    Norm,
    Padding,
    ReflectionPad,
    Residual,
    ResidualBlock,
    blurred_half,
    norm_layer,
    padded,
)
from translate.settings import Settings

Upsampling = Literal["transposed", "resize", "bilinear"]


class Resnet(Settings):
    """The residual generator of CycleGAN (Zhu et al. 2017, appendix 7.2, after Johnson et al. 2016).

    Built with 9 blocks and width 64 it is `resnet_9blocks` of the official code, with the same parameter names.
    """

    kind: Literal["resnet"] = "resnet"
    width: int = Field(64, ge=1)
    """Channels after the first convolution."""
    blocks: int = Field(9, ge=0, le=1000)
    """Residual blocks; the paper: 6 at 128 px, 9 from 256 px."""
    norm: Norm = "instance"
    """Normalisation layers."""
    padding: Padding = "reflect"
    """But for strided convolutions, which pad with zeros."""
    downsampling: Literal["strided", "blurred"] = "strided"
    """"blurred" avoids aliasing (Zhang 2019), as in CUT."""
    upsampling: Upsampling = "transposed"
    """"resize" avoids checkerboards (Odena et al. 2016); "bilinear" is CUT's."""
    dropout: bool = False
    """Whether residual blocks drop half of their activations in training."""
    residual: bool = False
    """Results are the picture plus a change, which starts at almost 0."""
    skip: bool = False
    """An older form of it: the change starts as large as any."""

    multiple: ClassVar[int] = 4  # sides must be a multiple of this, in pixels
    smallest: ClassVar[int] = 8  # and at least this, for the reflection at the bottleneck
    black: ClassVar[float] = -1.0  # pictures are in [black, 1]

    @property
    def taps(self) -> dict[str, int]:
        """The encoder's activations that `tapped` and `encode` return, from shallow to deep, and their channels.

        "pixels" is the padded picture; "down1" and "down2" are what the convolutions return that widen the channels,
        before it is normalised, as in CUT.
        """
        w = self.width
        return {"pixels": 3, "down1": 2 * w, "down2": 4 * w, **{f"block{n + 1}": 4 * w for n in range(self.blocks)}}

    def build(self, in_channels: int, out_channels: int) -> "ResnetGenerator":
        """Build the network with torch's default initialisation."""
        return ResnetGenerator(self, in_channels, out_channels)


class ResnetGenerator(nn.Module):
    """Encoder that halves the sides twice, residual blocks, decoder that doubles them twice.

    What halves or doubles pads with zeros, all other convolutions by reflection, as in the official code. A bias in
    front of instance normalisation has no effect; it is there because the official checkpoints have it.

    With `skip` the network makes a correction, which is added to the picture (DeblurGAN, Kupyn et al. 2018, figure 3).
    Results are sharp from the first step on. Instance normalisation fixes how much is corrected in all, which then goes
    into a coloured spot where nothing needs correcting; with the norm "none" CycleGAN was seen to change nothing for
    thousands of steps, or, with a weak cycle loss, to collapse.
    """

    def __init__(self, settings: Resnet, in_channels: int, out_channels: int) -> None:
        super().__init__()
        width, norm = settings.width, settings.norm
        bias = norm in ("instance", "none")
        layers: list[nn.Module] = [
            *padded(settings.padding, nn.Conv2d(in_channels, width, 7, bias=bias)),
            norm_layer(norm, width),
            nn.ReLU(inplace=True),
        ]
        stride = 2 if settings.downsampling == "strided" else 1
        for channels in (width, 2 * width):  # (N, w, H, W) -> (N, 2w, H/2, W/2) -> (N, 4w, H/4, W/4)
            layers += [
                nn.Conv2d(channels, 2 * channels, 3, stride=stride, padding=1, bias=bias),
                norm_layer(norm, 2 * channels),
                nn.ReLU(inplace=True),
                *([blurred_half()] if settings.downsampling == "blurred" else []),
            ]
        layers += [
            ResidualBlock(4 * width, norm, settings.dropout, bias, settings.padding) for _ in range(settings.blocks)
        ]
        for channels in (4 * width, 2 * width):  # (N, 4w, H/4, W/4) -> (N, 2w, H/2, W/2) -> (N, w, H, W)
            layers += [
                *_upsampling(settings.upsampling, channels, channels // 2, bias),
                norm_layer(norm, channels // 2),
                nn.ReLU(inplace=True),
            ]
        layers += padded(settings.padding, nn.Conv2d(width, out_channels, 7))
        if settings.residual:
            self.model = nn.Sequential(Change(layers), InRange())
        elif settings.skip:
            self.model = nn.Sequential(GlobalSkip(layers), nn.Hardtanh())
        else:
            self.model = nn.Sequential(*layers, nn.Tanh())
        self._places = dict(zip(settings.taps, _places_of_taps(layers), strict=True))

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) in [-1, 1] -> (N, out_channels, 4 ceil(H/4), 4 ceil(W/4)) in [-1, 1]."""
        y: Tensor = self.model(x)
        return y

    def tapped(self, x: Tensor, taps: Sequence[str]) -> list[Tensor]:
        """Return what `forward` does, and behind it the activations (N, C, h, w) called `taps`."""
        y, found = self._run(x, taps, len(self._inside))
        return [y if self._inside is self.model else self.model[1](x + y), *found]

    def encode(self, x: Tensor, taps: Sequence[str]) -> list[Tensor]:
        """Return the activations called `taps`, and compute nothing behind the last of them."""
        return self._run(x, taps, max(self._places[tap] for tap in taps) + 1)[1]

    @property
    def _inside(self) -> nn.Sequential:
        """The layers from the picture to the result, or to the change."""
        return self.model[0].residual if isinstance(self.model[0], Residual) else self.model

    def _run(self, x: Tensor, taps: Sequence[str], stop: int) -> tuple[Tensor, list[Tensor]]:
        wanted, found = {self._places[tap]: tap for tap in taps}, {}
        for place, layer in enumerate(self._inside[:stop]):
            in_place = isinstance(layer, nn.ReLU) and place - 2 in wanted  # without normalisation it is behind a tap
            x = relu(x) if in_place else layer(x)
            if place in wanted:
                found[wanted[place]] = x
        return x, [found[tap] for tap in taps]

    @property
    def layers(self) -> list[nn.Module]:
        """What `forward` does, layer after layer."""
        return list(self.model)


def _places_of_taps(layers: Sequence[nn.Module]) -> list[int]:
    """Return which of the layers return the taps: the padded picture, widening convolutions, residual blocks."""
    convolutions = [place for place, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)]
    return [0, *convolutions[1:3], *(place for place, layer in enumerate(layers) if isinstance(layer, ResidualBlock))]


class GlobalSkip(Residual):
    """x + f(x), where f is a whole generator. The sides of x are multiples of what f needs."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    @property
    def residual(self) -> nn.Sequential:
        """f."""
        return self.layers


def _upsampling(kind: Upsampling, channels: int, out_channels: int, bias: bool) -> list[nn.Module]:
    """(N, C, h, w) -> (N, out_channels, 2h, 2w)."""
    if kind == "transposed":
        return [nn.ConvTranspose2d(channels, out_channels, 3, stride=2, padding=1, output_padding=1, bias=bias)]
    if kind == "bilinear":
        return [
            nn.Upsample(scale_factor=2, mode="bilinear"),
            nn.Conv2d(channels, out_channels, 3, padding=1, bias=bias),
        ]
    convolution = nn.Conv2d(channels, out_channels, 3, bias=bias)
    return [nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"), ReflectionPad(1), convolution)]
