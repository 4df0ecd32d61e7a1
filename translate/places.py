"""Files in object stores as paths: s3://bucket/key, gs://bucket/key, hf://datasets/OWNER/NAME/file; memory:// in tests.

The only place that knows fsspec. A `RemotePath` is looked at, read and written like a path of this machine; what many
files need at once is one question: `listing`. Credentials are those that the tools of each store use: the environment,
their configuration files, the role of the machine. None is read here.
"""

import contextlib
import errno
import logging
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from translate.errors import DataError, OutputError, SettingsError

SCHEMES = ("s3", "gs", "hf", "memory")
_ETAGS = ("ETag", "etag", "blob_id", "md5Hash", "created")  # what stores call the mark that changes with a file
_MARK = "://"

if TYPE_CHECKING:
    _Path = Path
else:
    _Path = type(Path())  # Path itself becomes one of two classes when it is called


class Entry(NamedTuple):
    """What a listing says of a file: its size in bytes, and a mark that changes when the file does."""

    size: int
    mark: str


def is_remote(word: str | Path) -> bool:
    """Tell whether a word is the address of something in an object store that is known here."""
    scheme, mark, _ = str(word).partition(_MARK)
    return bool(mark) and scheme in SCHEMES


def path_of(word: str | Path) -> Path:
    """Return the path that a word means, on this machine or in an object store."""
    return RemotePath(word) if is_remote(word) else Path(word)


class RemotePath(_Path):
    """A file of an object store, or all whose keys begin with it and a slash; its string is its address.

    What asks the store raises an `OSError` that tells the reason, and `SettingsError` without its package.
    """

    def __str__(self) -> str:
        """Return the address."""
        first, *rest = self.parts or ("",)
        is_whole = first.removesuffix(":") in SCHEMES and first.endswith(":")
        return f"{first}//{'/'.join(rest)}" if is_whole else "/".join(self.parts) or "."

    def __fspath__(self) -> str:
        """Return the address, which no file of this machine has as its name."""
        return str(self)

    def relative_to(self, *other: Any, **options: Any) -> Path:  # type: ignore[override]
        """Return the path from a folder above, as a path of this machine."""
        return Path(*super().relative_to(*other, **options).parts)

    def absolute(self) -> Self:
        """Return the same path."""
        return self

    def resolve(self, strict: bool = False) -> Self:
        """Return the same path: there are no links."""
        return self

    def exists(self, **_: Any) -> bool:
        """Tell whether there is such a file, or any below it."""
        with _asking(self) as (store, name):
            return bool(store.exists(name))

    def is_file(self, **_: Any) -> bool:
        """Tell whether there is such a file."""
        with _asking(self) as (store, name):
            return bool(store.isfile(name))

    def is_dir(self, **_: Any) -> bool:
        """Tell whether there are files below it."""
        with _asking(self) as (store, name):
            return bool(store.isdir(name))

    def read_bytes(self, most: int | None = None) -> bytes:
        """Return what the file holds, or its first `most` bytes."""
        with _asking(self) as (store, name):
            if most is None:
                return bytes(store.cat_file(name))
            try:
                return bytes(store.cat_file(name, start=0, end=most))  # without an end s3fs also asks for the size
            except OSError as error:
                if "satisfiable" in str(error):  # of an empty file there is no range
                    return b""
                raise

    def write_bytes(self, data: Any) -> int:
        """Write a file, whole or not at all: stores show a file when all of it has come."""
        with _asking(self) as (store, name):
            store.pipe_file(name, bytes(data))
        return len(data)

    def copy_to(self, file: Path) -> None:
        """Copy the file to this machine, in pieces."""
        with _asking(self) as (store, name):
            store.get_file(name, str(file))

    def copy_from(self, file: Path) -> None:
        """Copy a file of this machine to here, whole or not at all."""
        with _asking(self) as (store, name):
            store.put_file(str(file), name)

    def takes_files(self) -> bool:
        """Tell whether a file can be written below."""
        probe = self / f".{uuid.uuid4().hex[:8]}"
        try:
            probe.write_bytes(b"-")
            with _asking(probe) as (store, name):
                store.rm_file(name)
        except OSError:
            return False
        return True


