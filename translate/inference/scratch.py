"""Activations that are kept between two passes over a picture, in memory or in scratch files."""

import shutil
import tempfile
import weakref
from pathlib import Path

import torch
from torch import Tensor

from translate.errors import OutOfMemory, OutputError
from translate.files import as_output_error

LIMIT = 30 * 10**9  # bytes of scratch files for one picture


class RowBuffer:
    """Holds (1, channels, height, width), row after row and channels-last.

    Attributes:
        shape: (height, width, channels).
        dtype: of the values.
    """

    def __init__(self, shape: tuple[int, int, int], dtype: torch.dtype) -> None:
        self.shape, self.dtype = shape, dtype

    def read(self, top: int, bottom: int) -> Tensor:
        """Return a copy of the rows top to bottom - 1, (1, channels, bottom - top, width)."""
        raise NotImplementedError

    def write(self, top: int, rows: Tensor) -> None:
        """Put (1, channels, h, width) at row `top`."""
        raise NotImplementedError


class MemoryBuffer(RowBuffer):
    """Rows in the memory of a device."""

    def __init__(self, shape: tuple[int, int, int], dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(shape, dtype)
        self._rows = torch.empty(shape, dtype=dtype, device=device)

    def read(self, top: int, bottom: int) -> Tensor:
        """Copy rows, because layers may work in place."""
        return self._rows[top:bottom].clone().permute(2, 0, 1)[None]

    def write(self, top: int, rows: Tensor) -> None:
        """Put rows."""
        self._rows[top : top + rows.shape[2]] = rows[0].permute(1, 2, 0)


class FileBuffer(RowBuffer):
    """Rows in a file that has no name, or loses it with the program: the system removes it however that ends.

    It is read and not mapped, because mapped pages count as the memory of the program.
    """

    def __init__(self, shape: tuple[int, int, int], dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(shape, dtype)
        self._device = device
        self._row = shape[1] * shape[2] * dtype.itemsize  # bytes
        with as_output_error(folder()):
            self._file = tempfile.TemporaryFile()  # noqa: SIM115
        weakref.finalize(self, self._file.close)

    def read(self, top: int, bottom: int) -> Tensor:
        """Read rows and bring them to the device."""
        rows = torch.empty((bottom - top, *self.shape[1:]), dtype=self.dtype)
        self._file.seek(top * self._row)
        count = self._file.readinto(rows.view(torch.uint8).numpy().data)
        assert count == (bottom - top) * self._row
        return rows.to(self._device).permute(2, 0, 1)[None]

    def write(self, top: int, rows: Tensor) -> None:
        """Write rows. Raises `OutputError` where the disk is full."""
        with as_output_error(folder()):
            self._file.seek(top * self._row)
            self._file.write(rows[0].permute(1, 2, 0).contiguous().cpu().view(torch.uint8).numpy().data)


def folder() -> Path:
    """The folder of scratch files; the environment variable TMPDIR chooses it."""
    return Path(tempfile.gettempdir())


def check_room(needed: int) -> None:
    """Refuse to start what needs more bytes of scratch files than there may be.

    Raises:
        OutOfMemory: it would be more than `LIMIT`.
        OutputError: the disk has not as much room.
    """
    if needed > LIMIT:
        raise OutOfMemory(
            f"A picture of this size needs {needed / 1e9:.1f} GB of scratch files, more than {LIMIT / 1e9:.0f} GB. Use"
            " --size PX, which makes the short side PX pixels before translating."
        )
    free = shutil.disk_usage(folder()).free
    if needed > free:
        raise OutputError(
            f"A picture of this size needs {needed / 1e9:.1f} GB of scratch files, and {folder()} has"
            f" {free / 1e9:.1f} GB left. Set TMPDIR to a folder on a larger disk, give more --memory, or use --size PX."
        )
