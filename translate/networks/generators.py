"""Generators: a picture in, a picture out."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, Tag
from torch import Tensor, nn
from torch.nn.functional import relu

from translate.networks.blocks import (
    Around,
    BatchNorm,
    Change,
    InRange,
    InstanceNorm,
    Norm,
    Padding,
    ReflectionPad,
    Residual,
    ResidualBlock,
    Times,
    blurred_half,
    norm_layer,
    padded,
)
from translate.networks.skip_resnet import SkipResnet
from translate.networks.unet import UNet
from translate.settings import Settings, kind_or

Upsampling = Literal["transposed", "resize", "bilinear"]


class Resnet(Settings):
    """The residual generator of CycleGAN (Zhu et al. 2017, appendix 7.2, after Johnson et al. 2016).

    Built with 9 blocks and width 64 it is `resnet_9blocks` of the official code, with the same parameter names.
    """

    kind: Literal["resnet"] = "resnet"
    width: int = Field(64, ge=1)  # channels after the first convolution
    blocks: int = Field(9, ge=0, le=1000)  # residual blocks; the paper: 6 at 128 px, 9 from 256 px
    norm: Norm = "instance"
    padding: Padding = "reflect"  # but for strided convolutions, which pad with zeros
    downsampling: Literal["strided", "blurred"] = "strided"  # "blurred" avoids aliasing (Zhang 2019), as in CUT
    upsampling: Upsampling = "transposed"  # "resize" avoids checkerboards (Odena et al. 2016); "bilinear" is CUT's
    dropout: bool = False
    residual: bool = False  # results are the picture plus a change, which starts at almost 0
    skip: bool = False  # an older form of it: the change starts as large as any

    multiple: ClassVar[int] = 4  # sides must be a multiple of this, in pixels
    smallest: ClassVar[int] = 8  # and at least this, for the reflection at the bottleneck
    black: ClassVar[float] = -1.0  # pictures are in [black, 1]

    @property
    def taps(self) -> list[str]:
        """The names of the encoder's activations that `tapped` and `encode` return, from shallow to deep.

        "pixels" is the padded picture; "down1" and "down2" are what the convolutions return that widen the channels,
        before it is normalised, as in CUT.
        """
        return ["pixels", "down1", "down2", *(f"block{number + 1}" for number in range(self.blocks))]

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

    def tapped(self, x: Tensor, taps: Sequence[str]) -> tuple[Tensor, list[Tensor]]:
        """Return what `forward` does, and the activations (N, C, h, w) called `taps`."""
        y, found = self._run(x, taps, len(self._inside))
        return (y if self._inside is self.model else self.model[1](x + y)), found

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


class EncoderDecoder(Settings):
    """The generator of DiscoGAN (Kim et al. 2017, section 3): strided down, strided up, no skip connections.

    With width 64 and no bottleneck it is the one of the official image translation, with a bottleneck of 100 the deeper
    one of its angle study; the parameter names are the official ones.
    """

    kind: Literal["encoder-decoder"] = "encoder-decoder"
    width: int = Field(64, ge=1)  # channels after the first convolution
    bottleneck: int = Field(0, ge=0)  # channels of a narrowest layer without padding, 1 x 1 at 64 px; 0 leaves it out
    residual: bool = False  # results are the picture plus a change, which starts at almost 0

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


class LabelResnet(Settings):
    """The generator of StarGAN (Choi et al. 2018, table 4): one network for all domains, told by label planes.

    With width 64 and 6 blocks it is the official one, with the same parameter names; its instance normalisation has
    learned weights and no running statistics, which the official code keeps but never uses.
    """

    kind: Literal["label-resnet"] = "label-resnet"
    width: int = Field(64, ge=1)  # channels after the first convolution
    blocks: int = Field(6, ge=0, le=1000)  # residual blocks
    residual: bool = False  # results are the picture plus a change, which starts at almost 0

    multiple: ClassVar[int] = 4  # sides must be a multiple of this, in pixels
    smallest: ClassVar[int] = 8
    black: ClassVar[float] = -1.0  # pictures are in [black, 1]

    def build(self, in_channels: int, out_channels: int, labels: int) -> "LabelResnetGenerator":
        """Build the network for `labels` labels, with torch's default initialisation."""
        return LabelResnetGenerator(self, in_channels, out_channels, labels)