@dataclass(frozen=True)
class Listing:
    """What lies below a prefix.

    Attributes:
        entries: the files, by name.
        odd: addresses of what has no path, because its key is one like `a//b` or `a/../b`.
    """

    entries: dict[RemotePath, Entry]
    odd: tuple[str, ...] = ()


def listing(place: RemotePath) -> Listing:
    """List a file, or all files below a prefix, with one question (of many pages where there are many).

    Raises:
        SettingsError: a package is missing.
        DataError: the store refuses, or cannot be reached. That there are no files, or no such bucket, is none.
    """
    try:
        with _asking(place) as (store, name):
            store.invalidate_cache()  # hf keeps what it listed, whatever is asked for below
            found = store.find(name, detail=True)
    except FileNotFoundError:
        return Listing({})
    except OSError as error:
        raise DataError(f"{place} cannot be listed: {error.strerror or error}.") from error
    scheme = str(place).partition(_MARK)[0]
    entries: dict[RemotePath, Entry] = {}
    odd: list[str] = []
    for key, info in sorted(found.items()):
        if key.endswith("/") or info.get("type") != "file":  # a key that shows as an empty folder
            continue
        address = f"{scheme}{_MARK}{key.removeprefix('/')}"
        path = RemotePath(address)
        if str(path) != address or ".." in path.parts:
            odd.append(address)
            continue
        mark = next((str(info[word]).strip('"') for word in _ETAGS if info.get(word)), "")
        entries[path] = Entry(int(info.get("size") or 0), mark)
    return Listing(entries, tuple(odd))


def refuse_as_output(place: Path) -> None:
    """Raise `OutputError` where results cannot be written to a store at all, however they are asked for."""
    if isinstance(place, RemotePath) and place.parts[0] == "hf:":
        raise OutputError(
            f"Results are not written to {place}, where each file would be a commit. Name a folder or a bucket, and"
            " upload it as a whole."
        )


@contextlib.contextmanager
def _asking(path: RemotePath) -> Iterator[tuple[Any, str]]:
    """Yield the store of a path and the name that it has there; make whatever it raises one `OSError`."""
    scheme, _, name = str(path).partition(_MARK)
    store = _store(scheme)
    try:
        yield store, (f"/{name}" if scheme == "memory" else name)
    except Exception as error:
        if is_of_disk(error):
            raise
        if _is_refusal(error):  # before what is missing: hf says that of what it hides
            reason = f"the store asks for credentials, or refuses those that it found: {_line(error)}"
            raise PermissionError(errno.EACCES, reason, str(path)) from error
        if isinstance(error, FileNotFoundError) or _status(error) == HTTPStatus.NOT_FOUND:
            raise FileNotFoundError(errno.ENOENT, "there is no such file or bucket, or no longer", str(path)) from error
        raise OSError(errno.EIO, f"the store does not answer as it should: {_line(error)}", str(path)) from error


def _is_refusal(error: Exception) -> bool:
    """Tell whether a store wants to know who asks, or does not let them."""
    refused = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    if isinstance(error, PermissionError) or refused & {_status(error), _status(error.__cause__)}:
        return True
    if isinstance(error, FileNotFoundError):  # whose words are those of a key
        return False
    return "credential" in f"{type(error).__name__} {error}".lower() or str(error).startswith("Forbidden")


def _status(error: BaseException | None) -> int | None:
    """Return what a server answered, as gs and hf keep it in their errors; those of s3 have the types of Python."""
    status = str(getattr(getattr(error, "response", None), "status_code", getattr(error, "code", "")))
    return int(status) if status.isdecimal() else None


def is_of_disk(error: Exception) -> bool:
    """Tell whether it is the disk of this machine that is full or closed, and no fault of the store."""
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)


def _line(error: Exception) -> str:
    said = getattr(error, "server_message", None) or getattr(error, "strerror", None) or str(error)  # the first is hf's
    return " ".join((said or type(error).__name__).split())[:200].rstrip(".")


@cache
def _store(scheme: str) -> Any:
    logging.getLogger("gcsfs").addHandler(logging.NullHandler())  # else it prints what is raised here as a sentence
    try:
        import fsspec

        return fsspec.filesystem(scheme, use_listings_cache=False)  # what was listed an hour ago says nothing
    except ImportError as error:
        raise SettingsError(
            f"{scheme}:// needs more packages: pip install 'image-translate[remote]'. Or copy the files here first."
        ) from error
