"""What is to be translated, and into which files: everything that can be refused is refused here, before any work."""

import filecmp
import hashlib
import os
import unicodedata
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from translate import images
from translate.conversion.inputs import Inputs, find
from translate.conversion.presence import is_older, presence
from translate.conversion.settings import DEFAULT, ConversionSettings
from translate.errors import OutputError, SettingsError
from translate.files import as_output_error
from translate.images import Encoding
from translate.places import Entry, RemotePath, refuse_as_output

ORIGINALS = ".originals"  # in the root of pictures that are replaced
OLDER = "the result is older than its picture; --overwrite makes it again"
EDITED = "it was changed since it was converted; move it away, then `translate undo` brings its original back"
LONGEST = 255  # bytes of a file's name, on all systems in use


@dataclass(frozen=True)
class Item:
    """A file to translate and the file it becomes."""

    source: Path
    output: Path
    relative: Path  # of the source, below the folder whose place the output folder takes
    target: str  # what it is translated to
    original: Path | None = None  # where the source is kept before the output replaces it
    is_replaced: bool = False  # whether that has happened, so that the original is what is to be translated
    stamps: tuple[tuple[int, int | str] | None, ...] = field(default=(), compare=False)  # see `stamps_of`, when read
    listed: Entry | None = field(default=None, compare=False)  # of a picture in an object store
    note: str = field(default="", compare=False)  # what a user may want to know if nothing is done
    lacks: str = field(default="", compare=False)  # why its result, which is there, is of a part of the source alone
    parts: tuple[Path, ...] = field(default=(), compare=False)  # the files it is made of, where the source is none

    @property
    def read_from(self) -> Path:
        """The file that is decoded."""
        return self.original if self.original and self.is_replaced else self.source

    @property
    def word(self) -> str:
        """The input word that means this picture alone, with the same output."""
        root = self.source.as_posix().removesuffix(self.relative.as_posix())
        return f"{root}./{self.relative.as_posix()}"


@dataclass(frozen=True)
class Naming:
    """How results are called in their folder.

    Attributes:
        by_target: below a folder with the name of the target.
        flat: without the folders of the pictures.
        keep_suffix: keep the picture's own suffix before another one, as in a.jpg.png, so that a.jpg and a.png become
            two files.
            A name depends on its picture alone, so that it stays the same when other pictures come or go.
    """

    by_target: bool = False
    flat: bool = False
    keep_suffix: bool = False

    def __call__(self, relative: Path, target: str, suffix: str) -> Path:
        """Return the path of the result of a picture at `relative`, below the output folder."""
        place = Path(target if self.by_target else "", relative.name if self.flat else relative)
        return _renamed(place, place.suffix + suffix if self.keep_suffix and place.suffix != suffix else suffix)


MIRRORED = Naming()


@dataclass(frozen=True)
class ConversionPlan:
    """What is to be done, in the order of the inputs and, within a folder, of the names."""

    items: tuple[Item, ...]
    missing: tuple[str, ...]  # inputs that do not exist, cannot be read or match nothing
    ignored: int  # how many files found in folders are no pictures, by their suffix
    existing: tuple[Item, ...]  # whose output is already there, and is to stay
    passed_over: int = 0  # how many folders of a system were not entered
    place: Path | None = None  # the folder that all results go into; None: they go to their pictures

    def __len__(self) -> int:
        """Return how many results converting yields."""
        return len(self.items) + len(self.missing) + len(self.existing)


EMPTY = ConversionPlan((), (), 0, ())


