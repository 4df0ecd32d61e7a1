"""toy-digits: draws the ten digits as strokes, white on black, and judges by templates which digit a picture shows.

A digit is built in a box, u from left (0) to right (1) and v from top (0) to bottom (1), of smooth and straight lines.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import product

import numpy as np
from numpy.typing import NDArray

from translate import images
from translate.tensors import Pixels
from translate.toys.drawn import Drawn, Painter, Translate, translated
from translate.toys.painting import Parameters, Plane, Ranges, edge, places
from translate.toys.polygons import Point, Points, curve, line_distance

RANGES: Ranges = {
    "slant": (-0.25, 0.25),  # how far the top leans to the right, in heights
    "thickness": (0.05, 0.11),  # of strokes, in picture widths
    "height": (0.72, 0.9),  # in picture widths
    "right": (-0.05, 0.05),  # shift, in picture widths
    "down": (-0.05, 0.05),
    "aspect": (0.85, 1.1),  # times `WIDTH`
}
WIDTH = 0.62  # of the box of a digit, in its heights
PIECES = 6  # straight pieces between two points of a smooth line


def _ellipse(u: float, v: float, ru: float, rv: float) -> list[Point]:
    turns = np.linspace(0, 2 * np.pi, 25)
    return [(float(u + ru * np.sin(turn)), float(v - rv * np.cos(turn))) for turn in turns]


_SIX = [
    (0.78, 0.02),
    (0.36, 0.2),
    (0.1, 0.62),
    (0.28, 0.96),
    (0.7, 0.96),
    (0.9, 0.72),
    (0.7, 0.5),
    (0.3, 0.52),
    (0.12, 0.7),
]
_TWO = [(0.08, 0.26), (0.26, 0.03), (0.7, 0.02), (0.9, 0.25), (0.7, 0.52), (0.06, 1.0)]
_THREE = [[(0.1, 0.1), (0.45, 0.0), (0.84, 0.12), (0.8, 0.36), (0.4, 0.47)],
          [(0.4, 0.47), (0.85, 0.58), (0.9, 0.84), (0.5, 1.0), (0.06, 0.9)]]  # fmt: skip
_FIVE = [(0.16, 0.44), (0.55, 0.36), (0.92, 0.62), (0.8, 0.92), (0.4, 1.0), (0.06, 0.9)]

STROKES: dict[str, list[Points]] = {
    "0": [_ellipse(0.5, 0.5, 0.45, 0.5)],
    "1": [[(0.28, 0.2), (0.58, 0.0), (0.58, 1.0)]],
    "2": [curve(_TWO, PIECES), [(0.06, 1.0), (0.94, 1.0)]],
    "3": [curve(half, PIECES) for half in _THREE],
    "4": [[(0.68, 1.0), (0.68, 0.0), (0.04, 0.68), (0.96, 0.68)]],
    "5": [[(0.86, 0.0), (0.22, 0.0), (0.16, 0.44)], curve(_FIVE, PIECES)],
    "6": [curve(_SIX, PIECES)],
    "7": [[(0.06, 0.0), (0.94, 0.0), (0.4, 1.0)]],
    "8": [_ellipse(0.5, 0.25, 0.33, 0.25), _ellipse(0.5, 0.75, 0.42, 0.25)],
    "9": [[(1 - u, 1 - v) for u, v in curve(_SIX, PIECES)]],
}
DIGITS = tuple(STROKES)


def paint(digit: str, parameters: Parameters, size: int) -> tuple[NDArray[np.uint8], Plane]:
    """Paint a digit; returns the picture (size, size, 3) and the coverage of its strokes (size, size) in 0..1."""
    p, (x, y) = parameters, places(size)
    wide, high = p["height"] * WIDTH * p["aspect"], p["height"] - p["thickness"]

    def place(u: float, v: float) -> Point:
        lean = p["slant"] * (0.5 - v) * high
        return 0.5 + p["right"] + (u - 0.5) * wide + lean, 0.5 + p["down"] + (v - 0.5) * high

    distances = [line_distance([place(u, v) for u, v in stroke], x, y) for stroke in STROKES[digit]]
    ink = edge(np.minimum.reduce(distances) - np.float32(p["thickness"] / 2), 1 / size)
    return np.repeat(np.rint(255 * ink).astype(np.uint8)[..., None], 3, axis=2), ink


PAINTED = {digit: Painter(RANGES, partial(paint, digit)) for digit in DIGITS}

# The judge. Measured by the tests on unseen drawn digits, noise and half-and-half blends.
SIDE = 32  # pixels, at which pictures are judged
ALIKE = 0.75  # correlation with a template, above which a picture shows a digit at all
BLENDED = 0.9  # of the best correlation: where another digit fits as well as that, it is a blend of two
PRESENT = 0.02  # share of pictures that show a digit, from which on it counts as drawn
_SHIFTS = range(-2, 3)  # pixels
_TOGETHER = 64  # pictures that are judged at once


@lru_cache(maxsize=1)
def _templates() -> NDArray[np.float32]:
    """Return the templates of all digits, (10, variants and shifts, SIDE SIDE), each of mean 0 and length 1."""
    middle = {name: (low + high) / 2 for name, (low, high) in RANGES.items()}
    variants = product((-0.19, -0.06, 0.06, 0.19), (0.065, 0.095), (0.76, 0.86), (0.91, 1.04))
    chosen = [{**middle, "slant": s, "thickness": t, "height": h, "aspect": a} for s, t, h, a in variants]
    found = [
        [np.roll(ink, (down, right), (0, 1)) for down, right in product(_SHIFTS, _SHIFTS)]
        for digit in DIGITS
        for ink in (paint(digit, parameters, SIDE)[1] for parameters in chosen)
    ]
    return _normalised(np.array(found, np.float32).reshape(len(DIGITS), -1, SIDE * SIDE))


def likeness(pictures: Sequence[Pixels]) -> NDArray[np.float32]:
    """Correlate pictures (S, S, 3) uint8 with the best template of each digit.

    Returns:
        (N, 10), at most 1.
    """
    templates = _templates()
    grey = [np.asarray(images.resize(picture, SIDE, SIDE).mean(2), np.float32).ravel() for picture in pictures]
    rows = []
    for start in range(0, len(grey), _TOGETHER):
        seen = _normalised(np.stack(grey[start : start + _TOGETHER]))
        rows.append(np.stack([(seen @ of_digit.T).max(1) for of_digit in templates], 1))
    return np.concatenate(rows)


def read(pictures: Sequence[Pixels]) -> tuple[NDArray[np.int_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Say which digit each picture is most like (N,), whether it clearly shows it, and whether it blends two."""
    alike = likeness(pictures)
    ordered = np.sort(alike, 1)
    blends = (ordered[:, -2] > BLENDED * ordered[:, -1]) & (ordered[:, -1] > ALIKE / 2)
    return alike.argmax(1), (ordered[:, -1] > ALIKE) & ~blends, blends


