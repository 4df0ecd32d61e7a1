"""Made pairs: one collection of pictures, and what damage makes of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from translate import images
from translate.data.augmentation import Augmentation
from translate.data.batches import PairedBatches, Rows
from translate.data.damage import DAMAGES, Damage, damage
from translate.data.folders import Dataset, Pictures, held_out
from translate.data.store import Store
from translate.errors import DataError
from translate.tensors import Pixels, stack


@dataclass(frozen=True)
class Made:
    """Damaged pictures. The damage of picture n is always the same; in training it is drawn anew each time.

    Attributes:
        original: the pictures.
        damage: what is done to them.
    """

    original: Pictures
    damage: Damage

    def __len__(self) -> int:
        return len(self.original)

    def __getitem__(self, index: int) -> Pixels:
        return self.of(self.original[index], index)

    def of(self, picture: Pixels, index: int) -> Pixels:
        """Damage a picture (H, W, 3) as picture `index` is."""
        return self.damage.do(picture, np.random.default_rng([0, index]))

    def name(self, index: int) -> str:
        """Return the name of the picture."""
        return self.original.name(index)

    def fingerprint(self) -> str:
        """Return what the damage is done to."""
        return f"{self.damage.damaged} of {self.original.fingerprint()}"


def make_pairs(dataset: Dataset, made: str | dict[str, Any]) -> Dataset:
    """Turn the pictures of a dataset into pairs with what damage makes of them.

    Args:
        dataset: one collection of pictures; of several domains that is taken which is the target.
        made: the damage, see `damage`.

    Raises:
        DataError: there are several domains and no target.
        SettingsError: as `damage`.
    """
    chosen = damage(made)
    source = dataset.target or next(iter(dataset.train))
    if len(dataset.train) > 1 and not dataset.target:
        raise DataError(
            f"Pairs are made of one collection of pictures; {dataset.name} has {', '.join(dataset.train)}. Name a"
            " folder."
        )

    def both(pictures: Mapping[str, Pictures]) -> dict[str, Pictures]:
        if source not in pictures:
            return {}
        return {chosen.damaged: Made(pictures[source], chosen), chosen.whole: pictures[source]}

    return Dataset(
        dataset.name, both(dataset.train), both(dataset.test), chosen.whole, paired=True, notes=dataset.notes
    )


def fills_holes(dataset: Dataset) -> bool:
    """Whether the pairs of a dataset are pictures with holes and without."""
    return any(isinstance(one, Made) and one.damage is DAMAGES["holes"] for one in dataset.train.values())


class MadePairs(PairedBatches):
    """Pairs of a damaged picture, "x", and the picture itself, "y": damage is drawn for each, and done to the crop.

    Args:
        stores: of the pictures themselves alone.
        augmentation: with `made`.
        batch: as for `Batches`.
        seed: as for `Batches`.
    """

    def __init__(self, stores: Mapping[str, Store], augmentation: Augmentation, batch: int, seed: int) -> None:
        super().__init__(stores, augmentation, batch, seed)
        assert augmentation.made
        self._damage = damage(augmentation.made)

    @staticmethod
    def _side_by_side(stores: Mapping[str, Store]) -> list[Rows]:
        return [Rows(stores)]

    def pictures(self, domain: str, count: int) -> list[Pixels]:
        """Return at most `count` training pictures of a domain, damaged or not, (load, load, 3) uint8 each."""
        found = super().pictures(self._damage.whole, count)
        if domain != self._damage.damaged:
            return found
        return [self._damage.do(picture, np.random.default_rng([0, index])) for index, picture in enumerate(found)]

    def __getitem__(self, n: int) -> dict[str, Tensor]:
        """Return batch `n`: uint8 (N, 3, size, size) twice."""
        pairs: list[tuple[Pixels, Pixels]] = []
        for position in self._positions(n):
            for rows, index, draws in self._drawn(position):
                whole = self._augmented(rows.read(index)[1][self._damage.whole], draws)
                pairs.append((self._damage.do(whole, draws), whole))
        return {name: stack(pictures) for name, pictures in zip("xy", zip(*pairs, strict=True), strict=True)}


def held_out_squares(dataset: Dataset, domain: str, count: int, side: int) -> list[Pixels]:
    """Return the pictures of `held_out` as (side, side, 3); damage is done to what is shown, as in training."""
    pictures = dataset.train[domain]
    if not isinstance(pictures, Made):
        return [square(picture, side) for picture in held_out(dataset, domain, count)]
    shown = held_out_squares(dataset, pictures.damage.whole, count, side)
    return [pictures.of(picture, index) for index, picture in enumerate(shown)]


def square(picture: Pixels, side: int) -> Pixels:
    """Crop the middle square out of (H, W, 3) and resize it to (side, side, 3)."""
    height, width = picture.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    return images.resize(np.ascontiguousarray(picture[top : top + edge, left : left + edge]), side, side)
