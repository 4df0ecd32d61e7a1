"""Pictures larger than memory: a generator is run strip by strip, and the result is that of the whole picture.

Instance normalisation needs the statistics of a whole layer, so every such layer takes a pass of its own over the
picture. What a pass starts from is kept where a generator is narrowest: 256 channels at a quarter of the size are 16
values a pixel, in memory or in scratch files. The 64 channels at full size are computed again in every pass that needs
them, which is cheaper than to keep them: it makes an eighth more multiplications in a generator of 9 blocks.

Without instance normalisation one pass is enough, and every value is computed once: see `Window`.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from translate.devices import Engine
from translate.inference import scratch
from translate.inference.activations import (
    Activation,
    Averaged,
    Buffered,
    Convolved,
    Enlarged,
    InputRows,
    Moments,
    Normalised,
    Pointwise,
    Reflected,
    ShortcutSum,
    Shuffled,
    Sum,
    Transposed,
    enlargement,
)
from translate.inference.rewriting import EdgePad
from translate.inference.scratch import FileBuffer, MemoryBuffer, RowBuffer
from translate.inference.windows import Window
from translate.methods.base import Layer
from translate.networks.blocks import InRange, InstanceNorm, ReflectionPad, Residual, Times
from translate.networks.label_resnet import Labelled

COPIES = 3  # of its largest activation that a network holds: the input of a layer, the same padded, and the output
KEPT = 2  # activations kept at once: the sum of the residual blocks so far, and what is inside the next block
HIGHEST = 3 << 24  # bytes of a strip, which a cache nearly holds
SQUARES = 16  # rows, of which strips have multiples: layers of a quarter of the size work on squares of 4 x 4
LOWEST = 4  # rows of a strip at least; no residual block reaches further up

POINTWISE = (
    nn.ReLU,
    nn.LeakyReLU,
    nn.PReLU,
    nn.Tanh,
    nn.Sigmoid,
    nn.Hardtanh,
    nn.Identity,
    nn.Dropout,
    nn.BatchNorm2d,
    InRange,
    Labelled,
    Times,
)  # in evaluation


def values_per_pixel(generators: Sequence[nn.Module]) -> float:
    """Return how many values for each pixel of the picture the largest activation of the generators has."""
    return max(max(_values([generator])) for generator in generators)


def needed(values: float, pixels: int, engine: Engine) -> int:
    """Return how many bytes a generator takes to translate `pixels` pixels in one piece.

    Args:
        values: from `values_per_pixel`.
        pixels: of the picture.
        engine: how networks are run.
    """
    return round(COPIES * values * engine.dtype.itemsize * pixels)


def is_one_pass(layers: Sequence[Layer]) -> bool:
    """Whether every value can be computed before all of the picture is read."""
    return not any(isinstance(part, InstanceNorm) for part in _modules(layers))


def gmac(generators: Sequence[nn.Module], pixels: int) -> float:
    """Count what the convolutions of the largest generator do to `pixels` pixels: 10^9 multiply-accumulates."""
    return max(sum(weights for _, weights in _convolutions([generator])) for generator in generators) * pixels / 1e9


@torch.inference_mode()
def translate(
    layers: Sequence[Layer],
    read: Callable[[int, int], Tensor],
    size: tuple[int, int],
    write: Callable[[int, Tensor], None],
    engine: Engine,
    memory: int,
) -> None:
    """Translate one picture strip by strip.

    Args:
        layers: what is done to the picture, from `Translation.layers`.
        read: returns the rows `top` to `bottom - 1` of the picture, (1, 3, bottom - top, W) in [-1, 1] on the device.
            It is asked for every row several times.
        size: (H, W) of the picture, multiples of what the networks need.
        write: takes the first row and the rows of a strip of the result, (1, 3, h, W), from top to bottom.
        engine: how networks are run.
        memory: bytes that activations may take. Strips take an eighth; where one pass is enough a quarter, and
            `HIGHEST` at most. What has to be kept goes to scratch files where it is too much for the rest.

    Raises:
        OutputError: the disk has no room for the scratch files; found before the work starts where possible.
        OutOfMemory: the scratch files would be too large.
    """
    height, width = size
    narrowest = min(list(_values(layers))[:-1]) * height * width  # values; the last layer makes the picture
    one_pass = is_one_pass(layers)
    kept = 0 if one_pass else round(KEPT * narrowest * engine.dtype.itemsize)
    on_disk = kept > memory - memory // 8
    if on_disk:
        scratch.check_room(kept)
    share = min(memory // 4, HIGHEST) if one_pass else memory // 8
    strips = _Strips(engine, share, narrowest, FileBuffer if on_disk else MemoryBuffer, one_pass)
    with engine.autocast():
        strips.sweep(strips.chain(layers, InputRows(3, height, width, read), ()), write)


class _Strips:
    """Runs layers, in `one_pass` or with the passes they need.

    A buffer is `reserved` where an outer layer still reads it.
    """

    def __init__(
        self,
        engine: Engine,
        memory: int,
        narrowest: float,
        kind: type[MemoryBuffer] | type[FileBuffer],
        one_pass: bool,
    ) -> None:
        self._engine, self._memory, self._narrowest = engine, memory, narrowest
        self._kind, self._one_pass = kind, one_pass

    def chain(
        self, layers: Sequence[Layer] | nn.Sequential, x: Activation, reserved: tuple[RowBuffer, ...]
    ) -> Activation:
        """Apply layers one after the other."""
        for layer in layers:
            x = self._apply(layer, x, reserved)
        return x

    def sweep(self, x: Activation, write: Callable[[int, Tensor], None]) -> None:
        """Compute all of `x` from top to bottom. Each strip is written when the next one is computed.

        So it may replace what it was computed from, as long as the next strip reaches no further up than this one.
        """
        values = COPIES * x.load * self._engine.dtype.itemsize
        height = max(LOWEST, int(self._memory / values))
        height -= height % SQUARES if height > SQUARES else 0
        last: tuple[int, Tensor] | None = None
        for top, bottom in pairwise([0, *range(LOWEST, x.height, height), x.height]):  # what the first needs is higher
            rows = x.rows(top, bottom)
            if last:
                write(*last)
            last = top, rows
        assert last
        write(*last)

    def _apply(self, layer: Layer, x: Activation, reserved: tuple[RowBuffer, ...]) -> Activation:
        if self._one_pass and not (isinstance(x, Reflected) or _is_read(x)) and (again := _again(layer)):
            x = Window(x).reader(again)
        match layer:
            case nn.Sequential():
                return self.chain(layer, x, reserved)
            case Residual() if self._one_pass:
                window = Window(x)
                residual, same = self.chain(layer.residual, window.reader(), ()), window.reader()
                return ShortcutSum(residual, Convolved(layer.shortcut, same) if layer.shortcut else same)
            case Residual() if layer.shortcut:
                return ShortcutSum(Convolved(layer.shortcut, x), self.chain(layer.residual, x, reserved))
            case Residual() if _is_read(x):
                return Sum(x, self.chain(layer.residual, x, reserved))
            case Residual():
                start = x if x.buffer else self._keep(x, reserved)
                residual = self.chain(layer.residual, start, (*reserved, *([start.buffer] if start.buffer else [])))
                return self._keep(Sum(start, residual), reserved)
            case InstanceNorm():
                moments = Moments()
                if x.channels * x.height * x.width <= self._narrowest:
                    x = self._keep(x, reserved, moments)
                else:
                    self.sweep(x, lambda top, rows: moments.add(rows))
                return Normalised(layer, x, moments)
            case nn.Conv2d():
                return Convolved(layer, x)
            case nn.ConvTranspose2d():
                return Transposed(layer, x)
            case nn.AvgPool2d():
                return Averaged(layer, x)
            case ReflectionPad():
                return Reflected(layer.pixels, x)
            case EdgePad():
                return Reflected(layer.pixels, x, mode="replicate")
            case nn.Upsample():
                return Enlarged(layer, x)
            case nn.PixelShuffle():
                return Shuffled(layer, x)
        if isinstance(layer, nn.Module) and not isinstance(layer, POINTWISE):
            raise TypeError(f"A {type(layer).__name__} cannot be run strip by strip yet.")
        return Pointwise(layer, x)

    def _keep(self, x: Activation, reserved: tuple[RowBuffer, ...], moments: Moments | None = None) -> Buffered:
        """Compute all of `x`, into the buffer that it is computed from if no outer layer still reads that."""
        buffer = x.buffer if x.buffer and x.buffer not in reserved and x.buffer.shape == x.shape else None

        def write(top: int, rows: Tensor) -> None:
            nonlocal buffer
            buffer = buffer or self._kind(x.shape, rows.dtype, rows.device)
            buffer.write(top, rows)
            if moments:
                moments.add(rows)

        self.sweep(x, write)
        assert buffer
        return Buffered(buffer)


def _again(layer: Layer) -> int:
    """Return how many rows a layer reads twice at most, for two strips that follow on one another."""
    match layer:
        case nn.Conv2d() | nn.ConvTranspose2d():
            return layer.kernel_size[0]
        case nn.AvgPool2d():
            return int(layer.kernel_size)  # type: ignore[arg-type]  # squares
        case nn.Upsample():
            return 3  # where it mixes neighbours, and strips end between two rows that come of one
        case ReflectionPad() | EdgePad():
            return 3 * layer.pixels  # the kernel behind it reaches as far up and down, and once more where it ends
    return 0


def _is_read(x: Activation) -> bool:
    """Whether the rows of `x` are those of the picture, or computed from each alone, so that they can be had again."""
    return isinstance(x, InputRows) or (isinstance(x, Pointwise) and _is_read(x.source))


def _values(layers: Sequence[Layer]) -> Iterator[float]:
    """Yield how many values for each pixel of the picture the convolutions return, in order."""
    return (values for values, _ in _convolutions(layers))


def _convolutions(layers: Sequence[Layer]) -> Iterator[tuple[float, float]]:
    """Yield what each convolution does for each pixel of the picture: the values it returns, and multiplications."""
    area = 1.0  # of an activation against that of the picture
    for part in _modules(layers):
        if isinstance(part, nn.Upsample):
            area *= enlargement(part) ** 2
        elif isinstance(part, nn.PixelShuffle):
            area *= part.upscale_factor**2
        elif isinstance(part, nn.AvgPool2d):
            area /= int(part.stride) ** 2  # type: ignore[arg-type]  # squares
        elif isinstance(part, nn.Conv2d):
            area /= part.stride[0] ** 2
            yield area * part.out_channels, area * part.weight.numel()
        elif isinstance(part, nn.ConvTranspose2d):
            given, area = area, area * part.stride[0] ** 2
            yield area * part.out_channels, given * part.weight.numel()


def _modules(layers: Sequence[Layer]) -> Iterator[nn.Module]:
    """Yield all modules of layers, in the order in which they run."""
    return (part for layer in layers if isinstance(layer, nn.Module) for part in layer.modules())
