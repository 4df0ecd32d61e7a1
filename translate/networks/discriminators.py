"""Discriminators: a picture in, a map of scores out. No sigmoid: objectives take scores."""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from translate.networks.blocks import BatchNorm, Norm, blurred_half, norm_layer, normalise_spectrally
from translate.settings import Settings


class PatchGAN(Settings):
    """The n-layer patch discriminator (Isola et al. 2017, section 3.2.2); 3 layers judge 70x70 patches.

    Receptive field for 1..6 layers: 16, 34, 70, 142, 286, 574 px.
    """

    kind: Literal["patchgan"] = "patchgan"
    width: int = Field(64, ge=1)
    """Channels after the first convolution."""
    layers: int = Field(3, ge=1, le=8)
    """Stride-2 convolutions."""
    norm: Norm = "instance"
    """Normalisation layers."""
    downsampling: Literal["strided", "blurred"] = "strided"
    """"blurred" avoids aliasing (Zhang 2019), as in CUT."""
    spectral_norm: bool = False
    """Of all weights (Miyato et al. 2018)."""

    multiple: ClassVar[int] = 1  # sides must be a multiple of this, in pixels

    @property
    def smallest(self) -> int:
        """The smallest side in pixels that leaves one score and more than one pixel for every normalisation."""
        return 3 << self.layers

    def build(self, in_channels: int) -> "PatchDiscriminator":
        """Build the network with torch's default initialisation."""
        return PatchDiscriminator(self, in_channels)

    def build_with_labels(self, in_channels: int, labels: int, size: int) -> "LabelPatchDiscriminator":
        """Build the network with a second head for labels; it takes pictures of any size."""
        return LabelPatchDiscriminator(self, in_channels, labels)


class PatchDiscriminator(nn.Module):
    """Stride-2 4x4 convolutions, then two of stride 1; all pad with zeros; channels stop at 8 x width."""

    def __init__(self, settings: PatchGAN, in_channels: int) -> None:
        super().__init__()
        width, norm = settings.width, settings.norm
        halving = 2 if settings.downsampling == "strided" else 1
        blur = [] if settings.downsampling == "strided" else [blurred_half]
        layers: list[nn.Module] = [
            nn.Conv2d(in_channels, width, 4, stride=halving, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            *(half() for half in blur),
        ]
        channels = width
        for layer in range(1, settings.layers + 1):  # each halves the sides, but the last one takes one pixel off
            wider = width * min(2**layer, 8)
            stride = halving if layer < settings.layers else 1
            layers += [
                nn.Conv2d(channels, wider, 4, stride=stride, padding=1, bias=norm in ("instance", "none")),
                norm_layer(norm, wider),
                nn.LeakyReLU(0.2, inplace=True),
                *(half() for half in blur if layer < settings.layers),
            ]
            channels = wider
        layers.append(nn.Conv2d(channels, 1, 4, padding=1))
        self.model = nn.Sequential(*layers)
        if settings.spectral_norm:
            normalise_spectrally(self)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) in [-1, 1] -> (N, 1, h, w), unbounded; 256 px -> 30 x 30 with 3 layers."""
        scores: Tensor = self.model(x)
        return scores

    def judge(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the scores, and the activations (N, C, h, w) of all normalised layers, as features to be matched."""
        features: list[Tensor] = []
        for layer in self.model:
            x = layer(x)
            if isinstance(layer, nn.LeakyReLU):
                features.append(x)
        return x, features[1:]


class LabelPatchDiscriminator(nn.Module):
    """A patch discriminator with two heads: each patch is judged, and votes on the labels of the picture."""

    def __init__(self, settings: PatchGAN, in_channels: int, labels: int) -> None:
        super().__init__()
        *trunk, self.source = PatchDiscriminator(settings, in_channels).model
        self.main = nn.Sequential(*trunk)
        self.classes = nn.Conv2d(settings.width * min(1 << settings.layers, 8), labels, 4, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, in_channels, H, W) in [-1, 1] -> scores (N, 1, h, w), and logits (N, labels): the mean over patches."""
        h: Tensor = self.main(x)
        return self.source(h), self.classes(h).mean((2, 3))


class PixelGAN(Settings):
    """The 1x1 discriminator of pix2pix: judges every pixel alone, so it sees colour but no structure."""

    kind: Literal["pixelgan"] = "pixelgan"
    width: int = Field(64, ge=1)
    """Channels after the first layer."""
    norm: Norm = "instance"
    """Normalisation layers."""

    multiple: ClassVar[int] = 1  # sides must be a multiple of this, in pixels
    smallest: ClassVar[int] = 2  # and at least this

    def build(self, in_channels: int) -> "PixelDiscriminator":
        """Build the network with torch's default initialisation."""
        return PixelDiscriminator(self, in_channels)


