"""Numbers with the interval in which they lie."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]  # (N,), one for each picture
NORMAL = 1.959964  # standard deviations to either side that hold 95 % of a normal distribution


@dataclass(frozen=True)
class Estimate:
    """A number and the interval that covers in 95 % of repetitions what it estimates."""

    value: float
    low: float
    high: float

    @classmethod
    def normal(cls, value: float, deviation: float) -> "Estimate":
        """Take an estimate that is about normally distributed."""
        return cls(value, value - NORMAL * deviation, value + NORMAL * deviation)


def mean(values: Values) -> Estimate:
    """Estimate a mean from one value for each picture, (N,). Of one value the interval is that value."""
    deviation = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return Estimate.normal(float(values.mean()), float(deviation))


def share(values: Values) -> Estimate:
    """Estimate how often something is so, from one value of 0 or 1 for each picture, (N,); Wilson 1927.

    The interval is one of more than no width where all values are equal. Of values between 0 and 1 it is too wide.
    """
    count, value = len(values), float(values.mean())
    middle = (value + NORMAL**2 / (2 * count)) / (1 + NORMAL**2 / count)
    half = NORMAL * np.sqrt(value * (1 - value) / count + NORMAL**2 / (4 * count**2)) / (1 + NORMAL**2 / count)
    return Estimate(value, float(max(middle - half, 0.0)), float(min(middle + half, 1.0)))
