"""toy-turntable: draws one car or one chair that stands on a turntable, and reads the angle off a picture.

The object stands near the rim of the table and looks outwards; at 0 degrees it is in front and seen from the front. The
angle is what varies most. Everything else (proportions, tone) varies a little and independently, so the angle is what
two unpaired sets of pictures have in common.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from translate.tensors import Pixels
from translate.toys.drawn import Drawn, Painter, Translate, translated
from translate.toys.painting import Parameters, Plane, Ranges, mix, pixels
from translate.toys.solids import TILT, Face, block, paint_solids, wheel

TURN: Ranges = {"angle": (-75.0, 75.0)}  # degrees, counter-clockwise as seen from above
CARS = TURN | {"length": (0.94, 1.06), "roof": (0.9, 1.1), "paint": (0.0, 1.0)}
CHAIRS = TURN | {"width": (0.94, 1.06), "back": (0.9, 1.1), "cloth": (0.0, 1.0)}

STUDIO = np.float32(0.5)  # the background: halfway between black and white, where a sigmoid begins
RIM = 0.36  # how far the object stands from the axis of the table
SCALE = 0.335  # picture widths in a unit
SHADOW = np.float32(0.3)  # how much darker it is under the object

STEP = 3.0  # degrees between two of the rendered angles
LIKENESS = 0.6  # a picture with less is not of the object, and has no angle


def paint_car(parameters: Parameters, size: int) -> tuple[NDArray[np.uint8], Plane]:
    """Paint a car; returns the picture (size, size, 3) and the coverage of the car (size, size) in 0..1."""
    return _paint(list(_car(parameters)), parameters["angle"], size)


def paint_chair(parameters: Parameters, size: int) -> tuple[NDArray[np.uint8], Plane]:
    """Paint a chair; returns the picture (size, size, 3) and the coverage of the chair (size, size) in 0..1."""
    return _paint(list(_chair(parameters)), parameters["angle"], size)


OBJECTS = {"cars": Painter(CARS, paint_car), "chairs": Painter(CHAIRS, paint_chair)}


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
        painter = OBJECTS[domain]
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


def score_angles(translate: Translate, unseen: Mapping[str, Drawn]) -> dict[str, float]:
    """Score cars turned into chairs.

    Returns:
        "angle correlation": the absolute correlation between the angle of the car and that of its chair, 0..1. Which
            way round the chairs turn, and what angle they start from, unpaired pictures do not say.
        "likeness": the mean correlation of the chairs with drawn ones of the same angle, at most 1. Without it the
            angles would mean nothing.
    """
    protractor = Protractor("chairs", unseen["cars"].size)
    pairs = translated(translate, unseen["cars"], "chairs")
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


def _paint(faces: list[Face], degrees: float, size: int) -> tuple[NDArray[np.uint8], Plane]:
    out = np.array((0.0, -RIM, 0.0))
    picture, mask = paint_solids([replace(face, corners=face.corners + out) for face in faces], degrees, SCALE, size)
    places = (np.arange(size) + 0.5) / size - 0.5
    turn = np.radians(degrees)
    right, down = (SCALE * RIM * share for share in (np.sin(turn), np.cos(turn) * np.sin(TILT)))
    shadow = SHADOW * np.exp(-(((places[None, :] - right) / 0.29) ** 4) - ((places[:, None] - down - 0.16) / 0.13) ** 4)
    picture = picture + ((1 - mask) * STUDIO * (1 - shadow))[..., None]
    return pixels(picture), mask


def _car(p: Parameters) -> Iterator[Face]:
    half, roof = 0.96 * p["length"], 0.3 + 0.34 * p["roof"]
    paint = mix((0.78, 0.12, 0.12), (0.95, 0.35, 0.12), p["paint"])
    glass, dark, lamp = (np.array(c, np.float32) for c in ((0.35, 0.50, 0.62), (0.16, 0.16, 0.18), (1.0, 0.95, 0.6)))
    yield from block((-0.46, -half, -0.32), (0.46, half, 0.12), paint)
    yield from block((-0.42, -0.38 * half, 0.12), (0.42, 0.82 * half, roof - 0.1), paint, roof=0.2)
    for x in (-0.42, 0.42):
        for y in (-0.6, 0.6):
            yield from wheel((x, y * half, -0.34), 0.22, 0.2, dark, np.array((0.75, 0.75, 0.78), np.float32))
    for x in (-0.3, 0.3):
        yield _sign((x - 0.11, -half, -0.12), (x + 0.11, -half, 0.04), lamp)
    yield _sign((-0.34, -half, -0.28), (0.34, -half, -0.18), dark)
    low, high = 0.17, roof - 0.16
    shares = [0.2 * (z - 0.12) / (roof - 0.22) for z in (low, high)]  # how far the sloping windows lean
    front = [(s * 0.34, -0.38 * half + shares[k], (low, high)[k]) for k, s in ((0, -1), (0, 1), (1, 1), (1, -1))]
    yield Face(np.array(front), _leaning(-1, roof), glass, lift=0.02)
    for x in (-0.42, 0.42):
        side = [(-0.28, low), (0.72, low), (0.58, high), (-0.14, high)]
        yield Face(np.array([(x, y * half, z) for y, z in side]), np.array((np.sign(x), 0.0, 0.0)), glass, lift=0.02)


def _leaning(direction: int, roof: float) -> NDArray[np.float64]:
    normal = np.array((0.0, direction * (roof - 0.22), 0.2))
    return np.asarray(normal / np.linalg.norm(normal))


def _sign(low: tuple[float, float, float], high: tuple[float, float, float], colour: NDArray[np.float32]) -> Face:
    """Return a rectangle on the front of the car."""
    (x, y, z), (a, _, c) = low, high
    corners = np.array([(x, y, z), (a, y, z), (a, y, c), (x, y, c)])
    return Face(corners, np.array((0.0, -1.0, 0.0)), colour, lift=0.02)


def _chair(p: Parameters) -> Iterator[Face]:
    half, top = 0.52 * p["width"], 0.82 * p["back"]
    wood = np.array((0.62, 0.42, 0.24), np.float32)
    cloth = mix((0.15, 0.42, 0.62), (0.16, 0.56, 0.52), p["cloth"])
    yield from block((-half, -0.52, -0.2), (half, 0.52, 0.0), cloth)
    yield from block((-half, 0.36, 0.0), (half, 0.54, top), cloth)
    for x in (-half, half - 0.17):
        for y in (-0.52, 0.35):
            yield from block((x, y, -0.78), (x + 0.17, y + 0.17, -0.2), wood)
