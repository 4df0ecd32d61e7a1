"""A generator that changes a picture instead of drawing it anew: it starts as the identity, and has no normalisation.

Colours, skies and everything that may stay need not be learned. Without normalisation nothing depends on the rest of
the picture, so no coloured spots arise where statistics are kept in balance, and strips of a picture need no second
pass.
"""

from collections.abc import Sequence
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
    """y = x + 2 f(x), where f halves the sides twice, has residual blocks, and passes detail around them."""

    kind: Literal["skip-resnet"] = "skip-resnet"
    width: int = Field(24, ge=1)
    """Channels after the first convolution."""
    blocks: int = Field(6, ge=0, le=1000)
    """Residual blocks."""

    multiple: ClassVar[int] = 4  # sides must be a multiple of this, in pixels
    smallest: ClassVar[int] = 8  # and at least this, for the reflection at the bottleneck
    black: ClassVar[float] = -1.0  # pictures are in [black, 1]

    @property
    def taps(self) -> dict[str, int]:
        """The encoder's activations that `tapped` and `encode` return, from shallow to deep, and their channels."""
        w = self.width
        return {"stem": w, "down1": 2 * w, "down2": 4 * w, **{f"block{n + 1}": 4 * w for n in range(self.blocks)}}

    def build(self, in_channels: int, out_channels: int) -> "SkipResnetGenerator":
        """Build the network with its own initial values; `out_channels` must equal `in_channels`."""
        return SkipResnetGenerator(self, in_channels, out_channels)


class SkipResnetGenerator(nn.Module):
    """Encoder, pre-activation residual blocks (He et al. 2016) whose last convolution starts at 0, decoder.

    Two 1 x 1 convolutions lead from the encoder to the decoder. All padding is by reflection.
    """

    initialised = True  # its initial values belong to it, see `blocks.initialise`

    def __init__(self, settings: SkipResnet, in_channels: int, out_channels: int) -> None:
        super().__init__()
        w, self.taps = settings.width, list(settings.taps)
        self.stem = nn.Sequential(*_padded(nn.Conv2d(in_channels, w, 7)), nn.LeakyReLU(SLOPE))
        self.down1 = nn.Sequential(ReflectionPad(1), nn.Conv2d(w, 2 * w, 4, stride=2), nn.LeakyReLU(SLOPE))
        self.down2 = nn.Sequential(ReflectionPad(1), nn.Conv2d(2 * w, 4 * w, 4, stride=2))
        self.blocks = nn.ModuleList(_Block(4 * w) for _ in range(settings.blocks))
        self.up1, self.around1 = _up(4 * w, 2 * w), nn.Conv2d(2 * w, 2 * w, 1)
        self.up2, self.around2 = _up(2 * w, w), nn.Conv2d(w, w, 1)
        self.last = nn.Sequential(*_padded(nn.Conv2d(w, out_channels, 7)))
        nn.init.normal_(self.last[1].weight, 0.0, FIRST)  # type: ignore[arg-type]
        nn.init.zeros_(self.last[1].bias)  # type: ignore[arg-type]
        self.shown = InRange()

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> the same; in training results may lie outside. Sides are multiples of 4."""
        return self.tapped(x, ())[0]

    def tapped(self, x: Tensor, taps: Sequence[str]) -> list[Tensor]:
        """Return what `forward` does, and behind it the activations (N, C, h, w) called `taps`."""
        found = self._encoded(x, self.taps[-1])
        h = self.up1(found[self.taps[-1]]) + self.around1(found["down1"])
        h = self.up2(h) + self.around2(found["stem"])
        change = self.last(leaky_relu(h, SLOPE)).to(x.dtype)
        y: Tensor = self.shown(x + STRENGTH * change)
        return [y, *(found[tap] for tap in taps)]

    def encode(self, x: Tensor, taps: Sequence[str]) -> list[Tensor]:
        """Return the activations called `taps`, and compute nothing behind the last of them."""
        found = self._encoded(x, max(taps, key=self.taps.index))
        return [found[tap] for tap in taps]

    def _encoded(self, x: Tensor, last: str) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for name, layer in zip(self.taps, [self.stem, self.down1, self.down2, *self.blocks], strict=True):
            x = found[name] = layer(x)
            if name == last:
                break
        return found

    @property
    def layers(self) -> list[nn.Module]:
        """What `forward` does, layer after layer."""
        inner = Around([*self.down2, *self.blocks, *self.up1], self.around1)
        outer = Around([*self.down1, inner, *self.up2], self.around2)
        return [Around([*self.stem, outer, nn.LeakyReLU(SLOPE), *self.last, Times(STRENGTH)]), self.shown]


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
