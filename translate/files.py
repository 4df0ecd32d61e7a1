"""Files that are either whole or absent.

Everything the toolkit writes goes through `atomic_file` or `atomic_folder`: the bytes are written beside their final
place, flushed to the disk, and renamed. A reader, a second process or a power cut sees the old file or the new one.
"""

import codecs
import contextlib
import errno
import glob
import hashlib
import os
import platform
import re
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from translate.errors import DiskFull, DiskReadOnly, OutputError

HOUSEKEEPING = frozenset(  # in small letters; those that begin with a dot are hidden anyway
    {
        "__macosx", "network trash folder", "temporary items",  # macOS
        "$recycle.bin", "recycler", "system volume information", "found.000",  # Windows
        "lost+found",  # Linux
        "@eadir", "#recycle", "#snapshot", "@tmp", "@sharebin",  # Synology
        "@recycle", "@recently-snapshot", "@transcode",  # QNAP
        "~snapshot",  # NetApp
    }
)  # fmt: skip
PARTIAL = ".partial"  # every unfinished file or folder is named .<name>.<machine>-<process>-<random>.partial
_UMASK = os.umask(0o077)  # which can be read only by setting it: once, before there are threads that make files
os.umask(_UMASK)
_MODE = 0o666 & ~_UMASK  # of any new file
_WRITER = re.compile(r"\..+\.(?P<machine>[0-9a-f]{8})-(?P<process>\d+)-[0-9a-f]{8}\.partial")


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends well, remove it otherwise.

    Raises:
        DiskFull: there is no room. An existing file at `path` is then untouched.
        OutputError: the place cannot be written.
    """
    temporary = _beside(path)
    try:
        with as_output_error(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            temporary.chmod(_MODE)
            _flush(temporary)
            temporary.replace(path)
            _flush_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):  # also when the place is no folder at all
            temporary.unlink()


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; rename it to `path` when the block ends well, remove it otherwise.

    Raises:
        OutputError: the place cannot be written or the disk is full.
    """
    temporary = _beside(path)
    try:
        with as_output_error(path):
            temporary.mkdir(parents=True)
            yield temporary
            for file in temporary.rglob("*"):  # and the folders in it
                if file.is_file():
                    file.chmod(_MODE)  # safetensors makes files that only their owner can read
                    _flush(file)
                else:
                    _flush_folder(file)
            _flush_folder(temporary)
            temporary.replace(path)
            _flush_folder(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def takes_files(folder: Path) -> bool:
    """Tell whether a file can be written into a folder, which is made if it is not there."""
    temporary = _beside(folder / "try")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary.touch()
        temporary.unlink()
    except OSError:
        return False
    return True


def write_text(path: Path, text: str) -> None:
    """Write `text` in UTF-8 to `path`, whole or not at all; names that are not UTF-8 with the bytes that they have."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="surrogateescape", newline="\n")


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


def decoded(content: bytes) -> str:
    """Decode a text that anybody's system wrote: in UTF-16 if a byte order mark says so, else in UTF-8.

    Raises:
        UnicodeDecodeError: it is no such text.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    return content.decode("utf-8-sig")


def sweep(folder: Path, name: str | None = None) -> None:
    """Remove what killed writers left in `folder`, of one file or folder or of all."""
    for leftover in folder.glob(f".{'*' if name is None else glob.escape(name)}.*{PARTIAL}"):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def sweep_dead_writers(folder: Path) -> None:
    """Remove the unfinished files in `folder` whose writers, processes of this machine, have ended.

    For folders that several processes write into: what a living one is writing stays.
    """
    for leftover in folder.glob(f".*{PARTIAL}"):
        match = _WRITER.fullmatch(leftover.name)
        if match and match["machine"] == _machine() and not is_alive(int(match["process"])):
            with contextlib.suppress(OSError):  # another process was faster, or it is not ours
                leftover.unlink()


def walk(
    folder: Path,
    onerror: Callable[[OSError], object] | None = None,
    exclude: Path | None = None,
    passed: Callable[[Path], object] | None = None,
) -> Iterator[Path]:
    """Yield all files below `folder` by name, but those in hidden folders; linked folders are followed.

    Args:
        folder: where to look.
        onerror: takes the error of a folder that cannot be read; without it such a folder is passed over.
        exclude: a folder that is not entered.
        passed: takes each folder of a system, see `is_housekeeping`, which is not entered.
    """
    seen = {exclude.resolve()} if exclude else set()  # and what was entered: a linked folder may contain itself
    for parent, below, names in os.walk(folder, onerror=onerror, followlinks=True):
        here = Path(parent).resolve()
        if here in seen:
            below.clear()
            continue
        seen.add(here)
        if passed is not None:
            for name in filter(is_housekeeping, below):
                passed(Path(parent, name))
        below[:] = sorted(name for name in below if not is_hidden(name))
        yield from (Path(parent, name) for name in sorted(names))


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder of this name is none of the user's own."""
    return name.startswith(".") or is_housekeeping(name)


def is_housekeeping(name: str) -> bool:
    """Tell whether a folder of this name is where a system keeps thumbnails, deleted files and the like."""
    return name.casefold() in HOUSEKEEPING


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def exclusive_lock(path: Path, refusal: str) -> Iterator[None]:
    """Hold the file or folder `path`, so that a second process is refused; without locks in the system none is taken.

    Raises:
        OutputError: another process holds it; the sentence is `refusal`.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with as_output_error(path):
        handle = os.open(path, os.O_RDONLY)  # the lock ends with the process, however it ends
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise OutputError(refusal) from None
    except OSError:  # a network disk without locks
        pass
    try:
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def as_output_error(path: Path) -> Iterator[None]:
    """Turn whatever a failing write raises, which differs from library to library, into one `OutputError`."""
    try:
        yield
    except OSError as error:
        if _is_full(error, path):
            raise DiskFull(
                f"The disk is full: {path} was not written. Free some space and run the command again."
            ) from error
        reason = error.strerror or str(error)
        kind = DiskReadOnly if error.errno == errno.EROFS else OutputError
        raise kind(f"Cannot write {path}: {reason}. Choose another place or change its permissions.") from error
    except Exception as error:
        # torch.save and safetensors report a full disk as errors of their own, without an errno.
        if _is_full(error, path):
            raise DiskFull(
                f"The disk is full: {path} was not written. Free some space and run the command again."
            ) from error
        raise


def _is_full(error: Exception, path: Path) -> bool:
    first = error.__context__ if isinstance(error.__context__, OSError) else error  # torch's own error hides it
    if isinstance(first, OSError) and first.errno is not None:
        return first.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if any(sign in str(error) for sign in ("No space left", "os error 28", "File too large", "os error 27")):
        return True
    if "PytorchStreamWriter" not in str(error) and "unexpected pos" not in str(error):
        return False
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    return shutil.disk_usage(folder).free < 1 << 20


def _beside(path: Path) -> Path:
    # A name may have 255 bytes, and a character up to 4.
    return path.with_name(f".{path.name[:50]}.{_machine()}-{os.getpid()}-{uuid.uuid4().hex[:8]}{PARTIAL}")


@cache
def _machine() -> str:
    """Return what is equal for processes that see each other: the machine's name, in a container also its number."""
    space = Path("/proc/self/ns/pid")
    seen = f"{platform.node()} {space.stat().st_ino if space.exists() else ''}"
    return hashlib.sha256(seen.encode()).hexdigest()[:8]


def is_alive(process: int) -> bool:
    """Tell whether there is a process of this number."""
    if sys.platform == "win32":  # where asking would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _flush(file: Path) -> None:
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())


def _flush_folder(folder: Path) -> None:
    """Make a rename durable. Only POSIX systems can open a folder for this, and some network disks refuse."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
