"""What the network sees of a large picture, and the way back to full size: a guided filter that keeps the detail.

A network sees a picture x at a smaller size, x_s, and makes y_s of it. Enlarging y_s alone would be a blur. Around each
pixel the result is therefore taken for a linear function of the picture's colour, found at the small size and applied
at the full one:

    y = x + U(y_s - x_s) + U(A) (x - U(x_s))

U enlarges bicubically; where a picture is many times larger, the facets of a bilinear enlargement would be seen. A,
3 x 3 for each pixel, is the slope of the ridge regression, with weights w that fall off from the pixel, of the change
y_s - x_s on the colour x_s:

    A, b = argmin  sum w |A x_s + b - (y_s - x_s)|^2 / sum w  +  eps |A|^2
    A = Cov_w(y_s - x_s, x_s) (Cov_w(x_s, x_s) + eps I)^-1

This is the guided filter of He, Sun and Tang (TPAMI 2013) with a colour guide, at the small size as in the fast guided
filter of He and Sun (arXiv:1505.00996), and three departures:

    - The change is fitted, not the result. Where the network changes nothing, y is x to the last bit; and where the
      small picture is so flat that nothing can be fitted, the original's detail stays instead of vanishing.
    - What the line does not explain, which the filter drops, is kept: U(y_s) takes the place of U(A x_s + b). A style's
      own texture is not a function of the colour, and would vanish.
    - One window with soft weights around each pixel, where the filter takes the mean slope of all square windows that
      hold the pixel. Beside an edge some of these do not see it, and would pull the slope away from what it is there.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Size = Literal["auto", "native"] | int

RADIUS = 3  # half of that of the windows, in pixels of the small picture
TIMES, MOST_TIMES = 2, 6  # the training size: at least and at most seen by "auto"
ENLARGED = 4  # times, at most, below that
EPS = 4e-3  # of colours in [-1, 1]: contrasts below its root, 1/32 of the range, are too weak to fit


def network_size(height: int, width: int, size: Size, training: int) -> tuple[int, int]:
    """Return the height and width in which the network sees a picture. Pictures are never enlarged.

    Args:
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        size: "native", all of it; or pixels, the short side; or "auto": twice the training size, where objects are
            about as large as those the network has learnt from, but at least a quarter of the picture, because a
            change that is enlarged more than four times is a blur close up, and at most six times the training size,
            because strokes that are much finer are not seen when a picture is looked at as a whole.
        training: the side of the training crops, in pixels.
    """
    if size == "native":
        return height, width
    short = min(height, width)
    wanted = min(max(TIMES * training, short / ENLARGED), MOST_TIMES * training) if size == "auto" else size
    scale = min(1.0, wanted / short)
    return max(1, round(height * scale)), max(1, round(width * scale))


class Guide:
    """The way back for one picture.

    Args:
        x_s: (3, h, w) in [-1, 1], what the network saw.
        y_s: (3, h, w), what it made of it.
        height: of the picture, in pixels.
        width: of the picture, in pixels.
    """

    def __init__(self, x_s: Tensor, y_s: Tensor, height: int, width: int, eps: float = EPS) -> None:
        change = y_s - x_s
        self._height, self._width = height, width
        self._small = torch.cat([change, x_s, _slopes(x_s, change, eps)])  # (15, h, w)

    def rows(self, x: Tensor, top: int) -> Tensor:
        """Return rows of the result, (3, n, W), from those of the picture, (3, n, W) in [-1, 1], from row `top` on."""
        large = self._enlarged(top, x.shape[1])
        change, blurred, slopes = large[:3], large[3:6], large[6:].view(3, 3, *x.shape[1:])
        detail = x - blurred
        result: Tensor = x + change + slopes[:, 0] * detail[0] + slopes[:, 1] * detail[1] + slopes[:, 2] * detail[2]
        return result

    def _enlarged(self, top: int, count: int) -> Tensor:
        """Enlarge as `functional.interpolate` does, but only `count` rows from `top` on: (15, count, W)."""
        height = self._small.shape[1]
        rows = torch.arange(top, top + count, dtype=self._small.dtype, device=self._small.device)
        place = (rows + 0.5) * height / self._height - 0.5
        near = place.floor().long()[:, None] + torch.arange(-1, 3, device=rows.device)  # (count, 4)
        weights = _cubic(place[:, None] - near) * ((near >= 0) & (near < height))
        weights /= weights.sum(1, keepdim=True)
        strip = torch.einsum("crnw,rn->crw", self._small[:, near.clamp(0, height - 1)], weights)
        return functional.interpolate(strip[None], (count, self._width), mode="bicubic", antialias=True)[0]


def _cubic(x: Tensor) -> Tensor:
    """Weigh samples at distances x of at most 2: Keys' kernel with a = -1/2, as torch has it where it antialiases."""
    x = x.abs()
    return torch.where(x < 1, (1.5 * x - 2.5) * x * x + 1, ((2.5 - 0.5 * x) * x - 4) * x + 2)


def _slopes(x_s: Tensor, change: Tensor, eps: float) -> Tensor:
    """Return A, (9, h, w), row by row: how the change (3, h, w) follows the colour (3, h, w) around each pixel."""
    both = torch.cat([x_s, change])
    mean = _window_mean(both)
    products = _window_mean((both[:, None] * x_s).flatten(0, 1)).view(6, 3, *x_s.shape[1:])
    covariance = products - mean[:, None] * mean[:3]  # (6, 3, h, w)
    ridge = eps * torch.eye(3).to(x_s)[:, :, None, None]
    return _solved(covariance[3:], covariance[:3] + ridge).flatten(0, 1)


def _solved(right: Tensor, matrix: Tensor) -> Tensor:
    """Return right matrix^-1 for symmetric positive matrices (3, 3, h, w), by their factors L D L^T.

    Entry by entry, because for many small matrices `torch.linalg` takes far longer.
    """
    (d0, m01, m02), (_, m11, m12), (_, _, m22) = matrix
    l10, l20 = m01 / d0, m02 / d0
    d1, rest = m11 - l10 * m01, m12 - l10 * m02
    l21 = rest / d1
    d2 = m22 - l20 * m02 - l21 * rest
    r0, r1, r2 = right.unbind(1)  # (3, h, w) each
    r1 = r1 - l10 * r0
    r2 = r2 - l20 * r0 - l21 * r1
    a2 = r2 / d2
    a1 = r1 / d1 - l21 * a2
    return torch.stack([r0 / d0 - l10 * a1 - l20 * a2, a1, a2], 1)


def _window_mean(x: Tensor) -> Tensor:
    """Average (C, h, w) around each pixel, with weights that fall to 0 at 2 `RADIUS`: two means over squares."""
    side = 2 * RADIUS + 1
    for _ in range(2):
        x = functional.avg_pool2d(x, (side, 1), stride=1, padding=(RADIUS, 0), count_include_pad=False)
        x = functional.avg_pool2d(x, (1, side), stride=1, padding=(0, RADIUS), count_include_pad=False)
    return x
