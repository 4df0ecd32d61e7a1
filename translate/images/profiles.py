"""Colour profiles in 16 bits, which Pillow's littlecms cannot do: those that are a matrix and curves (ICC.1:2022, F.3).

These are what cameras, editors and screens use for RGB and grey. Profiles that are tables (printers) have no 16-bit
path here.
"""

import struct

import numpy as np
from numpy.typing import NDArray

from translate.images.colour import SRGB
from translate.images.picture import Array

Floats = NDArray[np.float32]

_BAND = 1 << 18  # pixels converted at a time, because floats need much more memory than samples


def wide_to_srgb(samples: Array, profile: bytes | None) -> Array | None:
    """Convert uint16 grey (H, W, 1) or RGB (H, W, 3) to sRGB (H, W, 3).

    Returns:
        uint16, or None if the profile is damaged, for other colours, or none of those that are converted here.
    """
    height, width, channels = samples.shape
    if not profile or profile == SRGB:
        return samples.repeat(3, axis=2) if channels == 1 else np.ascontiguousarray(samples)
    try:
        with np.errstate(all="ignore"):  # powers of damaged numbers
            curves, matrix = _parts(profile, channels)
    except (ValueError, struct.error):
        return None
    if not all(np.isfinite(curve).all() for curve in curves):
        return None
    if not all(curve[0] < 1e-4 and curve[-1] > 1 - 1e-4 for curve in curves):  # littlecms would move the black point
        return None
    to_linear_srgb = np.linalg.inv(_parts(SRGB, 3)[1]) @ matrix  # (3, channels)
    flat, result = samples.reshape(-1, channels), np.empty((height * width, 3), np.uint16)
    for start in range(0, len(flat), _BAND):
        band = flat[start : start + _BAND]
        linear = np.stack([curve[band[:, n]] for n, curve in enumerate(curves)], axis=1)
        result[start : start + _BAND] = _encoded(linear @ to_linear_srgb.T.astype(np.float32))
    return result.reshape(height, width, 3)


def _parts(profile: bytes, channels: int) -> tuple[list[Floats], NDArray[np.float64]]:
    """Return a profile's curves, which make 16-bit samples linear, and its matrix (3, channels) from there to XYZ.

    Raises:
        ValueError, struct.error: it is damaged, of another colour space, or no matrix with curves.
    """
    space, connection = profile[16:20], profile[20:24]
    (count,) = struct.unpack_from(">I", profile, 128)
    places = [struct.unpack_from(">4sII", profile, 132 + 12 * n) for n in range(min(count, 100))]
    tags = {name: profile[offset : offset + size] for name, offset, size in places}
    if connection != b"XYZ " or space != (b"GRAY" if channels == 1 else b"RGB ") or b"A2B0" in tags:
        raise ValueError("no matrix")
    if channels == 1:
        white = np.array(struct.unpack(">3i", SRGB[68:80])) / 65536  # of the connection space, from the header
        return [_curve(tags.get(b"kTRC", b""))], white[:, None]
    columns = [struct.unpack_from(">3i", tags.get(name, b""), 8) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    curves = [_curve(tags.get(name, b"")) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return curves, np.array(columns).T / 65536


def _curve(tag: bytes) -> Floats:
    """Return the 65536 values of a tone curve, 0..1, of the types "curv" and "para" (ICC.1:2022, 10.6 and 10.18)."""
    x = np.linspace(0, 1, 65536)
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        table = np.array(struct.unpack_from(f">{min(count, 65536)}H", tag, 12))
        if count < 2:
            return (x ** (table[0] / 256) if count else x).astype(np.float32)
        return np.interp(x, np.linspace(0, 1, len(table)), table / 65535).astype(np.float32)
    (kind,) = struct.unpack_from(">H", tag, 8)
    if tag[:4] != b"para" or kind > 4:
        raise ValueError("no curve")
    found = [number / 65536 for number in struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)]
    g, a, b, c, d, e, f = (found + [0.0] * 7)[:7] if kind else (found[0], 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    if kind in (1, 2):  # whose lower part is constant, where the base below is 0
        c, e = 0.0, c
    upper = np.clip(a * x + b, 0, None) ** g + e
    return np.clip(np.where(x >= d, upper, c * x + f), 0, 1).astype(np.float32)


def _encoded(linear: Floats) -> NDArray[np.uint16]:
    """Apply sRGB's curve (IEC 61966-2-1) to linear values, and clip what lies outside its gamut."""
    linear = np.clip(linear, 0, 1)
    values = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.array(np.rint(values * 65535), np.uint16)
