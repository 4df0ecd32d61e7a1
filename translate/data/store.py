"""The pictures of one domain as they are read for training, and which of them are broken.

What does not fit into memory is decoded each time, and not kept on disk: a picture of 256 pixels takes 4 ms of CPU, one
of 512 takes 9, in threads beside the steps.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from translate import images
from translate.data.augmentation import Augmentation
from translate.data.folders import Pictures
from translate.data.timeout import in_time
from translate.errors import DataError, ImageDecodeError
from translate.progress import Tell, silent
from translate.tensors import Pixels

MEMORY = 4 << 30  # bytes of decoded pictures held for each domain
MOST_UNREADABLE = 100  # pictures of a domain, or a hundredth of them if that is less


def held_bytes(domain: str, count: int, augmentation: Augmentation) -> int:
    """Return how much memory so many pictures of a domain take as they are held; 0 where they are too many for it."""
    size = count * augmentation.load_size_of(domain) ** 2 * 3
    return size if size <= MEMORY else 0


@dataclass
class Census:
    """What was found while the pictures of a domain were read."""

    pictures: int = 0
    enlarged: int = 0  # smaller than the crop
    unreadable: dict[int, str] = field(default_factory=dict)  # by their number: one sentence each


class Store:
    """The pictures of one domain, resized to a square; held in memory when they fit.

    Args:
        domain: its name, for messages.
        pictures: where they come from.
        augmentation: gives the sizes.
        tell: is told the domain, how many pictures have been read, and how many there are.
        labels: (pictures, labels) of 0 and 1, for methods that want them.
        strict: refuse the first picture that cannot be read.

    Attributes:
        census: what was found so far.
        readable: the numbers of the pictures that may be asked for: those that could be read when the store was
            opened, or all if they do not fit into memory and are read when they are asked for.

    Raises:
        DataError: more pictures cannot be read than may be.
    """

    def __init__(
        self,
        domain: str,
        pictures: Pictures,
        augmentation: Augmentation,
        tell: Tell = silent,
        labels: NDArray[np.float32] | None = None,
        strict: bool = False,
    ) -> None:
        self._domain = domain
        self._strict = strict
        self._pictures = pictures
        self._labels = labels
        self._side = augmentation.load_size_of(domain)
        self.census = Census(len(pictures))
        self.readable: Sequence[int] = range(len(pictures))
        self._held: dict[int, Pixels] | None = None
        if not held_bytes(domain, len(pictures), augmentation):
            return
        self._held = {}
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for number, result in enumerate(threads.map(self._try_read, self.readable)):
                if isinstance(result, ImageDecodeError):
                    self.census.unreadable[number] = str(result)
                else:
                    self._held[number], small = result
                    self.census.enlarged += small < augmentation.size
                tell(domain, number + 1, len(pictures))
        self._refuse_too_many()
        self.readable = list(self._held)

    def __len__(self) -> int:
        return len(self._pictures)

    def read(self, number: int) -> Pixels | None:
        """Return a picture, (load, load, 3) uint8, or None if it is broken.

        Raises:
            DataError: more pictures than may be turned out to be broken.
        """
        if self.is_broken(number):
            return None
        if self._held is not None:
            return self._held[number]
        result = self._try_read(number)
        if isinstance(result, ImageDecodeError):
            self.census.unreadable[number] = str(result)
            self._refuse_too_many()
            return None
        return result[0]

    def is_broken(self, number: int) -> bool:
        """Whether it is known already that a picture cannot be read."""
        return number in self.census.unreadable

    def name(self, number: int) -> str:
        """Return the name of a picture."""
        return self._pictures.name(number)

    def label(self, number: int) -> NDArray[np.float32]:
        """Return the label of a picture, (labels,) of 0 and 1."""
        assert self._labels is not None
        label: NDArray[np.float32] = self._labels[number]
        return label

    def contents(self) -> set[int]:
        """Return a hash of each different picture, which in this process is the same in all stores; if held."""
        return {hash(pixels.tobytes()) for pixels in (self._held or {}).values()}

    def _try_read(self, number: int) -> tuple[Pixels, int] | ImageDecodeError:
        """Return the resized picture and its shorter side before, or why it cannot be read."""
        try:
            with in_time(self._pictures.name(number)):
                pixels = self._pictures[number]
        except ImageDecodeError as error:
            return error
        return images.resize(pixels, self._side, self._side), min(pixels.shape[:2])

    def _refuse_too_many(self) -> None:
        broken, count = self.census.unreadable, len(self._pictures)
        if self._strict and broken:
            which = "and none may be so with --bad error"
        elif 100 * len(broken) > count:
            which = "more than 1 %"
        elif len(broken) > MOST_UNREADABLE:
            which = f"more than {MOST_UNREADABLE}"
        else:
            return
        raise DataError(
            f"{len(broken)} of {count} pictures of domain {self._domain} cannot be read, {which}."
            f" The first: {next(iter(broken.values()))} Repair or remove them (`translate data check` lists all)."
        )
