"""What is there of a film that is being made: parts, each whole or absent, in a hidden folder beside it.

A part is a folder with the times of its frames, what its `Sink` put there, and what is known of its last frame, so that
the film goes on after it as if it had never been stopped.
"""

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import astuple
from pathlib import Path

import numpy as np

from translate.files import as_output_error, atomic_folder, exclusive_lock, sweep, write_text
from translate.inference.steadying import Trace
from translate.video.frames import Time

_MADE, _TIMES, _TRACE = "made.json", "times.json", "trace.npz"
_FORMAT = 2  # of parts, and how films are steadied; parts of another one are thrown away


def place_of(output: Path) -> Path:
    """Return the hidden folder of the parts of a result."""
    return output.with_name(f".{output.name[:200]}.unfinished")


class Unfinished:
    """The parts of a film that is being made.

    Args:
        output: what it will be called.
        identity: what it is made of and how; parts of another one are thrown away.
    """

    def __init__(self, output: Path, identity: str) -> None:
        self._output, self._identity = output, f"{_FORMAT} {identity}"
        self.place = place_of(output)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep others from the same film, and sweep what a killed one left; at the end a finished film is swept, too.

        Raises:
            OutputError: another process makes it, or the place cannot be written.
        """
        with as_output_error(self.place):
            self.place.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(self.place, f"{self._output} is being made by another process. Wait for it."):
            sweep(self.place)
            if self._made() != self._identity:
                for old in self.place.iterdir():
                    shutil.rmtree(old) if old.is_dir() else old.unlink()
                write_text(self.place / _MADE, self._identity)
            yield
            shutil.rmtree(self.place, ignore_errors=True)

    @property
    def parts(self) -> list[tuple[Path, list[Time]]]:
        """The parts and the times of their frames, in order."""
        found: list[tuple[Path, list[Time]]] = []
        while (part := self.place / f"{len(found):06}").is_dir():
            times = json.loads((part / _TIMES).read_text(encoding="utf-8"))
            found.append((part, [Time(*time) for time in times]))
        return found

    def trace(self) -> Trace | None:
        """Return what is known of the last frame; None: nothing."""
        parts = self.parts
        if not parts or not (parts[-1][0] / _TRACE).is_file():
            return None
        with np.load(parts[-1][0] / _TRACE, allow_pickle=False) as stored:
            return Trace(stored["seen"], stored["base"], stored["change"])

    def add(self, write: Callable[[Path], tuple[list[Time], Trace | None]]) -> None:
        """Add the part that `write` puts into a folder.

        Args:
            write: returns the times of its frames, and what is known of the last one.

        Raises:
            DiskFull, OutputError: it cannot be written. The parts before stay.
        """
        before = self.parts
        with atomic_folder(self.place / f"{len(before):06}") as folder:
            times, trace = write(folder)
            (folder / _TIMES).write_text(json.dumps([astuple(time) for time in times]), encoding="utf-8")
            if trace is not None:
                np.savez(folder / _TRACE, seen=trace.seen, base=trace.base, change=trace.change)
        if before:
            (before[-1][0] / _TRACE).unlink(missing_ok=True)

    def _made(self) -> str:
        try:
            return (self.place / _MADE).read_text(encoding="utf-8")
        except OSError:
            return ""
