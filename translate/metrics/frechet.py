"""How far two sets of features are from each other as Gaussians: with Inception features, FID."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from translate.metrics.estimates import Estimate
from translate.metrics.features import Features, Matrix, blocks, check_counts


def frechet_distance(x: Features, y: Features) -> float:
    """Return the Frechet distance between the Gaussians that fit two sets of features: with Inception features, FID.

    |m_x - m_y|^2 + Tr(S_x + S_y - 2 (S_x S_y)^(1/2)), Heusel et al. 2017 (arXiv 1706.08500), equation 6; covariances
    divide by N - 1. With S_x = A^T A and S_y = B^T B the trace of the root is the sum of the singular values of A B^T,
    which needs neither a root of a matrix nor covariances of full rank.

    It is biased upwards, the more the fewer pictures there are: compare only at equal N.

    Args:
        x: (N, d).
        y: (M, d).

    Raises:
        DataError: there are fewer than two pictures in a set.
    """
    check_counts(x, y, 2, "a Frechet distance")
    p, q = _Gaussian.of(x), _Gaussian.of(y)
    return _frechet(p, q, np.linalg.svd(p.factor @ q.factor.T, compute_uv=False))


def frechet_estimate(x: Features, y: Features) -> Estimate:
    """Return the Frechet distance with an interval for other pictures in both sets.

    The interval is that of the biased estimate at this N and M: it tells how much the number would vary with other
    pictures, not where the distance of infinitely many would be. No distance is below 0.

    Its variance is that of the infinitesimal jackknife (Jaeckel 1972): of how much the distance grows with the weight
    of each picture. It takes one distance, where a bootstrap takes a hundred: hours where there are more pictures than
    features and these are 2048. In simulations of 40 to 200 pictures with 8 to 512 features the deviation was 1.1 to
    1.4 times the true one; that of a bootstrap of up to 64 features, 1.1 to 2.0 times.

    Args:
        x: (N, d).
        y: (M, d).

    Raises:
        DataError: there are fewer than two pictures in a set.
    """
    check_counts(x, y, 2, "a Frechet distance")
    p, q = _Gaussian.of(x), _Gaussian.of(y)
    left, shared, right = np.linalg.svd(p.factor @ q.factor.T, full_matrices=False)
    of_x = p.slopes(x, p.mean - q.mean, left, shared)
    of_y = q.slopes(y, q.mean - p.mean, right.T, shared)
    variance = of_x.var(ddof=1) / len(x) + of_y.var(ddof=1) / len(y)
    estimate = Estimate.normal(_frechet(p, q, shared), float(np.sqrt(variance)))
    return replace(estimate, low=max(estimate.low, 0.0))


def _mean(x: Features) -> Matrix:
    return np.asarray(x.mean(0, dtype=np.float64))


@dataclass(frozen=True)
class _Gaussian:
    """The Gaussian that fits a set of features.

    Attributes:
        mean: (d,).
        factor: A, (k, d), with A^T A = the covariance: the centred rows, or d others if there are more of them.
        inverse: (d, k), the pseudoinverse of A; None where its rows are those of the pictures.
    """

    mean: Matrix
    factor: Matrix
    inverse: Matrix | None

    @classmethod
    def of(cls, x: Features) -> "_Gaussian":
        mean, (count, width) = _mean(x), x.shape
        if count <= width:
            return cls(mean, np.asarray((x - mean) / np.sqrt(count - 1), np.float64), None)
        covariance = np.zeros((width, width))
        for _, block in blocks(x):
            covariance += (block - mean).T @ (block - mean) / (count - 1)
        values, vectors = np.linalg.eigh(covariance)
        roots = np.sqrt(np.maximum(values, 0.0))
        least = np.sqrt(width * np.finfo(np.float64).eps) * roots[-1]
        inverses = np.divide(1, roots, out=np.zeros(width), where=roots > least)
        return cls(mean, roots[:, None] * vectors.T, vectors * inverses)

    def slopes(self, x: Features, gap: Matrix, left: Matrix, shared: Matrix) -> Matrix:
        """Return how much the distance to another Gaussian grows with the weight of each row of x, (N,).

        That is 2 (x - m)^T gap + (x - m)^T (I - T) (x - m), but for a constant. T, which takes this Gaussian to the
        other one, is A^+ U D U^T A^+T with the singular vectors U and values D of A times the transposed other factor.

        Args:
            x: (N, d), which the Gaussian fits.
            gap: (d,) from the other mean to this one.
            left: U, (k, r).
            shared: D, (r,).
        """
        found = np.zeros(len(x))
        turned = None if self.inverse is None else self.inverse @ left
        for start, block in blocks(x):
            rows, centred = slice(start, start + len(block)), block - self.mean
            carried = np.sqrt(len(x) - 1) * left[rows] if turned is None else centred @ turned
            found[rows] = 2 * centred @ gap + (centred**2).sum(1) - carried**2 @ shared
        return found


def _frechet(p: _Gaussian, q: _Gaussian, shared: NDArray[Any]) -> float:
    """Return the distance of two Gaussians from the singular values that their factors share."""
    gap = p.mean - q.mean
    return float(gap @ gap + (p.factor**2).sum() + (q.factor**2).sum() - 2 * shared.sum())
