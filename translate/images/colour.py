"""From Pillow's modes to sRGB: parting colours from alpha, scaling deep values, colour profiles through littlecms."""

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, TiffImagePlugin

from translate.images.picture import Array

Tag = ExifTags.Base
RANGES = (1, 255, 1023, 4095, 16383, 32767, 65535)  # where levels end that a file may state
MANY = 1024  # samples: fewer tell nothing of a range


def srgb_profile() -> bytes:
    """Return Pillow's sRGB profile with a fixed creation date, so that equal pictures are equal files."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]


SRGB = srgb_profile()


def split(picture: Image.Image) -> tuple[Image.Image, Array | None]:
    """Part a picture of 8 bits or less into its colours, as L, RGB, CMYK or LAB, and its alpha, (H, W) uint8."""
    kept = {"1": "L", "L": "L", "LA": "L", "La": "L", "CMYK": "CMYK", "LAB": "LAB"}.get(picture.mode, "RGB")
    if not picture.has_transparency_data:
        return picture.convert(kept), None
    if picture.mode == "La":
        picture = picture.convert("LA")
    picture = picture.convert("RGBA")
    return picture.convert(kept), np.array(picture.getchannel("A"))


def scaled(picture: Image.Image, notes: list[str]) -> Array:
    """Turn grey of mode I;16, I or F into uint16, (H, W, 1), or (H, W, 2) with alpha. See the head of this package."""
    values, tags = np.asarray(picture), picture.tag_v2 if isinstance(picture, TiffImagePlugin.TiffImageFile) else {}
    (bits, *_), (kind, *_) = tags.get(Tag.BitsPerSample, (0,)), tags.get(Tag.SampleFormat, (1,))
    if (bits, kind, picture.mode) == (32, 1, "I"):  # unsigned
        values = values.view(np.uint32)
    if picture.mode.startswith("I;16") or (picture.mode == "I" and picture.format == "PPM"):
        usual = 4095 if bits == 12 else 65535
    else:
        usual = 32767 if (bits, kind) == (16, 2) else 0
    white = _stated_white(tags)
    if not white:
        white = _white_of_floats(values, notes) if picture.mode == "F" else _white_of_integers(values, usual, notes)
    grey = _to_16_bits(values, white)
    if tags.get(Tag.PhotometricInterpretation) == 0:  # white is 0, which Pillow heeds up to 8 bits only
        grey = 65535 - grey
    transparent = picture.info.get("transparency")
    if not isinstance(transparent, int):
        return grey[..., None]
    return np.dstack([grey, (np.asarray(picture) != transparent) * np.uint16(65535)])


def widened(samples: Array, notes: list[str]) -> Array:
    """Return colours of 16 bits, (H, W, C) uint16, of which only the lower 12 are used, with their whole range."""
    white = _white_of_integers(samples, 65535, notes)
    return samples if white == 65535 else _to_16_bits(samples, white)


def _stated_white(tags: Any) -> float:
    """Return the largest level that a TIFF says there is, if that is the end of a range; else 0."""
    for tag in (Tag.SMaxSampleValue, Tag.MaxSampleValue):
        (found, *_) = np.atleast_1d(tags.get(tag, 0)).tolist() or [0]
        if found in RANGES:
            return float(found)
    return 0.0


def _white_of_integers(values: NDArray[Any], usual: int, notes: list[str]) -> float:
    """Return which level is white: `usual`, or where that is 0 the first end of a range that holds all levels.

    Scanners, cameras and microscopes store 12 bits in 16. These are taken for what they are where the upper half of the
    12 is used: in 16 bits nothing would be lighter than a sixteenth of white.
    """
    largest = float(values.max(initial=0))
    if usual > 4095 and 2048 <= largest <= 4095 and values.size >= MANY:
        notes.append("taken for 12 bits, because no level is above 4095")
        return 4095.0
    return usual or next((end for end in (1, 255, 65535) if largest <= end), largest)


def _white_of_floats(values: NDArray[Any], notes: list[str]) -> float:
    """Return which level is white: the first end of a range that nearly all levels are in, or a little above."""
    finite = values[np.isfinite(values)].ravel()
    if not finite.size:
        return 1.0
    largest, some = float(finite.max()), finite[:: 1 + finite.size // 1_000_000]
    most = float(np.quantile(some, 0.999)) if finite.size >= MANY else largest
    for end in (1, 255, 65535):
        if largest <= end or most <= end * 1.1:
            notes.extend([f"levels above {end} are white"] if largest > end else [])
            return end
        if end == 1 and most <= 16 and (some != np.rint(some)).any():  # light that was measured, without an end
            notes.append(f"levels from 0 to {most:.4g} taken for black to white")
            return most
    return largest


def _to_16_bits(values: NDArray[Any], white: float) -> NDArray[np.uint16]:
    finite = np.nan_to_num(values.astype(np.float32), nan=0, posinf=np.inf, neginf=0)
    return np.array(np.rint(np.clip(finite, 0, white) * np.float32(65535 / white)), np.uint16)


def to_srgb(colour: Image.Image, profile: bytes | None, notes: list[str]) -> Image.Image:
    """Convert mode L, RGB, CMYK or LAB to RGB in sRGB. A profile that cannot be used is noted and ignored."""
    if profile and profile != SRGB:
        try:
            # Made anew for each picture: profile handles are not for two threads at a time.
            own, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
            return ImageCms.buildTransform(own, srgb, colour.mode, "RGB").apply(colour)
        except Exception:
            notes.append(f"colour profile ignored: it is damaged or not for {colour.mode} pictures")
    elif colour.mode == "CMYK":
        notes.append("CMYK without a colour profile, colours are approximate")
    return colour.convert("RGB")
