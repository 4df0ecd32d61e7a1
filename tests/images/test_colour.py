"""From any mode and colour profile to sRGB."""

import io
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from translate.images import Encoding, encode, read
from translate.images.colour import SRGB, scaled, split, to_srgb


def smooth(height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) without fine detail, which lossy formats keep within a few levels."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([255 * x / width, 255 * y / height, 128 + 0 * x], axis=-1).astype(np.uint8)


def noise(height: int, width: int, *channels: int) -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(0, 256, (height, width, *channels), dtype=np.uint8)


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def off(found: NDArray[Any], expected: Any) -> int:
    """Return the largest difference in levels."""
    assert found.dtype == np.uint8
    return int(np.abs(found.astype(int) - np.asarray(expected, dtype=int)).max())


@pytest.mark.parametrize("mode", ["La", "RGBa", "PA", "HSV", "RGBX", "I;16B", "I;16L", "YCbCr"])
@pytest.mark.fault("I-12")
def test_modes_only_some_decoders_give_are_split_as_well(mode: str) -> None:
    if mode.startswith("I;16"):
        image = Image.frombytes(mode, (1, 1), struct.pack(">H" if mode == "I;16B" else "<H", 200 * 257))
    else:
        steps = {"La": ["LA"], "RGBa": ["RGBA"], "PA": ["LA"]}.get(mode, [])
        image = Image.new("L", (1, 1), 200)
        for step in [*steps, mode]:
            image = image.convert(step)
    if mode.startswith("I;16"):
        assert scaled(image, []).tolist() == [[[200 * 257]]]
        return
    colour, alpha = split(image)
    assert off(np.asarray(to_srgb(colour, None, [])), 200) <= 1
    assert (alpha is not None) == (mode in ("La", "RGBa", "PA"))


def profile(space: bytes, tags: dict[bytes, bytes], connection: bytes = b"XYZ ", kind: bytes = b"mntr") -> bytes:
    """Return an ICC version 2 profile of these tags."""
    table, body = b"", b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, 132 + 12 * len(tags) + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    header = struct.pack(">I4sI4s4s4s", 0, b"lcms", 0x02400000, kind, space, connection)
    header += struct.pack(">6H4s", 2000, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    whole = header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body
    return struct.pack(">I", len(whole)) + whole[4:]


def tag(kind: bytes, *values: int, layout: str = "i") -> bytes:
    return kind + bytes(4) + struct.pack(f">{len(values)}{layout}", *values)


WHITE = tag(b"XYZ ", 63190, 65536, 54061)
LINEAR_GREY = profile(b"GRAY", {b"wtpt": WHITE, b"kTRC": tag(b"curv", 0)})
# sRGB with red and blue exchanged: what it calls red is blue.
EXCHANGED = SRGB.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")


def black_only_cmyk() -> bytes:
    """Return a CMYK profile that knows black ink only: L* = 100 (1 - K), whatever cyan, magenta and yellow are."""
    curve = bytes(range(256))
    grid = b"".join(bytes([0 if corner & 1 else 255, 128, 128]) for corner in range(16))
    head = struct.pack(">4s4sBBBB9i", b"mft1", b"", 4, 3, 2, 0, 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    return profile(b"CMYK", {b"wtpt": WHITE, b"A2B0": head + 4 * curve + grid + 3 * curve}, b"Lab ", b"prtr")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.fault("I-14")
def test_an_rgb_profile_is_converted_and_not_written(format: str) -> None:
    data = saved(Image.new("RGB", (16, 16), (250, 10, 10)), format, icc_profile=EXCHANGED)
    picture = read(data)
    assert off(picture.rgb, [10, 10, 250]) <= 6
    assert picture.notes == ()
    again = Image.open(io.BytesIO(encode(picture, Encoding(format))))
    assert again.info["icc_profile"] == SRGB


@pytest.mark.fault("I-14")
def test_a_profile_keeps_alpha_and_palette() -> None:
    rgba = saved(Image.new("RGBA", (4, 4), (250, 10, 10, 77)), "PNG", icc_profile=EXCHANGED)
    assert off(read(rgba).rgb, [10, 10, 250]) <= 2
    alpha = read(rgba).alpha
    assert alpha is not None
    assert (alpha == 77).all()
    palette = saved(Image.new("P", (4, 4), (250, 10, 10)), "PNG", icc_profile=EXCHANGED)
    assert off(read(palette).rgb, [10, 10, 250]) <= 2


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
@pytest.mark.fault("I-14")
def test_a_grey_profile_is_converted(mode: str) -> None:
    colour: Any = {"L": 128, "LA": (128, 9), "I;16": 128 * 257}[mode]
    picture = read(saved(Image.new(mode, (4, 4), colour), "PNG", icc_profile=LINEAR_GREY))
    assert off(picture.rgb, 188) <= 1  # half the light is 188 in sRGB


@pytest.mark.fault("I-14")
def test_cmyk() -> None:
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    for format in ("JPEG", "TIFF"):
        plain = read(saved(cyan, format))
        assert off(plain.rgb, [0, 255, 255]) <= 3
        assert plain.notes == ("CMYK without a colour profile, colours are approximate",)
        converted = read(saved(cyan, format, icc_profile=black_only_cmyk()))
        assert off(converted.rgb, 255) <= 3
        assert converted.notes == ()


@pytest.mark.fault("I-14")
def test_our_own_profile_changes_nothing() -> None:
    rgb = noise(64, 64, 3)
    picture = read(saved(Image.fromarray(rgb), "PNG", icc_profile=SRGB))
    assert np.array_equal(picture.rgb, rgb)
    assert picture.notes == ()


@pytest.mark.parametrize(
    ("mode", "icc"),
    [
        ("RGB", b"broken"),
        ("RGB", SRGB[:300]),
        ("RGB", LINEAR_GREY),
        ("RGB", black_only_cmyk()),
        ("L", SRGB[:-1]),
        ("L", EXCHANGED),
        ("L", SRGB),
        ("RGBA", bytes(128)),
    ],
)
@pytest.mark.fault("I-14")
def test_a_profile_that_does_not_fit_is_ignored_with_a_note(mode: str, icc: bytes) -> None:
    image = Image.fromarray(noise(4, 4)).convert(mode)
    picture = read(saved(image, "PNG", icc_profile=icc))
    assert np.array_equal(picture.rgb, np.asarray(image.convert("RGB")))
    if icc == SRGB:  # grey is sRGB already, and the profile says no more
        assert picture.notes == ()
    else:
        assert picture.notes == (f"colour profile ignored: it is damaged or not for {mode[:3]} pictures",)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.fault("I-14")
def test_a_profile_of_10_megabytes_is_converted(format: str) -> None:
    profile = EXCHANGED + bytes(10_000_000)
    picture = read(saved(Image.new("RGB", (16, 16), (250, 10, 10)), format, icc_profile=profile))
    assert off(picture.rgb, [10, 10, 250]) <= 6
    assert picture.notes == ()


@pytest.mark.fault("I-14")
def test_a_profile_of_version_5_is_converted_or_ignored_with_a_note() -> None:
    picture = read(saved(Image.new("RGB", (4, 4), (250, 10, 10)), "PNG", icc_profile=SRGB[:8] + b"\5" + SRGB[9:]))
    assert off(picture.rgb, [250, 10, 10]) <= 2
