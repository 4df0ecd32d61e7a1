"""What the words of a command mean: files, folders, patterns, and lists of these."""

import fnmatch
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from translate import images
from translate.conversion.lists import read_list
from translate.errors import DataError, counted
from translate.files import is_hidden, is_housekeeping, walk
from translate.places import Entry, RemotePath, is_remote, listing, path_of
from translate.video.formats import is_film

ROOT = "/./"  # in an input word, as in `rsync --relative`: what follows is mirrored below the output folder
SHOWN = 5  # words in a message, at most


@dataclass(frozen=True)
class Inputs:
    """What the words mean.

    Attributes:
        pictures: each with its path below the folder whose place the output folder takes, in the order of the words
            and, within a folder, of the names; by resolved place.
        named: the paths that were named, with those in lists.
        missing: words that do not exist, cannot be read or match nothing.
        ignored: how many files found in folders are no pictures, by their suffix.
        passed_over: how many folders of a system were not entered, see `files.is_housekeeping`.
        entries: what listings say of those pictures that lie in object stores.
    """

    pictures: dict[Path, tuple[Path, Path]]
    named: list[Path]
    missing: list[str]
    ignored: int
    passed_over: int
    entries: dict[Path, Entry] = field(default_factory=dict)


def find(inputs: Sequence[str | Path], excluded: Path | None = None) -> Inputs:
    """Find pictures; nothing is read but lists.

    Args:
        inputs: files; folders, with all below them; patterns with `*`, `**`, `?` and `[...]`, of which the parts that
            exist are names; or `@FILE`, which holds names of files and folders, see `lists.read_list`, unless a picture
            is called so. What folders and
            patterns hold is chosen by suffix, without hidden files; what is named itself is taken as it is. What
            follows `/./` in a word is mirrored. Addresses in object stores, see `places`, are the same.
        excluded: a folder that is left out where it lies inside an input.

    Raises:
        DataError: there are no pictures at all, a list cannot be read, or an object store does not answer.
        SettingsError: an object store needs a package.
    """
    words = list(_listed(inputs))
    named = [path_of(word) for word, _ in words]
    missing: list[str] = []
    pictures: dict[Path, tuple[Path, Path]] = {}
    ignored: set[Path] = set()
    passed: set[Path] = set()
    entries: dict[Path, Entry] = {}
    for (word, is_pattern), path in zip(words, named, strict=True):
        if isinstance(path, RemotePath):
            files = _find_remote(path, is_pattern, missing, entries)
        else:
            files = _find(path, word, is_pattern, missing, passed)
        for source, own_root in files:
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
            films = sum(map(is_film, ignored))
            advice = f" ({counted(films, 'film')} among them: films are named, as in FOLDER/*.mp4)" if films else ""
            reasons.append(f"{counted(len(ignored), 'file')} whose names do not end in {suffixes}{advice}")
        shown = [word for word, _ in words[:SHOWN]] + ([f"{len(words) - SHOWN:,} more"] if len(words) > SHOWN else [])
        raise DataError(f"There are no pictures in {', '.join(shown)}: {' and '.join(reasons)}.")
    return Inputs(pictures, named, missing, len(ignored), len(passed), entries)


def is_address(word: str) -> bool:
    """Tell whether a word is the address of something elsewhere, such as https://..., which is not fetched."""
    return re.match(r"[a-zA-Z][\w+.-]+://", word) is not None and not is_remote(word)


def is_picture(path: Path) -> bool:
    """Tell by its suffix whether a file is a picture."""
    return path.suffix.lower() in images.SUFFIXES


def matching(path: Path) -> list[Path]:
    """Return the file or folder of this name, or what it matches as a pattern, in order; none: nothing is there."""
    try:
        return [path] if path.exists() else _expanded(path, lambda folder: None)[1]
    except (OSError, ValueError):  # a folder above is closed to us; pathlib refuses the pattern
        return []


