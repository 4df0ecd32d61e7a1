"""What results were made with and from, so that those of another model, settings or picture are made again.

A hidden file in the folder of the results, or of the originals where results are in their place, has a line of JSON for
each result: its path, a fingerprint of model and settings, the stamps of the picture and its mask, the SHA-256 of a
result that is in the place of its picture, and what a result lacks because not all of its source could be read. Of
several lines for a path the last counts, and what is missing in one counts as anything. Lines are only added, because
several runs may share a folder; one that was torn counts as none, and a result without any counts as made with
anything. In an object store it is a folder, see `remote_lines`.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from translate.conversion.masks import Masks
from translate.conversion.pipeline import Result
from translate.conversion.planning import Item
from translate.conversion.remote_lines import RemoteLines, read_remote_lines
from translate.conversion.settings import ConversionSettings
from translate.conversion.stamps import stamps_of
from translate.errors import DiskFull, DiskReadOnly, OutputError
from translate.files import as_output_error, sha256
from translate.inference.steadying import WEIGHT
from translate.models.about import About
from translate.places import RemotePath

NAME = ".translate.jsonl"


@dataclass(frozen=True)
class Line:
    """What is known of a result.

    Attributes:
        fingerprint: of what made it, see `fingerprint`.
        stamps: of what it was made from, see `stamps_of`; None: not known.
        sha256: of the result; empty: not known.
        lacks: why it is of a part of its source alone; empty: it is of all.
    """

    fingerprint: str
    stamps: Any = None
    sha256: str = ""
    lacks: str = ""


def fingerprint(about: About, target: str, settings: ConversionSettings) -> str:
    """Return a hash of all that changes a result: the model, the target, and some of the settings."""
    options = {
        "size": settings.size,
        "blending": asdict(settings.blending),
        "mask": settings.mask,
        "encoding": asdict(settings.encoding),
        **({"fill": True} if settings.fill else {}),  # results of earlier versions have no such entries
        **({"enlarge": settings.enlarge} if settings.enlarge != 1 else {}),
        **({"passes": settings.passes} if settings.passes != 1 else {}),
        **({"steady": settings.steady} if settings.steady != WEIGHT else {}),
        **({"fps": settings.fps} if settings.fps else {}),
    }
    text = json.dumps({"model": about.sha256, "to": target, **options}, default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_lines(folder: Path) -> dict[Path, Line]:
    """Return what is known of the results that the manifest in `folder` names, by their paths from there."""
    file = folder / NAME
    try:
        if isinstance(file, RemotePath):
            lines = read_remote_lines(file)
        else:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # there is none yet, or it is closed to us
        return {}
    known: dict[Path, Line] = {}
    for line in lines:
        try:
            path, made, *rest = json.loads(line)
            known[Path(path)] = Line(str(made), *rest[:3])
        except (ValueError, TypeError):
            continue
    return known


class Manifest:
    """What is known of results, and will be of those that are made.

    Args:
        out: the folder of results, or the only result. None: results are in the places of their pictures, and what is
            known of them is beside their originals.
        about: the model.
        settings: those of `convert`.
    """

    def __init__(self, out: Path | None, about: About, settings: ConversionSettings) -> None:
        self._out = out
        self._about = about
        self._settings = settings
        self._known: dict[Path, dict[Path, Line]] = {}  # by folder
        self._remote: dict[Path, RemoteLines] = {}  # by folder

    def outdated(self) -> Callable[[Item], bool]:
        """Return a predicate: was this item's result made with or from something else? An unknown one was not."""

        @cache
        def masks() -> Masks | None:  # listed if they are needed
            return Masks(self._settings.mask) if self._settings.mask else None

        def is_outdated(item: Item) -> bool:
            line = self._line(item)
            if line is None:
                return False
            made_otherwise = line.fingerprint != fingerprint(self._about, item.target, self._settings)
            return made_otherwise or (line.stamps is not None and line.stamps != _plain(stamps_of(item, masks())))

        return is_outdated

    def is_edited(self, item: Item) -> bool:
        """Tell whether a result in the place of its picture is known not to be what was written there."""
        line = self._line(item)
        return bool(line and line.sha256) and line is not None and line.sha256 != sha256(item.output)

    def existing(self, items: Iterable[Item]) -> tuple[Item, ...]:
        """Return items whose results are there, with what these are known to lack."""
        lines = ((item, self._line(item)) for item in items)
        return tuple(replace(item, lacks=line.lacks) if line else item for item, line in lines)

    def recorded(self, results: Iterable[Result]) -> Iterator[Result]:
        """Pass results on, and add a line for each that was written, also with why one counts as failed all the same.

        A result says so where its line cannot be written.

        Raises:
            OutputError: the disk is full or read-only.
        """
        try:
            for result in results:
                yield self._recorded(result)
        finally:
            for lines in self._remote.values():
                lines.close()

    def _recorded(self, result: Result) -> Result:
        item = result.item
        if item is None or result.output is None:
            return result
        folder, path = self._place(item)
        line = Line(fingerprint(self._about, item.target, self._settings), _plain(item.stamps), "", result.reason)
        try:
            with as_output_error(folder / NAME):
                line = replace(line, sha256=sha256(item.output) if item.original else "")
                words = json.dumps([path.as_posix(), line.fingerprint, line.stamps, line.sha256, line.lacks])
                self._append(folder, words)
        except (DiskFull, DiskReadOnly):
            raise
        except OutputError:
            note = f"{NAME} cannot be written, so what made it is forgotten"
            return replace(result, notes=(*result.notes, note))
        self._of(folder)[path] = line
        return result

    def _append(self, folder: Path, words: str) -> None:
        file = folder / NAME
        if isinstance(file, RemotePath):
            self._remote.setdefault(folder, RemoteLines(file)).append(words)
        else:
            with file.open("a", encoding="utf-8") as stream:
                stream.write(f"{words}\n")

    def _line(self, item: Item) -> Line | None:
        folder, path = self._place(item)
        return self._of(folder).get(path)

    def _place(self, item: Item) -> tuple[Path, Path]:
        """Return the folder of the manifest that knows a result, and its path in there."""
        if item.original is not None:
            return item.original.parents[len(item.relative.parts) - 1], item.relative
        assert self._out is not None
        folder = self._out.parent if item.output == self._out else self._out
        return folder, item.output.relative_to(folder)

    def _of(self, folder: Path) -> dict[Path, Line]:
        if folder not in self._known:
            self._known[folder] = read_lines(folder)
        return self._known[folder]


def _plain(stamps: Any) -> Any:
    """Return what JSON makes of stamps."""
    return json.loads(json.dumps(stamps))
