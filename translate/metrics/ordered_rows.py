"""One row of numbers for each picture, in an order that names, order and format of files cannot change."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from translate.tensors import Pixels


class OrderedRows:
    """Rows of pictures, in an order that depends on what the pictures show and on nothing else."""

    def __init__(self) -> None:
        self._rows: list[tuple[bytes, NDArray[Any]]] = []
        self._array: NDArray[Any] | None = None  # of all rows, which are parts of it as long as it is held

    def add(self, key: bytes, values: Any) -> None:
        """Add the row of the picture with that `key_of`."""
        self._rows.append((key, np.asarray(values)))
        self._array = None

    def __len__(self) -> int:
        return len(self._rows)

    def array(self) -> NDArray[Any]:
        """Return the rows, (N, ...), by their keys. They are held once, not once more beside the array."""
        if self._array is None:
            self._rows.sort(key=lambda row: row[0])
            self._array = np.stack([values for _, values in self._rows])
            self._rows = [(key, row) for (key, _), row in zip(self._rows, self._array, strict=True)]
        return self._array


def key_of(picture: Pixels) -> bytes:
    """Return what a picture (H, W, 3) is put into an order by: the SHA-256 of its pixels."""
    return hashlib.sha256(np.ascontiguousarray(picture).tobytes()).digest()
