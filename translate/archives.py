"""Archives of pictures, .zip and .tar.gz, unpacked without trusting them.

Only regular files with the wanted suffixes are unpacked. Links, devices, hidden files and everything else are left
out, and permissions are not taken over. The whole archive is refused, before anything is written, where the name of a
picture leads out of the folder, where two of them would be one file on some system, and where it is larger than
pictures can be.
"""

import gzip
import re
import shutil
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from translate.errors import DataError

MAX_ENTRIES = 500_000
MAX_BYTES = 50 * 10**9  # unpacked
MAX_RATIO = 100  # unpacked bytes for each byte of the archive; pictures are compressed already, so 1 is usual

_GZIP = b"\x1f\x8b"  # what such files begin with
_FORBIDDEN = re.compile(r'[<>:"|?*\x01-\x1f\x7f]')  # in names on Windows; Flickr's dates have colons
_BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, gzip.BadGzipFile, struct.error, EOFError, NotImplementedError,
    ValueError,
)  # fmt: skip


def unpack(archive: Path, folder: Path, suffixes: Collection[str], tell: Callable[[int, int], None]) -> None:
    """Unpack the pictures of an archive into a folder, without the one folder that archives are often wrapped in.

    Characters that some system forbids in names become `_`.

    Args:
        archive: the file.
        folder: where to; the caller makes it and removes it after an error.
        suffixes: of pictures, in lower case and with the dot.
        tell: is told how many pictures are unpacked, and of how many.

    Raises:
        DataError: the archive is refused, damaged or none.
    """
    with archive.open("rb") as stream:
        is_tar = stream.read(len(_GZIP)) == _GZIP
    try:
        (_unpack_tar if is_tar else _unpack_zip)(archive, folder, suffixes, tell)
    except _BROKEN as error:
        raise DataError(
            f"{archive} is damaged or not a {'tar' if is_tar else 'zip'} archive: {error}. Fetch it again."
        ) from error


def _unpack_zip(archive: Path, folder: Path, suffixes: Collection[str], tell: Callable[[int, int], None]) -> None:
    with zipfile.ZipFile(archive) as opened:
        pictures = _pictures(archive, opened, suffixes)
        for done, (info, place) in enumerate(pictures, start=1):
            with opened.open(info) as source:
                _write(source, folder / place)
            tell(done, len(pictures))


def _unpack_tar(archive: Path, folder: Path, suffixes: Collection[str], tell: Callable[[int, int], None]) -> None:
    """Read the archive twice, since nothing is written before all of it is known."""
    names: list[str] = []
    size = 0
    with tarfile.open(archive, "r|gz") as opened:
        for count, member in enumerate(opened, start=1):
            if _is_wanted(member.name, suffixes) and member.isreg():
                names.append(member.name)
                size += member.size
            _refuse_bomb(archive, count, size)
    if not names:
        raise _refused(archive, "it holds no pictures")
    places = list(_unwrapped([_place(archive, name) for name in names]))
    _refuse_collisions(archive, places)
    with tarfile.open(archive, "r|gz") as opened:
        wanted = (member for member in opened if _is_wanted(member.name, suffixes) and member.isreg())
        for done, (member, place) in enumerate(zip(wanted, places, strict=True), start=1):
            source = opened.extractfile(member)
            assert source is not None
            _write(source, folder / place)
            tell(done, len(places))


def _write(source: IO[bytes], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as stream:
        shutil.copyfileobj(source, stream, 1 << 20)


def _refuse_bomb(archive: Path, entries: int, size: int) -> None:
    """Refuse an archive of so many entries, or whose pictures have so many bytes."""
    if entries > MAX_ENTRIES:
        raise _refused(archive, f"it has {entries:,} entries, more than {MAX_ENTRIES:,}")
    if size > MAX_BYTES or size > MAX_RATIO * archive.stat().st_size:
        raise _refused(
            archive, f"its {archive.stat().st_size:,} bytes would become {size:,}, which pictures do not: it is a bomb"
        )


def _pictures(
    archive: Path, opened: zipfile.ZipFile, suffixes: Collection[str]
) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """Return the pictures of a zip archive with their places in the folder, or refuse it."""
    entries = opened.infolist()
    _refuse_bomb(archive, len(entries), 0)
    chosen = [info for info in entries if _is_picture(info, suffixes)]
    if not chosen:
        raise _refused(archive, "it holds no pictures")
    for info in chosen:
        if not 0 <= info.header_offset < archive.stat().st_size:
            raise zipfile.BadZipFile(f"{info.orig_filename!r} lies outside of it")
        if info.flag_bits & 1:
            raise _refused(archive, f"{info.orig_filename!r} is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _refused(archive, f"{info.orig_filename!r} is neither stored nor deflated")
    _refuse_bomb(archive, len(entries), sum(info.file_size for info in chosen))
    places = list(_unwrapped([_place(archive, info.orig_filename) for info in chosen]))
    _refuse_collisions(archive, places)
    return list(zip(chosen, places, strict=True))


def _is_picture(info: zipfile.ZipInfo, suffixes: Collection[str]) -> bool:
    """Whether an entry is a regular, visible file with the suffix of a picture."""
    kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the archive was not written on a Unix system
    return kind in (0, stat.S_IFREG) and _is_wanted(info.orig_filename, suffixes)  # `filename` ends at the first NUL


def _is_wanted(name: str, suffixes: Collection[str]) -> bool:
    path = PurePosixPath(name)
    hidden = any(part == "__MACOSX" or (part.startswith(".") and part.strip(". ")) for part in path.parts)
    return path.suffix.lower() in suffixes and not name.endswith("/") and not hidden


def _place(archive: Path, name: str) -> PurePosixPath:
    """Return where the picture called `name` belongs, with a name that every system can hold."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    outside = name.startswith("/") or re.match("[A-Za-z]:", name) or not all(part.rstrip(". ") for part in parts)
    if outside or "\\" in name or "\0" in name:
        raise _refused(archive, f"the name {name!r} leads out of its folder, or would on some system")
    return PurePosixPath(*(_FORBIDDEN.sub("_", part).rstrip(". ") for part in parts))


def _unwrapped(places: list[PurePosixPath]) -> Iterator[PurePosixPath]:
    """Leave out the first folder if it is the same for all places."""
    wrapped = len({place.parts[0] for place in places}) == 1 and all(len(place.parts) > 1 for place in places)
    yield from (PurePosixPath(*place.parts[1:]) if wrapped else place for place in places)


def _refuse_collisions(archive: Path, places: list[PurePosixPath]) -> None:
    taken: dict[str, PurePosixPath] = {}
    for place in places:
        other = taken.setdefault(_folded(place), place)
        if other is not place:
            raise _refused(archive, f"{str(other)!r} and {str(place)!r} would be one file, on some system at least")
    for place in places:
        if any(_folded(parent) in taken for parent in place.parents):
            raise _refused(archive, f"{str(place)!r} lies in a file")


def _folded(place: PurePosixPath) -> str:
    """Return what file systems that ignore case and the way accents are composed take for the name."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(place)).casefold())


def _refused(archive: Path, reason: str) -> DataError:
    return DataError(f"{archive} was not unpacked: {reason}. Get the archive anew from a place you trust.")
