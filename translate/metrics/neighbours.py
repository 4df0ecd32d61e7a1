"""Which of many pictures each of some others is nearest to, as a feature network sees them."""

import numpy as np

from translate.metrics.features import BLOCK, Features


class Nearest:
    """The nearest neighbours of rows of features (N, d) among others, which come one at a time and are not kept.

    Attributes:
        distances: (N,) Euclidean distances to the nearest row so far, in float64; infinite before the first.
        indices: (N,) which row that was; -1 before the first.
    """

    def __init__(self, features: Features) -> None:
        self._features = features
        self._squares = np.einsum("ij,ij->i", features, features, dtype=np.float64)
        self._rounding = features.shape[1] * np.finfo(features.dtype).eps  # at most, of a product, as a share
        self.distances = np.full(len(features), np.inf)
        self.indices = np.full(len(features), -1)

    def see(self, index: int, row: Features) -> None:
        """Look at the row (d,) that is called `index`."""
        # One product, in the precision of the features, tells which rows may be nearer: no copy of all is held in
        # float64, and no difference of all is taken. For these few the distance is measured.
        lengths = self._squares + np.dot(row.astype(np.float64), row)
        squares = lengths - 2.0 * (self._features @ row).astype(np.float64)
        likely = np.flatnonzero(squares - self._rounding * lengths < self.distances**2)
        for start in range(0, len(likely), BLOCK):
            some = likely[start : start + BLOCK]
            distances = np.linalg.norm(self._features[some].astype(np.float64) - row, axis=1)
            nearer = distances < self.distances[some]
            self.distances[some[nearer]], self.indices[some[nearer]] = distances[nearer], index
