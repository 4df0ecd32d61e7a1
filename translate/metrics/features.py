"""The features of pictures, as distances between sets of them need these.

The distances know no feature network. In the papers the features are those of one certain Inception network; with
others the numbers compare only with each other.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from translate.errors import DataError
from translate.networks.features.feature_network import FeatureNetwork

Features = NDArray[Any]  # (N, d), floats of any precision; computed with in float64
Matrix = NDArray[np.float64]

BLOCK = 1024  # rows that are in memory in float64 at a time
FEWEST = 4  # rows from which the variance of a kernel distance can be estimated


@torch.inference_mode()
def features_of(network: FeatureNetwork, pictures: Sequence[Tensor]) -> Features:
    """Return the features (N, d) in float32 of pictures (3, S, S) of 0..255, one by one: none depends on the others."""
    return np.concatenate([network.features(picture[None]).cpu().numpy() for picture in pictures])


def blocks(x: Features) -> Iterator[tuple[int, Matrix]]:
    """Yield rows in float64, some at a time, with the number of the first."""
    for start in range(0, len(x), BLOCK):
        yield start, x[start : start + BLOCK].astype(np.float64)


def check_counts(x: Features, y: Features, least: int, what: str) -> None:
    """Refuse sets of features that are too small or do not belong together."""
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ValueError(f"Expected features (N, d) and (M, d); found {x.shape} and {y.shape}.")
    refuse_too_few(len(x), len(y), least, what)


def refuse_too_few(n: int, m: int, least: int = FEWEST, what: str = "a kernel distance") -> None:
    """Refuse to compare `n` pictures with `m` where one of them is below `least`; `what` needs them.

    Raises:
        DataError: there are too few.
    """
    if min(n, m) < least:
        raise DataError(
            f"{what.capitalize()} needs at least {least} pictures in each set; found {n} and {m}. With fewer"
            " than some hundreds, FID is mostly bias and KID mostly noise."
        )
