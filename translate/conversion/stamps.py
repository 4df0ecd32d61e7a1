"""What tells that a file has changed, without reading it."""

from pathlib import Path

from translate.conversion.masks import Masks
from translate.conversion.planning import Item
from translate.errors import ImageDecodeError

Stamp = tuple[int, int]  # of a file: its size in bytes, and when it was last changed, in nanoseconds


def stamp_of(path: Path) -> Stamp | None:
    """Return the stamp of a file; None where it is not there, or cannot be looked at."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def stamps_of(item: Item, masks: Masks | None) -> tuple[Stamp | None, ...]:
    """Return the stamps of what a result is made from: the picture, and its mask if there are any."""
    if masks is None:
        return (stamp_of(item.read_from),)
    try:
        return stamp_of(item.read_from), stamp_of(masks.find(item))
    except ImageDecodeError:  # it has none
        return stamp_of(item.read_from), None
