"""Batches for training. Batch n is a pure function of (dataset, settings, seed, n), whatever the number of workers.

There are three kinds. A method says which one it is trained on, and `batches_for` refuses a dataset that has no such:

    unpaired  {domain: pictures}    pictures of each domain, drawn independently
    labelled  {"x": ..., "c": ...}  pictures of all domains together, with their labels; or, where few have some,
              {"x": ..., "x_l": ..., "c_l": ...}  these in a part of its own
    paired    {"x": ..., "y": ...}  pictures of two domains that belong together
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from translate.data.augmentation import Augmentation, Augmenter
from translate.data.folders import Dataset
from translate.data.store import Store
from translate.errors import DataError
from translate.parallel import local_part
from translate.tensors import Pixels, stack


class Rows:
    """Stores side by side: a row has the pictures of one number in all of them, so a single store or pairs.

    A row is left out as a whole when one of its pictures cannot be read; the next row takes its place.
    """

    def __init__(self, stores: Mapping[str, Store]) -> None:
        self._stores = stores
        several = [store.readable for store in stores.values()]
        self._numbers = sorted(set(several[0]).intersection(*several[1:]))

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, index: int) -> int:
        """Return the number of row `index`, or of the next that is not known to be broken."""
        while any(store.is_broken(self._numbers[index % len(self)]) for store in self._stores.values()):
            index += 1
        return self._numbers[index % len(self)]

    def read(self, index: int) -> tuple[int, dict[str, Pixels]]:
        """Return the number and the pictures (load, load, 3) uint8 of row `index`, or of the next that can be read.

        Raises:
            DataError: more pictures than may be turned out to be broken.
        """
        while True:
            number = self.number(index)
            read = {domain: store.read(number) for domain, store in self._stores.items()}
            whole = {domain: picture for domain, picture in read.items() if picture is not None}
            if len(whole) == len(read):
                return number, whole

    def names(self, index: int) -> dict[str, str]:
        """Return the names of the pictures that `read` returns."""
        number = self.number(index)
        return {domain: store.name(number) for domain, store in self._stores.items()}


class Batches(ABC):
    """Seekable batches: batch n is a pure function of the stores, the settings, the seed and n.

    Args:
        stores: the pictures of each domain.
        augmentation: what is done to them.
        batch: pictures in a batch, of each domain where they are kept apart. Several ranks draw a part of it each.
        seed: of all draws.
    """

    def __init__(self, stores: Mapping[str, Store], augmentation: Augmentation, batch: int, seed: int) -> None:
        self._stores = stores
        self._augmentation = augmentation
        self._batch = batch
        self._seed = seed
        self._rows = self._side_by_side(stores)
        self.counts = [len(rows) for rows in self._rows]  # readable pictures of each domain, or readable pairs
        self._length = self.pictures_per_epoch(self.counts)
        self._thread = threading.local()

    @property
    def unreadable(self) -> list[str]:
        """A sentence for each picture that could not be read so far."""
        return [sentence for store in self._stores.values() for sentence in list(store.census.unreadable.values())]

    def pictures(self, domain: str, count: int) -> list[Pixels]:
        """Return at most `count` training pictures of a domain as they are held, (load, load, 3) uint8 each."""
        rows = Rows({domain: self._stores[domain]})
        return [rows.read(index)[1][domain] for index in range(0, len(rows), -(-len(rows) // count))]

    @staticmethod
    def _side_by_side(stores: Mapping[str, Store]) -> list[Rows]:
        """Return what belongs together: by default each domain is for itself."""
        return [Rows({domain: store}) for domain, store in stores.items()]

    @staticmethod
    @abstractmethod
    def pictures_per_epoch(counts: Sequence[int]) -> int:
        """Return how many pictures an epoch has, of each domain where they are kept apart, for domains so large."""

    @staticmethod
    @abstractmethod
    def noise(domains: Sequence[str], batch: int, size: int) -> dict[str, Tensor]:
        """Return a batch of noise, for measuring."""

    @abstractmethod
    def __getitem__(self, n: int) -> dict[str, Tensor]:
        """Return batch `n`, as the method wants it."""

    def names(self, n: int) -> dict[str, list[str]]:
        """Return the names of the pictures in batch `n`, that of all ranks, by their domain."""
        names: dict[str, list[str]] = {domain: [] for domain in self._stores}
        for position in range(n * self._batch, (n + 1) * self._batch):
            for rows, index, _ in self._drawn(position):
                for domain, name in rows.names(index).items():
                    names[domain].append(name)
        return names

    @abstractmethod
    def _drawn(self, position: int) -> list[tuple[Rows, int, np.random.Generator]]:
        """Draw for a position: rows, the index of one of them, and the generator of all that is done to it."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        return -(-self._length // self._batch)

    def stream(self, start: int, stop: int, workers: int = 0) -> Iterator[dict[str, Tensor]]:
        """Yield batches `start` to `stop` - 1, prepared ahead by `workers` threads."""
        if workers == 0:
            yield from (self[n] for n in range(start, stop))
            return
        with ThreadPoolExecutor(workers) as threads:
            ahead: list[Future[dict[str, Tensor]]] = []
            try:
                for n in range(start, stop):
                    while len(ahead) <= 2 * workers and n + len(ahead) < stop:
                        ahead.append(threads.submit(self.__getitem__, n + len(ahead)))
                    yield ahead.pop(0).result()
            finally:
                for future in ahead:
                    future.cancel()

    def _positions(self, n: int) -> range:
        return local_part(range(n * self._batch, (n + 1) * self._batch))

    def _shuffled(self, position: int) -> int:
        """Return the index at a position of the endless sequence of epochs, each a new permutation."""
        epoch, place = divmod(position, self._length)
        return int(permutation(self._seed, epoch, self._length)[place])

    @property
    def _augmenter(self) -> Augmenter:
        """The augmenter of this thread."""
        if not hasattr(self._thread, "augmenter"):
            self._thread.augmenter = Augmenter(self._augmentation)
        augmenter: Augmenter = self._thread.augmenter
        return augmenter

    def _augmented(self, picture: Pixels, draws: np.random.Generator) -> Pixels:
        return self._augmenter(picture, _seed(draws))


