"""What a picture is between two files, and how it is to be written."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # samples, uint8 in 0..255 or uint16 in 0..65535
Depth = Literal[8, 16]
Keep = Literal["none", "date", "safe", "all"]
Colour = tuple[int, int, int]  # sRGB, 0..255 each

WHITE: Colour = (255, 255, 255)

_EIGHT = np.rint(np.arange(65536) / 257).astype(np.uint8)


def to_depth(samples: Array, depth: Depth) -> Array:
    """Return samples of 8 or 16 bits as samples of `depth` bits: multiplied by 257, or divided by it and rounded."""
    if samples.dtype == np.uint8:
        return samples if depth == 8 else samples * np.uint16(257)
    return samples if depth == 16 else _EIGHT[samples]


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file says beside its pixels, as its bytes, which nobody has checked."""

    exif: bytes = b""
    xmp: bytes = b""
    comment: bytes = b""
    texts: tuple[tuple[str, str], ...] = ()  # of PNG: keyword and text
    iptc: bytes = b""
    dpi: tuple[float, float] | None = None  # across and down


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture, or one frame of an animation.

    Attributes:
        rgb: (H, W, 3) sRGB, uint8 in 0..255 or uint16 in 0..65535, orientation applied; not multiplied by alpha.
        alpha: (H, W), of the same type as `rgb`, or None when the format holds none.
        format: Pillow's name of the source format: "JPEG", "PNG", "MPO", ...
        notes: what was done to it that a user may want to know, as short phrases.
        metadata: what the source says beside its pixels.
        shown_ms: how long an animation shows it, in milliseconds; 0 for a still.
        plays: how many times its animation runs; 0: for ever.
    """

    rgb: Array
    alpha: Array | None
    format: str
    notes: tuple[str, ...] = ()
    metadata: Metadata = Metadata()
    shown_ms: float = 0
    plays: int = 1


@dataclass(frozen=True)
class Encoding:
    """How pictures are written.

    Attributes:
        format: Pillow's name of the format, or None: the suffix of the file says it.
        quality: 1..100, for the lossy formats JPEG, WebP and AVIF.
        depth: bits of a sample; 16 in PNG and TIFF only.
        keep_metadata: of EXIF, XMP, IPTC, comments and texts, "none"; "date": when it was taken; "safe": also camera,
            exposure, resolution, author and copyright; or "all". Rotation flags, thumbnails and measures of the pixels
            are never kept, they would be wrong.
        note: recorded as the program that made the file, where the format can; empty for none.
        alpha: "drop" writes pictures without it, laid on the background, as formats do that hold none.
        background: what transparency is laid on.
        frames: "first" writes an animation as a still.
    """

    format: str | None = None
    quality: int = 95
    depth: Depth = 8
    keep_metadata: Keep = "date"
    note: str = ""
    alpha: Literal["keep", "drop"] = "keep"
    background: Colour = WHITE
    frames: Literal["all", "first"] = "all"
