"""The judge of toy-turntable, and the rule that reads the angle off a picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from translate.tensors import Pixels
from translate.toys.drawn import DATASETS, Drawn
from translate.toys.unseen import Translate, translated

NAME = "toy-turntable"
STEP = 3.0  # degrees between two of the rendered angles
LIKENESS = 0.6  # a picture with less is not of the object, and has no angle


@dataclass(frozen=True)
class Reading:
    """What was read off a picture."""

    degrees: float  # 0, the middle of the range, where there is no angle to be read
    likeness: float  # correlation with the object at this angle, at most 1


class Protractor:
    """Reads the angle of an object by comparing pictures with rendered ones.

    The object in its middle proportions is rendered at every third degree of its range. A picture is correlated with
    each; the angle is where the parabola through the best correlation and its two neighbours is highest. How bright a
    picture is and how strong its contrast makes no difference. Below 0.6 the picture is no such object and its angle is
    given as 0, which says nothing.

    Controls, which the tests hold: drawn objects, whose proportions and tones differ, are read within 4 degrees and
    with a likeness above 0.9; the other object has one below 0.3, and no angle, as noise and plain pictures.

    Args:
        domain: "cars" or "chairs".
        size: of the pictures, in pixels.
    """

    def __init__(self, domain: str, size: int) -> None:
        painter = DATASETS[NAME][domain]
        middle = {name: 0.5 * sum(limits) for name, limits in painter.ranges.items()}
        low, high = painter.ranges["angle"]
        self._degrees = np.arange(low, high + STEP / 2, STEP)
        rendered = [painter.paint(middle | {"angle": float(degrees)}, size)[0] for degrees in self._degrees]
        self._rendered = _normalised(rendered)  # (angles, size * size * 3)

    def read(self, picture: Pixels) -> Reading:
        """Return the angle of the object in `picture` (size, size, 3)."""
        likeness = self._rendered @ _normalised([picture])[0]
        best = int(likeness.argmax())
        if likeness[best] < LIKENESS:
            return Reading(0.0, float(likeness[best]))
        degrees = self._degrees[best]
        if 0 < best < len(likeness) - 1:
            before, at, after = likeness[best - 1 : best + 2]
            bend = before - 2 * at + after
            degrees += STEP * 0.5 * (before - after) / bend if bend < 0 else 0.0
        return Reading(float(degrees), float(likeness[best]))


def judge_turntable(translate: Translate, size: int, count: int) -> dict[str, float]:
    """Score cars turned into chairs.

    Returns:
        "angle correlation": the absolute correlation between the angle of the car and that of its chair, 0..1. Which
            way round the chairs turn, and what angle they start from, unpaired pictures do not say.
        "likeness": the mean correlation of the chairs with drawn ones of the same angle, at most 1. Without it the
            angles would mean nothing.
    """
    protractor = Protractor("chairs", size)
    pairs = translated(translate, Drawn(NAME, "cars", "test", count, size), "chairs")
    turned = [(sample.parameters["angle"], protractor.read(chair)) for sample, chair in pairs]
    return {
        "angle correlation": correlation([angle for angle, _ in turned], [reading.degrees for _, reading in turned]),
        "likeness": float(np.mean([reading.likeness for _, reading in turned])),
    }


def correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the absolute value of Pearson's correlation; 0 when a sequence does not vary."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(abs(np.corrcoef(first, second)[0, 1]))


def _normalised(pictures: Sequence[Pixels]) -> NDArray[np.float64]:
    """(H, W, 3) each -> (N, H * W * 3) of mean 0 and length 1, or all 0 for plain pictures."""
    values = np.stack([picture.ravel() for picture in pictures]).astype(float)
    values -= values.mean(axis=1, keepdims=True)
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-8))
