"""Draws shaded solids with flat faces, seen from slightly above, from their corners alone.

A point is (x, y, z): x to the right, y away from the viewer and z up, in one unit. The projection is parallel. Whatever
the order of the faces, each pixel is shared out from the nearest to the farthest by how much of it they cover, so that
neighbours meet without a gap and every edge is anti-aliased.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from translate.toys.painting import Picture, Plane, edge

Corners = NDArray[np.float64]  # (corners, 3), around the face
Colour = NDArray[np.float32]  # (3,) in 0..1

TILT = np.radians(22.0)  # how far the viewer looks down
RIGHT = np.array((1.0, 0.0, 0.0))
AWAY = np.array((0.0, np.cos(TILT), -np.sin(TILT)))  # into the picture
UP = np.array((0.0, np.sin(TILT), np.cos(TILT)))
EDGE_ON = 0.01  # a face that is turned away from the viewer but for this share of its area is not seen
LIGHT = np.array((-0.48, -0.62, 0.62))  # where it comes from


@dataclass(frozen=True, slots=True)
class Face:
    """A flat convex face. `lift` brings what is painted on another face in front of it."""

    corners: Corners
    normal: NDArray[np.float64]  # (3,) outwards, of length 1
    colour: Colour
    lift: float = 0.0


def block(low: Sequence[float], high: Sequence[float], colour: Colour, roof: float = 0.0) -> Iterator[Face]:
    """Yield the six faces of a box between two corners; its top is shorter by `roof` in front and behind."""
    (x, y, z), (a, b, c) = low, high
    base = [(x, y, z), (a, y, z), (a, b, z), (x, b, z)]
    top = [(x, y + roof, c), (a, y + roof, c), (a, b - roof, c), (x, b - roof, c)]
    yield from _closed([base, top, *([base[k], base[k - 3], top[k - 3], top[k]] for k in range(4))], colour)


def wheel(middle: Sequence[float], radius: float, width: float, tyre: Colour, hub: Colour) -> Iterator[Face]:
    """Yield the faces of a wheel that rolls along y."""
    turns = np.radians(np.arange(0, 360, 30))
    ring = np.stack([np.zeros_like(turns), np.cos(turns), np.sin(turns)], axis=1)
    left, right = (np.array(middle) + (side * width / 2, 0, 0) + radius * ring for side in (-1, 1))
    sides = [np.array([left[k - 1], left[k], right[k], right[k - 1]]) for k in range(len(turns))]
    yield from _closed([left, right, *sides], tyre)
    for side in (-1.0, 1.0):
        corners = np.array(middle) + (side * width / 2, 0, 0) + 0.55 * radius * ring
        yield Face(corners, np.array((side, 0.0, 0.0)), hub, lift=0.01)


def _closed(faces: Sequence[Sequence[Sequence[float]] | Corners], colour: Colour) -> Iterator[Face]:
    """Yield the faces of a convex solid, with the normals that point out of it."""
    middle = np.mean([np.mean(corners, axis=0) for corners in faces], axis=0)
    for face in faces:
        corners = np.array(face)
        (a, b, c), (d, e, f) = corners[1] - corners[0], corners[2] - corners[0]
        normal = np.array((b * f - c * e, c * d - a * f, a * e - b * d))  # numpy.cross takes ten times as long
        normal /= np.linalg.norm(normal) * (1 if normal @ (corners.mean(0) - middle) > 0 else -1)
        yield Face(corners, normal, colour)


def paint_solids(faces: Sequence[Face], degrees: float, scale: float, size: int) -> tuple[Picture, Plane]:
    """Paint faces, turned about the vertical axis through the origin.

    Args:
        faces: of closed solids; those turned away are left out.
        degrees: how far to turn, counter-clockwise as seen from above.
        scale: picture widths in a unit; the origin is the middle of the picture.
        size: of the picture, in pixels.

    Returns:
        the picture (size, size, 3) on black, to be added to a background, and its coverage (size, size), in 0..1.
    """
    turn = np.radians(degrees)
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    places = ((np.arange(size) + 0.5) / size - 0.5) / scale
    pixel = 1 / (size * scale)
    seen = np.concatenate([face.corners for face in faces]) @ rotation.T @ np.stack([RIGHT, UP], axis=1)
    low, high = seen.min(0) - pixel, seen.max(0) + pixel  # the box outside which nothing is covered
    columns = np.flatnonzero((places > low[0]) & (places < high[0]))
    rows = np.flatnonzero((-places > low[1]) & (-places < high[1]))
    u, v = places[columns].astype(np.float32)[None, :], -places[rows].astype(np.float32)[:, None]

    covers, depths, colours = [], [], []
    for face in faces:
        normal = rotation @ face.normal
        if normal @ AWAY > -EDGE_ON:
            continue
        corners = face.corners @ rotation.T
        covers.append(edge(_distance(corners @ RIGHT, corners @ UP, u, v), pixel))
        # On the face's plane the depth is linear in u and v.
        slope = -np.array((normal @ RIGHT, normal @ UP)) / (normal @ AWAY)
        start = corners[0] @ AWAY - slope[0] * (corners[0] @ RIGHT) - slope[1] * (corners[0] @ UP) - face.lift
        depths.append((start + slope[0] * u + slope[1] * v).astype(np.float32))
        colours.append(face.colour * np.float32(0.45 + 0.55 * max(normal @ LIGHT, 0.0)))
    cover, palette = np.stack(covers), np.array(colours)  # (F, h, w), (F, 3)
    order = np.argsort(np.where(cover > 0, np.stack(depths), np.inf), axis=0)
    taken = np.minimum(np.cumsum(np.take_along_axis(cover, order, axis=0), axis=0), 1.0)
    share = np.diff(taken, axis=0, prepend=np.float32(0))

    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    picture, mask = np.zeros((size, size, 3), np.float32), np.zeros((size, size), np.float32)
    picture[box] = np.einsum("fhw,fhwc->hwc", share, palette[order])
    mask[box] = taken[-1]
    return picture, mask


def _distance(xs: NDArray[np.float64], ys: NDArray[np.float64], u: Plane, v: Plane) -> Plane:
    """Return a distance (H, W) to the outline of a convex polygon, negative inside; at corners it is a little short."""
    middle = xs.mean(), ys.mean()
    # Without its bounding box a sliver would run on beyond its sharp corners.
    farthest = np.maximum(np.maximum(u - xs.max(), xs.min() - u), np.maximum(v - ys.max(), ys.min() - v))
    for k in range(len(xs)):
        nx, ny = ys[k] - ys[k - 1], xs[k - 1] - xs[k]
        length = np.hypot(nx, ny)
        if length < 1e-9:
            continue
        sign = 1 if (xs[k] - middle[0]) * nx + (ys[k] - middle[1]) * ny > 0 else -1
        nx, ny = nx * sign / length, ny * sign / length
        np.maximum(farthest, nx * (u - xs[k]) + ny * (v - ys[k]), out=farthest)
    return np.asarray(farthest, np.float32)
