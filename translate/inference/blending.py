"""Blending a result with its picture: how strongly, in colour or in lightness alone, and where.

All mixing is linear in OKLab (Ottosson, 2020, https://bottosson.github.io/posts/oklab/), which parts a colour into its
lightness L and its chroma (a, b) such that equal steps look equal: the middle of two colours looks like half of both,
and a lightness with another chroma still looks as light. What leaves sRGB by this is clipped.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from translate.errors import SettingsError

# Ottosson's matrices: linear sRGB -> cone responses, and their cube roots -> L, a, b.
_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Blending:
    """How much of the result replaces the picture.

    Attributes:
        strength: 0 is the picture, 1 is the result.
        take: from the result, "all"; or only its "lightness", with the picture's chroma; or only its "colour", with the
            picture's lightness; or only its "chroma", with the picture's luma, see `with_luma`.
    """

    strength: float = 1.0
    take: Literal["all", "lightness", "colour", "chroma"] = "all"

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise SettingsError(f"--strength is between 0, the picture, and 1, the result; found {self.strength}.")

    def __call__(self, x: Tensor, y: Tensor, mask: Tensor | None = None) -> Tensor:
        """Blend the picture x and the result y, (3, H, W) in [-1, 1], where the mask (H, W) in [0, 1] says so."""
        if self == UNBLENDED and mask is None:
            return y
        if self.take == "chroma":
            y = with_luma(x, y)
            if self.strength == 1 and mask is None:
                return y
        before, after = _to_oklab(x), _to_oklab(y)
        if self.take == "lightness":
            after = torch.cat([after[:1], before[1:]])
        elif self.take == "colour":
            after = torch.cat([before[:1], after[1:]])
        return _from_oklab(torch.lerp(before, after, self.strength * (torch.ones_like(x[0]) if mask is None else mask)))


UNBLENDED = Blending()  # the result as it is


def luma(x: Tensor) -> Tensor:
    """Return the luma of ITU-R BT.601, which made pairs of grey and colour share: (..., 3, H, W) -> (..., H, W)."""
    return torch.einsum("...chw,c->...hw", x, torch.tensor(_LUMA).to(x))


def with_luma(x: Tensor, y: Tensor) -> Tensor:
    """Return y with the luma of x, (3, H, W) in [-1, 1]; less colourful where it would leave the range."""
    wanted, chroma = luma(x), y - luma(y)
    room = torch.where(chroma > 0, 1 - wanted, 1 + wanted) / chroma.abs().clamp_min(1e-6)
    return wanted + room.amin(0).clamp(0, 1) * chroma


def _to_oklab(x: Tensor) -> Tensor:
    """Turn sRGB (3, H, W) in [-1, 1] into L in 0..1 and a, b around 0. Values outside are clipped."""
    encoded = (x.clamp(-1, 1) + 1) / 2
    linear = torch.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)  # IEC 61966-2-1
    return _mix(_LAB, _mix(_CONES, linear) ** (1 / 3))


def _from_oklab(lab: Tensor) -> Tensor:
    linear = _mix(_CONES, _mix(_LAB, lab, invert=True) ** 3, invert=True).clamp(0, 1)
    encoded = torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return encoded * 2 - 1


def _mix(matrix: tuple[tuple[float, ...], ...], x: Tensor, invert: bool = False) -> Tensor:
    mixing = torch.tensor(matrix, dtype=torch.float64)
    mixing = (torch.linalg.inv(mixing) if invert else mixing).to(x)
    return torch.einsum("ij,jhw->ihw", mixing, x)
