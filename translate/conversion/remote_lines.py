"""Lines added to a file of an object store. Nothing can be appended there: a folder of files takes its place."""

import contextlib
import time
import uuid

from translate.places import RemotePath, listing

MOST = 1000  # lines that wait to be written
LONGEST_S = 30.0  # that they wait: so much is forgotten where a process is killed


class RemoteLines:
    """Lines that are written together, now and then.

    Args:
        folder: in which each time another file is put.
    """

    def __init__(self, folder: RemotePath) -> None:
        self._folder = folder
        self._waiting: list[str] = []
        self._since = time.monotonic()

    def append(self, line: str) -> None:
        """Add a line. Raises `OSError` where those that waited cannot be written; they wait on."""
        self._waiting.append(line)
        if len(self._waiting) >= MOST or time.monotonic() - self._since >= LONGEST_S:
            self._since = time.monotonic()
            self._write()

    def close(self) -> None:
        """Write what waits, if the store takes it: what made those results is forgotten otherwise."""
        with contextlib.suppress(OSError):
            self._write()

    def _write(self) -> None:
        if self._waiting:
            name = f"{time.time_ns():020}-{uuid.uuid4().hex[:8]}.jsonl"
            (self._folder / name).write_bytes("".join(f"{line}\n" for line in self._waiting).encode())
            self._waiting.clear()


def read_remote_lines(folder: RemotePath) -> list[str]:
    """Return all lines, the oldest files first. Raises `OSError` where one cannot be read, `DataError` as `listing`."""
    return [
        line for file in listing(folder).entries for line in file.read_bytes().decode(errors="replace").splitlines()
    ]
