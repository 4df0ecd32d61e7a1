"""toy-faces and toy-faces-hair: draws one face, from numbers alone.

The face is built of ellipses and curves in units of half the head's height, from the middle of the head with u to the
right and v down; a tilted head tilts both. Hair colour, glasses and smile are attributes: each depends on one parameter
and on no other, and changes its own pixels only. Where glasses would be is known for every face, also without them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from translate.toys.drawn import Painter
from translate.toys.painting import TURN, Colour, Parameters, Picture, Plane, Ranges, edge, lay, mix, pixels, places

HAIR: dict[str, tuple[Colour, Colour]] = {  # the two ends of each colour's shades, in the order of the parameter "hair"
    "black_hair": ((0.09, 0.08, 0.10), (0.20, 0.16, 0.16)),
    "blond_hair": ((0.95, 0.82, 0.46), (0.86, 0.69, 0.34)),
    "red_hair": ((0.80, 0.34, 0.13), (0.64, 0.23, 0.10)),
}

FACE: Ranges = {  # lengths in half heights of the head unless said otherwise; 0..1 is a share between two looks
    "x": (0.46, 0.54),  # middle of the head, in picture widths
    "y": (0.49, 0.53),
    "scale": (0.28, 0.31),  # half the head's height, in picture widths
    "tilt": (-6.0, 6.0),  # degrees
    "width": (0.80, 0.90),
    "jaw": (0.0, 0.22),  # how much narrower the chin is
    "skin": (0.0, 1.0),  # light .. brown
    "iris": (0.0, 1.0),  # brown .. blue
    "eyes": (0.35, 0.39),  # from the middle
    "look": (-1.0, 1.0),  # to the left .. to the right
    "brows": (-0.04, 0.04),
    "hair": (0.0, 3.0),  # below 1 black, below 2 blond, else red
    "shade": (0.0, 1.0),
    "length": (0.0, 1.3),  # where the hair ends
    "volume": (0.12, 0.22),
    "parting": (-0.35, 0.35),
    "hairline": (-0.70, -0.58),
    "glasses": (-1.0, 1.0),  # its sign: without or with
    "frames": (0.0, 1.0),  # round .. square
    "smile": (-1.0, 1.0),  # its sign: corners of the mouth down or up
    "mouth": (0.52, 0.58),
    "wall": (0.0, 1.0),  # blue .. warm
    "shirt": (0.0, 1.0),  # a turn through the hues
    "brightness": (0.93, 1.0),
}

MOUTH = 0.36  # half its width
LENS = (0.30, 0.26)  # half width and half height
FRAME = 0.045  # half the thickness
STROKE = 0.045  # half the thickness of the mouth


@dataclass(frozen=True, slots=True)
class Head:
    """Where a face is in its picture. `u` and `v` (S, S) in half heights of the head, `pixel` a pixel's width."""

    u: Plane
    v: Plane
    pixel: float


def attributes(parameters: Parameters) -> dict[str, int]:
    """Return 1 for each attribute that the face drawn from `parameters` has, and 0 for the others."""
    colour = min(int(parameters["hair"]), len(HAIR) - 1)
    hair = {name: int(colour == number) for number, name in enumerate(HAIR)}
    return hair | {"glasses": int(parameters["glasses"] > 0), "smile": int(parameters["smile"] > 0)}


def paint_face(parameters: Parameters, size: int) -> tuple[NDArray[np.uint8], Plane]:
    """Paint a face; returns the picture (size, size, 3) and the coverage of the hair (size, size) in 0..1."""
    p, head = parameters, place(parameters, size)
    skin = mix((1.0, 0.85, 0.73), (0.64, 0.44, 0.32), p["skin"])
    picture = _wall(p, size)
    back, front = _hair(p, head)
    hair = _hair_colour(p, head)
    lay(picture, back, hair * np.float32(0.88))
    mask = back
    for cover, colour in _body(p, head, skin):
        lay(picture, cover, colour)
        mask = mask * (1 - cover)
    _features(picture, p, head, skin)
    if p["glasses"] > 0:
        lay(picture, frames(p, head), np.array((0.07, 0.07, 0.10), np.float32))
    lay(picture, front, hair)
    mask = np.maximum(mask * (1 - front), front)
    picture *= np.float32(p["brightness"])
    return pixels(picture), mask