def judge(pictures: Iterable[Pixels], asked: Sequence[int] = ()) -> dict[str, float]:
    """Score drawn pictures.

    Args:
        pictures: (S, S, 3) uint8.
        asked: the digit that each should show; empty where none was asked for.

    Returns:
        "clear digits": the share that clearly show one digit.
        "classes": the share of the ten digits of which at least one in fifty pictures is one.
        "blend error": the share that look like two digits.
        "asked for": the share that clearly show the digit that was asked for.
    """
    digits, clear, blends = read(list(pictures))
    shares = np.bincount(digits[clear], minlength=len(DIGITS)) / len(digits)
    scores = {
        "clear digits": float(clear.mean()),
        "classes": float((shares >= PRESENT).mean()),
        "blend error": float(blends.mean()),
    }
    return {**scores, "asked for": float((clear & (digits == np.array(asked))).mean())} if len(asked) else scores


def score_digits(translate: Translate, unseen: Mapping[str, Drawn]) -> dict[str, float]:
    """Score digits that were turned into other digits: how many clearly show the one that was asked for."""
    made, asked = list[Pixels](), list[int]()
    for number, source in enumerate(DIGITS):
        target = (number + 1) % len(DIGITS)
        results = [result for _, result in translated(translate, unseen[source], DIGITS[target])]
        made, asked = made + results, asked + [target] * len(results)
    return {"asked for": judge(made, asked)["asked for"]}


def _normalised(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give each row (..., pixels) mean 0 and length 1; a plain one becomes 0."""
    centred = rows - rows.mean(-1, keepdims=True)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=-1, keepdims=True), 1e-6), np.float32)