def _listed(inputs: Sequence[str | Path]) -> Iterator[tuple[str, bool]]:
    """Yield each word, and whether it may be a pattern; lists hold names."""
    for word in inputs:
        if isinstance(word, str) and word.startswith("@") and not _is_named(word):
            yield from ((name, False) for name in read_list(Path(word[1:])))
        else:
            yield str(word), True


def _is_named(word: str) -> bool:
    """Whether a word that begins like a list is the name of a picture, or of what is there while the list is not."""
    try:
        return Path(word).exists() and (is_picture(Path(word)) or not Path(word[1:]).is_file())
    except OSError:  # such names are too long, or a folder is closed to us
        return False


def _marked_root(word: str) -> Path | None:
    root, mark, _ = word.rpartition(ROOT)
    return path_of(root or "/") if mark else None


def _find_remote(
    path: RemotePath, is_pattern: bool, missing: list[str], entries: dict[Path, Entry]
) -> Iterator[tuple[Path, Path]]:
    """Yield what `_find` does, of one listing; keys that are no paths are added to what is missing."""
    parts = path.parts
    fixed = next((n for n, part in enumerate(parts) if is_pattern and set(part) & set("*?[")), len(parts))
    root, pattern = RemotePath(*parts[:fixed]), parts[fixed:]
    found = listing(root)
    matches = [file for file in found.entries if _begins(file.relative_to(root).parts, pattern)]
    missing += [word for word in found.odd if not pattern and is_picture(Path(word))]
    if not matches and not found.odd:
        missing.append(str(path))
    for file in matches:
        entries[file] = found.entries[file]
        yield file, (root if file != root else root.parent)


def _begins(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Tell whether a path begins with something that a pattern matches: a folder stands for all below it."""
    if not pattern:
        return True
    if pattern[0] == "**":
        return any(_begins(parts[number:], pattern[1:]) for number in range(len(parts)))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], pattern[0]) and _begins(parts[1:], pattern[1:])


def _find(
    path: Path, word: str, is_pattern: bool, missing: list[str], passed: set[Path]
) -> Iterator[tuple[Path, Path]]:
    """Yield all files that an input means, each with the folder whose place the output folder takes."""

    def refuse(error: OSError) -> None:
        missing.append(error.filename)

    def pass_over(folder: Path) -> None:
        passed.add(folder.resolve())

    try:
        if path.exists():
            root, matches = (path if path.is_dir() else path.parent), [path]
        else:
            root, matches = _expanded(path, pass_over) if is_pattern else (path, [])
    except (OSError, ValueError):  # a folder above is closed to us; pathlib refuses the pattern
        root, matches = path, []
    if not matches:
        missing.append(word)
    for match in matches:
        below = walk(match, refuse, passed=pass_over) if match.is_dir() else [match]
        yield from ((file, root) for file in below)


def _expanded(pattern: Path, passed: Callable[[Path], None]) -> tuple[Path, list[Path]]:
    """Return the folder that a pattern begins with, and what it matches in there. Parts that exist are names."""
    root, parts = Path(pattern.anchor), list(pattern.parts[bool(pattern.anchor) :])
    while parts and (root / parts[0]).exists():
        root /= parts.pop(0)
    return root, sorted(set(_matches(root, parts, passed)))


def _matches(place: Path, parts: Sequence[str], passed: Callable[[Path], None]) -> Iterator[Path]:
    if not parts:
        yield place
    elif place.is_dir():
        part, rest = parts[0], parts[1:]
        if part == "**":  # a folder that is matched stands for all below it
            places: Iterable[Path] = _folders(place, passed) if rest else [place]
        elif (place / part).exists():
            places = [place / part]
        else:
            places = place.glob(part) if set(part) & set("*?[") else []
        for one in places:
            if one != place and is_housekeeping(one.name) and one.name != part:
                passed(one)
            else:
                yield from _matches(one, rest, passed)


def _folders(folder: Path, passed: Callable[[Path], None]) -> Iterator[Path]:
    """Yield a folder and those below it that are not hidden."""
    for parent, below, _ in os.walk(folder):
        for name in filter(is_housekeeping, below):
            passed(Path(parent, name))
        below[:] = [name for name in below if not is_hidden(name)]
        yield Path(parent)