class UnpairedBatches(Batches):
    """Pictures of each domain, uint8 (N, 3, size, size) by its name, which are not paired.

    An epoch is as many pictures as the larger domain has. The first domain goes through a new permutation in each
    epoch, the others are drawn uniformly with replacement; each picture has its own crop and flip. This is how the
    official CycleGAN code draws.
    """

    @staticmethod
    def pictures_per_epoch(counts: Sequence[int]) -> int:
        """Return the size of the largest domain."""
        return max(counts)

    @staticmethod
    def noise(domains: Sequence[str], batch: int, size: int) -> dict[str, Tensor]:
        """Return uint8 (N, 3, size, size) for each domain."""
        return {domain: torch.randint(256, (batch, 3, size, size), dtype=torch.uint8) for domain in domains}

    def __getitem__(self, n: int) -> dict[str, Tensor]:
        """Return batch `n`: uint8 (N, 3, size, size) for each domain."""
        pictures: dict[str, list[Pixels]] = {domain: [] for domain in self._stores}
        for position in self._positions(n):
            for rows, index, draws in self._drawn(position):
                for domain, picture in rows.read(index)[1].items():
                    pictures[domain].append(self._augmented(picture, draws))
        return {domain: stack(several) for domain, several in pictures.items()}

    def _drawn(self, position: int) -> list[tuple[Rows, int, np.random.Generator]]:
        drawn: list[tuple[Rows, int, np.random.Generator]] = []
        for number, rows in enumerate(self._rows):
            draws = np.random.default_rng([self._seed, position, number])
            index = self._shuffled(position) if number == 0 else int(draws.integers(len(rows)))
            drawn.append((rows, index, draws))
        return drawn


