"""Distances to lines and polygons, of which drawings without a fixed resolution are made.

Points are (x, y) in any one unit; `x` is (1, W) and `y` is (H, 1), as in `translate.toys.painting.places`.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from translate.toys.painting import Plane

Point = tuple[float, float]
Points = Sequence[Point]


def line_distance(points: Points, x: Plane, y: Plane) -> Plane:
    """Return the distance (H, W) to the broken line through `points`."""
    return np.asarray(np.sqrt(_squares(points[:-1], points[1:], x, y)), np.float32)


def polygon_distance(points: Points, x: Plane, y: Plane) -> Plane:
    """Return the distance (H, W) to the outline of the polygon with the corners `points`, negative inside."""
    starts, ends = points, [*points[1:], points[0]]
    inside = np.zeros((y.shape[0], x.shape[1]), np.bool_)
    for (ax, ay), (bx, by) in zip(starts, ends, strict=True):
        if ay != by:  # a ray to the right crosses the outline an odd number of times
            inside ^= ((y < ay) != (y < by)) & (x < ax + (y - ay) * ((bx - ax) / (by - ay)))
    distance = np.sqrt(_squares(starts, ends, x, y))
    return np.asarray(np.where(inside, -distance, distance), np.float32)


def curve(points: Points, pieces: int) -> list[Point]:
    """Return a smooth line through `points` (Catmull and Rom 1974), with `pieces` straight pieces between two."""
    knots = np.array([points[0], *points, points[-1]], float)
    t = (np.arange(pieces) / pieces)[:, None]
    line: list[Point] = []
    for a, b, c, d in zip(knots[:-3], knots[1:-2], knots[2:-1], knots[3:], strict=True):
        places = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
        line += [(float(u), float(v)) for u, v in places]
    return [*line, (float(points[-1][0]), float(points[-1][1]))]


def _squares(starts: Points, ends: Points, x: Plane, y: Plane) -> NDArray[np.float32]:
    """Return the squared distance (H, W) to the nearest of the straight pieces from `starts` to `ends`."""
    nearest = np.full((y.shape[0], x.shape[1]), np.inf, np.float32)
    for (ax, ay), (bx, by) in zip(starts, ends, strict=True):
        dx, dy = bx - ax, by - ay
        length = dx * dx + dy * dy or 1.0  # a piece without length is a point
        on = np.clip((x - ax) * (dx / length) + (y - ay) * (dy / length), 0.0, 1.0)
        np.minimum(nearest, (x - ax - on * dx) ** 2 + (y - ay - on * dy) ** 2, out=nearest)
    return nearest