def plan(
    inputs: Sequence[str | Path],
    out: Path,
    targets: Sequence[str],
    settings: ConversionSettings = DEFAULT,
    naming: Naming = MIRRORED,
    shard: tuple[int, int] = (1, 1),
    again: Callable[[Item], bool] = lambda item: False,
) -> ConversionPlan:
    """Find the pictures and decide what each becomes. Nothing is written.

    Args:
        inputs: see `inputs.find`.
        out: a folder, which mirrors the folders of the inputs and is left out where it lies inside one; for one input
            file also a file. Stems stay; suffixes say what is written, see `images.output_suffix`.
        targets: what each picture is translated to.
        settings: how results will be written, and what beside them.
        naming: how results in a folder are called.
        shard: (i, n): take the i-th of n parts, which together are all and share nothing. The part of a picture depends
            on its place below its root alone, so that several machines agree.
        again: whether a result that is there is to be made again.

    Raises:
        SettingsError: two pictures would become one file (also where names differ only in case, or in how their letters
            are composed), a result would replace an input, or `out` is a file.
        DataError: as `inputs.find`.
        OutputError: the format asked for, by `encoding` or by `out`, is not written or does not hold the depth; or
            `out` cannot be looked at.
    """
    refuse_as_output(out)
    resolved, encoding, beside_suffix = out.resolve(), settings.encoding, settings.comparison_suffix
    found = find(inputs, excluded=resolved)
    if resolved in [path.resolve() for path in found.named]:
        raise SettingsError(
            f"--out {out} is also an input, whose pictures would be replaced. Choose another place, or say --in-place."
        )
    pictures = found.pictures.values()
    with as_output_error(out):  # its name may be too long, a folder above it closed to us
        as_folder = out.is_dir() or not (out.exists() or out.suffix.lower() in images.SUFFIXES)
    if as_folder:
        items = [
            Item(source, out / naming(relative, target, images.output_suffix(source, encoding)), relative, target)
            for source, relative in pictures
            for target in targets
        ]
    elif [source for source, _ in pictures] == found.named[:1] and not naming.by_target:
        items = [Item(found.named[0], out, Path(found.named[0].name), targets[0])]
    else:
        raise SettingsError(f"--out {out} is the name of a file, which only one result can become. Name a folder.")
    if settings.preserve_times and (found.entries or isinstance(out, RemotePath)):
        raise SettingsError("Object stores give files their times themselves. Leave out --preserve-times.")
    items = [replace(item, listed=found.entries.get(item.source)) for item in items] if found.entries else items
    for item in items:
        images.format_of(item.output, encoding)
    _refuse_collisions(items, {_same(place) for place in found.pictures}, beside_suffix, naming)
    is_there = presence(out if as_folder else out.parent)
    divided = _divided(
        items, found, shard,
        lambda item: is_there(item.output)
        and (not beside_suffix or is_there(beside(item.output, beside_suffix)))
        and not again(item),
    )  # fmt: skip
    older = {item for item in divided.existing if is_older(item.output, item.source)}
    existing = tuple(replace(item, note=OLDER) if item in older else item for item in divided.existing)
    return replace(divided, existing=existing, place=out if as_folder else out.parent)


def plan_in_place(
    inputs: Sequence[str | Path],
    target: str,
    encoding: Encoding = DEFAULT.encoding,
    shard: tuple[int, int] = (1, 1),
    again: Callable[[Item], bool] = lambda item: False,
    is_edited: Callable[[Item], bool] = lambda item: False,
) -> ConversionPlan:
    """Plan results that replace their pictures, which are kept in the folder `ORIGINALS` below their root.

    A picture that differs from the one kept there has been replaced already; where it is to be made again, the one kept
    is translated. Other arguments and errors are those of `plan`.

    Args:
        is_edited: whether a picture that was replaced has been changed since. It stays as it is.

    Raises:
        OutputError: a picture has a format that is not written.
        SettingsError: a picture lies in an object store.
    """
    found = find(inputs)
    if found.entries:
        one = next(iter(found.entries))
        raise SettingsError(f"Pictures are replaced on this machine only; found {one}. Name a place with --out.")
    items: list[Item] = []
    edited: set[Item] = set()
    for source, relative in found.pictures.values():
        original = source.parents[len(relative.parts) - 1] / ORIGINALS / relative
        item = Item(source, source, relative, target, original)
        item = replace(item, is_replaced=_is_replaced(item))
        if item.is_replaced and again(item) and is_edited(item):
            item = replace(item, note=EDITED)
            edited.add(item)
        items.append(item)
    _refuse_unwritable([item.source for item in items])
    for item in items:
        images.format_of(item.output, encoding)
    return _divided(items, found, shard, lambda item: item.is_replaced and (item in edited or not again(item)))


