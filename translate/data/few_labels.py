"""Batches of many pictures and of the few among them whose label is known."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from translate.data.augmentation import Augmentation
from translate.data.batches import LabelledBatches, permutation
from translate.data.store import Store
from translate.tensors import Pixels, stack


class FewLabelsBatches(LabelledBatches):
    """Pictures of all domains together, "x" (N, 3, size, size), and as many of those few that have labels.

    These are "x_l", uint8 (N, 3, size, size), and "c_l", (N, labels): in each of their epochs all of them.

    Args:
        stores, augmentation, batch, seed: as for `Batches`.
        each: how many pictures of each domain have labels: its first ones.
    """

    def __init__(
        self, stores: Mapping[str, Store], augmentation: Augmentation, batch: int, seed: int, each: int
    ) -> None:
        super().__init__(stores, augmentation, batch, seed)
        self._few = [(rows, index) for rows in self._rows for index in range(min(each, len(rows)))]

    def __getitem__(self, n: int) -> dict[str, Tensor]:
        """Return batch `n`: uint8 (N, 3, size, size) twice, and (N, labels)."""
        pictures: list[Pixels] = []
        labels: list[NDArray[np.float32]] = []
        for position in self._positions(n):
            epoch, place = divmod(position, len(self._few))
            rows, index = self._few[int(permutation(self._seed + 1, epoch, len(self._few))[place])]
            number, read = rows.read(index)
            for domain, picture in read.items():
                pictures.append(self._augmented(picture, np.random.default_rng([self._seed, position, 1])))
                labels.append(self._stores[domain].label(number))
        return {
            "x": super().__getitem__(n)["x"],
            "x_l": stack(pictures),
            "c_l": torch.from_numpy(np.stack(labels)),
        }
