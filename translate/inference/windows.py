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
        self._top = 0  # the row that `_kept` begins with
        self._kept: Tensor | None = None

    def reader(self, again: int = 0) -> "Reader":
        """Return an activation with the same rows, for one layer, which reads `again` of them for its next strip."""
        self._readers.append(Reader(self, again))
        return self._readers[-1]

    def read(self, reader: "Reader", top: int, bottom: int) -> Tensor:
        """Return rows for a reader, and keep those that a reader may still ask for."""
        below = self._top if self._kept is None else self._top + self._kept.shape[2]  # the first that nobody had
        if not self._top <= top <= below:
            return self.source.rows(top, bottom)
        rows = self._kept
        if bottom > below:
            new = self.source.rows(below, bottom)
            rows = new if rows is None else torch.cat([rows, new], 2)
        assert rows is not None
        reader.bottom = max(reader.bottom, bottom)
        first = max(min(reader.bottom - reader.again for reader in self._readers), self._top)
        self._kept = rows[:, :, first - self._top :].clone()  # so that nobody writes into it, and the rest can go
        before, self._top = self._top, first
        return rows[:, :, top - before : bottom - before]


class Reader(Activation):
    """One reader of a window.

    Attributes:
        again: rows before that which it may still ask for.
        bottom: the row down to which it has read.
    """

    def __init__(self, window: Window, again: int) -> None:
        source = window.source
        super().__init__(source.channels, source.height, source.width, source)
        self.window, self.again, self.bottom = window, again, 0

    def rows(self, top: int, bottom: int) -> Tensor:
        """Take the rows from the window."""
        return self.window.read(self, top, bottom)
