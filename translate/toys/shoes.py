"""toy-edges2shoes: draws one shoe from the side on white paper, as outlines or filled with a colour.

The shoe is built in units of its length, u from the heel (0) to the toe (1) and v up from the ground, and points to the
left. Outlines and filled shoe of the same numbers are true partners: they have the same silhouette to the pixel, and
only the filled shoe has a colour, which nothing in the outlines tells.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from translate.toys.colours import colour_distance
from translate.toys.drawn import Drawn, Painter, Translate, translated
from translate.toys.painting import Colour, Parameters, Picture, Plane, Ranges, edge, lay, mix, pixels, places
from translate.toys.polygons import Point, curve, line_distance, polygon_distance

SHAPE: Ranges = {  # lengths in shoe lengths, unless said otherwise
    "length": (0.82, 0.93),  # in picture widths
    "position": (0.0, 1.0),  # from as far left to as far right as there is room
    "height": (0.3, 0.7),  # the same from low to high
    "heel": (0.0, 0.16),
    "sole": (0.05, 0.09),
    "shaft": (0.28, 0.62),  # shoe .. boot
    "opening": (0.27, 0.36),
    "instep": (0.0, 1.0),  # flat .. high
    "toe": (0.15, 0.22),
    "point": (0.0, 1.0),  # round .. pointed
    "laces": (0.0, 1.0),  # two to four
}
EDGES = SHAPE
SHOES = SHAPE | {"colour": (0.0, 1.0), "shade": (-1.0, 1.0), "rubber": (0.0, 1.0)}

COLOURS: list[Colour] = [
    (0.86, 0.16, 0.16),  # red
    (0.96, 0.72, 0.12),  # yellow
    (0.22, 0.64, 0.26),  # green
    (0.13, 0.68, 0.74),  # turquoise
    (0.17, 0.30, 0.80),  # blue
    (0.68, 0.22, 0.70),  # violet
]
PAPER = np.float32(1.0)  # white: a sigmoid ends there, so clean paper is within reach
LACE = np.array((0.12, 0.11, 0.12), np.float32)
MARGIN = 0.03  # around the shoe, in picture widths
OUTLINE, SEAM = 0.020, 0.014  # widths of lines, in picture widths
INK = 0.5  # a pixel is paper when red, green and blue are all as near to its white as this, in 0..1


@dataclass(frozen=True, slots=True)
class Shoe:
    """The lines of a shoe, in picture widths."""

    upper: list[Point]  # closed
    sole: list[Point]  # closed
    seams: list[list[Point]]
    laces: list[list[Point]]
    toe: Point  # where light falls on it


def paint_edges(parameters: Parameters, size: int) -> tuple[NDArray[np.uint8], Plane]:
    """Paint the black outlines of a shoe; returns the picture (size, size, 3) and the coverage of the shoe in 0..1."""
    shoe, (x, y), pixel = _shoe(parameters), places(size), 1 / size
    upper, sole = polygon_distance(shoe.upper, x, y), polygon_distance(shoe.sole, x, y)
    picture = np.full((size, size, 3), PAPER)
    black = np.full(3, 0.05, np.float32)
    for part in (upper, sole):
        lay(picture, edge(part, pixel) - edge(part + np.float32(OUTLINE), pixel), black)
    for line in (*shoe.seams, *shoe.laces):
        lay(picture, _stroke(line, x, y, pixel) * edge(upper, pixel), black)
    return pixels(picture), edge(np.minimum(upper, sole), pixel)


def paint_shoe(parameters: Parameters, size: int) -> tuple[NDArray[np.uint8], Plane]:
    """Paint a coloured shoe; returns the picture (size, size, 3) and the coverage of the shoe (size, size) in 0..1."""
    p, shoe, (x, y), pixel = parameters, _shoe(parameters), places(size), 1 / size
    upper, sole = polygon_distance(shoe.upper, x, y), polygon_distance(shoe.sole, x, y)
    colour = np.array(COLOURS[min(int(p["colour"] * len(COLOURS)), len(COLOURS) - 1)], np.float32)
    colour *= np.float32(1 + 0.12 * p["shade"])
    rubber = mix((0.12, 0.11, 0.12), (0.28, 0.24, 0.19), p["rubber"])
    picture = np.full((size, size, 3), PAPER)
    lay(picture, edge(sole, pixel), _rimmed(np.broadcast_to(rubber, picture.shape), sole, pixel))
    lay(picture, edge(upper, pixel), _rimmed(_leather(shoe, colour, upper, x, y), upper, pixel))
    return pixels(picture), edge(np.minimum(upper, sole), pixel)


FOOTWEAR = {"edges": Painter(EDGES, paint_edges), "shoes": Painter(SHOES, paint_shoe)}


def score_shoes(translate: Translate, unseen: Mapping[str, Drawn]) -> dict[str, float]:
    """Score outlines turned into coloured shoes.

    Returns:
        "silhouette IoU": the mean intersection over union of the translation's silhouette and that of its true partner,
            the shoe drawn from the same numbers; 0..1, 1 is the best.
        "colour distance": how far the colours of all translations are from those of unseen drawn shoes, as a share of
            how far those of the outlines are: 0 is the best, 1 is no progress. Of one outline no colour can be told,
            of all of them the distribution can: a translator that paints every shoe in the same colour is far off.
    """
    pairs, real = list(translated(translate, unseen["edges"], "shoes")), list(unseen["shoes"])
    edges, painted = [sample.image for sample, _ in pairs], [shoe for _, shoe in pairs]
    return {
        "silhouette IoU": float(np.mean([overlap(silhouette(shoe), sample.mask > 0.5) for sample, shoe in pairs])),
        "colour distance": colour_distance(painted, real) / colour_distance(edges, real),
    }


def silhouette(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pixels (H, W) of a picture (H, W, 3) are not paper.

    Controls, which the tests hold: drawn shoes overlap their masks by more than 0.98 on average; outlines, whose inside
    is mostly paper, by less than 0.5; plain paper by 0 and a black picture by the share of it that is shoe.
    """
    return np.asarray(np.abs(image / 255 - PAPER).max(axis=2) > INK, np.bool_)


