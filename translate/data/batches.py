"""Batches for training. Batch n is a pure function of (dataset, settings, seed, n), whatever the number of workers."""

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from translate import images
from translate.data.augmentation import Augmentation, Augmenter
from translate.data.folders import Pictures
from translate.data.timeout import in_time
from translate.errors import DataError, ImageDecodeError
from translate.parallel import part
from translate.tensors import Pixels, stack

MEMORY = 4 << 30  # bytes of decoded pictures held for each domain
MOST_UNREADABLE = 100  # pictures of a domain, or a hundredth of them if that is less


@dataclass
class Census:
    """What was found while the pictures of a domain were read."""

    pictures: int = 0
    enlarged: int = 0  # smaller than the crop
    unreadable: dict[int, str] = field(default_factory=dict)  # by their index: one sentence each


class Store:
    """The readable pictures of one domain, resized to a square; held in memory when they fit.

    Args:
        domain: its name, for messages.
        pictures: where they come from.
        augmentation: gives the sizes.
        tell: is told the domain, how many pictures have been read, and how many there are.
        labels: (pictures, labels) of 0 and 1, for methods that want them.
        strict: refuse the first picture that cannot be read.

    Raises:
        DataError: more pictures cannot be read than may be.
    """

    def __init__(
        self,
        domain: str,
        pictures: Pictures,
        augmentation: Augmentation,
        tell: Callable[[str, int, int], None] = lambda *_: None,
        labels: NDArray[np.float32] | None = None,
        strict: bool = False,
    ) -> None:
        self._domain = domain
        self._strict = strict
        self._pictures = pictures
        self._labels = labels
        self._side = augmentation.load_size
        self.census = Census(len(pictures))
        self._held: list[Pixels] | None = None
        self._readable = list(range(len(pictures)))
        if len(pictures) * self._side**2 * 3 > MEMORY:
            return
        held: list[Pixels | None] = []
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for index, result in enumerate(threads.map(self._try_read, range(len(pictures)))):
                if isinstance(result, ImageDecodeError):
                    self.census.unreadable[index] = str(result)
                    held.append(None)
                else:
                    pixels, small = result
                    self.census.enlarged += small < augmentation.size
                    held.append(pixels)
                tell(domain, len(held), len(pictures))
        self._refuse_too_many()
        self._readable = [index for index, pixels in enumerate(held) if pixels is not None]
        self._held = [pixels for pixels in held if pixels is not None]

    def __len__(self) -> int:
        return len(self._readable)

    def __getitem__(self, index: int) -> Pixels:
        """Return picture `index`, (load, load, 3) uint8. A broken one is replaced by the next that is not.

        Raises:
            DataError: more pictures than may be turned out to be broken.
        """
        if self._held is not None:
            return self._held[index]
        while isinstance(result := self._try_read(number := self._standing_for(index)), ImageDecodeError):
            self.census.unreadable[number] = str(result)
            self._refuse_too_many()
        return result[0]

    def name(self, index: int) -> str:
        """Return the name of picture `index`."""
        return self._pictures.name(self._standing_for(index))

    def label(self, index: int) -> NDArray[np.float32]:
        """Return the label of picture `index`, (labels,) of 0 and 1."""
        assert self._labels is not None
        label: NDArray[np.float32] = self._labels[self._standing_for(index)]
        return label

    def _standing_for(self, index: int) -> int:
        """Return the place among all pictures of picture `index`, or of the next that is not known to be broken."""
        while (number := self._readable[index % len(self)]) in self.census.unreadable:
            index += 1
        return number

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

    def contents(self) -> set[int]:
        """Return a number for each different picture, which in this process is the same in all stores; if held."""
        return {hash(pixels.tobytes()) for pixels in self._held or ()}

    def _try_read(self, index: int) -> tuple[Pixels, int] | ImageDecodeError:
        try:
            with in_time(self._pictures.name(index)):
                pixels = self._pictures[index]
        except ImageDecodeError as error:
            return error
        return images.resize(pixels, self._side, self._side), min(pixels.shape[:2])


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
        self.counts = [len(store) for store in stores.values()]  # readable pictures of each domain
        self._length = self.pictures_per_epoch(self.counts)
        self._thread = threading.local()

    @property
    def unreadable(self) -> list[str]:
        """A sentence for each picture that could not be read so far."""
        return [sentence for store in self._stores.values() for sentence in list(store.census.unreadable.values())]

    def pictures(self, domain: str, count: int) -> list[Pixels]:
        """Return at most `count` training pictures of a domain as they are held, (load, load, 3) uint8 each."""
        store = self._stores[domain]
        return [store[index] for index in range(0, len(store), -(-len(store) // count))]

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
            for domain, index, _ in self._drawn(position):
                names[domain].append(self._stores[domain].name(index))
        return names

    @abstractmethod
    def _drawn(self, position: int) -> list[tuple[str, int, np.random.Generator]]:
        """Draw the pictures for a position: the domain of each, its index, and what draws what is done to it."""

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
        return part(range(n * self._batch, (n + 1) * self._batch))

    def _shuffled(self, position: int) -> int:
        """Return the index at a position of the endless sequence of epochs, each a new permutation."""
        epoch, place = divmod(position, self._length)
        return int(_permutation(self._seed, epoch, self._length)[place])

    def _augmented(self, picture: Pixels, draws: np.random.Generator) -> Pixels:
        if not hasattr(self._thread, "augmenter"):
            self._thread.augmenter = Augmenter(self._augmentation)
        augmented: Pixels = self._thread.augmenter(picture, int(draws.integers(2**32)))
        return augmented


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
            for domain, index, draws in self._drawn(position):
                pictures[domain].append(self._augmented(self._stores[domain][index], draws))
        return {domain: stack(several) for domain, several in pictures.items()}

    def _drawn(self, position: int) -> list[tuple[str, int, np.random.Generator]]:
        drawn: list[tuple[str, int, np.random.Generator]] = []
        for number, (domain, store) in enumerate(self._stores.items()):
            draws = np.random.default_rng([self._seed, position, number])
            index = self._shuffled(position) if number == 0 else int(draws.integers(len(store)))
            drawn.append((domain, index % len(store), draws))
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
            for domain, index, draws in self._drawn(position):
                pictures.append(self._augmented(self._stores[domain][index], draws))
                labels.append(self._stores[domain].label(index))
        return {"x": stack(pictures), "c": torch.from_numpy(np.stack(labels))}

    def _drawn(self, position: int) -> list[tuple[str, int, np.random.Generator]]:
        index, number, domains = self._shuffled(position), 0, list(self._stores)
        while index >= (length := len(self._stores[domains[number]])):
            index, number = index - length, number + 1
        return [(domains[number], index, np.random.default_rng([self._seed, position, number]))]


@lru_cache(maxsize=2)
def _permutation(seed: int, epoch: int, length: int) -> Any:
    return np.random.default_rng([seed, epoch]).permutation(length)
