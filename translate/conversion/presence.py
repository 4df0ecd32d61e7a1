"""Which results are there already, and whether they are older than their pictures."""

from collections.abc import Callable
from pathlib import Path

from translate.errors import DataError, OutputError
from translate.places import RemotePath, listing


def presence(folder: Path) -> Callable[[Path], bool]:
    """Return what tells whether there is such a file in or below a folder; an object store is asked once, here.

    Raises:
        OutputError: the store does not answer.
    """
    if not isinstance(folder, RemotePath):
        return _is_file
    try:
        return frozenset(listing(folder).entries).__contains__
    except DataError as error:
        raise OutputError(str(error)) from error


def is_older(result: Path, picture: Path) -> bool:
    """Tell whether a picture was changed after its result was written; of those in object stores nothing is said."""
    if isinstance(picture, RemotePath) or isinstance(result, RemotePath):
        return False
    try:
        return picture.stat().st_mtime_ns > result.stat().st_mtime_ns
    except OSError:
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # the path is too long, or a folder is closed to us: the error comes again when it is written
        return False
