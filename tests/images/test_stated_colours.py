"""Colours that are stated without a profile are converted, or it is said that they are not."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from translate.images import read
from translate.images.colour import SRGB
from translate.images.stated_colours import DISPLAY_P3

RED = (200, 90, 60)


def png(*chunks: tuple[bytes, bytes], colour: tuple[int, int, int] = RED) -> bytes:
    """Return a PNG of one colour with more chunks before its pixels."""
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(stream, "PNG")
    data, extra = stream.getvalue(), b""
    for name, body in chunks:
        extra += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return data[:33] + extra + data[33:]


def heif(format: str, primaries: int, transfer: int) -> bytes:
    """Return a picture whose code points are changed in place."""
    if format == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    stream = io.BytesIO()
    Image.new("RGB", (64, 64), RED).save(stream, format, quality=100)
    before, box, after = stream.getvalue().partition(b"colrnclx")
    return before + box + struct.pack(">HH", primaries, transfer) + after[4:]


def gamma(value: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(value * 100_000))


def by_littlecms(profile: bytes) -> list[int]:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    image = Image.new("RGB", (1, 1), RED)
    converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"))
    assert converted is not None
    return list(converted.getpixel((0, 0)))  # type: ignore[arg-type]


@pytest.mark.fault("F-14")
@pytest.mark.parametrize(
    ("value", "expected"), [(1.0, [229, 160, 133]), (0.45455, list(RED)), (1 / 1.8, [210, 109, 77])]
)
def test_the_gamma_of_a_png_is_applied(value: float, expected: list[int]) -> None:
    """Of light x, sRGB is 1.055 x^(1/2.4) - 0.055; 200/255 of gamma 1 is 0.784 of the light, which is 0.896 of sRGB."""
    picture = read(png(gamma(value)))
    assert np.abs(picture.rgb[0, 0].astype(int) - expected).max() <= 1
    assert picture.notes == ()
    deep = read(png(gamma(value)), depth=16).rgb[0, 0] / 257
    assert np.abs(deep - expected).max() <= 1


@pytest.mark.fault("F-14")
def test_a_profile_or_srgb_counts_more_than_gamma() -> None:
    for chunk in ((b"sRGB", b"\0"), (b"iCCP", b"x\0\0" + zlib.compress(SRGB)), (b"cICP", bytes([1, 13, 0, 1]))):
        assert read(png(chunk, gamma(1.0))).rgb[0, 0].tolist() == list(RED)


@pytest.mark.fault("F-14")
@pytest.mark.parametrize("source", ["PNG", "AVIF", "HEIF"])
def test_display_p3_is_converted_wherever_it_is_stated(source: str) -> None:
    data = png((b"cICP", bytes([12, 13, 0, 1]))) if source == "PNG" else heif(source, 12, 13)
    plain = png() if source == "PNG" else heif(source, 1, 13)
    picture = read(data)
    assert np.abs(picture.rgb[0, 0].astype(int) - by_littlecms(DISPLAY_P3)).max() <= 4
    assert picture.notes == ()
    assert picture.rgb[0, 0, 0] > read(plain).rgb[0, 0, 0] + 5  # more colourful in sRGB's numbers


def test_the_profile_of_display_p3_has_its_primaries() -> None:
    """The red of Display P3, x 0.68 and y 0.32, is out of sRGB's reach; its white is white."""
    white = Image.new("RGB", (1, 1), (255, 255, 255))
    source = ImageCms.ImageCmsProfile(io.BytesIO(DISPLAY_P3))
    converted: Any = ImageCms.profileToProfile(white, source, ImageCms.createProfile("sRGB"))
    assert min(converted.getpixel((0, 0))) >= 254
    assert by_littlecms(SRGB) == list(RED)
    assert by_littlecms(DISPLAY_P3)[0] > RED[0] > RED[1] > by_littlecms(DISPLAY_P3)[1]


@pytest.mark.fault("F-14")
@pytest.mark.parametrize("source", ["PNG", "AVIF", "HEIF"])
@pytest.mark.parametrize(
    ("primaries", "transfer", "note"),
    [
        (9, 16, "PQ is not converted, so colours are flat or too light"),
        (9, 18, "HLG is not converted, so colours are flat or too light"),
        (12, 16, "PQ is not converted, so colours are flat or too light"),
        (9, 1, "colours of BT.2020 taken for sRGB"),
    ],
)
def test_what_is_not_converted_is_noted(source: str, primaries: int, transfer: int, note: str) -> None:
    data = png((b"cICP", bytes([primaries, transfer, 0, 1]))) if source == "PNG" else heif(source, primaries, transfer)
    assert read(data).notes == (note,)


@pytest.mark.fault("F-14")
def test_other_primaries_of_a_png_are_noted() -> None:
    p3 = struct.pack(">8I", *(round(100_000 * value) for value in (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)))
    assert read(png((b"cHRM", p3))).notes == ("other primaries taken for those of sRGB",)
    usual = struct.pack(">8I", *(round(100_000 * value) for value in (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)))
    assert read(png((b"cHRM", usual), gamma(0.45455))).notes == ()
