"""The generator of StarGAN, which is told by labels what to make."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from translate.networks.blocks import Around, InRange, InstanceNorm, Residual, Times
from translate.settings import Settings


class LabelResnet(Settings):
    """The generator of StarGAN (Choi et al. 2018, table 4): one network for all domains, told by label planes.

    With width 64 and 6 blocks it is the official one, with the same parameter names; its instance normalisation has
    learned weights and no running statistics, which the official code keeps but never uses.
    """

    kind: Literal["label-resnet"] = "label-resnet"
    width: int = Field(64, ge=1)
    """Channels after the first convolution."""
    blocks: int = Field(6, ge=0, le=1000)
    """Residual blocks."""
    residual: bool = False
    """Results are the picture plus a change, which starts at almost 0."""

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
