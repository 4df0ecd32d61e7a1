"""Drawn toy datasets whose right answer is known.

Every picture is a pure function of (dataset, domain, split, seed, index); the size changes its resolution only. Because
everything about it is known, a translation can be judged without a learned judge: see `translate.metrics`.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from translate.cards import DatasetCard
from translate.data.folders import Dataset
from translate.errors import SettingsError
from translate.settings import nearest
from translate.toys import faces, horses, monets, shoes, turntable

SMALLEST = 32  # pixels; below it stripes are no longer stripes
SPLITS = ("train", "test")


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


DATASETS: dict[str, dict[str, Painter]] = {
    "toy-horse2zebra": {
        "horse": Painter(horses.HORSE, horses.paint_horse),
        "zebra": Painter(horses.ZEBRA, horses.paint_zebra),
    },
    "toy-monet2photo": {
        "photo": Painter(monets.SCENERY, monets.paint_photo),
        "monet": Painter(monets.PAINTING, monets.paint_monet),
    },
    "toy-faces": {"face": Painter(faces.FACE, faces.paint_face, faces.attributes)},
    "toy-faces-hair": {
        "black": Painter(faces.FACE | {"hair": (0.0, 1.0)}, faces.paint_face),
        "blond": Painter(faces.FACE | {"hair": (1.0, 2.0)}, faces.paint_face),
        "red": Painter(faces.FACE | {"hair": (2.0, 3.0)}, faces.paint_face),
    },
    "toy-edges2shoes": {
        "edges": Painter(shoes.EDGES, shoes.paint_edges),
        "shoes": Painter(shoes.SHOES, shoes.paint_shoe),
    },
    "toy-turntable": {
        "cars": Painter(turntable.CARS, turntable.paint_car),
        "chairs": Painter(turntable.CHAIRS, turntable.paint_chair),
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
        """Draw picture `index` with everything that is known about it.

        Raises:
            IndexError: `index` is not in 0 .. count - 1.
        """
        painter, parameters = DATASETS[self.dataset][self.domain], self.parameters(index)
        image, mask = painter.paint(parameters, self.size)
        return Sample(image, mask, parameters, painter.attributes(parameters))

    def parameters(self, index: int) -> dict[str, float]:
        """Return what picture `index` is drawn from.

        Raises:
            IndexError: `index` is not in 0 .. count - 1.
        """
        if not 0 <= index < self.count:
            raise IndexError(f"There are {self.count} drawn pictures; found index {index}.")
        words = f"{self.dataset}/{self.domain}/{self.split}/{self.seed}/{index}"
        entropy = int.from_bytes(hashlib.sha256(words.encode()).digest()[:16], "big")
        random = np.random.default_rng(entropy)
        ranges = DATASETS[self.dataset][self.domain].ranges
        return {name: float(random.uniform(*limits)) for name, limits in ranges.items()}

    def attributes(self, index: int) -> dict[str, int]:
        """Return 1 for each attribute that picture `index` has and 0 for the others, without drawing it."""
        return DATASETS[self.dataset][self.domain].attributes(self.parameters(index))

    def name(self, index: int) -> str:
        """Return the file name of picture `index`, such as "00012.png"."""
        return f"{index:05d}.png"

    def fingerprint(self) -> str:
        """Return what the pictures are drawn from."""
        return f"drawn {self.dataset}/{self.domain}/{self.split} at {self.size} px from seed {self.seed}"


def open_drawn(card: DatasetCard, size: int, attributes: Sequence[str] | None = None) -> Dataset:
    """Take the pictures that the card of a drawn dataset promises, at `size` pixels.

    Args:
        card: of the dataset.
        size: of the pictures.
        attributes: those wanted, in their order; by default all that the pictures have.

    Raises:
        SettingsError: the pictures have no such attribute.
    """

    def draw(split: str, count: int) -> dict[str, Drawn]:
        return {domain: Drawn(card.name, domain, split, count, size) for domain in card.domains}

    train, test = draw("train", card.train), draw("test", card.test)
    drawn = train[card.domains[0]]
    known = drawn.attributes(0) if len(drawn) else {}
    for name in attributes or ():
        _known(f"attribute of {card.name}", name, known)
    chosen = tuple(known if attributes is None else attributes)
    if not chosen:
        return Dataset(card.name, train, test, card.target)

    def labels(drawn: Drawn) -> NDArray[np.float32]:
        has = [[had[name] for name in chosen] for had in map(drawn.attributes, range(len(drawn)))]
        return np.array(has, np.float32).reshape(len(drawn), len(chosen))

    held_out = test[card.domains[0]]
    return Dataset(card.name, train, test, card.target, chosen, labels(drawn), labels(held_out))


def _known(what: str, name: str, choices: Collection[str]) -> None:
    if name not in choices:
        raise SettingsError(f"Unknown {what} {name!r}.{nearest(name, choices)} Known: {', '.join(choices)}.")
