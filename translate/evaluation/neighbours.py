"""Which of many pictures each of some others is nearest to, as a feature network sees them."""

import numpy as np

from translate.evaluation.distances import Features


class Nearest:
    """The nearest neighbours of rows of features (N, d) among others, which come one at a time and are not kept.

    Attributes:
        distances: (N,) Euclidean distances to the nearest row so far; infinite before the first.
        indices: (N,) which row that was; -1 before the first.
    """

    def __init__(self, features: Features) -> None:
        self._features = features.astype(np.float64)
        self._squares = np.einsum("ij,ij->i", self._features, self._features)
        self.distances = np.full(len(features), np.inf)
        self.indices = np.full(len(features), -1)

    def see(self, index: int, row: Features) -> None:
        """Look at the row (d,) that is called `index`."""
        row = row.astype(np.float64)
        # One product tells which rows may be nearer, without differences of all of them; for these it is measured.
        squares = self._squares + row @ row - 2 * (self._features @ row)
        likely = np.flatnonzero(squares < self.distances**2)
        distances = np.linalg.norm(self._features[likely] - row, axis=1)
        nearer = distances < self.distances[likely]
        self.distances[likely[nearer]], self.indices[likely[nearer]] = distances[nearer], index
