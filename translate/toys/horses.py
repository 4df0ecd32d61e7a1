"""toy-horse2zebra: draws one horse or one zebra in a landscape, from numbers alone, and scores zebras.

The animal is built of tapered capsules in units of its trunk length, facing +u, with v down. One sum over the capsules
gives everything: with weights exp(-distance / blend), the logarithm of the sum is a smooth union and the weighted
means are the shading and the colour. The zebra's stripes are level lines of the distance from the nose along the body,
so they cross the trunk and the neck and ring the legs. Horse and zebra differ in their coat and in nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from translate.toys.drawn import Drawn, Painter, Translate, translated
from translate.toys.landscapes import LAND, paint_landscape
from translate.toys.painting import Parameters, Picture, Plane, Ranges, edge, lay, mix, pixels, places
from translate.toys.stripes import background_error, stripe_score

Point = tuple[float, float]

BLEND = np.float32(0.016)  # how widely the outlines of capsules melt into each other, in trunk lengths
COAT_BLEND = np.float32(0.045)  # the same of their stripes and shading, so that stripes bend and do not break
MARGIN = 0.03  # between the animal and the left and right edges of the picture

SCENE: Ranges = LAND | {  # lengths in picture widths, angles in degrees
    "facing": (-1.0, 1.0),  # its sign: left or right
    "length": (0.45, 0.55),  # of the trunk
    "position": (0.0, 1.0),  # from as far left to as far right as there is room
    "feet": (0.86, 0.94),
    "neck": (-42.0, 62.0),  # grazing .. raised
    "stride": (-1.0, 1.0),
    "tail": (-0.2, 1.0),
    "brightness": (0.9, 1.0),
    "warmth": (-1.0, 1.0),
}
HORSE = SCENE | {"chestnut": (0.0, 1.0), "depth": (0.0, 1.0), "hair": (0.0, 1.0)}
ZEBRA = SCENE | {"stripe_period": (0.16, 0.18), "stripe_phase": (0.0, 1.0), "stripe_wave": (0.0, 1.0)}


class Capsule(NamedTuple):
    """A tapered capsule; points and radii in trunk lengths, `start` and `end` in trunk lengths from the nose."""

    a: Point
    b: Point
    radius_a: float
    radius_b: float
    start: float
    end: float
    kind: str = "coat"  # "coat", "hair" or "hoof"


@dataclass(frozen=True, slots=True)
class Body:
    """What a layer of capsules is at every pixel. `distance` in trunk lengths, negative inside."""

    distance: Plane
    along: Plane  # distance from the nose along the body, in trunk lengths
    down: Plane  # how far the surface faces down: -1 .. 1
    hair: Plane  # 0 .. 1
    hoof: Plane  # 0 .. 1


Coat = Callable[[Parameters, Body, float], Picture]  # (..., pixel in trunk lengths) -> (H, W, 3)


def paint_horse(parameters: Parameters, size: int) -> tuple[NDArray[np.uint8], Plane]:
    """Paint a brown horse; returns the picture (size, size, 3) and the coverage of the animal (size, size) in 0..1."""
    return _paint(parameters, size, _brown)


def paint_zebra(parameters: Parameters, size: int) -> tuple[NDArray[np.uint8], Plane]:
    """Paint a zebra; returns the picture (size, size, 3) and the coverage of the animal (size, size) in 0..1."""
    return _paint(parameters, size, _striped)


ANIMALS = {"horse": Painter(HORSE, paint_horse), "zebra": Painter(ZEBRA, paint_zebra)}


def score_zebras(translate: Translate, unseen: Mapping[str, Drawn]) -> dict[str, float]:
    """Return the mean stripe score and the mean background error of horses turned into zebras, 0..1 both."""
    stripes, background, count = 0.0, 0.0, len(unseen["horse"])
    for horse, zebra in translated(translate, unseen["horse"], "zebra"):
        stripes += stripe_score(zebra, horse.mask) / count
        background += background_error(horse.image, zebra, horse.mask) / count
    return {"stripe score": stripes, "background error": background}


def _paint(parameters: Parameters, size: int, coat: Coat) -> tuple[NDArray[np.uint8], Plane]:
    p = parameters
    near, far = _animal(p)
    scale, facing = p["length"], 1.0 if p["facing"] >= 0 else -1.0
    left = min(min(c.a[0] - c.radius_a, c.b[0] - c.radius_b) for c in near)
    right = max(max(c.a[0] + c.radius_a, c.b[0] + c.radius_b) for c in near)
    width = scale * (right - left)
    middle = MARGIN + width / 2 + p["position"] * (1 - width - 2 * MARGIN)
    origin = middle - facing * scale * (left + right) / 2  # the x of u = 0
    x, y = places(size)
    u, v = (x - origin) * (facing / scale), (y - p["feet"]) / scale + FEET

    picture = paint_landscape(p, size)
    shadow = np.exp(-((u / 0.5) ** 4) - ((v - FEET) / 0.05) ** 2)
    tint = np.array((1 + 0.07 * p["warmth"], 1.0, 1 - 0.07 * p["warmth"]), np.float32) * np.float32(p["brightness"])
    picture *= (1.0 - 0.45 * shadow)[..., None] * tint

    # Far from the animal every capsule has no weight: only its bounding box is evaluated.
    columns = np.flatnonzero((u[0] > left - 0.1) & (u[0] < right + 0.1))
    rows = np.flatnonzero((v[:, 0] > -0.9) & (v[:, 0] < FEET + 0.1))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    u, v, pixel = u[:, box[1]], v[box[0], :], 1 / (size * scale)
    mask = np.zeros((size, size), np.float32)
    for capsules, light in ((far, 0.9), (near, 1.0)):
        body = _body(capsules, u, v)
        cover = edge(body.distance, pixel)
        lay(picture[box], cover, coat(p, body, pixel) * np.sqrt(tint) * np.float32(light))
        mask[box] = np.maximum(mask[box], cover)
    lay(picture[box], 0.9 * edge(_eye(p, u, v), pixel), np.zeros(3, np.float32))
    return pixels(picture), mask


# The animal

FEET = 0.70  # v of the ground
BASE = (0.28, -0.10)  # where the neck leaves the trunk
NECK, HEAD = 0.41, 0.25  # lengths


def _direction(degrees: float) -> Point:
    return float(np.cos(np.radians(degrees))), -float(np.sin(np.radians(degrees)))


def _skull(p: Parameters) -> tuple[Point, Point, Point]:
    """Return the poll (top of the neck) and the directions of the neck and of the head."""
    neck = _direction(p["neck"])
    head = _direction(-78.0 + 0.45 * (p["neck"] + 42.0))  # a grazing head hangs, a raised one looks ahead
    return (BASE[0] + NECK * neck[0], BASE[1] + NECK * neck[1]), neck, head


def _beside(point: Point, along: Point, forward: float, up: float) -> Point:
    """Return the place `forward` of `point` in the direction `along`, and `up` to the left of that direction."""
    return point[0] + forward * along[0] + up * along[1], point[1] + forward * along[1] - up * along[0]


def _animal(p: Parameters) -> tuple[list[Capsule], list[Capsule]]:
    """Return the near layer (trunk, neck, head, tail, two legs) and the far one (two legs, an ear)."""
    poll, neck, head = _skull(p)
    swing, sway = 0.105 * p["stride"], p["tail"]
    shoulder = NECK + HEAD  # distance of the neck's base from the nose
    trunk = [
        Capsule((0.25, -0.01), (-0.08, -0.03), 0.20, 0.18, shoulder + 0.08, shoulder + 0.41),
        Capsule((-0.08, -0.03), (-0.29, -0.04), 0.18, 0.20, shoulder + 0.41, shoulder + 0.62),
        Capsule((0.10, 0.03), (-0.06, 0.02), 0.19, 0.17, shoulder + 0.23, shoulder + 0.39),
        Capsule((0.23, -0.12), (0.12, -0.09), 0.11, 0.10, shoulder + 0.10, shoulder + 0.21),
    ]
    front = [
        Capsule(BASE, poll, 0.155, 0.085, shoulder, HEAD),
        Capsule(_beside(BASE, neck, -0.02, 0.14), _beside(poll, neck, 0.04, 0.085), 0.05, 0.04, shoulder, HEAD, "hair"),
        Capsule(poll, _beside(poll, head, HEAD, 0.0), 0.095, 0.062, HEAD, 0.0),
        _ear(poll, head, _beside(poll, head, -0.03, 0.19)),
    ]
    dock, knot, end = (-0.47, -0.14), (-0.58 - 0.04 * sway, 0.03), (-0.57 - 0.13 * sway, 0.33)
    tail = [
        Capsule(dock, knot, 0.035, 0.05, shoulder + 0.8, shoulder + 1.0, "hair"),
        Capsule(knot, end, 0.055, 0.03, shoulder + 1.0, shoulder + 1.3, "hair"),
    ]
    near = trunk + front + tail + _leg(0.30, swing, 0.12, 0.02, 0.74) + _leg(-0.35, -swing, 0.155, -0.04, 1.34)
    far = _leg(0.19, -swing, 0.11, 0.02, 0.74) + _leg(-0.24, swing, 0.13, -0.04, 1.34)
    return near, [*far, _ear(poll, head, _beside(poll, head, 0.04, 0.18))]


def _ear(poll: Point, head: Point, tip: Point) -> Capsule:
    return Capsule(poll, tip, 0.06, 0.018, HEAD, HEAD + 0.15)


def _leg(hip: float, swing: float, thigh: float, knee: float, start: float) -> list[Capsule]:
    top, middle = (hip, 0.06), (hip + 0.45 * swing + knee, 0.37)
    foot, toe = (hip + swing - 0.5 * knee, FEET - 0.06), (hip + swing - 0.5 * knee + 0.015, FEET - 0.035)
    return [
        Capsule(top, middle, thigh, 0.058, start, start + 0.31),
        Capsule(middle, foot, 0.056, 0.048, start + 0.31, start + 0.57),
        Capsule(foot, toe, 0.046, 0.058, start + 0.57, start + 0.60, "hoof"),
    ]


def _body(capsules: list[Capsule], u: Plane, v: Plane) -> Body:
    """Evaluate capsules at u (1, W) and v (H, 1) -> planes (H, W)."""
    shape = v.shape[0], u.shape[1]
    total, total_wide, along, down, hair, hoof = (np.zeros(shape, np.float32) for _ in range(6))
    for c in capsules:
        du, dv = c.b[0] - c.a[0], c.b[1] - c.a[1]
        square = du * du + dv * dv
        pu, pv = u - c.a[0], v - c.a[1]
        place = pu * (du / square) + pv * (dv / square)  # 0 at a, 1 at b
        on = np.clip(place, 0.0, 1.0)
        off_v = pv - on * dv
        radius = c.radius_a + on * (c.radius_b - c.radius_a)
        distance = np.sqrt((pu - on * du) ** 2 + off_v**2) - radius
        weight = np.exp(np.clip(distance / -BLEND, -60.0, 40.0))
        total += weight
        wide = np.exp(np.clip(distance / -COAT_BLEND, -60.0, 40.0))
        total_wide += wide
        along += wide * (c.start + np.clip(place, -0.6, 1.6) * (c.end - c.start))
        down += wide * np.clip(off_v / radius, -1.0, 1.0)
        if c.kind == "hair":
            hair += weight
        elif c.kind == "hoof":
            hoof += weight
    distance = np.maximum(-BLEND * np.log(total), v - np.float32(FEET))  # the feet are flat
    hoof = np.clip(2.5 * hoof / total - 1.0, 0.0, 1.0)
    return Body(distance, along / total_wide, down / total_wide, hair / total, hoof)


def _eye(p: Parameters, u: Plane, v: Plane) -> Plane:
    poll, _, head = _skull(p)
    middle = _beside(poll, head, 0.08, 0.035)
    return np.asarray(np.hypot(u - middle[0], v - middle[1]) - 0.018, np.float32)


def _plain(colour: NDArray[np.float32], body: Body) -> Picture:
    return np.broadcast_to(colour, (*body.distance.shape, 3)).copy()


def _brown(p: Parameters, body: Body, pixel: float) -> Picture:
    coat = mix((0.42, 0.25, 0.13), (0.62, 0.33, 0.15), p["chestnut"]) * np.float32(1.0 - 0.35 * p["depth"])
    picture = _plain(coat, body)
    lay(picture, body.hair, coat * np.float32(0.3 + 0.3 * p["hair"]))
    lay(picture, body.hoof, np.array((0.14, 0.11, 0.10), np.float32))
    picture *= (1.0 - 0.33 * body.down)[..., None]
    return picture


def _striped(p: Parameters, body: Body, pixel: float) -> Picture:
    wave = np.float32(0.02 * p["stripe_wave"]) * np.sin(6.0 * body.along + 2.0 * body.down)
    turn = 2 * np.pi / p["stripe_period"]
    # The sine over `turn` is nearly the distance to the nearest edge of a stripe: edges are a pixel wide at every size.
    sine = np.sin(np.float32(turn) * (body.along + wave) + np.float32(2 * np.pi * p["stripe_phase"]))
    picture = _plain(np.array((0.05, 0.05, 0.06), np.float32), body)
    lay(picture, edge(-sine / np.float32(turn), pixel) * (1 - body.hoof), np.array((0.97, 0.96, 0.94), np.float32))
    picture *= (0.95 - 0.08 * body.down)[..., None]
    return picture
