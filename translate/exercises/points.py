"""What is to be drawn, and how well it is: a Gaussian on a line, a ring of eight, a grid of twenty-five."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from statistics import NormalDist

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Points = NDArray[np.float64]  # (N, dimensions)

MEAN, SIGMA = 4.0, 0.5  # of the Gaussian
NEAR = 0.1  # how far from the centre of a mode a point still belongs to it: five standard deviations
FAIR = 0.1  # of its fair share of points that a mode needs to count as found


@dataclass(frozen=True)
class Mixture:
    """A mixture of Gaussians of equal weight.

    Attributes:
        centres: (modes, dimensions).
        sigma: of each, in each dimension.
        reach: half the side of the square, or of the piece of the line, that is shown around `middle`.
        middle: of what is shown.
    """

    centres: tuple[tuple[float, ...], ...]
    sigma: float
    reach: float
    middle: float = 0.0

    @property
    def dimensions(self) -> int:
        """Numbers in a point."""
        return len(self.centres[0])

    def draw(self, count: int, random: torch.Generator) -> Tensor:
        """Draw (count, dimensions)."""
        chosen = torch.randint(len(self.centres), (count,), generator=random)
        return torch.tensor(self.centres)[chosen] + self.sigma * torch.randn(count, self.dimensions, generator=random)

    def measure(self, points: Points) -> dict[str, float]:
        """Say how near points are to it.

        Returns:
            on a line "W1", the Wasserstein distance to the truth: by how much points have to be moved on average; and
            their mean and standard deviation. In the plane "modes", how many are found, of "of", and "near", the share
            of the points that belong to one.
        """
        if self.dimensions == 1:
            truth = NormalDist(self.centres[0][0], self.sigma)
            wanted = [truth.inv_cdf((i + 0.5) / len(points)) for i in range(len(points))]
            moved = float(np.abs(np.sort(points[:, 0]) - wanted).mean())
            return {"W1": moved, "mean": float(points.mean()), "deviation": float(points.std())}
        distances = np.linalg.norm(points[:, None] - np.array(self.centres)[None], axis=2)  # (N, modes)
        own = distances.argmin(1)[distances.min(1) < NEAR]
        found = np.bincount(own, minlength=len(self.centres)) >= FAIR * len(points) / len(self.centres)
        return {"modes": float(found.sum()), "of": float(len(self.centres)), "near": len(own) / len(points)}


_TURNS = [2 * np.pi * k / 8 for k in range(8)]

MIXTURES: Mapping[str, Mixture] = {
    "gaussian": Mixture(((MEAN,),), SIGMA, 4.0, MEAN),
    "ring": Mixture(tuple((float(np.cos(turn)), float(np.sin(turn))) for turn in _TURNS), 0.02, 1.5),
    "grid": Mixture(tuple(product((-1.0, -0.5, 0.0, 0.5, 1.0), repeat=2)), 0.02, 1.5),
}


def noise(count: int, dimensions: int, random: torch.Generator) -> Tensor:
    """Draw (count, dimensions) from N(0, 1); on a line evenly from -1 to 1 with a little chance, as ordered as that is.

    So each batch has the whole of the line, and lines from noise to data do not cross (AYLIEN, 2016).
    """
    if dimensions > 1:
        return torch.randn(count, dimensions, generator=random)
    step = 2 / count
    return (-1 + step * (torch.arange(count) + torch.rand(count, generator=random)))[:, None]
