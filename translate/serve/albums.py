"""What was uploaded and what became of it: an album for each open page, in folders that are named by numbers alone."""

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

IDLE_S = 3600.0  # an album that nobody has asked for so long is removed
MOST = 5000  # pictures in an album
ROOM = 1 << 30  # bytes that stay free on the disk


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
    used: float = field(default_factory=time.monotonic)
    painted: dict[str, Painted] = field(default_factory=dict)
    masks: dict[str, Path] = field(default_factory=dict)
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def place(self) -> tuple[str, Path]:
        """Make a folder for one upload, and return its number and path. Raises `OutputError`: there are too many."""
        with self._lock:
            if self._count >= MOST:
                raise OutputError(f"A page holds {MOST} pictures. Download them, then begin anew.")
            self._count += 1
            folder = self.folder / str(self._count)
            folder.mkdir(parents=True)
            return folder.name, folder

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
        """Begin an album; those that nobody uses any more are removed."""
        with self._lock:
            idle = [album for album in self._albums.values() if time.monotonic() - album.used > IDLE_S]
            name = secrets.token_urlsafe(16)
            album = self._albums[name] = Album(name, self._folder / f"album-{len(self._albums)}-{secrets.token_hex(4)}")
        for one in idle:
            self.remove(one.name)
        return album

    def find(self, name: str) -> Album | None:
        """Return the album of a name, if there is one."""
        with self._lock:
            album = self._albums.get(name)
        if album is not None:
            album.used = time.monotonic()
        return album

    def remove(self, name: str) -> None:
        """Remove an album, and all files in it."""
        with self._lock:
            album = self._albums.pop(name, None)
        if album is not None:
            shutil.rmtree(album.folder, ignore_errors=True)

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
