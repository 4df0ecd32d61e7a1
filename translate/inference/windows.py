"""Rows that are computed once, though several layers read them, and each reads some again for its next strip."""

import torch
from torch import Tensor

from translate.inference.activations import Activation


class Window:
    """The rows of an activation that are still needed, while strips go from top to bottom.

    Its readers may be at different rows: the sum of a residual block is behind the first layer of that block. Rows that
    are asked for when they are gone are computed again.
    """

    def __init__(self, source: Activation) -> None:
        self.source = source
        self._readers: list[Reader] = []
        self._kept: list[tuple[int, Tensor]] = []  # strips without gaps, each with the row that it begins with

    def reader(self, again: int = 0) -> "Reader":
        """Return an activation with the same rows, for one layer, which reads `again` of them for its next strip."""
        self._readers.append(Reader(self, again))
        return self._readers[-1]

    def read(self, reader: "Reader", top: int, bottom: int) -> Tensor:
        """Return rows for a reader, and keep those that a reader may still ask for."""
        first, below = (self._kept[0][0], _below(*self._kept[-1])) if self._kept else (0, 0)
        if not first <= top <= below:
            return self.source.rows(top, bottom)
        if bottom > below:
            self._kept.append((below, self.source.rows(below, bottom)))
        asked = [(start, x) for start, x in self._kept if start < bottom and _below(start, x) > top]
        parts = [x[:, :, max(top - start, 0) : bottom - start] for start, x in asked]
        rows = torch.cat(parts, 2) if len(parts) > 1 else parts[0].clone()  # which the reader may write into
        reader.bottom = max(reader.bottom, bottom)
        self._forget(min(reader.bottom - reader.again for reader in self._readers))
        return rows

    def _forget(self, first: int) -> None:
        """Give rows above `first` free: whole strips, and what is most of one."""
        self._kept = [(start, x) for start, x in self._kept if _below(start, x) > first] or self._kept[-1:]
        start, x = self._kept[0]
        if 2 * (first - start) > x.shape[2]:
            self._kept[0] = first, x[:, :, first - start :].clone()


def _below(start: int, x: Tensor) -> int:
    return start + x.shape[2]


class Reader(Activation):
    """One reader of a window.

    Attributes:
        bottom: the row down to which it has read.
        again: how many rows above `bottom` it may still ask for.
    """

    def __init__(self, window: Window, again: int) -> None:
        source = window.source
        super().__init__(source.channels, source.height, source.width, source)
        self.window, self.again, self.bottom = window, again, 0

    def rows(self, top: int, bottom: int) -> Tensor:
        """Take the rows from the window."""
        return self.window.read(self, top, bottom)
