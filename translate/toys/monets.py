"""toy-monet2photo: draws a landscape with a pond and poplars, as a camera sees it or in brush strokes.

A painting is the same kind of landscape in another palette, cooler in the shadows and warmer in the lights, put down in
layers of short strokes. Each stroke has one colour, that of the landscape at its middle; strokes lie level in the sky
and on the water, slanted on the land, upright in the trees.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from translate.toys.colours import colour_distance
from translate.toys.drawn import Drawn, Painter, Translate, translated
from translate.toys.landscapes import LAND, paint_landscape
from translate.toys.painting import TURN, Parameters, Picture, Plane, Ranges, edge, lay, mix, pixels, places

POPLARS = (1, 2, 3, 4, 5)

SCENERY: Ranges = LAND | {  # lengths in picture widths, the rest are shares between two looks
    "pond_x": (0.1, 0.9),
    "pond_y": (0.70, 0.84),
    "pond_width": (0.22, 0.5),
    "ripples": (0.0, 1.0),
    "brightness": (0.9, 1.0),
}
for k in POPLARS:
    SCENERY |= {f"poplar_{k}_x": (0.0, 1.0), f"poplar_{k}_y": (0.02, 0.12), f"poplar_{k}_height": (0.12, 0.34)}
PAINTING = SCENERY | {"strokes": (0.0, 1.0), "violet": (0.8, 1.0), "glow": (0.8, 1.0)}

OVERSAMPLING = 3  # pixels of a stroke's edge in each pixel of the picture
REFERENCE = 96  # side in pixels of the landscape from which strokes take their colours
LENGTH, WIDTH = 0.10, 0.030  # of the strokes of the first layer, in picture widths
LAYERS = (1.0, 0.8, 0.65)  # sizes of the strokes, from the first layer to the last
SKY_ANGLE, LAND_ANGLE, TREE_ANGLE = 6.0, 24.0, 78.0  # of the strokes, in degrees


def paint_photo(parameters: Parameters, size: int) -> tuple[NDArray[np.uint8], Plane]:
    """Paint what a camera sees: the picture (size, size, 3) and the coverage of the land (size, size) in 0..1."""
    picture, land, _ = _scene(parameters, size)
    return pixels(picture), land


def paint_monet(parameters: Parameters, size: int) -> tuple[NDArray[np.uint8], Plane]:
    """Paint it in strokes: the picture (size, size, 3) and the coverage of the land (size, size) in 0..1."""
    p = parameters
    picture, _, angles = _scene(p, REFERENCE)
    colours = _palette(picture, p)
    x, y = np.broadcast_arrays(*places(OVERSAMPLING * size))
    canvas, angle = _at(colours, x, y), _at(angles, x, y)
    for layer, scale in enumerate(LAYERS):
        for degrees in (SKY_ANGLE, LAND_ANGLE, TREE_ANGLE):
            here = angle == degrees
            strokes, covered = _strokes(colours, x[here], y[here], degrees, scale, 1000 * p["strokes"] + layer)
            canvas[here] = np.where(covered[:, None], strokes, canvas[here])
    small = canvas.reshape(size, OVERSAMPLING, size, OVERSAMPLING, 3).mean((1, 3))
    return pixels(small), _scene(p, size)[1]


LANDSCAPES = {"photo": Painter(SCENERY, paint_photo), "monet": Painter(PAINTING, paint_monet)}


def score_monets(translate: Translate, unseen: Mapping[str, Drawn]) -> dict[str, float]:
    """Return how far the colours of photos turned into monets are from those of other, unseen monets.

    1 is as far as the photos themselves.
    """
    monets = list(unseen["monet"])
    pairs = list(translated(translate, unseen["photo"], "monet"))
    before = colour_distance([photo.image for photo, _ in pairs], monets)
    return {"colour distance": colour_distance([painted for _, painted in pairs], monets) / before}


def _scene(p: Parameters, size: int) -> tuple[Picture, Plane, Plane]:
    """Return the landscape, the coverage of the land, and the angle of strokes in degrees, all at size x size."""
    x, y = places(size)
    picture = paint_landscape(p, size)
    land = np.repeat(edge(p["horizon"] - y, 1 / size), size, axis=1)
    angles = np.where(land > 0.5, np.float32(LAND_ANGLE), np.float32(SKY_ANGLE))

    flat = np.float32(0.24 * p["pond_width"])
    pond = np.hypot((x - p["pond_x"]) / p["pond_width"], (y - p["pond_y"]) / flat) - 1
    water = edge(pond * flat, 1 / size)
    ripple = 1.0 + 0.05 * np.sin(150.0 * y + 4.0 * np.sin(9.0 * x) + TURN * p["ripples"])
    lay(picture, water, mix((0.36, 0.55, 0.74), (0.70, 0.76, 0.82), p["haze"]) * ripple[..., None].astype(np.float32))
    angles[water > 0.5] = SKY_ANGLE

    for k in POPLARS:
        height, foot = p[f"poplar_{k}_height"], p["horizon"] + p[f"poplar_{k}_y"]
        wide = np.float32(0.13 * height)
        across, up = (x - p[f"poplar_{k}_x"]) / wide, (foot - y) / np.float32(height)  # up is 0 at the foot, 1 on top
        trunk = edge(np.maximum(np.abs(across) - 0.1, np.abs(up - 0.05) - 0.05) * wide, 1 / size)
        lay(picture, trunk, np.array((0.30, 0.22, 0.15), np.float32))
        crown = edge((np.hypot(across, (up - 0.54) / 0.46) - 1) * wide, 1 / size)
        light = 0.75 - 0.3 * np.clip(across, -1.0, 1.0) + 0.15 * up
        lay(picture, crown, np.array((0.20, 0.36, 0.17), np.float32) * light[..., None].astype(np.float32))
        land = np.maximum(land, np.maximum(crown, trunk))
        angles[crown > 0.5] = TREE_ANGLE
    return picture * np.float32(p["brightness"]), land, angles


def _palette(picture: Picture, p: Parameters) -> Picture:
    """Turn shadows towards violet and lights towards a warm white, and make what colour there is stronger."""
    light = picture.mean(2, keepdims=True)
    violet = np.array((0.42, 0.26, 0.66), np.float32) * np.float32(p["violet"])
    glow = np.array((1.06, 0.93, 0.68), np.float32) * np.float32(p["glow"])
    share = np.clip((light - 0.2) / 0.55, 0.0, 1.0)
    strong = light + np.float32(1.3) * (picture - light)
    return np.asarray(0.55 * strong + 0.45 * (violet + share * (glow - violet)), np.float32)


def _at(plane: Plane, x: Plane, y: Plane) -> Plane:
    """Take the values of `plane` (S, S, ...) at the places x and y in 0..1."""
    side = plane.shape[0]
    row, column = (np.clip((place * side).astype(np.intp), 0, side - 1) for place in (y, x))
    return np.asarray(plane[row, column], np.float32)


def _noise(row: Plane, place: Plane, seed: float) -> Plane:
    """Return numbers in 0..1 that look random for pairs of whole numbers, in float64."""
    value = 43758.5453 * np.sin(12.9898 * row.astype(np.float64) + 78.233 * place + 37.719 * seed)
    return np.asarray(value - np.floor(value))


def _strokes(
    colours: Picture, x: Plane, y: Plane, degrees: float, scale: float, seed: float
) -> tuple[Plane, NDArray[np.bool_]]:
    """Return the colours (N, 3) of a layer of strokes of one angle at the places x and y (N,), and where strokes are.

    They lie in rows that wave a little, and are shifted along each row by another amount.
    """
    cos, sin = (np.float32(f(np.radians(degrees))) for f in (np.cos, np.sin))
    length, width = np.float32(scale * LENGTH), np.float32(scale * WIDTH)
    along, across = (x * cos - y * sin) / length, (x * sin + y * cos) / width
    across = across + np.float32(0.3) * np.sin(along + np.float32(seed))
    row = np.floor(across)
    shift = _noise(row, np.zeros_like(row), seed).astype(np.float32)
    along = along + shift
    place = np.floor(along)
    luck = _noise(row, place, seed)
    # The middle of the stroke, turned back; the wave is left out, which moves it by less than its width.
    a, c = (place + np.float32(0.5) - shift) * length, (row + np.float32(0.5)) * width
    found = _at(colours, a * cos + c * sin, c * cos - a * sin)
    half = 0.5 * width
    beyond = np.maximum(np.abs(along - place - 0.5) * length - (0.5 * length - half), 0.0)  # past the straight part
    covered = (np.hypot(beyond, (across - row - 0.5) * width) < half) & (luck < 0.85)
    other = np.stack([luck * k - np.floor(luck * k) for k in (89.0, 883.0, 8861.0, 88661.0)], axis=-1) - 0.5
    bristles = 0.03 * np.sin(np.float32(3 * TURN) * across)[:, None]
    return np.asarray(found + 0.10 * other[:, :3] + 0.12 * other[:, 3:] + bristles, np.float32), covered
