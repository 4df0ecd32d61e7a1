"""Critics on frozen features: discriminators that have seen the world before the first step.

Sauer, Chitta, Müller, Geiger: Projected GANs Converge Faster. NeurIPS 2021, arXiv 2111.01007. Maps of four depths of a
network that was trained on ImageNet go through random projections that are never trained; a small network judges each.

Deviations, for pictures of a generator that is small itself, and batches of a few: maps are scaled by what they
are on ordinary pictures; heads have one width, spectral normalisation in place of batch normalisation,
and no strides, so that each place of a map is judged; without `mixing` maps of different depths are not mixed.
"""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import interpolate

from translate.networks.blocks import normalise_spectrally
from translate.networks.features.kinds import KINDS
from translate.networks.frozen import Frozen, FrozenName
from translate.settings import Settings

SLOPE = 0.2  # of the leaky ReLUs


class Projected(Settings):
    """A critic on the maps of a frozen feature network, whose weights a run fills in; see `Frozen`."""

    kind: Literal["projected"] = "projected"
    features: FrozenName = "lite0"
    """The frozen network whose activations are judged, by its word for `translate eval --features`."""
    width: int = Field(64, ge=1)
    """Channels of the projections and of the heads."""
    mixing: bool = False
    """Add deeper maps to shallower ones, through random projections (section 3.2, CSM)."""

    multiple: ClassVar[int] = 1  # sides must be a multiple of this, in pixels
    smallest: ClassVar[int] = 32  # and at least this: the deepest map then has one place

    def build(self, in_channels: int) -> "ProjectedDiscriminator":
        """Build the network with torch's default initialisation; `in_channels` are those of RGB pictures, 3."""
        return ProjectedDiscriminator(self)

    def build_with_labels(self, in_channels: int, labels: int, size: int) -> "LabelProjectedDiscriminator":
        """Build the network with a head for labels on the deepest map; it takes pictures of any size."""
        return LabelProjectedDiscriminator(self, labels)


class ProjectedDiscriminator(nn.Module):
    """Four heads of three 3 x 3 convolutions, on maps of 1/4, 1/8, 1/16 and 1/32 of the picture's sides."""

    def __init__(self, settings: Projected) -> None:
        super().__init__()
        self.frozen = Frozen(KINDS[settings.features]())
        channels, width = self.frozen.network.channels, settings.width
        self.projections = nn.ModuleList(nn.Conv2d(count, width, 1, bias=False) for count in channels)
        self.mixers = nn.ModuleList(
            nn.Conv2d(width, width, 1, bias=False) for _ in channels[1:] if settings.mixing
        )  # from a deeper map to the next shallower one
        for layer in (*self.projections, *self.mixers):
            nn.init.normal_(layer.weight, 0.0, layer.in_channels**-0.5)
            layer.requires_grad_(False)
        self.heads = nn.ModuleList(_head(width) for _ in channels)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, 3, H, W) in [-1, 1] -> scores (N, 1, h, w) of each map, unbounded, from the shallowest to the deepest."""
        return self._judged(self.projected(x))

    def _judged(self, maps: list[Tensor]) -> list[Tensor]:
        return [head(h) for head, h in zip(self.heads, maps, strict=True)]

    def projected(self, x: Tensor) -> list[Tensor]:
        """Return the random projections (N, width, h, w) of the scaled maps of pictures (N, 3, H, W) in [-1, 1]."""
        maps = [
            projection((h - mean) / deviation)
            for projection, h, (mean, deviation) in zip(
                self.projections, self.frozen(x), self.frozen.network.moments(), strict=True
            )
        ]
        for place in reversed(range(len(self.mixers))):
            deeper = interpolate(maps[place + 1], maps[place].shape[-2:], mode="bilinear")
            maps[place] = (maps[place] + self.mixers[place](deeper)) * 0.5**0.5
        return maps


class LabelProjectedDiscriminator(ProjectedDiscriminator):
    """A projected critic that also reads labels, off the deepest map."""

    def __init__(self, settings: Projected, labels: int) -> None:
        super().__init__(settings)
        self.classes = nn.Conv2d(settings.width, labels, 1)

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:  # type: ignore[override]  # a head more
        """(N, 3, H, W) in [-1, 1] -> scores as without labels, and logits (N, labels): the mean over the places."""
        maps = self.projected(x)
        return self._judged(maps), self.classes(maps[-1]).mean((2, 3))


def _head(width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(2):
        layers += [nn.Conv2d(width, width, 3, padding=1), nn.LeakyReLU(SLOPE)]
    head = nn.Sequential(*layers, nn.Conv2d(width, 1, 3, padding=1))
    normalise_spectrally(head)
    return head
