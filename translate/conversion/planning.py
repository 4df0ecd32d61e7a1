"""What is to be translated, and into which files: everything that can be refused is refused here, before any work."""

import filecmp
import hashlib
import os
import unicodedata
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from translate import images
from translate.conversion.inputs import Inputs, find
from translate.errors import SettingsError
from translate.files import written_to
from translate.images import Encoding

ORIGINALS = ".originals"  # in the root of pictures that are replaced
AS_IT_IS = Encoding()
LONGEST = 255  # bytes of a file's name, on all systems in use


@dataclass(frozen=True)
class Item:
    """A file to translate and the file it becomes."""

    source: Path
    output: Path
    relative: Path  # of the source, below the folder whose place the output folder takes
    target: str = ""  # what it is translated to, where a plan has several targets
    original: Path | None = None  # where the source is kept before the output replaces it

    @property
    def word(self) -> str:
        """The input word that means this picture alone, with the same output."""
        root = self.source.as_posix().removesuffix(self.relative.as_posix())
        return f"{root}./{self.relative.as_posix()}"


@dataclass(frozen=True)
class Naming:
    """How results are called in their folder.

    Attributes:
        flat: without the folders of the pictures.
        whole: keep the picture's own suffix before another one, as in a.jpg.png, so that a.jpg and a.png stay apart.
            A name depends on its picture alone, so that it stays when other pictures come or go.
    """

    flat: bool = False
    whole: bool = False

    def __call__(self, relative: Path, suffix: str) -> Path:
        """Return the path of the result of a picture at `relative`, below the output folder."""
        place = Path(relative.name) if self.flat else relative
        return _renamed(place, place.suffix + suffix if self.whole and place.suffix != suffix else suffix)


MIRRORED = Naming()


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
    naming: Naming = MIRRORED,
    outdated: Callable[[Item], bool] = lambda item: False,
) -> Plan:
    """Find the pictures and decide what each becomes. Nothing is written.

    Args:
        inputs: see `inputs.find`.
        out: a folder, which mirrors the folders of the inputs and is left out where it lies inside one; for one input
            file also a file. Stems stay; suffixes say what is written, see `images.output_suffix`.
        overwrite: translate again what is already there.
        encoding: how results will be written.
        shard: (i, n): take the i-th of n parts, which together are all and share nothing. The part of a picture depends
            on its place below its root alone, so that several machines agree.
        besides: what is written beside each result, as a suffix in place of its own, like ".compare.png"; or nothing.
        targets: translate each picture to all of these, into folders of their names in `out`; or nothing.
        naming: how results in a folder are called.
        outdated: tells of a result that is there whether it is to be made again nevertheless.

    Raises:
        SettingsError: two pictures would become one file (also where names differ only in case, or in how their letters
            are composed), a result would replace an input, or `out` is a file.
        DataError: as `inputs.find`.
        OutputError: the format asked for, by `encoding` or by `out`, is not written or does not hold the depth; or
            `out` cannot be looked at.
    """
    hole = out.resolve()
    found = find(inputs, hole)
    if hole in [path.resolve() for path in found.named]:
        raise SettingsError(
            f"--out {out} is also an input, whose pictures would be replaced. Choose another place, or say --in-place."
        )
    pictures = found.pictures.values()
    with written_to(out):  # its name may be too long, a folder above it closed to us
        as_folder = out.is_dir() or not (out.exists() or out.suffix.lower() in images.SUFFIXES)
    if as_folder:
        items = [
            Item(source, out / target / naming(relative, images.output_suffix(source, encoding)), relative, target)
            for source, relative in pictures
            for target in targets or ("",)
        ]
    elif [source for source, _ in pictures] == found.named[:1] and not targets:
        items = [Item(found.named[0], out, Path(found.named[0].name))]
    else:
        raise SettingsError(f"--out {out} is the name of a file, which only one result can become. Name a folder.")
    for item in items:
        images.format_of(item.output, encoding)
    _refuse_collisions(items, {_same(place) for place in found.pictures}, besides, naming)
    return _waiting(
        items, found, shard, lambda item: not (overwrite or outdated(item)) and _is_there(item.output, besides)
    )


def plan_in_place(inputs: Sequence[str | Path], encoding: Encoding = AS_IT_IS, shard: tuple[int, int] = (1, 1)) -> Plan:
    """Plan results that replace their pictures, which are kept in the folder `ORIGINALS` below their root.

    What already has another file there is done. Arguments and errors are those of `plan`.

    Raises:
        OutputError: a picture has a format that is not written.
    """
    found = find(inputs)
    items = [
        Item(source, source, relative, original=source.parents[len(relative.parts) - 1] / ORIGINALS / relative)
        for source, relative in found.pictures.values()
    ]
    for item in items:
        images.format_of(item.output, encoding)
    return _waiting(items, found, shard, _is_replaced)


def _waiting(items: Sequence[Item], found: Inputs, shard: tuple[int, int], is_done: Callable[[Item], bool]) -> Plan:
    """Part the items of a shard into those that wait and those that are done."""
    items = [item for item in items if _in_shard(item.relative.as_posix(), shard)]
    missing = [word for word in found.missing if _in_shard(word, shard)]
    done = {item for item in items if is_done(item)}
    waiting, there = [item for item in items if item not in done], [item for item in items if item in done]
    return Plan(tuple(waiting), tuple(missing), found.ignored, tuple(there))


def beside(output: Path, besides: str) -> Path:
    """Return the file beside a result whose name ends in `besides` instead of the result's suffix."""
    return _renamed(output, besides)


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


def _is_replaced(item: Item) -> bool:
    """Tell whether a picture is no longer its original; one that is about to be replaced has an equal copy there."""
    original = item.original
    return original is not None and original.is_file() and not filecmp.cmp(item.source, original, shallow=False)


def _is_there(output: Path, besides: str) -> bool:
    return output.is_file() and (not besides or beside(output, besides).is_file())


def _same(place: Path) -> str:
    """Return what is equal for paths that are one file on some system."""
    parts = (part.rstrip(". ") or part for part in place.parts)  # Windows drops these
    return unicodedata.normalize("NFC", "/".join(parts)).casefold()


def _refuse_collisions(items: Sequence[Item], inputs: set[str], besides: str, naming: Naming) -> None:
    taken: dict[str, Item] = {}
    for item in items:
        for output in [item.output, *([beside(item.output, besides)] if besides else [])]:
            place = _same(output.parent.resolve() / output.name)
            if place in inputs:
                raise SettingsError(f"{output} is an input and would be replaced. Choose another --out.")
            other = taken.setdefault(place, item)
            if other is not item:
                apart = not naming.whole and item.source.suffix.lower() != other.source.suffix.lower()
                advice = (
                    f"{', leave out --flat' if naming.flat else ''}{', say --on-collision suffix' if apart else ''}"
                )
                raise SettingsError(
                    f"{other.source} and {item.source} would both become {output}. Rename one of them{advice}, or"
                    " convert them into different folders."
                )
