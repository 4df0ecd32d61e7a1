"""What is to be translated, and into which files: everything that can be refused is refused here, before any work."""

import hashlib
import os
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from translate import images
from translate.errors import DataError, ImageDecodeError, SettingsError, counted
from translate.files import is_hidden, walk
from translate.images import Encoding

ROOT = "/./"  # in an input word, as in `rsync --relative`: what follows is mirrored below the output folder
AS_IT_IS = Encoding()
LONGEST = 255  # bytes of a file's name, on all systems in use


@dataclass(frozen=True)
class Item:
    """A file to translate and the file it becomes."""

    source: Path
    output: Path
    relative: Path  # of the source, below the folder whose place the output folder takes
    target: str = ""  # what it is translated to, where a plan has several targets

    @property
    def word(self) -> str:
        """The input word that means this picture alone, with the same output."""
        root = self.source.as_posix().removesuffix(self.relative.as_posix())
        return f"{root}./{self.relative.as_posix()}"


@dataclass(frozen=True)
class Plan:
    """What is to be done, in the order of the inputs and, within a folder, of the names."""

    items: tuple[Item, ...]
    missing: tuple[str, ...]  # inputs that do not exist, cannot be read or match nothing
    ignored: int  # how many files found in folders are no pictures, by their suffix
    existing: tuple[Item, ...]  # whose output is already there, and is to stay


def plan(
    inputs: Sequence[str | Path],
    out: Path,
    overwrite: bool = False,
    encoding: Encoding = AS_IT_IS,
    shard: tuple[int, int] = (1, 1),
    besides: str = "",
    targets: Sequence[str] = (),
) -> Plan:
    """Find the pictures and decide what each becomes. Nothing is written.

    Args:
        inputs: files; folders, with all below them; patterns with `*`, `**`, `?` and `[...]`; or `@FILE`, which holds
            more of them, see `read_list`. What folders and patterns hold is chosen by suffix, without hidden files;
            what is named itself is taken as it is. What follows `/./` in a word is mirrored.
        out: a folder, which mirrors the folders of the inputs and is left out where it lies inside one; for one input
            file also a file. Stems stay; suffixes say what is written, see `images.output_suffix`.
        overwrite: translate again what is already there.
        encoding: how results will be written.
        shard: (i, n): take the i-th of n parts, which together are all and share nothing. The part of a picture depends
            on its place below its root alone, so that several machines agree.
        besides: what is written beside each result, as a suffix in place of its own, like ".compare.png"; or nothing.
        targets: translate each picture to all of these, into folders of their names in `out`; or nothing.

    Raises:
        SettingsError: two pictures would become one file (also where names differ only in case, or in how their letters
            are composed), a result would replace an input, or `out` is a file.
        DataError: there are no pictures at all, or a list cannot be read.
        OutputError: the format asked for, by `encoding` or by `out`, is not written or does not hold the depth.
    """
    words, hole = list(_listed(inputs)), out.resolve()
    paths = [Path(word) for word in words]
    if hole in [path.resolve() for path in paths]:
        raise SettingsError(f"--out {out} is also an input, whose pictures would be replaced. Choose another place.")
    missing: list[str] = []
    found: dict[Path, tuple[Path, Path]] = {}  # by resolved place: the picture, and its path below `out`
    ignored: set[Path] = set()
    for word, path in zip(words, paths, strict=True):
        for source, own_root in _find(path, word, missing):
            root = _said_root(word) or own_root
            place, relative = source.parent.resolve() / source.name, source.relative_to(root)
            inside_out = hole in place.parents and root.resolve() in hole.parents
            if source != path and (inside_out or any(map(is_hidden, source.relative_to(own_root).parts))):
                continue
            if source == path or _is_picture(source):
                found.setdefault(place, (source, relative))
            else:
                ignored.add(place)
    if not found:
        raise DataError(
            f"There are no pictures in {', '.join(map(str, paths))}: {counted(len(missing), 'input')} not found, and"
            f" {counted(len(ignored), 'file')} whose names do not end in {', '.join(sorted(images.SUFFIXES))}."
        )
    if out.is_dir() or not (out.exists() or out.suffix.lower() in images.SUFFIXES):
        items = [
            Item(source, out / target / _renamed(relative, images.output_suffix(source, encoding)), relative, target)
            for source, relative in found.values()
            for target in targets or ("",)
        ]
    elif [source for source, _ in found.values()] == paths[:1] and not targets:
        items = [Item(paths[0], out, Path(paths[0].name))]
    else:
        raise SettingsError(f"--out {out} is the name of a file, which only one result can become. Name a folder.")
    for item in items:
        images.format_of(item.output, encoding)
    _refuse_collisions(items, {_same(place) for place in found}, besides)
    items = [item for item in items if _in_shard(item.relative.as_posix(), shard)]
    missing = [word for word in missing if _in_shard(word, shard)]
    existing = {item for item in items if not overwrite and _is_there(item.output, besides)}
    waiting, there = [item for item in items if item not in existing], [item for item in items if item in existing]
    return Plan(tuple(waiting), tuple(missing), len(ignored), tuple(there))


