"""The judge of toy-edges2shoes, and the rule that finds a shoe on its paper."""

import numpy as np
from numpy.typing import NDArray

from translate.toys.colours import colour_distance
from translate.toys.drawn import Drawn
from translate.toys.shoes import PAPER
from translate.toys.unseen import Translate, translated

CHANGE = 0.5  # a pixel is paper when red, green and blue are all as near to its white as this, in 0..1


def judge_shoes(translate: Translate, size: int, count: int) -> dict[str, float]:
    """Score outlines turned into coloured shoes.

    Returns:
        "silhouette IoU": the mean intersection over union of the translation's silhouette and that of its true partner,
            the shoe drawn from the same numbers; 0..1, 1 is the best.
        "colour distance": how far the colours of all translations are from those of unseen drawn shoes, as a share of
            how far those of the outlines are: 0 is the best, 1 is no progress. Of one outline no colour can be told,
            of all of them the distribution can: a translator that paints every shoe in the same colour is far off.
    """
    name = "toy-edges2shoes"
    pairs = list(translated(translate, Drawn(name, "edges", "test", count, size), "shoes"))
    edges, painted = [sample.image for sample, _ in pairs], [shoe for _, shoe in pairs]
    unseen = Drawn(name, "shoes", "test", count, size)
    real = [unseen[index] for index in range(count)]
    return {
        "silhouette IoU": float(np.mean([overlap(silhouette(shoe), sample.mask > 0.5) for sample, shoe in pairs])),
        "colour distance": colour_distance(painted, real) / colour_distance(edges, real),
    }


def silhouette(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pixels (H, W) of a picture (H, W, 3) are not paper.

    Controls, which the tests hold: drawn shoes overlap their masks by more than 0.98 on average; outlines, whose inside
    is mostly paper, by less than 0.5; plain paper by 0 and a black picture by the share of it that is shoe.
    """
    return np.asarray(np.abs(image / 255 - PAPER).max(axis=2) > CHANGE, np.bool_)


def overlap(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Return the intersection over union of two masks (H, W), in 0..1; of two empty ones 1."""
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 1.0
