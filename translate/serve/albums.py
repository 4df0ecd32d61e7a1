"""What was uploaded and what became of it: an album for each open page, in folders that are named by numbers alone."""

import contextlib
import secrets
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from translate.errors import OutputError
from translate.files import as_output_error
from translate.serve.server import Refused

IDLE_S = 3600.0  # an album that nobody has asked for so long is removed
MOST = 5000  # pictures in an album
ROOM = 1 << 30  # bytes that stay free on the disk
CLEARED = "What was here is cleared, as after an hour of rest. Load the page again."


@dataclass(frozen=True)
class Painted:
    """A picture and its result.

    Attributes:
        label: the name of the result, with its folders.
        source: the file of the picture.
        output: the file of the result.
    """

    label: PurePosixPath
    source: Path
    output: Path


@dataclass
class Album:
    """The pictures of one open page. Whoever knows its name may see them."""

    name: str
    folder: Path
    painted: dict[str, Painted] = field(default_factory=dict)
    masks: dict[str, Path] = field(default_factory=dict)
    _used: float = field(default_factory=time.monotonic)
    _users: int = 0
    _is_cleared: bool = False
    _count: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def is_idle(self) -> bool:
        """Whether nobody uses it, nor has for long."""
        return not self._users and time.monotonic() - self._used > IDLE_S

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Let its files stay where they are during the block. Raises `Refused`: it is cleared."""
        with self._lock:
            self.refuse_cleared()
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                self._used = time.monotonic()
            self._remove()

    def clear(self) -> None:
        """Refuse to be used from now on; the files go with the last who uses it."""
        self._is_cleared = True
        self._remove()

    def refuse_cleared(self) -> None:
        """Raise `Refused` where it is cleared."""
        if self._is_cleared:
            raise Refused(404, CLEARED)

    def place(self) -> tuple[str, Path]:
        """Make a folder for one upload, and return its number and path.

        Raises:
            Refused: the album is cleared.
            OutputError: there are too many, or none can be made.
        """
        with self._lock:
            self.refuse_cleared()
            if self._count >= MOST:
                raise OutputError(f"A page holds {MOST} pictures. Download them, then begin anew.")
            self._count += 1
            folder = self.folder / str(self._count)
            with as_output_error(folder):
                folder.mkdir(parents=True)
            return folder.name, folder

    def _remove(self) -> None:
        with self._lock:
            if self._is_cleared and not self._users:
                shutil.rmtree(self.folder, ignore_errors=True)

    def archived(self) -> Iterator[tuple[Path, str]]:
        """Yield the file of each result, and its name in an archive, where equal names get numbers."""
        taken: set[str] = set()
        for painted in [self.painted[number] for number in sorted(self.painted, key=int)]:
            label, count = painted.label, 1
            while str(label).casefold() in taken:
                count += 1
                label = painted.label.with_name(f"{painted.label.stem}-{count}{painted.label.suffix}")
            taken.add(str(label).casefold())
            yield painted.output, str(label)


class Albums:
    """All albums of a server.

    Args:
        folder: where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._albums: dict[str, Album] = {}
        self._lock = threading.Lock()

    def new(self) -> Album:
        """Begin an album."""
        with self._lock:
            name = secrets.token_urlsafe(16)
            album = self._albums[name] = Album(name, self._folder / f"album-{len(self._albums)}-{secrets.token_hex(4)}")
        return album

    @contextlib.contextmanager
    def kept(self, name: str) -> Iterator[Album]:
        """Yield the album of a name, whose files stay during the block. Raises `Refused`: there is none of the name."""
        with self._lock:
            album = self._albums.get(name)
        if album is None:
            raise Refused(404, CLEARED)
        with album.kept():
            yield album

    def clear(self, name: str) -> None:
        """Clear an album, if there is one of the name."""
        with self._lock:
            album = self._albums.pop(name, None)
        if album is not None:
            album.clear()

    def tidy(self) -> None:
        """Clear the albums that nobody uses any more."""
        with self._lock:
            idle = [album.name for album in self._albums.values() if album.is_idle]
        for name in idle:
            self.clear(name)

    def refuse_full_disk(self, count: int) -> None:
        """Raise `OutputError` where so many more bytes would fill the disk."""
        if shutil.disk_usage(self._folder).free < count + ROOM:
            raise OutputError(
                f"The disk of {self._folder.parent} is nearly full, so nothing more is taken. Free some space, or let"
                " TMPDIR name another place."
            )


def write_archive(files: Sequence[tuple[Path, str]], stream: BinaryIO) -> None:
    """Write files into a zip archive as they are, under these names; the stream need not be one to go back in."""
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for file, name in files:
            archive.write(file, name)
