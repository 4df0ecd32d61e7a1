"""What painters use: colours that are mixed and laid over each other, and edges that are smooth at every size."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]  # (H, W)
Picture = NDArray[np.float32]  # (H, W, 3) red, green, blue in 0..1
Colour = tuple[float, float, float]
Parameters = Mapping[str, float]
Ranges = dict[str, tuple[float, float]]

TURN = 2 * np.pi


def mix(a: Colour, b: Colour, share: float) -> Plane:
    """Return the colour (3,) between `a` (share 0) and `b` (share 1)."""
    return np.array(a, np.float32) * np.float32(1 - share) + np.array(b, np.float32) * np.float32(share)


def lay(picture: Picture, cover: Plane, colour: NDArray[np.float32]) -> None:
    """Paint `colour` (3,) or (H, W, 3) over `picture` in place where `cover` (H, W) in 0..1 says."""
    picture += cover[..., None] * (colour - picture)


def edge(distance: Plane, pixel: float) -> Plane:
    """Return the coverage in 0..1 of pixels at a signed `distance`, negative inside; `pixel` is one pixel's width."""
    return np.asarray(np.clip(0.5 - distance / np.float32(pixel), 0.0, 1.0), np.float32)


def places(size: int) -> tuple[Plane, Plane]:
    """Return x (1, size) and y (size, 1) of the middles of pixels, in picture widths."""
    middles = ((np.arange(size) + 0.5) / size).astype(np.float32)
    return middles[None, :], middles[:, None]


def pixels(picture: Picture) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) in 0..1 as uint8."""
    return np.rint(np.clip(picture, 0.0, 1.0) * 255).astype(np.uint8)
