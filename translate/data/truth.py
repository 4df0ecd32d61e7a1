"""Drawn toy datasets whose right answer is known.

Every picture is a pure function of (dataset, domain, split, seed, index); the size changes its resolution only. Because
the animal's mask is known, a translation can be judged without a learned judge: see `translate.evaluation.truth`.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from translate.cards import DatasetCard
from translate.data import horses
from translate.data.folders import Dataset
from translate.errors import SettingsError
from translate.settings import nearest

SMALLEST = 32  # pixels; below it stripes are no longer stripes
SPLITS = ("train", "test")


@dataclass(frozen=True, slots=True)
class Sample:
    """One drawn picture and everything that is known about it."""

    image: NDArray[np.uint8]  # (S, S, 3) RGB
    mask: NDArray[np.float32]  # (S, S) coverage of the animal in 0..1
    parameters: dict[str, float]  # everything that was drawn at random, by name


@dataclass(frozen=True, slots=True)
class Painter:
    """How one domain is drawn: what varies and between which limits, and what these numbers look like."""

    ranges: Mapping[str, tuple[float, float]]
    paint: Callable[[Mapping[str, float], int], tuple[NDArray[np.uint8], NDArray[np.float32]]]


DATASETS: dict[str, dict[str, Painter]] = {
    "toy-horse2zebra": {
        "horse": Painter(horses.HORSE, horses.paint_horse),
        "zebra": Painter(horses.ZEBRA, horses.paint_zebra),
    },
}


@dataclass(frozen=True)
class Drawn:
    """A sequence of `count` drawn pictures (size, size, 3) of one domain.

    Raises:
        SettingsError: the dataset, domain or split is unknown, the size is below 32 pixels or the count is negative.
    """

    dataset: str
    domain: str
    split: str
    count: int
    size: int
    seed: int = 0

    def __post_init__(self) -> None:
        _known("drawn dataset", self.dataset, DATASETS)
        _known(f"domain of {self.dataset}", self.domain, DATASETS[self.dataset])
        _known("split", self.split, SPLITS)
        if self.size < SMALLEST:
            raise SettingsError(f"Drawn pictures need a size of at least {SMALLEST} pixels; found {self.size}.")
        if self.count < 0:
            raise SettingsError(f"The count of drawn pictures cannot be negative; found {self.count}.")

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        return self.sample(index).image

    def sample(self, index: int) -> Sample:
        """Draw picture `index` with its mask and parameters.

        Raises:
            IndexError: `index` is not in 0 .. count - 1.
        """
        if not 0 <= index < self.count:
            raise IndexError(f"There are {self.count} drawn pictures; found index {index}.")
        painter = DATASETS[self.dataset][self.domain]
        words = f"{self.dataset}/{self.domain}/{self.split}/{self.seed}/{index}"
        entropy = int.from_bytes(hashlib.sha256(words.encode()).digest()[:16], "big")
        random = np.random.default_rng(entropy)
        parameters = {name: float(random.uniform(*limits)) for name, limits in painter.ranges.items()}
        image, mask = painter.paint(parameters, self.size)
        return Sample(image, mask, parameters)

    def name(self, index: int) -> str:
        """Return the file name of picture `index`, such as "00012.png"."""
        return f"{index:05d}.png"

    def fingerprint(self) -> str:
        """Return what the pictures are drawn from."""
        return f"drawn {self.dataset}/{self.domain}/{self.split} at {self.size} px from seed {self.seed}"


def open_drawn(card: DatasetCard, size: int) -> Dataset:
    """Take the pictures that the card of a drawn dataset promises, at `size` pixels."""

    def draw(split: str, count: int) -> dict[str, Drawn]:
        return {domain: Drawn(card.name, domain, split, count, size) for domain in card.domains}

    return Dataset(card.name, draw("train", card.train), draw("test", card.test), card.target)


def _known(what: str, name: str, choices: Collection[str]) -> None:
    if name not in choices:
        raise SettingsError(f"Unknown {what} {name!r}.{nearest(name, choices)} Known: {', '.join(choices)}.")
