"""The user's folder for what is downloaded, learned or compiled and has no other place.

Where nothing can be written into it, a folder in the system's temporary one takes its place. The user alone can enter
that: weights and compiled code that somebody else put there would be used like the user's own.
"""

import contextlib
import os
import stat
import sys
import tempfile
from pathlib import Path

from translate.errors import OutputError


def home() -> Path:
    """Return the folder: `$TRANSLATE_HOME`, or `translate` in `$XDG_CACHE_HOME`, or where the system wants caches."""
    chosen, caches, local = (os.environ.get(name) for name in ("TRANSLATE_HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"))
    if chosen:
        return Path(chosen)
    if caches:
        return Path(caches) / "translate"
    places = {  # as platformdirs has them
        "darwin": Path.home() / "Library" / "Caches" / "translate",
        "win32": (Path(local) if local else Path.home() / "AppData" / "Local") / "translate" / "Cache",
    }
    return places.get(sys.platform, Path.home() / ".cache" / "translate")


def homes() -> list[Path]:
    """Return where to look for what was kept: `home()` and, where that is closed, the temporary folder if it is own."""
    if _is_closed(home()):
        with contextlib.suppress(FileNotFoundError):  # the system has no temporary folder
            if _is_own(_temporary()):
                return [home(), _temporary()]
    return [home()]


def in_home(part: str) -> Path:
    """Return where a file or folder of the home is, such as "weights/monet.safetensors", or where it belongs.

    Raises:
        OutputError: nothing can be written into the home, and the temporary folder cannot be made or is somebody
            else's.
    """
    for place in homes():
        if os.path.lexists(place / part):
            return place / part
    if not _is_closed(home()):
        return home() / part
    advice = "Set TRANSLATE_HOME to a folder of your own."
    try:
        place = _temporary()
        with contextlib.suppress(FileExistsError):
            place.mkdir(0o700)
    except OSError as error:
        raise OutputError(f"Nothing can be written into {home()}: {error.strerror}. {advice}") from error
    if not _is_own(place):
        raise OutputError(
            f"Nothing can be written into {home()}, and {place}, which would take its place, is not a folder that you"
            f" own and nobody else can enter. {advice}"
        )
    return place / part


def note_on(place: Path) -> str:
    """Return a sentence where something is kept in the temporary folder; else nothing."""
    if home() in place.parents or not any(folder in place.parents for folder in homes()):
        return ""
    return (
        f"Nothing can be written into {home()}, so {place} is where it is, until the system empties that folder."
        " Set TRANSLATE_HOME to another one to keep things."
    )


def _temporary() -> Path:
    """Return the folder in the system's temporary one, which on Windows is the user's already."""
    user = "" if sys.platform == "win32" else f"-{os.getuid()}"
    return Path(tempfile.gettempdir()) / f"translate{user}"


def _is_own(folder: Path) -> bool:
    """Whether it is a folder, no link to one, which the user owns and nobody else can enter."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    if not stat.S_ISDIR(found.st_mode):
        return False
    return sys.platform == "win32" or (found.st_uid == os.getuid() and not found.st_mode & 0o077)


def _is_closed(folder: Path) -> bool:
    """Whether nothing can be written into a folder, or it is not there and cannot be made."""
    existing = next(parent for parent in (folder, *folder.absolute().parents) if os.path.lexists(parent))
    return not (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK))
