"""The drawn datasets: who paints each domain, and the rule that scores a translation."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from translate.cards import DatasetCard
from translate.data.folders import Dataset
from translate.errors import SettingsError
from translate.settings import nearest
from translate.tensors import Pixels
from translate.toys import digits, face_attributes, faces, horses, monets, shoes, turntable
from translate.toys.drawn import DrawingScore, Drawn, Painter, ToyScore, Translate

SPLITS = ("train", "test")
COUNT = 200  # unseen pictures that are scored


@dataclass(frozen=True, slots=True)
class Toy:
    """A drawn dataset."""

    painters: Mapping[str, Painter]  # by their domain
    score: ToyScore
    judge: DrawingScore | None = None  # of what is drawn from noise


TOYS: dict[str, Toy] = {
    "toy-horse2zebra": Toy(horses.ANIMALS, horses.score_zebras),
    "toy-monet2photo": Toy(monets.LANDSCAPES, monets.score_monets),
    "toy-faces": Toy(faces.FACES, face_attributes.score_changes),
    "toy-faces-hair": Toy(faces.FACES_BY_HAIR, face_attributes.score_hair),
    "toy-edges2shoes": Toy(shoes.FOOTWEAR, shoes.score_shoes),
    "toy-turntable": Toy(turntable.OBJECTS, turntable.score_angles),
    "toy-digits": Toy(digits.PAINTED, digits.score_digits, digits.judge),
}


def draw(dataset: str, domain: str, split: str, count: int, size: int, seed: int = 0, paired: bool = False) -> Drawn:
    """Return `count` pictures (size, size, 3) of a domain of a drawn dataset; each is drawn when it is asked for.

    With `paired` picture n is the partner of picture n of the other domain: all numbers that both are drawn from agree.

    Raises:
        SettingsError: the dataset, domain or split is unknown, the size is below 32 pixels or the count is negative.
    """
    _known("drawn dataset", dataset, TOYS)
    painters = TOYS[dataset].painters
    _known(f"domain of {dataset}", domain, painters)
    _known("split", split, SPLITS)
    return Drawn(dataset, domain, split, painters[domain], count, size, seed, paired)


def open_drawn(card: DatasetCard, size: int, attributes: Sequence[str] | None = None, paired: bool = False) -> Dataset:
    """Take the pictures that the card of a drawn dataset promises, at `size` pixels.

    Args:
        card: of the dataset.
        size: of the pictures.
        attributes: those wanted, in their order; by default all that the pictures have.
        paired: draw pairs, if the card says that it has such.

    Raises:
        SettingsError: the pictures have no such attribute.
    """
    paired = paired and card.paired
    train = {domain: draw(card.name, domain, "train", card.train, size, paired=paired) for domain in card.domains}
    test = {domain: draw(card.name, domain, "test", card.test, size, paired=paired) for domain in card.domains}
    first = card.domains[0]
    known = train[first].attributes(0) if len(train[first]) else {}
    for name in attributes or ():
        _known(f"attribute of {card.name}", name, known)
    chosen = tuple(known if attributes is None else attributes)
    if not chosen:
        return Dataset(card.name, train, test, card.target, paired=paired)
    has = _labels(train[first], chosen), _labels(test[first], chosen)
    return Dataset(card.name, train, test, card.target, chosen, *has)


def drawn_scores(dataset: str, translate: Translate, size: int, count: int = COUNT) -> dict[str, float]:
    """Translate `count` unseen drawn pictures and score the results by rule.

    Args:
        dataset: the name of a drawn dataset.
        translate: turns pictures (S, S, 3) uint8 into pictures of a domain.
        size: of the pictures, in pixels.
        count: of the pictures of each domain.

    Returns:
        what the rule of the dataset gives. Nothing for a dataset that is not drawn.
    """
    if dataset not in TOYS:
        return {}
    toy = TOYS[dataset]
    return toy.score(translate, {domain: draw(dataset, domain, "test", count, size) for domain in toy.painters})


def scores_of_drawings(dataset: str, pictures: Iterable[Pixels], asked: Sequence[int] = ()) -> dict[str, float]:
    """Score pictures (S, S, 3) uint8 that were drawn from noise by rule.

    Args:
        dataset: the name of the dataset that drawing was learned from.
        pictures: what was drawn.
        asked: the number of the domain that each should show; empty where none was asked for.

    Returns:
        what the rule of the dataset gives. Nothing for a dataset that has none.
    """
    judge = TOYS[dataset].judge if dataset in TOYS else None
    return judge(pictures, asked) if judge else {}


def _labels(drawn: Drawn, names: Sequence[str]) -> NDArray[np.float32]:
    """Return (pictures, names) of 0 and 1."""
    has = [[had[name] for name in names] for had in map(drawn.attributes, range(len(drawn)))]
    return np.array(has, np.float32).reshape(len(drawn), len(names))


def _known(what: str, name: str, choices: Collection[str]) -> None:
    if name not in choices:
        raise SettingsError(f"Unknown {what} {name!r}.{nearest(name, choices)} Known: {', '.join(choices)}.")
