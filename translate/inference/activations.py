"""The layers of a generator, row by row.

An `Activation` is what a layer returns for the whole picture, computed only where it is asked for: from the rows of the
activation before it, which are computed in the same way, down to the picture or to a stored activation. Padding is
added at the borders of the picture only, so that every value is the same as in one pass over the whole picture.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, conv2d, conv_transpose2d, pad

from translate.inference.scratch import RowBuffer
from translate.inference.winograd import Winograd
from translate.networks.blocks import InstanceNorm


class Activation:
    """What a layer returns for the whole picture, (1, channels, height, width).

    Attributes:
        load: values in the largest of the activations that are computed for one row of this one, in its row.
        buffer: where the activation is stored that it is computed from; None: it is computed from the picture.
    """

    def __init__(self, channels: int, height: int, width: int, source: "Activation | None" = None) -> None:
        self.channels, self.height, self.width = channels, height, width
        self.load = float(channels * width)
        self.buffer: RowBuffer | None = None
        if source is not None:
            self.load = max(self.load, source.load * source.height / height)
            self.buffer = source.buffer

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels), as it is stored."""
        return self.height, self.width, self.channels

    def rows(self, top: int, bottom: int) -> Tensor:
        """Compute the rows top to bottom - 1, (1, channels, bottom - top, width), as a tensor of its own."""
        raise NotImplementedError


class InputRows(Activation):
    """What the generator is given; `read` returns rows of it."""

    def __init__(self, channels: int, height: int, width: int, read: Callable[[int, int], Tensor]) -> None:
        super().__init__(channels, height, width)
        self._read = read

    def rows(self, top: int, bottom: int) -> Tensor:
        """Read rows."""
        return self._read(top, bottom)


class Buffered(Activation):
    """An activation that is stored as a whole."""

    def __init__(self, buffer: RowBuffer) -> None:
        height, width, channels = buffer.shape
        super().__init__(channels, height, width)
        self.buffer: RowBuffer = buffer

    def rows(self, top: int, bottom: int) -> Tensor:
        """Read rows."""
        return self.buffer.read(top, bottom)


class Pointwise(Activation):
    """A function of every pixel on its own."""

    def __init__(self, function: Callable[[Tensor], Tensor], source: Activation) -> None:
        super().__init__(source.channels, source.height, source.width, source)
        self.function, self.source = function, source

    def rows(self, top: int, bottom: int) -> Tensor:
        """Compute rows from the same rows."""
        return self.function(self.source.rows(top, bottom))


class Sum(Activation):
    """x + f(x), where x is stored or the picture."""

    def __init__(self, x: Activation, residual: Activation) -> None:
        super().__init__(x.channels, x.height, x.width, residual)
        self.x, self.residual, self.buffer = x, residual, x.buffer

    def rows(self, top: int, bottom: int) -> Tensor:
        """Add the same rows."""
        return self.x.rows(top, bottom) + self.residual.rows(top, bottom)


class ShortcutSum(Activation):
    """f(x) + g(x): two activations of equal shape, of which neither's buffer can take the sum."""

    def __init__(self, one: Activation, other: Activation) -> None:
        super().__init__(one.channels, one.height, one.width, one)
        self.load = max(self.load, other.load * other.height / self.height)
        self.one, self.other, self.buffer = one, other, None

    def rows(self, top: int, bottom: int) -> Tensor:
        """Add the same rows."""
        return self.one.rows(top, bottom) + self.other.rows(top, bottom)


