"""A picture and its result in one picture."""

from typing import Literal

import numpy as np

from translate import images
from translate.tensors import Pixels

Compare = Literal["side", "split"]

SUFFIX = ".compare.png"
LINE = 400  # one pixel of the dividing line for each so many of the width


def comparison(before: Pixels, after: Pixels, compare: Compare) -> Pixels:
    """Show a picture (H, W, 3) and its result: both with captions, or the left half of one and the right of the other.

    Returns:
        "split": (H, W, 3); "side": twice as wide, and higher by the captions.
    """
    if compare == "side":
        return images.sheet([[before, after]], captions=("before", "after"))
    width = before.shape[1]
    middle, half = width // 2, 1 + width // LINE // 2
    split = np.concatenate([before[:, :middle], after[:, middle:]], axis=1)
    split[:, max(0, middle - half) : middle + half] = 255
    return split
