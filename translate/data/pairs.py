"""Pairs of pictures in folders: equal names in two folders, or both side by side in one file.

Partners have the same path below their folders but for the suffix, and for an ending such as `_A` and `_B`. A file with
both has the picture of domain A on the left and that of B on the right, as in the official pix2pix archives; it is
recognised by pictures that are twice as wide as high.
"""

import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from translate import images
from translate.data.folders import Dataset, Files, Pictures, scan
from translate.data.layouts import hold_out, open_folder, open_single
from translate.errors import DataError, ImageDecodeError, counted
from translate.tensors import Pixels

SideBySide = Literal["side-by-side"]
LOOKED_AT = 16  # pictures that are all twice as wide as high where pairs stand side by side
NAMED = 3  # of what is wrong

_ENDING = re.compile(r"[_-][AB]", re.IGNORECASE)


@dataclass(frozen=True)
class Halves(Files):
    """The left or the right halves of pictures.

    Attributes:
        right: which.
    """

    right: bool = False

    def __getitem__(self, index: int) -> Pixels:
        """Return a half, (H, W / 2, 3)."""
        whole = super().__getitem__(index)
        half = whole.shape[1] // 2
        return np.ascontiguousarray(whole[:, half:] if self.right else whole[:, :half])

    def fingerprint(self) -> str:
        """Hash as for files, and say which half."""
        return f"{'right' if self.right else 'left'} halves of {super().fingerprint()}"


def open_pairs(root: Path, exclude: Path | None = None, kind: SideBySide | None = None) -> Dataset:
    """Find pairs in a folder.

    Args:
        root: the folder: of one of the layouts of `open_folder` with two domains, or of pictures that are pairs, or
            with such in `train` and, if there, `test` or `val`.
        exclude: as for `open_folder`.
        kind: "side-by-side" takes every picture for a pair; None: those that are all twice as wide as high.

    Raises:
        DataError: there are no pairs in it, or they are not whole.
    """
    if kind:
        return _side_by_side(open_single(root, "A", exclude), said=True)
    try:
        found = open_folder(root, exclude, whole=True)
    except DataError:
        if root.is_dir() and _looks_side_by_side(root, exclude):
            return _side_by_side(open_single(root, "A", exclude), said=False)
        raise
    return pair_up(found, holds_out=True)


def open_halves(root: Path, exclude: Path | None = None) -> Dataset:
    """Take every picture of a known folder for a pair; as `open_pairs`, but nothing is looked at or said."""
    pairs = _halved(open_single(root, "A", exclude))
    return replace(pairs, notes=())


def pair_up(dataset: Dataset, holds_out: bool = False) -> Dataset:
    """Join the pictures of two domains by their names.

    Args:
        dataset: two domains; drawn ones and those that are pairs already stay as they are.
        holds_out: where there are no test pictures, take a tenth of the pairs, at most 100.

    Raises:
        DataError: there are not two domains, partners are missing, or those of a pair have different sizes.
    """
    if dataset.paired or not all(isinstance(pictures, Files) for pictures in dataset.train.values()):
        return dataset
    if len(dataset.train) != 2 or dataset.attributes:
        raise DataError(
            f"The method learns from pairs of pictures of two domains; {dataset.name} has the domains"
            f" {', '.join(dataset.train)}. Name two folders with equal names in them."
        )
    train, test = _joined(dataset.train, strict=True), _joined(dataset.test, strict=False)
    if not any(map(len, test.values())):
        test = {}
    pairs = replace(dataset, train=train, test=test, paired=True)
    pairs = hold_out(pairs, partner_key) if holds_out and not test else pairs
    refuse_torn(pairs)
    note = f"{counted(len(next(iter(train.values()))), 'pair')} of pictures with equal names."
    return replace(pairs, notes=(*pairs.notes, note))


def partner_key(name: str) -> str:
    """Return what the names of partners have in common: "a/1" of "a/1_B.png"."""
    stem = name.rpartition(".")[0]
    return stem[:-2] if len(stem) > 2 and _ENDING.fullmatch(stem[-2:]) else stem


