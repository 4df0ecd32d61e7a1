"""Pictures that a program draws, so that everything about them is known and a translation can be scored by rule.

Every picture is a pure function of (dataset, domain, split, seed, index); the size changes its resolution only.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from translate.errors import SettingsError
from translate.tensors import Pixels

SMALLEST = 32  # pixels; below it stripes are no longer stripes
_BATCH = 20  # pictures that are translated together


@dataclass(frozen=True, slots=True)
class Sample:
    """One drawn picture and everything that is known about it."""

    image: NDArray[np.uint8]  # (S, S, 3) RGB
    mask: NDArray[np.float32]  # (S, S) coverage of what matters: animal, hair, shoe ..., in 0..1
    parameters: dict[str, float]  # everything that was drawn at random, by name
    attributes: dict[str, int]  # 1 for each attribute that it has, 0 for the others; empty where it has a domain only


@dataclass(frozen=True, slots=True)
class Painter:
    """How one domain is drawn: what varies and between which limits, and what these numbers look like."""

    ranges: Mapping[str, tuple[float, float]]
    paint: Callable[[Mapping[str, float], int], tuple[NDArray[np.uint8], NDArray[np.float32]]]
    attributes: Callable[[Mapping[str, float]], dict[str, int]] = lambda _: {}


@dataclass(frozen=True)
class Drawn:
    """A sequence of `count` drawn pictures (size, size, 3) of one domain; `catalogue.draw` makes one from words.

    Where it is paired, picture n of all domains is drawn from the same numbers, as far as their painters share them.

    Raises:
        SettingsError: the size is below 32 pixels or the count is negative.
    """

    dataset: str
    domain: str
    split: str
    painter: Painter = field(compare=False, repr=False)
    count: int
    size: int
    seed: int = 0
    paired: bool = False

    def __post_init__(self) -> None:
        if self.size < SMALLEST:
            raise SettingsError(f"Drawn pictures need a size of at least {SMALLEST} pixels; found {self.size}.")
        if self.count < 0:
            raise SettingsError(f"The count of drawn pictures cannot be negative; found {self.count}.")

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        return self.sample(index).image

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return map(self.__getitem__, range(self.count))

    def sample(self, index: int) -> Sample:
        """Draw picture `index` with everything that is known about it.

        Raises:
            IndexError: `index` is not in 0 .. count - 1.
        """
        parameters = self.parameters(index)
        image, mask = self.painter.paint(parameters, self.size)
        return Sample(image, mask, parameters, self.painter.attributes(parameters))

    def parameters(self, index: int) -> dict[str, float]:
        """Return what picture `index` is drawn from.

        Raises:
            IndexError: `index` is not in 0 .. count - 1.
        """
        if not 0 <= index < self.count:
            raise IndexError(f"There are {self.count} drawn pictures; found index {index}.")
        words = f"{self.dataset}/{'' if self.paired else self.domain}/{self.split}/{self.seed}/{index}"
        entropy = int.from_bytes(hashlib.sha256(words.encode()).digest()[:16], "big")
        random = np.random.default_rng(entropy)
        return {name: float(random.uniform(*limits)) for name, limits in self.painter.ranges.items()}

    def attributes(self, index: int) -> dict[str, int]:
        """Return 1 for each attribute that picture `index` has and 0 for the others, without drawing it."""
        return self.painter.attributes(self.parameters(index))

    def name(self, index: int) -> str:
        """Return the file name of picture `index`, such as "00012.png"."""
        return f"{index:05d}.png"

    def fingerprint(self) -> str:
        """Return what the pictures are drawn from."""
        pairs = ", in pairs" if self.paired else ""
        return f"drawn {self.dataset}/{self.domain}/{self.split} at {self.size} px from seed {self.seed}{pairs}"


Translate = Callable[[Sequence[Pixels], str], list[Pixels]]  # pictures of one size, target domain -> pictures
ToyScore = Callable[[Translate, Mapping[str, Drawn]], dict[str, float]]  # (..., unseen pictures) -> scores by name

DrawingScore = Callable[[Iterable[Pixels], Sequence[int]], dict[str, float]]  # (drawn from noise, domains asked for)


def translated(translate: Translate, drawn: Drawn, target: str) -> Iterator[tuple[Sample, Pixels]]:
    """Yield every sample of `drawn` with its translation to the domain `target`."""
    for start in range(0, len(drawn), _BATCH):
        samples = [drawn.sample(index) for index in range(start, min(start + _BATCH, len(drawn)))]
        yield from zip(samples, translate([sample.image for sample in samples], target), strict=True)
