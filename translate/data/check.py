"""Checks of a dataset before it is trained on: what would spoil a training, or make its results misleading."""

import hashlib
import math
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from translate import images
from translate.data.alignment import shift, words_of
from translate.data.folders import Dataset, Files
from translate.errors import ImageDecodeError
from translate.tensors import Pixels

NARROW = 32  # levels: an eighth of them
SMALL = 256  # pixels: the crop of the official recipe
_THUMBNAIL = 16  # pixels
_NEARLY = 1.5  # mean squared difference of two thumbnails in grey levels; recompression stays below it
_ROUNDING = 0.01  # of such a difference in single precision, at most


@dataclass(frozen=True)
class Finding:
    """One kind of problem, and the files that have it."""

    what: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Look:
    """What was seen in one picture; kept small, because there is one of each."""

    name: str  # the path below the folder of its domain
    grey: bool  # stored without colour
    colourless: bool  # every pixel is grey
    narrow: bool  # uses less than an eighth of the levels
    side: int  # pixels: the shorter one
    digest: bytes  # of the decoded pixels
    thumbnail: NDArray[np.uint8]  # flat


def check(dataset: Dataset) -> list[Finding]:
    """Decode every picture of a dataset and report what is unusual, most serious first.

    Reported are pictures that cannot be read; pictures that stand in two folders, recompressed or not, such as training
    pictures among the test ones; exact duplicates within a folder; pairs that are shifted against each other; greyscale
    files among coloured ones; pictures without colour; pictures of nearly one level; and pictures smaller than 256
    pixels. That both of a pair are alike is nothing unusual.
    """
    looks: dict[str, list[_Look]] = {}
    findings: list[Finding] = []
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for place, pictures in dataset.places().items():
            if isinstance(pictures, Files):
                results = list(threads.map(partial(_look, pictures), range(len(pictures))))
                looks[place] = [look for look in results if isinstance(look, _Look)]
                findings.append(Finding(f"{place}: cannot be read", tuple(r for r in results if isinstance(r, str))))
    findings += _shared(looks, dataset.paired)
    findings += _shifted(dataset) if dataset.paired else []
    findings += [Finding(f"{place}: exact duplicates", tuple(_duplicates(seen))) for place, seen in looks.items()]
    for place, seen in looks.items():
        grey = [look.name for look in seen if look.grey]
        colourless = [look.name for look in seen if look.colourless and not look.grey]
        small = [look.name for look in seen if look.side < SMALL]
        findings.append(Finding(f"{place}: greyscale files", tuple(grey) if len(grey) < len(seen) else ()))
        findings.append(Finding(f"{place}: stored in colour, but without any", tuple(colourless)))
        narrow = [look.name for look in seen if look.narrow]
        findings.append(Finding(f"{place}: less than an eighth of the levels, so nearly one colour", tuple(narrow)))
        findings.append(Finding(f"{place}: shorter side below {SMALL} px", tuple(small)))
    return [finding for finding in findings if finding.files]


def _look(pictures: Files, index: int) -> _Look | str:
    path = pictures.paths[index]
    try:
        pixels = pictures[index]
        height, width, mode = images.probe(path, pictures.reading.limits)
    except ImageDecodeError as error:
        return str(error)
    return _Look(
        name=pictures.name(index),
        grey=mode in ("1", "L", "LA") or mode.startswith("I"),
        colourless=bool((pixels == pixels[..., :1]).all()),
        narrow=int(pixels.max()) - int(pixels.min()) < NARROW,
        side=min(height, width),
        digest=hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest(),
        thumbnail=_thumbnail(pixels),
    )


def _thumbnail(pixels: Pixels) -> NDArray[np.uint8]:
    return images.resize(pixels, _THUMBNAIL, _THUMBNAIL).ravel()


def _duplicates(seen: Iterable[_Look]) -> Iterator[str]:
    groups: dict[bytes, list[str]] = defaultdict(list)
    for look in seen:
        groups[look.digest].append(look.name)
    yield from (" = ".join(group) for group in groups.values() if len(group) > 1)


def _shifted(dataset: Dataset) -> Iterator[Finding]:
    """Find pairs whose second picture does not lie on the first."""

    def off(pair: tuple[Files, Files, int]) -> str:
        one, other, index = pair
        try:
            found = shift(one[index], other[index])
        except ImageDecodeError:  # reported as such
            return ""
        return words_of(other.name(index), *found) if found else ""

    for split, pictures in (("train", dataset.train), ("test", dataset.test)):
        sides = [files for files in pictures.values() if isinstance(files, Files)]
        if len(sides) == 2:
            with ThreadPoolExecutor(os.cpu_count()) as threads:
                words = list(threads.map(off, [(*sides, index) for index in range(len(sides[0]))]))
            second = list(pictures)[1]
            yield Finding(f"{split}: {second} is shifted against its partner", tuple(filter(None, words)))


def _shared(looks: Mapping[str, Sequence[_Look]], paired: bool) -> Iterator[Finding]:
    """Find pictures of one folder among those of another, by thumbnail."""
    for (place, seen), (other, others) in combinations(looks.items(), 2):
        are_partners = paired and place.partition(" ")[0] == other.partition(" ")[0]
        if not seen or not others or are_partners:
            continue
        near = _Near([look.thumbnail for look in others])
        pairs = tuple(f"{look.name} = {others[i].name}" for look in seen for i in near(look.thumbnail))
        yield Finding(f"{place} and {other}: nearly the same picture", pairs)


class _Near:
    """Finds thumbnails that nearly are a given one among many, without a look at most of them.

    The mean squared difference of the means of blocks is never larger than that of all pixels, and that of the means
    of the whole never larger than that of blocks: so those that are near lie in a narrow window of all in the order of
    their means, and few of these are near by their blocks.
    """

    def __init__(self, thumbnails: Sequence[NDArray[np.uint8]]) -> None:
        means = np.array([thumbnail.mean() for thumbnail in thumbnails])
        self._order = np.argsort(means)
        self._means = means[self._order]
        self._thumbnails = np.stack([thumbnails[i] for i in self._order])
        self._blocks = np.stack([_blocks(thumbnail) for thumbnail in self._thumbnails])

    def __call__(self, thumbnail: NDArray[np.uint8]) -> list[int]:
        """Return the numbers of those whose mean squared difference is below `_NEARLY`, in order."""
        reach = math.sqrt(_NEARLY)
        window = slice(*np.searchsorted(self._means, thumbnail.mean() + np.array((-reach, reach))))
        may_be = np.square(self._blocks[window] - _blocks(thumbnail)).mean(axis=1) < _NEARLY + _ROUNDING
        distances = np.square(self._thumbnails[window][may_be] - thumbnail.astype(np.float32)).mean(axis=1)
        return sorted(self._order[window][may_be][distances < _NEARLY].tolist())


def _blocks(thumbnail: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the means of 4 x 4 pixels of a flat thumbnail, flat."""
    count = _THUMBNAIL // 4
    means: NDArray[np.float32] = thumbnail.reshape(count, 4, count, 4, 3).mean(axis=(1, 3), dtype=np.float32)
    return means.ravel()