def partners(sides: Sequence[Files]) -> tuple[list[list[Path]], list[str]]:
    """Return the partners of two folders, in the order of their names, and the names of those without one."""
    found: list[dict[str, Path]] = []
    for files in sides:
        by_name = {partner_key(files.name(index)): path for index, path in enumerate(files.paths)}
        if len(by_name) < len(files):  # such as 1.png and 1_A.png
            by_name = {files.name(index).rpartition(".")[0]: path for index, path in enumerate(files.paths)}
        found.append(by_name)
    keys = [key for key in found[0] if key in found[1]]
    alone = [
        str(path.relative_to(files.folder.parent))
        for files, mine, theirs in zip(sides, found, found[::-1], strict=True)
        for key, path in mine.items()
        if key not in theirs
    ]
    return [[by_name[key] for key in keys] for by_name in found], alone


def torn(sides: Sequence[Files]) -> list[str]:
    """Return in words which pairs, in order, have pictures of different sizes, or do not fall into equal halves."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        sizes = [list(threads.map(_size, [files] * len(files), range(len(files)))) for files in sides]
    if all(isinstance(files, Halves) for files in sides):
        odd = [index for index, size in enumerate(sizes[0]) if size is not None and size[1] % 2]
        return [f"{sides[0].name(index)} is {_words(sizes[0][index])} pixels, an odd width" for index in odd]
    return [
        f"{sides[0].name(index)} is {_words(one)} pixels, {sides[1].name(index)} {_words(other)}"
        for index, (one, other) in enumerate(zip(*sizes, strict=True))
        if one and other and one != other
    ]


def refuse_torn(dataset: Dataset) -> None:
    """Raise `DataError` where the pictures of a pair, training or test, have different sizes or odd halves."""
    for pictures in (dataset.train, dataset.test):
        sides = [files for files in pictures.values() if isinstance(files, Files)]
        if len(sides) == 2 and (words := torn(sides)):
            raise DataError(
                f"{counted(len(words), 'pair')} of {dataset.name} cannot be used: {_first(words, '; ')}. The pictures"
                " of a pair must have the same size, or be the halves of a picture of even width."
            )


def _joined(sides: Mapping[str, Pictures], strict: bool) -> dict[str, Files]:
    files = [pictures for pictures in sides.values() if isinstance(pictures, Files)]
    if len(files) != 2:
        return {}
    joined, alone = partners(files)
    if alone and (strict or not joined[0]):
        raise DataError(
            f"{counted(len(alone), 'picture')} of {' and '.join(sides)} without a partner of the same name:"
            f" {_first(alone, ', ')}. Partners have equal names, or such as 1_A.png and 1_B.png. Add or remove them, or"
            " choose a method that needs no pairs, such as --method cyclegan."
        )
    return {domain: replace(own, paths=tuple(paths)) for domain, own, paths in zip(sides, files, joined, strict=True)}


def _looks_side_by_side(root: Path, exclude: Path | None) -> bool:
    files = scan(root, exclude)
    sizes = [size for index in range(min(len(files), LOOKED_AT)) if (size := _size(files, index))]
    return bool(sizes) and all(width == 2 * height for height, width in sizes)


def _side_by_side(dataset: Dataset, said: bool) -> Dataset:
    why = "" if said else ", since they are twice as wide as high"
    note = f"Pictures are taken for pairs{why}: A is their left half, B the right one."
    pairs = _halved(dataset)
    refuse_torn(pairs)
    return replace(pairs, notes=(*dataset.notes, note))


def _halved(dataset: Dataset) -> Dataset:
    def halved(pictures: Mapping[str, Pictures]) -> dict[str, Pictures]:
        files = [one for one in pictures.values() if isinstance(one, Files)]
        return {
            domain: Halves(one.folder, one.paths, one.ignored, one.passed_over, one.reading, right)
            for one in files
            for domain, right in (("A", False), ("B", True))
        }

    return replace(dataset, train=halved(dataset.train), test=halved(dataset.test), target="B", paired=True)


def _size(files: Files, index: int) -> tuple[int, int] | None:
    try:
        return images.probe(files.paths[index], files.reading.limits)[:2]
    except ImageDecodeError:  # counted and told where pictures are read
        return None


def _words(size: tuple[int, int] | None) -> str:
    return f"{size[1]} x {size[0]}" if size else "unreadable"


def _first(words: Sequence[str], between: str) -> str:
    more = f"{between}and {len(words) - NAMED} more" if len(words) > NAMED else ""
    return between.join(words[:NAMED]) + more
