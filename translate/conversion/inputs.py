"""What the words of a command mean: files, folders, patterns, and lists of these."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from translate import images
from translate.errors import DataError, counted
from translate.files import is_hidden, walk

ROOT = "/./"  # in an input word, as in `rsync --relative`: what follows is mirrored below the output folder


@dataclass(frozen=True)
class Inputs:
    """What the words mean.

    Attributes:
        pictures: each with its path below the folder whose place the output folder takes, in the order of the words
            and, within a folder, of the names; by resolved place.
        named: the paths that were named, with those in lists.
        missing: words that do not exist, cannot be read or match nothing.
        ignored: how many files found in folders are no pictures, by their suffix.
    """

    pictures: dict[Path, tuple[Path, Path]]
    named: list[Path]
    missing: list[str]
    ignored: int


def find(inputs: Sequence[str | Path], excluded: Path | None = None) -> Inputs:
    """Find pictures; nothing is read but lists.

    Args:
        inputs: files; folders, with all below them; patterns with `*`, `**`, `?` and `[...]`; or `@FILE`, which holds
            more of them, see `read_list`. What folders and patterns hold is chosen by suffix, without hidden files;
            what is named itself is taken as it is. What follows `/./` in a word is mirrored.
        excluded: a folder that is left out where it lies inside an input.

    Raises:
        DataError: there are no pictures at all, or a list cannot be read.
    """
    words = list(_listed(inputs))
    named = [Path(word) for word in words]
    missing: list[str] = []
    pictures: dict[Path, tuple[Path, Path]] = {}
    ignored: set[Path] = set()
    for word, path in zip(words, named, strict=True):
        for source, own_root in _find(path, word, missing):
            root = _marked_root(word) or own_root
            place, relative = source.parent.resolve() / source.name, source.relative_to(root)
            is_excluded = excluded in place.parents and excluded is not None and root.resolve() in excluded.parents
            if source != path and (is_excluded or any(map(is_hidden, source.relative_to(own_root).parts))):
                continue
            if source == path or is_picture(source):
                pictures.setdefault(place, (source, relative))
            else:
                ignored.add(place)
    if not pictures:
        reasons = [f"{counted(len(missing), 'input')} not found"] if missing else []
        reasons += ["addresses are not downloaded"] if any(map(is_address, missing)) else []
        if ignored or not missing:
            suffixes = ", ".join(sorted(images.SUFFIXES))
            reasons.append(f"{counted(len(ignored), 'file')} whose names do not end in {suffixes}")
        raise DataError(f"There are no pictures in {', '.join(words)}: {' and '.join(reasons)}.")
    return Inputs(pictures, named, missing, len(ignored))


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


def is_address(word: str) -> bool:
    """Tell whether a word is the address of something elsewhere, such as https://..., which is not fetched."""
    return re.match(r"[a-zA-Z][\w+.-]+://", word) is not None


def is_picture(path: Path) -> bool:
    """Tell by its suffix whether a file is a picture."""
    return path.suffix.lower() in images.SUFFIXES


def _listed(inputs: Sequence[str | Path]) -> Iterator[str]:
    for word in inputs:
        yield from read_list(Path(word[1:])) if isinstance(word, str) and word.startswith("@") else [str(word)]


def _marked_root(word: str) -> Path | None:
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
