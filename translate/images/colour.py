"""From Pillow's modes to sRGB: parting colours from alpha, scaling deep values, colour profiles through littlecms."""

import io
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, TiffImagePlugin

from translate.images.picture import Array

Tag = ExifTags.Base


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


def scaled(picture: Image.Image) -> Array:
    """Turn grey of mode I;16, I or F into uint16, (H, W, 1), or (H, W, 2) with alpha. See the head of this package."""
    values, tags = np.asarray(picture), picture.tag_v2 if isinstance(picture, TiffImagePlugin.TiffImageFile) else {}
    (bits, *_), (kind, *_) = tags.get(Tag.BitsPerSample, (0,)), tags.get(Tag.SampleFormat, (1,))
    if picture.mode.startswith("I;16") or (picture.mode == "I" and picture.format == "PPM"):
        ranges: tuple[int, ...] = (4095,) if bits == 12 else (65535,)
    else:
        ranges = (1, 255, 65535)
        if (bits, kind, picture.mode) == (32, 1, "I"):  # unsigned
            values = values.view(np.uint32)
    grey = _to_16_bits(values, ranges)
    if tags.get(Tag.PhotometricInterpretation) == 0:  # white is 0, which Pillow heeds up to 8 bits only
        grey = 65535 - grey
    transparent = picture.info.get("transparency")
    if not isinstance(transparent, int):
        return grey[..., None]
    return np.dstack([grey, (np.asarray(picture) != transparent) * np.uint16(65535)])


def _to_16_bits(values: NDArray[Any], ranges: Sequence[int]) -> NDArray[np.uint16]:
    finite = np.nan_to_num(values.astype(np.float32), nan=0, posinf=np.inf, neginf=0)
    largest = float(finite.max(initial=0, where=np.isfinite(finite)))
    white = next((end for end in ranges if largest <= end), largest)
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
