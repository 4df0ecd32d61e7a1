"""How fast pictures are converted with their files, and how much of that time is the network's."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from translate import images
from translate.conversion.job import Job
from translate.inference.translator import Translator


@dataclass(frozen=True)
class Throughput:
    """What was measured while pictures were decoded, translated and encoded."""

    pictures: int
    wall_s: float
    network_s: float  # of the wall time, that a network was running

    @property
    def pictures_s(self) -> float:
        """Pictures a second, with their files."""
        return self.pictures / self.wall_s

    @property
    def network_pictures_s(self) -> float:
        """Pictures a second that the networks alone would do."""
        return self.pictures / self.network_s

    @property
    def network_share(self) -> float:
        """The share of the wall time that is the network's, 0..1; the rest is what decoding and encoding delay it."""
        return self.network_s / self.wall_s


def throughput(translator: Translator, count: int, side: int) -> Throughput:
    """Convert `count` drawn JPEGs of `side` x `side` pixels from a temporary folder into another, after one more.

    Args:
        translator: the model.
        count: of pictures.
        side: in pixels.
    """
    timed = _Timed(translator.method, translator.about, translator.engine, learning=translator.learning)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        random = np.random.default_rng(0)
        for number in range(count + 1):
            coarse = random.integers(0, 256, (side // 8 + 1, side // 8 + 1, 3), np.uint8)
            place = folder / ("first" if number == count else "in") / f"{number}.jpg"
            images.write_pixels(images.resize(coarse, side, side), place)
        list(Job(translator.about, (folder / "first",), folder / "warm").run(translator))
        started = time.perf_counter()
        list(Job(translator.about, (folder / "in",), folder / "out").run(timed))
        return Throughput(count, time.perf_counter() - started, timed.network_s)


class _Timed(Translator):
    """A translator that sums the time of its networks, which return when their results are on the CPU."""

    network_s = 0.0

    def tensor(self, x: Tensor, to: str | None = None, passes: int = 1) -> Tensor:
        """Translate as the translator does."""
        started = time.perf_counter()
        result = super().tensor(x, to, passes)
        self.network_s += time.perf_counter() - started
        return result
