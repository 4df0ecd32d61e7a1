"""What files state of their colours without a profile: PNG by chunks, HEIC and AVIF by code points (ITU-T H.273)."""

import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image

from translate.images.colour import SRGB
from translate.images.picture import Array

_HEAD = 1 << 16  # bytes, in which HEIF tells of its parts
_MOST_CHUNKS = 100  # of a PNG before its pixels
_PRIMARIES = {9: "BT.2020", 11: "DCI-P3", 12: "Display P3"}
_DYNAMIC = {16: "PQ", 18: "HLG"}
_USUAL = 0.45455  # the gamma of PNG that is taken for sRGB, as browsers do
# The columns of Display P3 in the connection space, adapted to D50, as in Apple's profile.
_P3 = {
    b"rXYZ": (0.515121, 0.241196, -0.001053),
    b"gXYZ": (0.291977, 0.692245, 0.041885),
    b"bXYZ": (0.157104, 0.066574, 0.784073),
}


def _display_p3() -> bytes:
    """Return the profile of sRGB with other primaries: Display P3 has the same curve."""
    profile = bytearray(SRGB)
    (count,) = struct.unpack_from(">I", profile, 128)
    for number in range(count):
        name, offset, _ = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        if name in _P3:
            struct.pack_into(">3i", profile, offset + 8, *(round(value * 65536) for value in _P3[name]))
    return bytes(profile)


DISPLAY_P3 = _display_p3()


@dataclass(frozen=True)
class Stated:
    """What a file states.

    Attributes:
        profile: that is meant, where there is one here; else that of the file, if any.
        gamma: the exponent of light in the samples; None where it is that of sRGB, or of the profile.
        note: what is not converted, as a short phrase.
    """

    profile: bytes | None = None
    gamma: float | None = None
    note: str = ""


def stated(file: Image.Image, stream: BinaryIO | None) -> Stated:
    """Read what a file that is open, and not decoded yet, states of its colours."""
    profile = file.info.get("icc_profile")
    points = _code_points(file.format or "", stream) if stream is not None else None
    if points is not None:
        primaries, transfer = points
        if transfer in _DYNAMIC:
            return Stated(profile, None, f"{_DYNAMIC[transfer]} is not converted, so colours are flat or too light")
        if primaries == 12 and not profile:
            return Stated(DISPLAY_P3)
        if primaries in _PRIMARIES and not profile:
            return Stated(None, None, f"colours of {_PRIMARIES[primaries]} taken for sRGB")
    if file.format != "PNG" or profile or points is not None or "srgb" in file.info:
        return Stated(profile)
    gamma, notes = file.info.get("gamma"), ""
    red = file.info.get("chromaticity", (0, 0, 0.64, 0.33))[2:4]
    if abs(red[0] - 0.64) > 0.01 or abs(red[1] - 0.33) > 0.01:
        notes = "other primaries taken for those of sRGB"
    if not gamma or abs(gamma - _USUAL) < 0.02 or not 0.1 < gamma <= 4:
        return Stated(None, None, notes)
    return Stated(None, float(gamma), notes)


def as_srgb(samples: Array, gamma: float) -> Array:
    """Convert samples of another gamma, uint8 or uint16, to those of sRGB (IEC 61966-2-1)."""
    largest = np.iinfo(samples.dtype).max
    light = np.linspace(0, 1, largest + 1) ** (1 / gamma)
    table = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    found: Array = np.rint(table * largest).astype(samples.dtype)[samples]
    return found


def _code_points(format: str, stream: BinaryIO) -> tuple[int, int] | None:
    """Return the code points of primaries and transfer, if they are stated; the stream stays where it is."""
    place = stream.tell()
    try:
        stream.seek(0)
        if format in ("AVIF", "HEIF"):
            _, found, rest = stream.read(_HEAD).partition(b"colrnclx")
            return struct.unpack_from(">HH", rest) if found else None
        return _png_code_points(stream) if format == "PNG" else None
    except struct.error:
        return None
    finally:
        stream.seek(place)


def _png_code_points(stream: BinaryIO) -> tuple[int, int] | None:
    stream.seek(8)
    for _ in range(_MOST_CHUNKS):
        length, name = struct.unpack(">I4s", stream.read(8))
        if name == b"cICP":
            primaries, transfer = struct.unpack(">BB", stream.read(2))
            return primaries, transfer
        if name == b"IDAT":
            break
        stream.seek(length + 4, 1)
    return None
