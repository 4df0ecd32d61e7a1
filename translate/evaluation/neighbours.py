"""Which of many pictures each of some others is nearest to, as a feature network sees them."""

import numpy as np
from numpy.typing import NDArray

from translate.evaluation.distances import Features


class Nearest:
    """The nearest neighbours of rows of features (N, d) among others, which come one at a time and are not kept.

    Attributes:
        distances: (N,) Euclidean distances to the nearest row so far; infinite before the first.
        indices: (N,) which row that was; -1 before the first.
    """

    def __init__(self, features: Features) -> None:
        self._features = features.astype(np.float64)
        self.distances = np.full(len(features), np.inf)
        self.indices = np.full(len(features), -1)

    def see(self, index: int, row: NDArray[np.float32]) -> None:
        """Look at the row (d,) that is called `index`."""
        distances = np.linalg.norm(self._features - row, axis=1)
        nearer = distances < self.distances
        self.distances[nearer], self.indices[nearer] = distances[nearer], index