class PixelDiscriminator(nn.Module):
    """Three 1x1 convolutions. With batch norm only the first has a bias, as in the official code."""

    def __init__(self, settings: PixelGAN, in_channels: int) -> None:
        super().__init__()
        width, bias = settings.width, settings.norm in ("instance", "none")
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


class WholeImage(Settings):
    """The discriminator of DiscoGAN (Kim et al. 2017, section 3): one score for a picture of 64 x 64 pixels.

    On larger pictures it gives a map of scores, each for 94 x 94 pixels.
    """

    kind: Literal["whole-image"] = "whole-image"
    width: int = Field(64, ge=1)
    """Channels after the first convolution."""

    multiple: ClassVar[int] = 1  # sides must be a multiple of this, in pixels
    smallest: ClassVar[int] = 64  # and at least this

    def build(self, in_channels: int) -> "WholeImageDiscriminator":
        """Build the network with torch's default initialisation."""
        return WholeImageDiscriminator(self, in_channels)


class WholeImageDiscriminator(nn.Module):
    """Five 4x4 convolutions without bias, batch-normalised but for the first and the last, with the official names.

    The official network ends with a sigmoid; here objectives take scores.
    """

    def __init__(self, settings: WholeImage, in_channels: int) -> None:
        super().__init__()
        w = settings.width
        self.conv1 = nn.Conv2d(in_channels, w, 4, 2, 1, bias=False)
        self.conv2 = nn.Conv2d(w, 2 * w, 4, 2, 1, bias=False)
        self.bn2 = BatchNorm(2 * w)
        self.conv3 = nn.Conv2d(2 * w, 4 * w, 4, 2, 1, bias=False)
        self.bn3 = BatchNorm(4 * w)
        self.conv4 = nn.Conv2d(4 * w, 8 * w, 4, 2, 1, bias=False)
        self.bn4 = BatchNorm(8 * w)
        self.conv5 = nn.Conv2d(8 * w, 1, 4, bias=False)

    def judge(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(N, in_channels, H, W) in [0, 1] -> scores (N, 1, H/16 - 3, W/16 - 3), and the features of layers 2, 3, 4."""
        f1 = leaky_relu(self.conv1(x), 0.2)  # (N, w, H/2, W/2)
        f2 = leaky_relu(self.bn2(self.conv2(f1)), 0.2)  # (N, 2w, H/4, W/4)
        f3 = leaky_relu(self.bn3(self.conv3(f2)), 0.2)  # (N, 4w, H/8, W/8)
        f4 = leaky_relu(self.bn4(self.conv4(f3)), 0.2)  # (N, 8w, H/16, W/16)
        scores: Tensor = self.conv5(f4)
        return scores, [f2, f3, f4]

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) in [0, 1] -> (N, 1, H/16 - 3, W/16 - 3), unbounded."""
        return self.judge(x)[0]


class Critic(Settings):
    """The discriminator of StarGAN (Choi et al. 2018, table 5): a source score map and one logit for each label.

    The class head covers the whole picture, which ties the network to one size.
    """

    kind: Literal["critic"] = "critic"
    width: int = Field(64, ge=1)
    """Channels after the first convolution."""
    layers: int = Field(6, ge=1, le=8)
    """Stride-2 convolutions; each doubles the channels."""

    @property
    def smallest(self) -> int:
        """The smallest side in pixels."""
        return 1 << self.layers

    @property
    def multiple(self) -> int:
        """Sides must be a multiple of this, in pixels."""
        return 1 << self.layers

    def build_with_labels(self, in_channels: int, labels: int, size: int) -> "CriticDiscriminator":
        """Build the network for pictures of `size` x `size` pixels, with torch's default initialisation."""
        return CriticDiscriminator(self, in_channels, labels, size)


class CriticDiscriminator(nn.Module):
    """Stride-2 4x4 convolutions without normalisation, as the gradient penalty wants it, and two heads."""

    def __init__(self, settings: Critic, in_channels: int, labels: int, size: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = in_channels
        for layer in range(settings.layers):
            wider = settings.width * 2**layer
            layers += [nn.Conv2d(channels, wider, 4, 2, 1), nn.LeakyReLU(0.01)]
            channels = wider
        self.main = nn.Sequential(*layers)
        self.conv1 = nn.Conv2d(channels, 1, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(channels, labels, size >> settings.layers, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, in_channels, S, S) in [-1, 1] -> scores (N, 1, S/64, S/64) with 6 layers, and logits (N, labels)."""
        h: Tensor = self.main(x)
        return self.conv1(h), self.conv2(h).flatten(1)
