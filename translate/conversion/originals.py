"""Putting back the originals of pictures that were replaced by their results."""

import contextlib
import errno
import filecmp
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from translate.conversion import manifest
from translate.conversion.planning import ORIGINALS
from translate.errors import DataError
from translate.files import PARTIAL, as_output_error, atomic_file, is_hidden, sha256

CHANGED = "it was changed since it was converted; move it away, and its original can be put back"


@dataclass(frozen=True)
class Kept:
    """A picture whose original is kept.

    Attributes:
        picture: its place.
        original: the file that is kept.
        reason: why it cannot be put back; empty if it can.
    """

    picture: Path
    original: Path
    reason: str = ""


def kept_below(place: Path) -> list[Kept]:
    """Find the originals of a picture, or of all in a folder, also of what was replaced as part of a larger folder.

    Raises:
        DataError: there are none.
    """
    roots = [(root, root / ORIGINALS) for root in _folders_with_originals(place)]
    whole = place.absolute()
    roots += [(root, root / ORIGINALS / whole.relative_to(root)) for root in whole.parents if root != whole]
    found: dict[Path, Kept] = {}
    for root, folder in roots:
        lines = manifest.read_lines(root / ORIGINALS)
        for original in _files(folder):
            relative = original.relative_to(root / ORIGINALS)
            line = lines.get(relative, manifest.Line(""))
            found.setdefault(original, Kept(root / relative, original, _reason(root / relative, original, line)))
    if not found:
        raise DataError(
            f"There are no originals of {place}: no folder {ORIGINALS} in or above it holds any. They are kept there by"
            " `translate apply --in-place`."
        )
    return list(found.values())


def put_back(kept: Kept) -> None:
    """Move an original to the place of its picture, with its bytes and its times.

    Raises:
        OutputError: the place cannot be written.
    """
    with as_output_error(kept.picture):
        kept.picture.parent.mkdir(parents=True, exist_ok=True)
        try:
            kept.original.replace(kept.picture)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            with atomic_file(kept.picture) as temporary:  # behind a link to another disk
                shutil.copy2(kept.original, temporary)
            kept.original.unlink()
    with contextlib.suppress(OSError):  # not empty yet
        for folder in kept.original.parents:
            left = list(folder.iterdir())
            if folder.name == ORIGINALS and [path.name for path in left] == [manifest.NAME]:
                left[0].unlink()
            folder.rmdir()
            if folder.name == ORIGINALS:
                break


def _folders_with_originals(place: Path) -> Iterator[Path]:
    for parent, below, _ in os.walk(place):
        if ORIGINALS in below:
            yield Path(parent)
        below[:] = sorted(name for name in below if not is_hidden(name))


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    for parent, below, names in os.walk(place):
        below.sort()
        yield from (
            Path(parent, name) for name in sorted(names) if name != manifest.NAME and not name.endswith(PARTIAL)
        )


def _reason(picture: Path, original: Path, line: manifest.Line) -> str:
    try:
        if not picture.exists() or filecmp.cmp(picture, original, shallow=False):
            return ""
        return CHANGED if line.sha256 and sha256(picture) != line.sha256 else ""
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
