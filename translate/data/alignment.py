"""Whether the pictures of a pair lie on each other, seen in their edges alone: a photo and its labels share these."""

import numpy as np
from numpy.typing import NDArray

from translate.tensors import Pixels

MIDDLE = 512  # pixels: of larger pictures the middle is compared
SURE = 0.12  # share of the correlation at its peak; of facades and other labels than theirs it stayed below
FAR = 2.0  # pixels: labels are drawn as exactly as this


def shift(one: Pixels, other: Pixels) -> tuple[int, int] | None:
    """Return how far `other` lies right of and below `one`, (H, W, 3) uint8 each, in pixels; None: not far, or unknown.

    By phase correlation (Kuglin and Hines 1975) of the gradients of their luma.
    """
    import cv2

    first, second = _edges(one), _edges(other)
    window = cv2.createHanningWindow(first.shape[::-1], cv2.CV_32F)
    (right, down), response = cv2.phaseCorrelate(first - first.mean(), second - second.mean(), window)
    is_shifted = response >= SURE and max(abs(right), abs(down)) >= FAR
    return (round(right), round(down)) if is_shifted else None


def words_of(name: str, right: int, down: int) -> str:
    """Say how far a picture called `name` is off."""
    across = [f"{abs(right)} px {'right' if right > 0 else 'left'}"] if right else []
    along = [f"{abs(down)} px {'down' if down > 0 else 'up'}"] if down else []
    return f"{name}: {', '.join(across + along)}"


def _edges(picture: Pixels) -> NDArray[np.float32]:
    """Return the size of the gradient of the blurred luma of the middle of a picture, (h, w)."""
    import cv2

    height, width = picture.shape[:2]
    top, left = max(height - MIDDLE, 0) // 2, max(width - MIDDLE, 0) // 2
    middle = np.ascontiguousarray(picture[top : top + MIDDLE, left : left + MIDDLE])
    luma = cv2.GaussianBlur(cv2.cvtColor(middle, cv2.COLOR_RGB2GRAY), (0, 0), 1.0).astype(np.float32)
    size = cv2.magnitude(cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1))
    return np.asarray(size, np.float32)
