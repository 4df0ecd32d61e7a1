"""A picture and its result in one picture."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from translate import images
from translate.images import Picture
from translate.tensors import Pixels

Compare = Literal["side", "split", "gif"]

LINE = 400  # one pixel of the dividing line for each so many of the width
TURN_MS = 1000  # how long a GIF shows a still, before and after, in milliseconds


def suffix_of(compare: Compare) -> str:
    """Return how the name of a comparison ends, in place of its result's suffix."""
    return ".compare.gif" if compare == "gif" else ".compare.png"


def comparison(before: Sequence[Picture], after: Sequence[Picture], compare: Compare) -> list[Picture]:
    """Show pictures and their results: of a still one of each, of an animation all frames.

    Returns:
        "side", "split": a frame for each pair, see `compared`. "gif": first all before, then all after. With captions.
    """
    before, after = [_shown(picture) for picture in before], [_shown(picture) for picture in after]
    if compare != "gif":
        return [replace(b, rgb=compared(b.rgb, a.rgb, compare)) for b, a in zip(before, after, strict=True)]
    captioned = [("before", picture) for picture in before] + [("after", picture) for picture in after]
    return [
        replace(picture, rgb=images.captioned(picture.rgb, {0: caption}), shown_ms=picture.shown_ms or TURN_MS)
        for caption, picture in captioned
    ]


def _shown(picture: Picture) -> Picture:
    """Return a picture of 8 bits on white; if it moves, for ever."""
    opaque = images.laid_on(picture, images.WHITE)
    return replace(opaque, rgb=images.to_depth(opaque.rgb, 8), plays=0)


def compared(before: Pixels, after: Pixels, compare: Literal["side", "split"]) -> Pixels:
    """Show a picture, (H, W, 3) of uint8, and its result: both, or half of one and half of the other, with captions.

    Returns:
        "split": as wide as the picture; "side": twice as wide; see `images.captioned`.
    """
    if compare == "side":
        return images.sheet([[before, after]], captions=("before", "after"))
    width = before.shape[1]
    middle, half = width // 2, 1 + width // LINE // 2
    split = np.concatenate([before[:, :middle], after[:, middle:]], axis=1)
    split[:, max(0, middle - half) : middle + half] = 255
    return images.captioned(split, {0: "before", middle: "after"})