class Convolved(Activation):
    """A convolution, padded with zeros."""

    def __init__(self, layer: nn.Conv2d, source: Activation) -> None:
        self.layer, self.source = layer, source
        self.size, self.stride, self.padding = layer.kernel_size[0], layer.stride[0], int(layer.padding[0])
        height, width = ((n + 2 * self.padding - self.size) // self.stride + 1 for n in (source.height, source.width))
        super().__init__(layer.out_channels, height, width, source)

    def rows(self, top: int, bottom: int) -> Tensor:
        """Convolve what lies under the kernels of these rows."""
        first = top * self.stride - self.padding
        last = (bottom - 1) * self.stride - self.padding + self.size
        above, below = max(-first, 0), max(last - self.source.height, 0)
        x = self.source.rows(first + above, last - below)
        if above or below:
            x = pad(x, (0, 0, above, below))
        if isinstance(self.layer, Winograd):
            return self.layer.valid(pad(x, (self.padding, self.padding)) if self.padding else x)
        return conv2d(x, self.layer.weight, self.layer.bias, self.stride, (0, self.padding))


class Averaged(Activation):
    """Means of square windows, without padding."""

    def __init__(self, layer: nn.AvgPool2d, source: Activation) -> None:
        self.layer, self.source = layer, source
        self.size, self.stride = int(layer.kernel_size), int(layer.stride)  # type: ignore[arg-type]  # squares
        height, width = ((n - self.size) // self.stride + 1 for n in (source.height, source.width))
        super().__init__(source.channels, height, width, source)

    def rows(self, top: int, bottom: int) -> Tensor:
        """Average what lies in the windows of these rows."""
        y: Tensor = self.layer(self.source.rows(top * self.stride, (bottom - 1) * self.stride + self.size))
        return y


class Transposed(Activation):
    """A transposed convolution. Row y of its source reaches rows y * stride - padding and size - 1 more."""

    def __init__(self, layer: nn.ConvTranspose2d, source: Activation) -> None:
        self.layer, self.source = layer, source
        self.size, self.stride, self.padding = layer.kernel_size[0], layer.stride[0], int(layer.padding[0])
        self.more = layer.output_padding[0]
        assert self.more <= self.padding  # or the last rows would see nothing
        grown = self.size - 2 * self.padding + self.more
        height, width = ((n - 1) * self.stride + grown for n in (source.height, source.width))
        super().__init__(layer.out_channels, height, width, source)

    def rows(self, top: int, bottom: int) -> Tensor:
        """Spread all rows that reach these."""
        first = max(-(-(top + self.padding - self.size + 1) // self.stride), 0)
        last = min((bottom - 1 + self.padding) // self.stride + 1, self.source.height)
        x, padding, more = self.source.rows(first, last), (0, self.padding), (0, self.more)
        y = conv_transpose2d(x, self.layer.weight, self.layer.bias, self.stride, padding, more)
        return _crop(y, first * self.stride - self.padding, top, bottom)


class Reflected(Activation):
    """Padding by reflection, or of one pixel by the pixel next to it, which is "replicate"."""

    def __init__(self, pixels: int, source: Activation, mode: Literal["reflect", "replicate"] = "reflect") -> None:
        self.pixels, self.source, self.mode = pixels, source, mode
        more = 2 * self.pixels
        super().__init__(source.channels, source.height + more, source.width + more, source)

    def rows(self, top: int, bottom: int) -> Tensor:
        """Reflect what is nearest to the border."""
        first, last = top - self.pixels, bottom - self.pixels  # in rows of the source
        above, below = max(-first, 0), max(last - self.source.height, 0)
        start = min(max(first, 0), self.source.height - 1 - below)
        x = self.source.rows(start, max(min(last, self.source.height), above + 1))
        with torch.autocast(x.device.type, enabled=False):  # which would widen it to fp32
            y = pad(x, (self.pixels, self.pixels, above, below), mode=self.mode)
        return _crop(y, start - above, first, last)


class Enlarged(Activation):
    """Enlargement by a whole factor, each pixel repeated or mixed bilinearly with its neighbours."""

    def __init__(self, layer: nn.Upsample, source: Activation) -> None:
        assert layer.mode in ("nearest", "bilinear")
        self.layer, self.source, self.factor = layer, source, enlargement(layer)
        self.around = 1 if layer.mode == "bilinear" else 0  # rows of the source that reach into those of others
        super().__init__(source.channels, source.height * self.factor, source.width * self.factor, source)

    def rows(self, top: int, bottom: int) -> Tensor:
        """Enlarge the rows that these lie in."""
        first = max(top // self.factor - self.around, 0)
        last = min((bottom - 1) // self.factor + 1 + self.around, self.source.height)
        y: Tensor = self.layer(self.source.rows(first, last))
        return _crop(y, first * self.factor, top, bottom)


class Shuffled(Activation):
    """Channels laid out as squares of pixels (Shi et al. 2016, arXiv 1609.05158)."""

    def __init__(self, layer: nn.PixelShuffle, source: Activation) -> None:
        self.layer, self.source, self.factor = layer, source, layer.upscale_factor
        height, width = source.height * self.factor, source.width * self.factor
        super().__init__(source.channels // self.factor**2, height, width, source)

    def rows(self, top: int, bottom: int) -> Tensor:
        """Lay out the rows that these lie in."""
        first = top // self.factor
        y: Tensor = self.layer(self.source.rows(first, (bottom - 1) // self.factor + 1))
        return _crop(y, first * self.factor, top, bottom)


class Normalised(Activation):
    """Instance normalisation with the statistics of the whole."""

    def __init__(self, layer: InstanceNorm, source: Activation, moments: "Moments") -> None:
        super().__init__(source.channels, source.height, source.width, source)
        self.layer, self.source, self.moments = layer, source, moments

    def rows(self, top: int, bottom: int) -> Tensor:
        """Normalise the same rows."""
        x, weight, bias = self.source.rows(top, bottom), self.layer.weight, self.layer.bias
        mean, variance = self.moments.mean_and_variance(x)
        return batch_norm(x, mean, variance, weight, bias)  # eps is 1e-5 by default, as that of `instance_norm`


class Moments:
    """Mean and variance of every channel over strips, merged in fp64 (Chan, Golub, LeVeque 1979, Eq. 2.1)."""

    def __init__(self) -> None:
        self._count = 0
        self._mean = self._squares = torch.zeros((), dtype=torch.float64)  # (C,); squares of distances to the mean

    def add(self, x: Tensor) -> None:
        """Take in a strip, (1, C, h, W); its own moments are found in fp32 at least."""
        mean, variance = self._empty(x), self._empty(x)
        # Running statistics with momentum 1 are those of the strip, and several times faster than torch.var_mean.
        batch_norm(x, mean, variance, training=True, momentum=1.0)
        count = x.shape[2] * x.shape[3]
        total = self._count + count
        distance = mean.cpu().double() - self._mean
        self._squares = self._squares + variance.cpu().double() * (count - 1)  # it was divided by this
        self._squares = self._squares + distance.square() * (self._count * count / total)
        self._mean = self._mean + distance * (count / total)
        self._count = total

    def mean_and_variance(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return both, (C,) each, where `x` is, in fp32 at least; the variance is that of the population."""
        like = self._empty(x)
        return self._mean.to(like), (self._squares / self._count).to(like)

    @staticmethod
    def _empty(x: Tensor) -> Tensor:
        return x.new_zeros(x.shape[1], dtype=torch.promote_types(x.dtype, torch.float32))


def enlargement(layer: nn.Upsample) -> int:
    """The whole factor by which a layer enlarges."""
    assert isinstance(layer.scale_factor, int | float)
    return int(layer.scale_factor)


def _crop(y: Tensor, start: int, top: int, bottom: int) -> Tensor:
    """Return the rows top to bottom - 1 of an activation of which `y` begins at row `start`."""
    return y[:, :, top - start : bottom - start]