FACES = {"face": Painter(FACE, paint_face, attributes)}
FACES_BY_HAIR = {
    "black": Painter(FACE | {"hair": (0.0, 1.0)}, paint_face),
    "blond": Painter(FACE | {"hair": (1.0, 2.0)}, paint_face),
    "red": Painter(FACE | {"hair": (2.0, 3.0)}, paint_face),
}


def place(parameters: Parameters, size: int) -> Head:
    """Return where the face is in a picture of size x size pixels."""
    p, (x, y) = parameters, places(size)
    x, y = (x - p["x"]) / p["scale"], (y - p["y"]) / p["scale"]
    cos, sin = (f(np.radians(p["tilt"])) for f in (np.cos, np.sin))
    u, v = x * cos + y * sin, y * cos - x * sin
    return Head(u.astype(np.float32), v.astype(np.float32), 1 / (size * p["scale"]))


def frames(parameters: Parameters, head: Head) -> Plane:
    """Return the coverage (S, S) in 0..1 of the glasses' frames, bridge and temples, whether they are worn or not."""
    p, u, v = parameters, np.abs(head.u), head.v
    rim = np.abs(rims(p, head)) - FRAME
    bridge = np.maximum(np.abs(v + 0.06) - FRAME, u - (p["eyes"] - LENS[0]))
    temples = np.maximum(np.abs(v + 0.06) - FRAME, np.maximum(p["eyes"] + LENS[0] - u, u - p["width"]))
    return edge(np.minimum(np.minimum(rim, bridge), temples), head.pixel)


def rims(parameters: Parameters, head: Head) -> Plane:
    """Return the signed distance (S, S) from the rims, negative inside the lenses, in half heights of the head."""
    u, v = np.abs(head.u) - np.float32(parameters["eyes"]), head.v
    rounded, square = _ellipse(u, v, *LENS), _ellipse(u, v, *LENS, power=4.0)
    return np.asarray(rounded + np.float32(parameters["frames"]) * (square - rounded), np.float32)


def _wall(p: Parameters, size: int) -> Picture:
    x, y = places(size)
    light = 1.0 - 0.16 * np.hypot(x - 0.35, y - 0.25)
    return np.asarray(mix((0.72, 0.83, 0.92), (0.92, 0.89, 0.82), p["wall"]) * light[..., None], np.float32)


def _ellipse(u: Plane, v: Plane, a: float, b: float, power: float = 2.0) -> Plane:
    """Return the signed distance from an ellipse with the half axes `a` and `b`; higher powers are squarer.

    It is exact on the outline to first order, which is where it counts.
    """
    s, t = np.abs(u) / np.float32(a), np.abs(v) / np.float32(b)
    value = s**power + t**power
    slope = power * np.hypot(s ** (power - 1) / a, t ** (power - 1) / b)
    return np.asarray((value - 1) / np.maximum(slope, 0.5 * power), np.float32)


def _face(p: Parameters, head: Head) -> Plane:
    chin = 1 + p["jaw"] * np.clip(head.v, 0.0, 1.0) ** 2
    return _ellipse(head.u * chin, head.v, p["width"], 1.0)


def _hair(p: Parameters, head: Head) -> tuple[Plane, Plane]:
    """Return the coverage of the hair behind the head and of that in front of it."""
    u, v, volume = head.u, head.v, p["volume"]
    crown = _ellipse(u, v + 0.12, p["width"] + volume, 1.0 + 0.7 * volume)
    side = _ellipse(u, v - (p["length"] - 0.6) / 2, p["width"] + volume, 0.3 + p["length"] / 2, power=4.0)
    back = np.minimum(np.maximum(crown, v - 0.35), np.maximum(side, -0.2 - v))
    line = p["hairline"] + 0.42 * np.abs(u - p["parting"]) ** 1.6
    front = np.maximum(crown, v - line)
    return edge(back, head.pixel), edge(front, head.pixel)


