"""Pictures larger than memory for networks that cannot be run strip by strip: overlapping tiles, blended.

Only an approximation. Every tile is translated as a picture of its own, so normalisation takes the statistics of the
tile, and neighbours may differ in colour and contrast; the blending hides the seam, not the difference.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Network = Callable[[Tensor], Tensor]  # translates (1, 3, h, w) in [-1, 1]

OVERLAP = 4  # neighbours share one part in so many of a tile, or more
LEAST = 128  # pixels of a side, however little memory there is


def side_of(pixels: int, multiple: int) -> int:
    """Return the side of square tiles of at most `pixels` pixels, a multiple of `multiple`."""
    return max(math.isqrt(pixels), LEAST, multiple) // multiple * multiple


def translate(
    read: Callable[[int, int], Tensor],
    size: tuple[int, int],
    write: Callable[[int, Tensor], None],
    side: int,
    network: Network,
) -> None:
    """Translate one picture tile by tile.

    Args:
        read: returns the rows `top` to `bottom - 1` of the picture, (1, 3, bottom - top, W) in [-1, 1].
        size: (H, W) of the picture, in pixels.
        write: takes the first row and the rows of a part of the result, (1, 3, h, W), from top to bottom.
        side: of a tile, in pixels; less where the picture has less.
        network: translates a tile.
    """
    height, width = size
    tops, lefts = _starts(height, side), _starts(width, side)
    across = _weights(lefts, width, side)
    begun: Tensor | None = None  # rows that the next tiles reach as well
    for top, end, down in zip(tops, [*tops[1:], height], _weights(tops, height, side), strict=True):
        rows = read(top, min(top + side, height))
        band = torch.zeros_like(rows, dtype=torch.float32)
        for left, weights in zip(lefts, across, strict=True):
            tile = slice(left, left + side)
            band[..., tile] += network(rows[..., tile]) * (down[:, None] * weights).to(band)
        if begun is not None:
            band[:, :, : begun.shape[2]] += begun
        write(top, band[:, :, : end - top])
        begun = band[:, :, end - top :]


def _starts(length: int, side: int) -> list[int]:
    """Spread as few tiles as possible evenly; neighbours overlap by `side` / `OVERLAP` at least."""
    if length <= side:
        return [0]
    gaps = math.ceil((length - side) / (side - side // OVERLAP))
    return [round(gap * (length - side) / gaps) for gap in range(gaps + 1)]


def _weights(starts: Sequence[int], length: int, side: int) -> list[Tensor]:
    """Return the weights of each tile, (side,), which rise from its borders; at every place they add up to 1."""
    side = min(side, length)
    inside = torch.arange(side, dtype=torch.float64)
    ramp = torch.minimum(inside + 1, side - inside).clamp(max=max(1, side // OVERLAP))
    total = torch.zeros(length, dtype=torch.float64)
    for start in starts:
        total[start : start + side] += ramp
    return [ramp / total[start : start + side] for start in starts]
