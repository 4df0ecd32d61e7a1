"""Losses and sample grids for programs that show them: TensorBoard, Trackio, and Weights & Biases.

Each needs an extra of its own and is imported when it is asked for. Nothing leaves the machine unless the user has told
the program so: Trackio by TRACKIO_SPACE_ID, Weights & Biases by WANDB_MODE=online.
"""

import contextlib
import hashlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from translate.run_folder import RunFolder
from translate.tensors import Pixels

PROJECT = "image-translate"


@dataclass(frozen=True)
class Session:
    """A run that starts or continues.

    Attributes:
        folder: of the run.
        step: from where on; what was written about later steps holds no longer.
        settings: what it is made with, by name.
    """

    folder: RunFolder
    step: int
    settings: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What the run is called."""
        return self.folder.path.absolute().name

    @property
    def identifier(self) -> str:
        """What tells the run, also when it continues, from others of its name."""
        return hashlib.sha256(os.fsencode(self.folder.path.absolute())).hexdigest()[:12]


class Writer(Protocol):
    """What is written to; any of these may raise anything."""

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Write named values."""

    def grid(self, pixels: Pixels, step: int) -> None:
        """Write a sample grid, (H, W, 3) uint8."""

    def close(self) -> None:
        """Write what is still waiting, and end."""


class TensorBoard:
    """Event files in the folder of the run."""

    def __init__(self, session: Session) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(session.folder.tensorboard, purge_step=session.step + 1)

    def scalars(self, values: Mapping[str, float], step: int) -> None:  # noqa: D102
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def grid(self, pixels: Pixels, step: int) -> None:  # noqa: D102
        self._writer.add_image("samples", pixels, step, dataformats="HWC")
        self._writer.flush()

    def close(self) -> None:  # noqa: D102
        self._writer.close()


class Trackio:
    """A database of Trackio's, on this machine; `trackio show` shows it."""

    def __init__(self, session: Session) -> None:
        import trackio

        self._trackio: Any = trackio
        name = f"{session.name}-{session.identifier}"
        with _silent():
            trackio.init(project=PROJECT, name=name, config=dict(session.settings), resume="allow")

    def scalars(self, values: Mapping[str, float], step: int) -> None:  # noqa: D102
        self._trackio.log(dict(values), step=step)

    def grid(self, pixels: Pixels, step: int) -> None:  # noqa: D102
        self._trackio.log({"samples": self._trackio.Image(pixels)}, step=step)

    def close(self) -> None:  # noqa: D102
        with _silent():
            self._trackio.finish()


class WeightsAndBiases:
    """Files in the folder of the run, which `wandb sync` sends; with WANDB_MODE=online they are sent at once."""

    def __init__(self, session: Session) -> None:
        import wandb

        mode: Any = os.environ.get("WANDB_MODE", "offline")
        with _silent():
            self._run: Any = wandb.init(
                project=PROJECT, name=session.name, id=session.identifier, dir=session.folder.path, mode=mode,
                config=dict(session.settings), resume="allow" if mode == "online" else None,
            )  # fmt: skip
        self._image: Any = wandb.Image

    def scalars(self, values: Mapping[str, float], step: int) -> None:  # noqa: D102
        self._run.log(dict(values), step=step)

    def grid(self, pixels: Pixels, step: int) -> None:  # noqa: D102
        self._run.log({"samples": self._image(pixels)}, step=step)

    def close(self) -> None:  # noqa: D102
        with _silent():
            self._run.finish()


# By the word for `--track`: what it is called, what pip installs it by, and what writes for it. Trackio is no extra: it
# needs gradio, which would hold Pillow below 13 for all who install from a clone.
TRACKERS: Mapping[str, tuple[str, str, Callable[[Session], Writer]]] = {
    "tensorboard": ("TensorBoard", "'image-translate[track]'", TensorBoard),
    "trackio": ("Trackio", "trackio", Trackio),
    "wandb": ("Weights & Biases", "'image-translate[wandb]'", WeightsAndBiases),
}


class Board:
    """Writes for one of them. It never stops a run: what goes wrong is told once, and then nothing more is written.

    Args:
        tracker: a key of `TRACKERS`.
        session: the run.
        tell: is told what went wrong, in a sentence.
    """

    def __init__(self, tracker: str, session: Session, tell: Callable[[str], None]) -> None:
        self._title, requirement, open_writer = TRACKERS[tracker]
        self._tell = tell
        self._writer: Writer | None = None
        try:
            self._writer = open_writer(session)
        except ImportError:
            tell(f"{self._title} is not installed, so nothing is written for it: pip install {requirement}")
        except Exception as error:
            self._give_up(error)

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Write named values."""
        self._write(lambda writer: writer.scalars(values, step))

    def grid(self, pixels: Pixels, step: int) -> None:
        """Write a sample grid, (H, W, 3) uint8."""
        self._write(lambda writer: writer.grid(pixels, step))

    def close(self) -> None:
        """Write what is still waiting, and end."""
        self._write(lambda writer: writer.close())

    def _write(self, write: Callable[[Writer], None]) -> None:
        if self._writer is None:
            return
        try:
            write(self._writer)
        except Exception as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self._writer = None
        self._tell(f"Writing for {self._title} failed and is given up; the run goes on: {error}")


def open_boards(trackers: Sequence[str], session: Session, tell: Callable[[str], None]) -> list[Board]:
    """Open what `trackers` name."""
    return [Board(tracker, session, tell) for tracker in trackers]


def _silent() -> contextlib.AbstractContextManager[Any]:
    """Let libraries that greet on stdout, which is for results, greet on stderr."""
    return contextlib.redirect_stdout(sys.stderr)
