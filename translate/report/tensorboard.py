"""Losses and sample grids for TensorBoard, in a folder of event files. Needs the extra `track`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from translate.tensors import Pixels


class Board:
    """Writes event files. It never stops a run: what goes wrong is told once, and from then on nothing is written.

    Args:
        folder: where the event files lie.
        step: the step a run starts or continues from; what older files say about later ones is not shown.
        tell: is told what went wrong, in a sentence.
    """

    def __init__(self, folder: Path, step: int, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._writer: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(folder, purge_step=step + 1)
        except ImportError:
            tell("TensorBoard is not installed, so nothing is written for it: pip install 'image-translate[track]'")
        except Exception as error:
            self._give_up(error)

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Write named values."""
        self._write(lambda: [self._writer.add_scalar(name, value, step) for name, value in values.items()])

    def grid(self, pixels: Pixels, step: int) -> None:
        """Write a sample grid, (H, W, 3) uint8."""
        self._write(lambda: self._writer.add_image("samples", pixels, step, dataformats="HWC"))

    def close(self) -> None:
        """Write what is still waiting, and close the file."""
        self._write(lambda: self._writer.close())

    def _write(self, write: Callable[[], object]) -> None:
        if self._writer is None:
            return
        try:
            write()
            self._writer.flush()
        except Exception as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self._writer = None
        self._tell(f"Writing for TensorBoard failed and is given up; the run goes on: {error}")