def overlap(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Return the intersection over union of two masks (H, W), in 0..1; of two empty ones 1."""
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else 1.0


def _rimmed(picture: Picture, distance: Plane, pixel: float) -> Picture:
    """Darken a line just inside an outline."""
    return picture * (1 - 0.55 * edge(-distance - np.float32(OUTLINE), pixel))[..., None]


def _leather(shoe: Shoe, colour: Plane, upper: Plane, x: Plane, y: Plane) -> Picture:
    """Paint the upper with its light, seams and laces, beyond its outline as well."""
    pixel = 1 / y.shape[0]
    middle = np.sqrt(np.clip(-upper / np.float32(0.13), 0.0, 1.0))  # 0 at the outline
    picture = np.asarray(colour * (0.72 + 0.33 * middle)[..., None], np.float32)
    light = np.exp(-(((x - shoe.toe[0]) / 0.07) ** 2) - ((y - shoe.toe[1]) / 0.035) ** 2)
    lay(picture, np.asarray(0.25 * light, np.float32), np.ones(3, np.float32))
    for line in shoe.seams:
        lay(picture, _stroke(line, x, y, pixel), 0.55 * colour)
    for line in shoe.laces:
        lay(picture, _stroke(line, x, y, pixel), LACE)
    return picture


def _stroke(line: list[Point], x: Plane, y: Plane, pixel: float) -> Plane:
    return edge(line_distance(line, x, y) - np.float32(SEAM / 2), pixel)


def _smooth(low: float, high: float, u: float) -> float:
    """Return 0 below `low`, 1 above `high`, and a smooth way between."""
    t = min(max((u - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


def _shoe(p: Parameters) -> Shoe:
    """Build the lines of a shoe and place them in the picture."""
    shaft, toe, tip, front = p["shaft"], p["toe"], p["point"], 0.05 + p["opening"]

    def insole(u: float) -> float:  # v where the upper meets the sole
        return p["sole"] + p["heel"] * (1 - _smooth(0.22, 0.68, u)) + 0.03 * _smooth(0.8, 1.0, u)

    def above(u: float, v: float) -> Point:
        return u, insole(u) + v

    knee = 0.5 + 0.06 * p["instep"]  # where the instep begins to fall
    slope = (toe + 0.03) + (0.35 + 0.25 * p["instep"]) * (shaft - toe)
    back = curve([above(0.02, 0.0), above(0.0, 0.10), above(0.035, 0.6 * shaft), above(0.03, shaft)], 4)
    instep = [
        (front, insole(0.0) + 0.96 * shaft),
        above(knee, slope),
        above(0.76, toe + 0.035),
        above(0.9, toe * (1 - 0.25 * tip)),
        above(1.0, toe * (0.45 - 0.15 * tip)),
        above(0.985, 0.0),
    ]
    over = curve(instep, 5)
    places = [k / 16 for k in range(17)]
    under = [(-0.005 + 1.005 * u, insole(u)) for u in places]
    ground = [(-0.005 + 1.005 * u, (insole(u) - p["sole"]) * _smooth(0.24, 0.36, u)) for u in places]

    seams = [
        curve([above(0.74, toe + 0.06), above(0.69, 0.5 * toe), above(0.73, -0.01)], 4),  # of the toe cap
        curve([above(-0.01, 0.55 * shaft), above(0.17, 0.4 * shaft), above(0.24, -0.01)], 4),  # of the heel
    ]
    count = 2 + min(int(3 * p["laces"]), 2)
    laces: list[list[Point]] = []
    for k in range(count):
        u, v = over[2 + round(8 * (k + 0.5) / count)]  # on the instep, from the opening to the toe cap
        laces.append([(u + 0.02, v - 0.01), (u - 0.09, v - 0.08)])

    length, top = p["length"], max(v for _, v in [*back, *over])
    left = MARGIN + p["position"] * (1 - length - 2 * MARGIN)
    foot = 1 - MARGIN - p["height"] * (1 - top * length - 2 * MARGIN)

    def place(points: list[Point]) -> list[Point]:
        return [(left + length * (1 - u), foot - length * v) for u, v in points]

    light = place([above(0.84, 0.72 * toe)])[0]
    upper, sole = [*back, *over, *under[-2:0:-1]], [*under, *reversed(ground)]
    return Shoe(place(upper), place(sole), [place(line) for line in seams], [place(line) for line in laces], light)
