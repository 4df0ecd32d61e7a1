"""A tar archive of pictures and what belongs to them, as WebDataset has them: taken apart, and put together again."""

import copy
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from translate import images
from translate.errors import DataError

CUT_SHORT = "the archive is cut short; its members up to {last} are whole"
LEADS_OUT = "its name leads out of the archive, so it is left out"
NO_FILE = "it is a link or a device, so it is left out"


@dataclass(frozen=True)
class Parts:
    """What an archive holds.

    Attributes:
        members: those that are whole, in order.
        pictures: the files that pictures were unpacked to, by the numbers of their members.
        carried: the numbers of the members that are carried over as they are.
        failures: why something is left out, by the name of its member; by "" what is wrong with the archive itself.
    """

    members: tuple[tarfile.TarInfo, ...]
    pictures: dict[int, Path]
    carried: frozenset[int]
    failures: dict[str, str]


def take_apart(archive: Path, folder: Path) -> Parts:
    """Unpack the pictures of an archive into a folder, under numbers for names: no name of a member is used as a path.

    Pictures are told by their suffix. What is called `a.seg.png` beside a picture `a.jpg` belongs to that one, and is
    carried over like everything that is no picture.

    Raises:
        DataError: it is no tar archive.
        OSError: it cannot be read, or the folder cannot be written.
    """
    members, is_cut = _members(archive)
    samples = {_key(member.name) for member in members if _is_picture(member.name) and not _is_long(member.name)}
    pictures: dict[int, Path] = {}
    carried: set[int] = set()
    failures: dict[str, str] = {}
    with tarfile.open(archive, "r:") as opened:
        for number, member in enumerate(members):
            path = PurePosixPath(member.name)
            if path.is_absolute() or ".." in path.parts or "\\" in member.name:
                failures[member.name] = LEADS_OUT
            elif not (member.isreg() or member.isdir()):
                failures[member.name] = NO_FILE
            elif not _is_picture(member.name) or (_is_long(member.name) and _key(member.name) in samples):
                carried.add(number)
            elif (content := opened.extractfile(member)) is not None:
                pictures[number] = folder / f"{number:08}{path.suffix.lower()}"
                with content, pictures[number].open("wb") as file:
                    shutil.copyfileobj(content, file)
    if is_cut:
        failures[""] = CUT_SHORT.format(last=members[-1].name if members else "there")
    return Parts(tuple(members), pictures, frozenset(carried), failures)


def put_together(archive: Path, parts: Parts, results: Mapping[int, tuple[str, Path]], out: Path) -> None:
    """Write an archive with the members that are carried over and, in the places of pictures, their results.

    Args:
        archive: that was taken apart.
        parts: what it holds.
        results: the name and the file of each, by the number of its picture; a picture without one is left out.
        out: the new archive.

    Raises:
        OSError: a file cannot be read or written.
    """
    with tarfile.open(archive, "r:") as opened, tarfile.open(out, "w") as made:
        for number, member in enumerate(parts.members):
            info = copy.copy(member)
            info.pax_headers = {
                word: value for word, value in member.pax_headers.items() if word not in ("path", "size")
            }
            if number in results:
                info.name, file = results[number]
                info.size = file.stat().st_size
                with file.open("rb") as content:
                    made.addfile(info, content)
            elif number in parts.carried:
                made.addfile(info, opened.extractfile(member))


def _members(archive: Path) -> tuple[list[tarfile.TarInfo], bool]:
    """Return the members that are whole, and whether the archive is cut short after them."""
    members: list[tarfile.TarInfo] = []
    try:
        with archive.open("rb") as stream, tarfile.open(fileobj=stream, mode="r:") as opened:
            size = archive.stat().st_size
            for member in opened:
                if member.isreg() and member.offset_data + member.size > size:
                    return members, True
                members.append(member)
            stream.seek(opened.offset)  # of the block after the last member: one of zeros is the end
            return members, stream.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE
    except tarfile.TarError as error:
        if members:
            return members, True
        raise DataError(f"{archive} is no tar archive, or its beginning is damaged: {error}.") from error


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in images.SUFFIXES


def _is_long(name: str) -> bool:
    """Tell whether a name has several dots, of which all after the first are the extension to WebDataset."""
    return PurePosixPath(name).name.count(".") > 1


def _key(name: str) -> str:
    """Return what WebDataset calls the key of a sample: its name up to the first dot."""
    path = PurePosixPath(name)
    return str(path.parent / path.name.partition(".")[0])
