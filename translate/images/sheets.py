"""Pictures for people to look at: resizing, grids with captions, and a GIF that shows how training went."""

import math
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from translate.files import atomic_file
from translate.images.picture import Array

NARROWEST = 128  # pixels that a caption has room on; narrower pictures are enlarged, each pixel to a square


def resize(rgb: Array, height: int, width: int) -> Array:
    """Resize (H, W, 3), uint8 or uint16, to (height, width, 3) pixels: bicubic, antialiased when shrinking."""
    if rgb.dtype == np.uint16:  # of which Pillow has single channels only
        return np.dstack([_resized(rgb[..., channel], height, width) for channel in range(3)])
    return _resized(rgb, height, width)


def resize_unrounded(rgb: Array, height: int, width: int) -> NDArray[np.float32]:
    """Resize (H, W, 3) uint8 to (height, width, 3) of floats in 0..255 that are not rounded, else as `resize`."""
    samples = rgb.astype(np.float32)
    return np.dstack([_resized(samples[..., channel], height, width) for channel in range(3)]).clip(0, 255)


def resize_plane(plane: Array, height: int, width: int) -> Array:
    """Resize one channel (H, W), uint8, uint16 or fp32, to (height, width) as `resize` does; floats have no bounds."""
    return _resized(plane, height, width)


def _resized(samples: Array, height: int, width: int) -> Array:
    return np.array(Image.fromarray(samples).resize((width, height), Image.Resampling.BICUBIC))


def sheet(rows: Sequence[Sequence[Array]], gap: int = 2, captions: Sequence[str] = (), scale: int = 0) -> Array:
    """Lay equally sized pictures out in a grid on white.

    Args:
        rows: pictures (H, W, 3); rows may differ in length.
        gap: pixels between neighbours.
        captions: one text above each column, cut where the next begins.
        scale: the side of the square each pixel becomes. 0: wide enough for captions, or 1 without any.

    Returns:
        (caption + rows * (H * scale + gap) - gap, columns * (W * scale + gap) - gap, 3), the caption none or as high as
        `captioned` makes it.

    Raises:
        ValueError: there are no pictures, or their sizes differ.
    """
    height, width = _one_size([picture for row in rows for picture in row])
    scale = scale or (math.ceil(NARROWEST / width) if captions else 1)
    height, width, columns = height * scale, width * scale, max(map(len, rows))
    canvas = np.full((len(rows) * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            y, x = row * (height + gap), column * (width + gap)
            canvas[y : y + height, x : x + width] = _enlarged(picture, scale)
    lefts = range(0, canvas.shape[1], width + gap)
    heading = _heading(dict(zip(lefts, captions, strict=False)), canvas.shape[1], _caption_height(height, width))
    return np.concatenate([heading, canvas]) if captions else canvas


def captioned(picture: Array, captions: Mapping[int, str]) -> Array:
    """Put captions above a picture.

    Args:
        picture: (H, W, 3).
        captions: texts by the column of the picture above which each begins, ascending; cut where the next begins.

    Returns:
        (caption + H, W, 3), enlarged where it is narrower than `NARROWEST`. The caption is 20 pixels high or, of a
        large picture, a thirtieth of the shorter side, so that it can be read where all of that is shown.
    """
    scale = math.ceil(NARROWEST / picture.shape[1])
    picture = _enlarged(picture, scale)
    height, width, _ = picture.shape
    lefts = {scale * left: caption for left, caption in captions.items()}
    return np.concatenate([_heading(lefts, width, _caption_height(height, width)), picture])


def _caption_height(height: int, width: int) -> int:
    return max(20, min(height, width) // 30)


def _heading(captions: Mapping[int, str], width: int, height: int) -> Array:
    """Draw captions, each from its left to where the next begins: (height, width, 3), black on white."""
    heading = Image.new("RGB", (width, height), "white")
    font, margin = ImageFont.load_default(0.7 * height), height // 10
    for left, right in pairwise([*captions, width]):
        strip = Image.new("RGB", (right - left - margin, height), "white")
        ImageDraw.Draw(strip).text((margin, margin), _plain(captions[left]), fill="black", font=font)
        heading.paste(strip, (left, 0))
    return np.asarray(heading)


def _plain(text: str) -> str:
    """Write a text in ASCII, which is what Pillow's own font has: letters without accents, others as escapes."""
    letters = (letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return "".join(letters).encode("ascii", "backslashreplace").decode()


def _enlarged(picture: Array, scale: int) -> Array:
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)


def write_animation(frames: Sequence[Array], path: Path, frame_ms: int = 200) -> None:
    """Write a GIF that loops for ever and shows its last frame ten times longer; whole or not at all.

    Args:
        frames: pictures (H, W, 3); they share one adaptive palette. Equal neighbours become one longer frame.
        path: the file to write.
        frame_ms: how long a frame is shown, in milliseconds; GIF counts in steps of 10.

    Raises:
        ValueError: there are no frames, or their sizes differ.
        OutputError: the place cannot be written or the disk is full.
    """
    height, width = _one_size(frames)
    step = 1 + math.isqrt(len(frames) * height * width >> 17)  # about 130,000 pixels are enough for a palette
    palette = Image.fromarray(np.concatenate([frame[::step, ::step] for frame in frames])).quantize(256)
    first, *rest = [Image.fromarray(frame).quantize(palette=palette) for frame in frames]
    duration = [frame_ms] * len(rest) + [10 * frame_ms]
    with atomic_file(path) as temporary:
        first.save(temporary, "GIF", save_all=True, append_images=rest, duration=duration, loop=0, optimize=False)


def _one_size(pictures: Sequence[Array]) -> tuple[int, int]:
    shapes = {picture.shape for picture in pictures}
    if len(shapes) != 1:
        raise ValueError(f"Expected pictures of one size; found {sorted(shapes) or 'none'}.")
    height, width, _ = shapes.pop()
    return height, width
