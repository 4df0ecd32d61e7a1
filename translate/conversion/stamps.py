"""What tells that a file has changed, without reading it."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from translate.conversion.masks import Masks
from translate.conversion.planning import Item
from translate.errors import ImageDecodeError
from translate.places import RemotePath

# Of a file: its size in bytes, and when it was last changed, in nanoseconds, or its mark in an object store. Of several
# files: how many they are, and a hash of their names and stamps.
Stamp = tuple[int, int | str]


def stamp_of(path: Path) -> Stamp | None:
    """Return the stamp of a file; None where it is not there, or cannot be looked at."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def stamps_of(item: Item, masks: Masks | None) -> tuple[Stamp | None, ...]:
    """Return the stamps of what a result is made from: the picture, and its mask if there are any."""
    if item.parts:
        picture: Stamp | None = _stamp_of_all(item.parts)
    else:
        picture = item.listed if isinstance(item.read_from, RemotePath) else stamp_of(item.read_from)
    if masks is None:
        return (picture,)
    try:
        return picture, stamp_of(masks.find(item))
    except ImageDecodeError:  # it has none
        return picture, None


def _stamp_of_all(paths: Sequence[Path]) -> Stamp:
    found = json.dumps([(path.name, stamp_of(path)) for path in paths])
    return len(paths), hashlib.sha256(found.encode()).hexdigest()[:16]