class LabelledBatches(Batches):
    """Pictures of all domains together: "x", uint8 (N, 3, size, size), and "c", their labels (N, labels) in fp32.

    A label is one-hot for a domain, or says 1 for each attribute that the picture has.

    An epoch goes through all pictures of all domains in a new permutation, as the official StarGAN code does.
    """

    @staticmethod
    def pictures_per_epoch(counts: Sequence[int]) -> int:
        """Return the number of all pictures."""
        return sum(counts)

    @staticmethod
    def noise(domains: Sequence[str], batch: int, size: int) -> dict[str, Tensor]:
        """Return uint8 (N, 3, size, size) and one-hot labels of all domains in turn."""
        labels = torch.eye(len(domains))[torch.arange(batch) % len(domains)]
        return {"x": torch.randint(256, (batch, 3, size, size), dtype=torch.uint8), "c": labels}

    def __getitem__(self, n: int) -> dict[str, Tensor]:
        """Return batch `n`: uint8 (N, 3, size, size) and (N, labels)."""
        pictures: list[Pixels] = []
        labels: list[NDArray[np.float32]] = []
        for position in self._positions(n):
            for rows, index, draws in self._drawn(position):
                number, read = rows.read(index)
                for domain, picture in read.items():
                    pictures.append(self._augmented(picture, draws))
                    labels.append(self._stores[domain].label(number))
        return {"x": stack(pictures), "c": torch.from_numpy(np.stack(labels))}

    def _drawn(self, position: int) -> list[tuple[Rows, int, np.random.Generator]]:
        index, number = self._shuffled(position), 0
        while index >= (length := len(self._rows[number])):
            index, number = index - length, number + 1
        return [(self._rows[number], index, np.random.default_rng([self._seed, position, number]))]


class PairedBatches(Batches):
    """Pairs of pictures, uint8 (N, 3, size, size) each: "x" of the first domain and "y" of the second.

    Picture n of one domain belongs to picture n of the other. Whatever is drawn is drawn once for a pair, so both have
    the same crop, flip and colours; a pair with a broken picture is left out. An epoch goes through all pairs in a new
    permutation.

    Raises:
        DataError: there are not two domains, or one has more pictures than the other.
    """

    @staticmethod
    def _side_by_side(stores: Mapping[str, Store]) -> list[Rows]:
        sizes = [len(store) for store in stores.values()]
        if len(sizes) != 2 or sizes[0] != sizes[1]:
            found = ", ".join(f"{size} of {domain}" for domain, size in zip(stores, sizes, strict=True))
            raise DataError(f"Pairs need two domains with equally many pictures; found {found}.")
        return [Rows(stores)]

    @staticmethod
    def pictures_per_epoch(counts: Sequence[int]) -> int:
        """Return the number of pairs."""
        return min(counts)

    @staticmethod
    def noise(domains: Sequence[str], batch: int, size: int) -> dict[str, Tensor]:
        """Return uint8 (N, 3, size, size) twice."""
        return {name: torch.randint(256, (batch, 3, size, size), dtype=torch.uint8) for name in "xy"}

    def __getitem__(self, n: int) -> dict[str, Tensor]:
        """Return batch `n`: uint8 (N, 3, size, size) twice."""
        pairs: list[list[Pixels]] = []
        for position in self._positions(n):
            for rows, index, draws in self._drawn(position):
                pairs.append(self._augmenter.together([*rows.read(index)[1].values()], _seed(draws)))
        return {name: stack(pictures) for name, pictures in zip("xy", zip(*pairs, strict=True), strict=True)}

    def _drawn(self, position: int) -> list[tuple[Rows, int, np.random.Generator]]:
        return [(self._rows[0], self._shuffled(position), np.random.default_rng([self._seed, position, 0]))]


KINDS: dict[str, type[Batches]] = {"unpaired": UnpairedBatches, "labelled": LabelledBatches, "paired": PairedBatches}


def batches_for(kind: str, dataset: Dataset) -> type[Batches]:
    """Return the batches of a kind that a method is trained on, if the dataset has such.

    Raises:
        DataError: it has none.
    """
    if kind == "paired" and not dataset.paired:
        raise DataError(
            f"The method learns from pairs of pictures, and {dataset.name} has none. --set data.made=NAME makes pairs"
            " of one collection of pictures, see `translate help datasets`."
        )
    return KINDS[kind]


def _seed(draws: np.random.Generator) -> int:
    return int(draws.integers(2**32))


@lru_cache(maxsize=4)
def permutation(seed: int, epoch: int, length: int) -> Any:
    """Return the order of an epoch of so many pictures."""
    return np.random.default_rng([seed, epoch]).permutation(length)
