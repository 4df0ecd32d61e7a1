"""Damage done on purpose: what a picture looks like before it was restored, coloured, enlarged.

Each is a pure function of a picture and a generator of random numbers, keeps the size, and is named with the domains of
the pairs that it makes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from translate import images
from translate.data.augmentation import OwnTransforms
from translate.data.wear import worn, worn_twice
from translate.errors import SettingsError
from translate.settings import nearest
from translate.tensors import Pixels

HOLE = (255, 0, 255)  # marks what is missing: hardly any picture has this colour


@dataclass(frozen=True)
class Damage:
    """What is done to pictures.

    Attributes:
        do: (H, W, 3) uint8 to the same shape.
        damaged: what pictures are called before it is undone.
        whole: and after that.
        scale: the sides of the squares that pixels become, in pixels.
        is_fine: whether it is about single pixels, so that only a picture at its own size shows what is to be undone.
    """

    do: Callable[[Pixels, np.random.Generator], Pixels]
    damaged: str
    whole: str
    scale: int = 1
    is_fine: bool = False


def damage(made: str | dict[str, Any]) -> Damage:
    """Return the damage of this name, or what transforms of albumentations do.

    Raises:
        SettingsError: there is none of this name, or the transforms cannot be built.
    """
    if isinstance(made, dict):
        return Damage(OwnTransforms(made, "data.made"), "changed", "original")
    if made not in DAMAGES:
        raise SettingsError(f"There is no damage {made!r}.{nearest(made, DAMAGES)} Known: {', '.join(DAMAGES)}.")
    return DAMAGES[made]


def _coarse(picture: Pixels, factor: int) -> Pixels:
    """Shrink by a whole factor and repeat each pixel: its mean over them is the small picture, so nothing is lost."""
    height, width = picture.shape[:2]
    small = images.resize(picture, -(-height // factor), -(-width // factor))
    return np.ascontiguousarray(small.repeat(factor, axis=0).repeat(factor, axis=1)[:height, :width])


def _holed(picture: Pixels, draws: np.random.Generator) -> Pixels:
    """Cut out a square of 1/4 to 1/2 of the shorter side (as Pathak et al. 2016), or 16 of 1/16 (Singh et al. 2018)."""
    height, width = picture.shape[:2]
    shorter, holed = min(height, width), picture.copy()
    single = draws.random() < 0.5
    side = int(shorter * draws.uniform(0.25, 0.5)) if single else max(shorter // 16, 1)
    for _ in range(1 if single else 16):
        top, left = int(draws.integers(height - side + 1)), int(draws.integers(width - side + 1))
        holed[top : top + side, left : left + side] = HOLE
    return holed


def _grey(picture: Pixels, draws: np.random.Generator) -> Pixels:
    """Keep the luma of ITU-R BT.601, in three channels."""
    import cv2

    return np.ascontiguousarray(np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2))


def _edges(picture: Pixels, draws: np.random.Generator) -> Pixels:
    """Draw the edges (Canny 1986) of the blurred luma, black on white."""
    import cv2

    luma = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (0, 0), 1.0)
    lines = cv2.Canny(luma, 50, 120, L2gradient=True)
    return np.ascontiguousarray(np.repeat(255 - lines[..., None], 3, axis=2))


DAMAGES: dict[str, Damage] = {
    "superres2": Damage(lambda picture, _: _coarse(picture, 2), "coarse", "fine", scale=2, is_fine=True),
    "superres4": Damage(lambda picture, _: _coarse(picture, 4), "coarse", "fine", scale=4, is_fine=True),
    "holes": Damage(_holed, "holed", "whole"),
    "colour": Damage(_grey, "grey", "colour"),
    "edges": Damage(_edges, "edges", "photo"),
    "worn": Damage(worn, "worn", "restored", is_fine=True),
    "worn-twice": Damage(worn_twice, "worn", "restored", is_fine=True),
}