def _hair_colour(p: Parameters, head: Head) -> Picture:
    light, deep = HAIR[next(name for name, has in attributes(p).items() if has)]
    strands = 1.0 + 0.06 * np.sin(14.0 * head.u + 3.0 * head.v) - 0.05 * head.v
    return np.asarray(mix(light, deep, p["shade"]) * strands[..., None], np.float32)


def _body(p: Parameters, head: Head, skin: Plane) -> list[tuple[Plane, Plane]]:
    """Return coverages and colours of shoulders, neck, ears and face, from back to front."""
    u, v = head.u, head.v
    shoulders = _ellipse(u, v - 2.1, 1.35, 0.85, power=3.0)
    neck = np.maximum(np.abs(u) - 0.33, np.abs(v - 0.9) - 0.5)
    shirt = np.array([0.5 + 0.18 * np.cos(TURN * (p["shirt"] - k / 3)) for k in range(3)], np.float32)
    ears = _ellipse(np.abs(u) - np.float32(p["width"]), v - 0.05, 0.13, 0.2)
    parts = ((neck, 0.86 * skin), (shoulders, shirt), (ears, 0.93 * skin), (_face(p, head), skin))
    return [(edge(distance, head.pixel), np.asarray(colour, np.float32)) for distance, colour in parts]


def _features(picture: Picture, p: Parameters, head: Head, skin: Plane) -> None:
    """Paint eyes, brows, nose, cheeks and mouth."""
    u, v, pixel = head.u, head.v, head.pixel
    side = np.abs(u) - np.float32(p["eyes"])
    blush = 0.35 * np.exp(-((((np.abs(u) - 0.5) / 0.2) ** 2 + ((v - 0.36) / 0.15) ** 2) ** 2))
    lay(picture, blush, skin * np.array((1.0, 0.78, 0.75), np.float32))
    lay(picture, edge(_ellipse(u, v - 0.26, 0.09, 0.06), pixel), skin * np.float32(0.86))
    gaze = u - np.sign(u) * p["eyes"] - 0.03 * p["look"]
    dark = np.array((0.10, 0.08, 0.09), np.float32)
    for distance, colour in (
        (_ellipse(side, v, 0.165, 0.135), np.array((0.98, 0.98, 0.97), np.float32)),
        (np.hypot(gaze, v - 0.01) - 0.105, mix((0.36, 0.22, 0.12), (0.28, 0.50, 0.70), p["iris"])),
        (np.hypot(gaze, v - 0.01) - 0.055, dark),
        (np.hypot(gaze + 0.035, v + 0.035) - 0.03, np.ones(3, np.float32)),
    ):
        lay(picture, edge(np.asarray(distance, np.float32), pixel), colour)
    brows = np.abs(v + 0.40 + p["brows"] - 0.25 * side**2) - 0.03
    lay(picture, edge(np.maximum(brows, np.abs(side) - 0.19), pixel), 0.45 * skin)
    lay(picture, mouth(p, head), np.array((0.50, 0.10, 0.12), np.float32))


def mouth(parameters: Parameters, head: Head) -> Plane:
    """Return the coverage (S, S) in 0..1 of the mouth, a parabola with round ends."""
    p, smile = parameters, parameters["smile"]
    bend = 0.16 + 0.06 * smile if smile > 0 else 0.04 * smile - 0.01  # how far the corners are above the middle
    on = np.clip(head.u, -MOUTH, MOUTH)
    slope = 2 * bend * on / MOUTH**2
    off = np.hypot(head.u - on, (head.v - p["mouth"] - bend * (0.5 - (on / MOUTH) ** 2)) / np.sqrt(1 + slope**2))
    return edge(off - np.float32(STROKE), head.pixel)