def read_list(path: Path) -> list[str]:
    """Read input words: one a line, or parted by zero bytes as `find -print0` writes them. Empty ones are left out.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        listed = path.read_bytes()
    except OSError as error:
        raise DataError(f"The list {path} cannot be read: {error.strerror}. Name a file of paths after @.") from error
    words = listed.split(b"\0") if b"\0" in listed else listed.splitlines()
    return [os.fsdecode(word) for word in words if word]


def write_list(words: Sequence[str]) -> bytes:
    """Return the bytes of a file that `read_list` reads back: lines, or where a word has several, zero bytes."""
    several = any("\n" in word or "\r" in word for word in words)
    return b"".join(os.fsencode(word) + (b"\0" if several else b"\n") for word in words)


def beside(output: Path, besides: str) -> Path:
    """Return the file beside a result whose name ends in `besides` instead of the result's suffix."""
    return _renamed(output, besides)


def find_mask(mask: Path, item: Item) -> Path:
    """Return the mask of a picture: `mask` itself, or in a folder the picture that has the same place and stem.

    Raises:
        ImageDecodeError: there is none.
    """
    if not mask.is_dir():
        return mask
    place = mask / item.relative
    found = sorted(path for path in place.parent.glob("*") if path.stem == place.stem and _is_picture(path))
    if not found:
        raise ImageDecodeError(f"{item.source} has no mask: there is no picture {place.stem} in {place.parent}.")
    return place if place in found else found[0]


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in images.SUFFIXES


def _listed(inputs: Sequence[str | Path]) -> Iterator[str]:
    for word in inputs:
        yield from read_list(Path(word[1:])) if isinstance(word, str) and word.startswith("@") else [str(word)]


def _said_root(word: str) -> Path | None:
    root, mark, _ = word.rpartition(ROOT)
    return Path(root or "/") if mark else None


def _find(path: Path, word: str, missing: list[str]) -> Iterator[tuple[Path, Path]]:
    """Yield all files that an input means, each with the folder whose place the output folder takes."""
    try:
        if path.exists():
            root, matches = (path if path.is_dir() else path.parent), [path]
        else:
            root = Path(*takewhile(lambda part: not set(part) & set("*?["), path.parts))
            matches = sorted(root.glob(str(path.relative_to(root)))) if root != path else []
    except (OSError, ValueError):  # a folder above is closed to us; pathlib refuses the pattern
        matches = []
    if not matches:
        missing.append(word)
    for match in matches:
        below = walk(match, lambda error: missing.append(error.filename)) if match.is_dir() else [match]
        yield from ((file, root) for file in below)


def _renamed(path: Path, suffix: str) -> Path:
    return path.with_name(_fitting(path.stem, suffix))


def _fitting(stem: str, suffix: str) -> str:
    """Join a name; where it becomes too long for a file, the stem is cut and marked with a hash of all of it."""
    encoded = os.fsencode(stem)
    room = LONGEST - len(suffix)
    if len(encoded) <= room:
        return stem + suffix
    mark = f"-{hashlib.sha256(encoded).hexdigest()[:8]}"
    return encoded[: room - len(mark)].decode(errors="ignore") + mark + suffix


def _in_shard(name: str, shard: tuple[int, int]) -> bool:
    number, count = shard
    return zlib.crc32(os.fsencode(name)) % count == number - 1


def _is_there(output: Path, besides: str) -> bool:
    return output.is_file() and (not besides or beside(output, besides).is_file())


def _same(place: Path) -> str:
    """Return what is equal for paths that are one file on some system."""
    parts = (part.rstrip(". ") or part for part in place.parts)  # Windows drops these
    return unicodedata.normalize("NFC", "/".join(parts)).casefold()


def _refuse_collisions(items: Sequence[Item], inputs: set[str], besides: str) -> None:
    taken: dict[str, Item] = {}
    for item in items:
        for output in [item.output, *([beside(item.output, besides)] if besides else [])]:
            place = _same(output.parent.resolve() / output.name)
            if place in inputs:
                raise SettingsError(f"{output} is an input and would be replaced. Choose another --out.")
            other = taken.setdefault(place, item)
            if other is not item:
                both = f"{other.source} and {item.source} would both become {output}"
                raise SettingsError(f"{both}. Rename one of them, or convert them into different folders.")