class LabelResnetGenerator(nn.Module):
    """The label is appended to the picture as constant planes.

    All convolutions pad with zeros, and must: the first convolution turns a constant plane into a constant, which the
    normalisation behind it removes. Only at the border, where the padded plane falls to zero, does the label get
    through. With padding by reflection the network cannot know it.
    """

    def __init__(self, settings: LabelResnet, in_channels: int, out_channels: int, labels: int) -> None:
        super().__init__()
        w = settings.width
        layers = _normed(nn.Conv2d(in_channels + labels, w, 7, padding=3, bias=False))
        for channels in (w, 2 * w):  # (N, w, H, W) -> (N, 4w, H/4, W/4)
            layers += _normed(nn.Conv2d(channels, 2 * channels, 4, 2, 1, bias=False))
        layers += [_ZeroPaddedBlock(4 * w) for _ in range(settings.blocks)]
        for channels in (4 * w, 2 * w):  # -> (N, w, H, W)
            layers += _normed(nn.ConvTranspose2d(channels, channels // 2, 4, 2, 1, bias=False))
        last = nn.Conv2d(w, out_channels, 7, padding=3, bias=False)
        self.main = nn.Sequential(*layers, last, Times(2.0) if settings.residual else nn.Tanh())
        self.shown = InRange() if settings.residual else None
        if settings.residual:
            nn.init.normal_(last.weight, 0.0, 1e-3)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """Translate (N, in_channels, H, W) in [-1, 1] to the labels (N, labels) in 0..1; sides are multiples of 4."""
        y: Tensor = self.main(labelled(x, c))
        return y if self.shown is None else self.shown(x + y)

    def layers(self, c: Tensor) -> list[nn.Module]:
        """Return what `forward` does with the labels (1, labels), layer after layer."""
        layers = [Labelled(c), *self.main]
        return layers if self.shown is None else [Around(layers), self.shown]


class Labelled(nn.Module):
    """Appends the labels (1, labels), in 0..1, to a picture."""

    def __init__(self, c: Tensor) -> None:
        super().__init__()
        self.c = c

    def forward(self, x: Tensor) -> Tensor:
        """(1, C, H, W) -> (1, C + labels, H, W)."""
        return labelled(x, self.c)


def labelled(x: Tensor, c: Tensor) -> Tensor:
    """Append the labels (N, labels) in 0..1 to (N, C, H, W) as constant planes: (N, C + labels, H, W)."""
    planes = c.to(x.dtype)[:, :, None, None].expand(-1, -1, *x.shape[2:])  # (N, labels) -> (N, labels, H, W)
    return torch.cat([x, planes], dim=1)


class _ZeroPaddedBlock(Residual):
    def __init__(self, channels: int) -> None:
        super().__init__()
        first, second = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.main = nn.Sequential(*_normed(first), second, InstanceNorm(channels))

    @property
    def residual(self) -> nn.Sequential:
        return self.main


def _normed(convolution: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [convolution, InstanceNorm(convolution.out_channels), nn.ReLU(inplace=True)]


# What the generator of a method may be: its own one, which is meant when no kind is given, or another.
Generator = Annotated[
    Annotated[Resnet, Tag("resnet")] | Annotated[SkipResnet, Tag("skip-resnet")] | Annotated[UNet, Tag("unet")],
    kind_or("resnet"),
]
TappedGenerator = Annotated[
    Annotated[Resnet, Tag("resnet")] | Annotated[SkipResnet, Tag("skip-resnet")], kind_or("resnet")
]  # those with `taps`, `tapped` and `encode`
AnyGenerator = Annotated[
    Annotated[Resnet, Tag("resnet")]
    | Annotated[SkipResnet, Tag("skip-resnet")]
    | Annotated[UNet, Tag("unet")]
    | Annotated[EncoderDecoder, Tag("encoder-decoder")],
    kind_or("resnet"),
]