def _refuse_unwritable(pictures: Sequence[Path]) -> None:
    known = [path for path in pictures if path.suffix.lower() in images.SUFFIXES]
    if read_only := [path for path in known if images.SUFFIXES[path.suffix.lower()] not in images.FORMATS]:
        name = images.SUFFIXES[read_only[0].suffix.lower()]
        more = f" and {len(read_only) - 1} more" if len(read_only) > 1 else ""
        raise OutputError(
            f"{read_only[0]}{more} cannot be replaced: {name} is read, but not written. Name the other pictures alone,"
            " or say --out FOLDER in place of --in-place: there such pictures become JPEGs."
        )


def _divided(
    items: Sequence[Item], found: Inputs, shard: tuple[int, int], is_done: Callable[[Item], bool]
) -> ConversionPlan:
    """Divide the items of a shard into those that wait and those that are done."""
    items = [item for item in items if in_shard(item.relative.as_posix(), shard)]
    missing = [word for word in found.missing if in_shard(word, shard)]
    done = {item for item in items if is_done(item)}
    waiting, existing = [item for item in items if item not in done], [item for item in items if item in done]
    return ConversionPlan(tuple(waiting), tuple(missing), found.ignored, tuple(existing), found.passed_over)


def beside(output: Path, suffix: str) -> Path:
    """Return the file beside a result whose name ends in `suffix` instead of the result's own."""
    return _renamed(output, suffix)


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


def in_shard(name: str, shard: tuple[int, int]) -> bool:
    """Tell whether a name belongs to the i-th of n parts."""
    number, count = shard
    return zlib.crc32(os.fsencode(name)) % count == number - 1


def _is_replaced(item: Item) -> bool:
    """Tell whether a picture differs from the original that is kept of it; before it is replaced, both are equal."""
    original = item.original
    try:
        return original is not None and original.is_file() and not filecmp.cmp(item.source, original, shallow=False)
    except OSError:  # one of them cannot be read, or its path is too long: the error comes again
        return False


def _same(place: Path) -> str:
    """Return a key that is equal for paths which are one file on some system."""
    parts = (part.rstrip(". ") or part for part in place.parts)  # Windows drops these
    return unicodedata.normalize("NFC", "/".join(parts)).casefold()


def _refuse_collisions(items: Sequence[Item], inputs: set[str], beside_suffix: str, naming: Naming) -> None:
    taken: dict[str, Item] = {}
    for item in items:
        for output in [item.output, *([beside(item.output, beside_suffix)] if beside_suffix else [])]:
            place = _same(output.parent.resolve() / output.name)
            if place in inputs:
                raise SettingsError(f"{output} is an input and would be replaced. Choose another --out.")
            other = taken.setdefault(place, item)
            if other is not item:
                advice = (", leave out --flat" if naming.flat else "") + (
                    ", say --on-collision suffix" if _suffix_helps(item, other, naming) else ""
                )
                one, two = told_apart(other.source, item.source)
                raise SettingsError(
                    f"{one} and {two} would both become {output}. Rename one of them{advice}, or"
                    " convert them into different folders."
                )


def _suffix_helps(item: Item, other: Item, naming: Naming) -> bool:
    """Whether the results of two pictures stay apart when these keep their suffixes."""
    kept = replace(naming, keep_suffix=True)
    one, two = (_same(kept(each.relative, each.target, each.output.suffix)) for each in (item, other))
    return not naming.keep_suffix and one != two


def told_apart(one: Path, two: Path) -> tuple[str, str]:
    """Return two paths so that a reader sees how they differ: where they look the same, with escapes."""
    if unicodedata.normalize("NFC", str(one)) != unicodedata.normalize("NFC", str(two)):
        return str(one), str(two)
    return ascii(str(one))[1:-1], ascii(str(two))[1:-1]
