"""The folder of a page that is open: nobody else can enter it, and it goes when the page ends, however it ends."""

import contextlib
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from translate.errors import OutputError
from translate.files import as_output_error, exclusive_lock

PREFIX = "translate-page-"
FRESH_S = 60.0  # a folder that is younger may not be locked yet


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder, and remove it at the end; those of pages that were killed are removed first.

    Raises:
        OutputError: none can be made.
    """
    place = Path(tempfile.gettempdir())
    sweep(place)
    with as_output_error(place):
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    try:
        with exclusive_lock(folder, f"{folder} is in use."):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(place: Path) -> None:
    """Remove the folders in `place` whose pages have ended: the lock of a page ends with its process."""
    for folder in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, OutputError):  # it has gone, or its page is open
            if _is_own(folder) and time.time() - folder.stat().st_mtime > FRESH_S:
                with exclusive_lock(folder, ""):
                    shutil.rmtree(folder, ignore_errors=True)


def _is_own(folder: Path) -> bool:
    """Whether it is a folder of this user, and no link; Windows has no locks to ask, so there none is."""
    found = folder.lstat()
    return sys.platform != "win32" and stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
