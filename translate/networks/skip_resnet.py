"""A generator that changes a picture instead of drawing it anew: it starts as the identity, and has no normalisation.

Colours, skies and everything that may stay need not be learned. Without normalisation nothing depends on the rest of
the picture, so no coloured spots arise where statistics are kept in balance, and strips of a picture need no second
pass.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from translate.networks.blocks import Around, InRange, ReflectionPad, Residual, Times
from translate.settings import Settings

SLOPE = 0.2  # of the leaky ReLUs
FIRST = 1e-3  # standard deviation of the last convolution's first weights
STRENGTH = 2.0  # factor on the change, which so reaches from black to white


class SkipResnet(Settings):
    """y = x + 2 f(x), where f halves the sides, has residual blocks, and passes detail around them."""

    kind: Literal["skip-resnet"] = "skip-resnet"
    width: int = Field(24, ge=1)
    """Channels after the first convolution; twice as many after the first halving, and four times after the others."""
    halvings: int = Field(2, ge=1, le=6)
    """How often sides are halved: each time doubles what the blocks see, and makes each a quarter of the work."""
    blocks: int = Field(6, ge=0, le=1000)
    """Residual blocks."""

    black: ClassVar[float] = -1.0  # pictures are in [black, 1]

    @property
    def multiple(self) -> int:
        """Sides must be a multiple of this, in pixels."""
        return 1 << self.halvings

    @property
    def smallest(self) -> int:
        """And at least this, for the reflection at the bottleneck."""
        return 2 * self.multiple

    @property
    def channels(self) -> list[int]:
        """Channels at the whole size, and after each halving."""
        return [self.width * min(2**n, 4) for n in range(self.halvings + 1)]

    @property
    def taps(self) -> dict[str, int]:
        """The encoder's activations that `tapped` and `encode` return, from shallow to deep, and their channels."""
        stem, *downs = self.channels
        found = {"stem": stem} | {f"down{n}": channels for n, channels in enumerate(downs, 1)}
        return found | {f"block{n + 1}": downs[-1] for n in range(self.blocks)}

    def build(self, in_channels: int, out_channels: int) -> "SkipResnetGenerator":
        """Build the network with its own initial values; `out_channels` must equal `in_channels`."""
        return SkipResnetGenerator(self, in_channels, out_channels)


class SkipResnetGenerator(nn.Module):
    """Encoder, pre-activation residual blocks (He et al. 2016) whose last convolution starts at 0, decoder.

    1 x 1 convolutions lead from the encoder to the decoder. All padding is by reflection.
    """

    initialised = True  # its initial values belong to it, see `blocks.initialise`

    def __init__(self, settings: SkipResnet, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.taps = list(settings.taps)
        self.levels = range(1, settings.halvings + 1)
        self.stem = nn.Sequential(*_padded(nn.Conv2d(in_channels, settings.width, 7)), nn.LeakyReLU(SLOPE))
        for n, (above, below) in enumerate(pairwise(settings.channels), 1):
            act = [] if n == settings.halvings else [nn.LeakyReLU(SLOPE)]
            self.add_module(f"down{n}", nn.Sequential(ReflectionPad(1), nn.Conv2d(above, below, 4, stride=2), *act))
        self.blocks = nn.ModuleList(_Block(settings.channels[-1]) for _ in range(settings.blocks))
        for n, (below, above) in enumerate(pairwise(reversed(settings.channels)), 1):
            self.add_module(f"up{n}", _up(below, above))
            self.add_module(f"around{n}", nn.Conv2d(above, above, 1))
        self.last = nn.Sequential(*_padded(nn.Conv2d(settings.width, out_channels, 7)))
        nn.init.normal_(self.last[1].weight, 0.0, FIRST)  # type: ignore[arg-type]
        nn.init.zeros_(self.last[1].bias)  # type: ignore[arg-type]
        self.shown = InRange()

    @property
    def down(self) -> list[nn.Sequential]:
        """What halves the sides, down1 and so on, from the whole size to the bottleneck."""
        return [self.get_submodule(f"down{n}") for n in self.levels]  # type: ignore[misc]

    @property
    def up(self) -> list[tuple[nn.Sequential, nn.Conv2d]]:
        """What doubles them, up1 and so on, from the bottleneck to the whole size, each with the way around it."""
        return [(self.get_submodule(f"up{n}"), self.get_submodule(f"around{n}")) for n in self.levels]  # type: ignore[misc]

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> the same; in training results may lie outside."""
        return self.tapped(x, ())[0]

    def tapped(self, x: Tensor, taps: Sequence[str]) -> list[Tensor]:
        """Return what `forward` does, and behind it the activations (N, C, h, w) called `taps`."""
        found = self._encoded(x, self.taps[-1])
        h, before = found[self.taps[-1]], self.taps[: len(self.levels)]  # what was before each halving
        for (up, around), tap in zip(self.up, reversed(before), strict=True):
            h = up(h) + around(found[tap])
        change = self.last(leaky_relu(h, SLOPE)).to(x.dtype)
        y: Tensor = self.shown(x + STRENGTH * change)
        return [y, *(found[tap] for tap in taps)]

    def encode(self, x: Tensor, taps: Sequence[str]) -> list[Tensor]:
        """Return the activations called `taps`, and compute nothing behind the last of them."""
        found = self._encoded(x, max(taps, key=self.taps.index))
        return [found[tap] for tap in taps]

    def _encoded(self, x: Tensor, last: str) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for name, layer in zip(self.taps, [self.stem, *self.down, *self.blocks], strict=True):
            x = found[name] = layer(x)
            if name == last:
                break
        return found

    @property
    def layers(self) -> list[nn.Module]:
        """What `forward` does, layer after layer."""
        inner: list[nn.Module] = [*self.blocks]
        for down, (up, around) in zip(reversed(self.down), self.up, strict=True):
            inner = [Around([*down, *inner, *up], around)]
        return [Around([*self.stem, *inner, nn.LeakyReLU(SLOPE), *self.last, Times(STRENGTH)]), self.shown]


class _Block(Residual):
    """x + f(x), where f starts as 0."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, second = nn.Conv2d(channels, channels, 3), nn.Conv2d(channels, channels, 3)
        nn.init.zeros_(second.weight)
        nn.init.zeros_(second.bias)  # type: ignore[arg-type]
        act = nn.LeakyReLU(SLOPE)
        self.block = nn.Sequential(act, *_padded(first), act, *_padded(second))

    @property
    def residual(self) -> nn.Sequential:
        return self.block


def _padded(convolution: nn.Conv2d) -> list[nn.Module]:
    return [ReflectionPad(convolution.kernel_size[0] // 2), convolution]


def _up(channels: int, narrower: int) -> nn.Sequential:
    """(N, channels, h, w) -> (N, narrower, 2h, 2w)."""
    double = nn.Upsample(scale_factor=2, mode="nearest")
    return nn.Sequential(nn.LeakyReLU(SLOPE), double, *_padded(nn.Conv2d(channels, narrower, 3)))
