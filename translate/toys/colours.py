"""How far the colours of one set of pictures are from those of another, wherever in the pictures they are."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from translate.tensors import Pixels

# The 13 lines through the colour cube that join a cell to its 26 neighbours: every axis and every diagonal once.
DIRECTIONS = [direction for direction in product((-1, 0, 1), repeat=3) if direction > (0, 0, 0)]


def colour_distance(pictures: Sequence[Pixels], reference: Sequence[Pixels]) -> float:
    """Return the earth mover's distance between the colour histograms of two sets of pictures.

    It is how far a colour has to be moved, on average, to turn one histogram into the other, as a share of a channel's
    range: a tint that is slightly off costs little, a colour that is missing costs the way to the nearest one there is,
    and there are no bins whose borders matter. It is sliced (Rabin et al. 2011): the colours are projected onto 13
    directions (red, green, blue, their sums and differences), where the distance is the area between the cumulative
    histograms, and the mean of the 13 is returned. Every pixel of a set counts the same.

    A translator is judged by the ratio of this distance after and before: 0 is the target's colours, 1 no progress.

    Args:
        pictures: (H, W, 3) each, of any sizes and in any number.
        reference: the same, of the domain whose colours are wanted.

    Returns:
        0 for equal histograms; 0.82 between black and white.

    Raises:
        ValueError: a set is empty or holds something that is no picture.
    """
    first, second = _pixels(pictures), _pixels(reference)
    return float(np.mean([_moved(first, second, np.array(direction)) for direction in DIRECTIONS]))


def _pixels(pictures: Sequence[Pixels]) -> NDArray[np.int16]:
    """(H, W, 3) each -> (pixels, 3)."""
    for picture in pictures:
        if picture.ndim != 3 or picture.shape[2] != 3:
            raise ValueError(f"Expected pictures (H, W, 3); found {picture.shape}.")
    if not any(picture.size for picture in pictures):
        raise ValueError("There is no picture whose colours could be compared.")
    return np.concatenate([picture.reshape(-1, 3) for picture in pictures]).astype(np.int16)


def _moved(first: NDArray[np.int16], second: NDArray[np.int16], direction: NDArray[np.int_]) -> float:
    """Return the earth mover's distance along `direction` (3,) with entries -1, 0 or 1."""
    lowest, places = 255 * int(np.minimum(direction, 0).sum()), 255 * int(np.abs(direction).sum()) + 1
    shares = [
        np.bincount(pixels @ direction.astype(np.int16) - lowest, minlength=places) / len(pixels)
        for pixels in (first, second)
    ]
    return float(np.abs(np.cumsum(shares[0] - shares[1])).sum() / (255 * np.linalg.norm(direction)))
