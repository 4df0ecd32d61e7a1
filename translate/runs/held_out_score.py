"""How good the networks of a run are by pictures that it holds out, so that its best export can be kept.

The last step is not always the best one. What is measured is the kernel distance between translations of held-out
pictures and held-out pictures of what they are translated to, in features that no critic of the run has seen: the
network in a loss never judges. Lower is better.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from translate.data.folders import Dataset, readable
from translate.data.made import square
from translate.features import LITE0, RANDOM, has_lite0, open_features
from translate.inference.sampler import Sampler
from translate.inference.translator import Translator
from translate.metrics.features import features_of
from translate.metrics.kernel import kernel_distance
from translate.metrics.protocols import prepared
from translate.tensors import Pixels

NAME = "held-out distance"  # in the scores of an export
MOST = 60  # pictures of each domain
TOGETHER = 8  # of them are translated at once


class HeldOutScore:
    """Measures translators on the held-out pictures of a dataset, which has some.

    Args:
        dataset: holds out pictures of each domain.
        seen: the SHA-256 of all features that critics saw.
        side: pixels: pictures are cropped and resized to such squares, which networks see as they are.
    """

    def __init__(self, dataset: Dataset, seen: Iterable[str], side: int) -> None:
        lite0 = open_features(LITE0) if has_lite0() else None
        self._network = lite0 if lite0 and lite0.sha256 not in {*seen} else open_features(RANDOM)
        self._pictures: dict[str, list[Pixels]] = {
            domain: [square(picture, side) for picture in readable(pictures, MOST)]
            for domain, pictures in dataset.held_out.items()
        }
        self._real: dict[str, NDArray[np.float32]] = {}

    @property
    def features(self) -> str:
        """What the features are called."""
        return self._network.name

    def __call__(self, translator: Translator) -> float:
        """Return the mean distance over the directions that are worth looking at, times 1000."""
        targets, found = translator.method.targets, list[float]()
        for source, target in targets.probes(list(self._pictures)):
            like = targets.like(source, target)
            if like not in self._real:
                self._real[like] = self._seen(self._pictures[like])
            pictures, made = self._pictures[source], list[Pixels]()
            for start in range(0, len(pictures), TOGETHER):
                made += translator.batch(pictures[start : start + TOGETHER], target)
            found.append(kernel_distance(self._seen(made), self._real[like]).value)
        return 1000 * float(np.mean(found))

    def of_drawings(self, sampler: Sampler) -> float:
        """Return the distance between drawn pictures and held-out ones of all domains together, times 1000."""
        real = np.concatenate([self._seen(pictures) for pictures in self._pictures.values()])
        return 1000 * kernel_distance(self._seen(list(sampler(MOST))), real).value

    def _seen(self, pictures: Sequence[Pixels]) -> NDArray[np.float32]:
        return features_of(self._network, [prepared(picture, self._network.side, True) for picture in pictures])
