"""Decoding and encoding: every mode and format, hostile files, colour, alpha, privacy, whole files only."""

import errno
import io
import os
import random
import struct
import subprocess
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, PngImagePlugin

from translate import images
from translate.errors import ImageDecodeError, OutputError
from translate.images import Picture, encode, output_suffix, probe, read, resize, sheet, write, write_animation

SAVED = ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "PPM"]
WRITTEN = ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "BMP", "PPM"]
LOSSLESS = ["PNG", "TIFF", "BMP", "PPM"]
ALPHA = ["PNG", "WEBP", "TIFF", "AVIF"]
MARKER = b"PLANTED-SECRET"


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


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, depth: int, colour: int, data: bytes, *extra: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def off(found: NDArray[Any], expected: Any) -> int:
    """Return the largest difference in levels."""
    assert found.dtype == np.uint8
    return int(np.abs(found.astype(int) - np.asarray(expected, dtype=int)).max())


# Modes and formats


@pytest.mark.parametrize(
    ("mode", "formats"),
    [
        ("1", ["PNG", "TIFF", "BMP", "GIF", "PPM", "JPEG"]),
        ("L", SAVED),
        ("LA", ["PNG", "TIFF", "WEBP", "AVIF"]),
        ("P", ["PNG", "TIFF", "BMP", "GIF", "WEBP", "AVIF"]),
        ("RGB", SAVED),
        ("RGBA", ["PNG", "TIFF", "WEBP", "AVIF"]),
        ("RGBX", ["TIFF", "JPEG"]),
        ("CMYK", ["JPEG", "TIFF"]),
        ("YCbCr", ["JPEG"]),
        ("LAB", ["TIFF"]),
        ("I", ["TIFF", "PPM"]),
        ("I;16", ["PNG", "TIFF", "PPM"]),
        ("F", ["TIFF", "PPM"]),
    ],
)
def test_every_mode_of_every_format_becomes_rgb(mode: str, formats: list[str]) -> None:
    grey: dict[str, Any] = {
        "1": 1,
        "I": 200 * 257,
        "I;16": 200 * 257,
        "F": 200 / 255,
        "CMYK": (0, 0, 0, 55),
        "YCbCr": (200, 128, 128),
        "LAB": (206, 128, 128),
        "LA": (200, 77),
        "RGBA": (200, 200, 200, 77),
        "P": (200, 200, 200),
    }
    image = Image.new(mode, (32, 16), grey.get(mode, 200 if mode == "L" else (200, 200, 200)))
    for format in formats:
        picture = read(saved(image, format))
        assert picture.rgb.shape == (16, 32, 3)
        assert off(picture.rgb, 255 if mode == "1" else 200) <= (3 if format in ("JPEG", "WEBP", "AVIF") else 1), format
        assert picture.format == format
        if mode in ("LA", "RGBA"):
            assert picture.alpha is not None, format
            assert off(picture.alpha, 77) <= (2 if format == "AVIF" else 0), format
        else:
            assert picture.alpha is None, format


@pytest.mark.parametrize("mode", ["La", "RGBa", "PA", "HSV", "RGBX", "I;16B", "I;16L", "YCbCr"])
def test_modes_only_some_decoders_give_are_split_as_well(mode: str) -> None:
    if mode.startswith("I;16"):
        image = Image.frombytes(mode, (1, 1), struct.pack(">H" if mode == "I;16B" else "<H", 200 * 257))
    else:
        steps = {"La": ["LA"], "RGBa": ["RGBA"], "PA": ["LA"]}.get(mode, [])
        image = Image.new("L", (1, 1), 200)
        for step in [*steps, mode]:
            image = image.convert(step)
    colour, alpha = images._split(image)
    assert off(np.asarray(images._to_srgb(colour, None, [])), 200) <= 1
    assert (alpha is not None) == (mode in ("La", "RGBa", "PA"))


@pytest.mark.parametrize("transparency", [1, bytes([255, 0, 77])])
def test_palette_transparency_is_alpha_and_its_colours_stay(transparency: Any) -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.putdata([0, 1, 2])
    picture = read(saved(image, "PNG", transparency=transparency))
    assert picture.rgb.tolist() == [[[10, 20, 30], [40, 50, 60], [70, 80, 90]]]
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[255, 0, 77 if isinstance(transparency, bytes) else 255]]


@pytest.mark.parametrize("depth", [8, 16])
def test_a_transparent_grey_level_is_alpha(depth: int) -> None:
    data = b"\0\1\2" if depth == 8 else b"\0\0\1\0\2"
    picture = read(png(2, 1, depth, 0, data, chunk(b"tRNS", b"\0\2")))
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[255, 0]]


@pytest.mark.parametrize("format", WRITTEN)
def test_round_trip(format: str, tmp_path: Path) -> None:
    rgb = noise(17, 23, 3) if format in LOSSLESS else smooth()
    path = tmp_path / f"new/picture{format.lower()}"
    write(Picture(rgb, None, "PNG"), path, format)
    again = read(path)
    assert again.format == format
    assert again.alpha is None
    assert again.notes == ()
    assert off(again.rgb, rgb) <= (0 if format in LOSSLESS else 6)
    assert again.rgb.flags.writeable


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(alpha=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 255)))
@example(alpha=np.zeros((3, 2), np.uint8))
@example(alpha=np.full((3, 2), 255, np.uint8))
@pytest.mark.parametrize("format", ALPHA)
def test_alpha_survives_bit_by_bit(format: str, alpha: NDArray[np.uint8]) -> None:
    rgb = noise(*alpha.shape, 3)
    again = read(encode(Picture(rgb, alpha, "PNG"), format, quality=60))
    if again.alpha is None:
        assert format in ("WEBP", "AVIF")
        assert (alpha == 255).all()
    else:
        assert np.array_equal(again.alpha, alpha)
    if format in LOSSLESS:  # also where it is transparent
        assert np.array_equal(again.rgb, rgb)


def test_colours_under_transparent_pixels_stay() -> None:
    for format in ALPHA:
        again = read(encode(Picture(smooth(), np.zeros((48, 64), np.uint8), "PNG"), format))
        assert off(again.rgb, smooth()) <= 20, format


@pytest.mark.parametrize("format", ["JPEG", "BMP", "PPM"])
def test_alpha_is_dropped_where_it_cannot_be_held(format: str) -> None:
    again = read(encode(Picture(smooth(), np.zeros((48, 64), np.uint8), "PNG"), format))
    assert again.alpha is None
    assert off(again.rgb, smooth()) <= 6


# Depth


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_are_scaled_not_clipped(format: str) -> None:
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    picture = read(saved(Image.fromarray(ramp), format))
    grey = picture.rgb[..., 0].ravel().astype(int)
    assert (np.diff(grey) >= 0).all()
    assert len(np.unique(grey)) == 256
    assert np.array_equal(grey, (ramp.ravel().astype(int) + 128) // 257)
    assert picture.notes == ("reduced to 8 bits a channel",)


def test_a_dark_sixteen_bit_picture_stays_dark() -> None:
    for format in ("PNG", "TIFF", "PPM"):
        assert read(saved(Image.fromarray(np.full((4, 4), 200, np.uint16)), format)).rgb.max() == 1


@pytest.mark.parametrize(("colour", "samples"), [(2, 3), (4, 2), (6, 4)])
def test_sixteen_bit_colour_is_reduced_and_said_so(colour: int, samples: int) -> None:
    picture = read(png(1, 1, 16, colour, b"\0" + b"\x80\x40" * samples))
    assert picture.rgb.tolist() == [[[128, 128, 128]]]
    assert picture.notes == ("reduced to 8 bits a channel",)
    assert read(b"P6 1 1 65535\n" + b"\x80\x40" * 3).notes == ("reduced to 8 bits a channel",)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([0, 1, 1], np.int32), [0, 255, 255]),
        (np.array([0, 100, 255], np.int32), [0, 100, 255]),
        (np.array([-5, 256, 65535], np.int32), [0, 1, 255]),
        (np.array([0, 1 << 30, 1 << 31], np.float64).clip(0, 2**31 - 1).astype(np.int32), [0, 128, 255]),
        (np.array([0, 0.5, 1], np.float32), [0, 128, 255]),
        (np.array([-1, 100.4, 255], np.float32), [0, 100, 255]),
        (np.array([np.nan, -np.inf, np.inf], np.float32), [0, 0, 255]),
        (np.array([np.inf, 6e5, 1e6], np.float32), [255, 153, 255]),
        (np.array([np.nan, np.nan, np.nan], np.float32), [0, 0, 0]),
    ],
)
def test_integers_and_floats_are_scaled_by_their_range(values: NDArray[Any], expected: list[int]) -> None:
    picture = read(saved(Image.fromarray(values[None]), "TIFF"))
    assert picture.rgb[0, :, 0].tolist() == expected
    assert picture.notes == ("reduced to 8 bits a channel",)


# Orientation

TURNED: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", TURNED)
def test_orientation_is_applied_exactly_once(format: str, orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    path = tmp_path / "turned"
    options = {"compression": "tiff_lzw"} if format == "TIFF" else {}
    path.write_bytes(saved(Image.fromarray(smooth()), format, exif=exif, **options))
    expected = TURNED[orientation](smooth())
    picture = read(path)
    assert picture.rgb.shape == expected.shape
    assert off(picture.rgb, expected) <= 20
    assert picture.notes == ()
    assert probe(path) == (*expected.shape[:2], "RGB")
    again = read(encode(picture, format))
    assert again.rgb.shape == expected.shape
    assert off(again.rgb, expected) <= 20


def test_alpha_turns_with_the_picture() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    rgba = noise(3, 5, 4)
    picture = read(saved(Image.fromarray(rgba), "PNG", exif=exif))
    assert picture.alpha is not None
    assert np.array_equal(np.dstack([picture.rgb, picture.alpha]), np.rot90(rgba, -1))


def test_orientation_behind_the_pixels_counts_too() -> None:
    data = saved(Image.fromarray(smooth()), "PNG")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    end = data.index(b"IEND") - 4
    data = data[:end] + chunk(b"eXIf", exif.tobytes()[6:]) + data[end:]
    assert np.array_equal(read(data).rgb, np.rot90(smooth(), -1))


@pytest.mark.parametrize("orientation", [0, 9, 274])
def test_an_impossible_orientation_is_ignored(orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    picture = read(saved(Image.fromarray(smooth()), "PNG", exif=exif))
    assert off(picture.rgb, smooth()) == 0
    assert picture.notes == ("unreadable EXIF orientation ignored",)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0garbage",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01",
        b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\xff\xff\xff\xff\0\0\0\0",
    ],
)
def test_garbage_exif_neither_fails_nor_warns(format: str, exif: bytes) -> None:
    data = saved(Image.fromarray(smooth()), format, exif=exif)
    assert off(read(data).rgb, smooth()) <= 20


def test_probe_does_not_decode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for format in SAVED:
        (tmp_path / format).write_bytes(saved(Image.fromarray(smooth()), format))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    for format in SAVED:
        assert probe(tmp_path / format)[:2] == (48, 64)


# Colour


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
EXCHANGED = images._SRGB.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")


def black_only_cmyk() -> bytes:
    """Return a CMYK profile that knows black ink only: L* = 100 (1 - K), whatever cyan, magenta and yellow are."""
    curve = bytes(range(256))
    grid = b"".join(bytes([0 if corner & 1 else 255, 128, 128]) for corner in range(16))
    head = struct.pack(">4s4sBBBB9i", b"mft1", b"", 4, 3, 2, 0, 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    return profile(b"CMYK", {b"wtpt": WHITE, b"A2B0": head + 4 * curve + grid + 3 * curve}, b"Lab ", b"prtr")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_an_rgb_profile_is_converted_and_not_written(format: str) -> None:
    data = saved(Image.new("RGB", (16, 16), (250, 10, 10)), format, icc_profile=EXCHANGED)
    picture = read(data)
    assert off(picture.rgb, [10, 10, 250]) <= 6
    assert picture.notes == ()
    again = Image.open(io.BytesIO(encode(picture, format)))
    assert again.info["icc_profile"] == images._SRGB


def test_a_profile_keeps_alpha_and_palette() -> None:
    rgba = saved(Image.new("RGBA", (4, 4), (250, 10, 10, 77)), "PNG", icc_profile=EXCHANGED)
    assert off(read(rgba).rgb, [10, 10, 250]) <= 2
    alpha = read(rgba).alpha
    assert alpha is not None
    assert (alpha == 77).all()
    palette = saved(Image.new("P", (4, 4), (250, 10, 10)), "PNG", icc_profile=EXCHANGED)
    assert off(read(palette).rgb, [10, 10, 250]) <= 2


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_a_grey_profile_is_converted(mode: str) -> None:
    colour: Any = {"L": 128, "LA": (128, 9), "I;16": 128 * 257}[mode]
    picture = read(saved(Image.new(mode, (4, 4), colour), "PNG", icc_profile=LINEAR_GREY))
    assert off(picture.rgb, 188) <= 1  # half the light is 188 in sRGB


def test_cmyk() -> None:
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    for format in ("JPEG", "TIFF"):
        plain = read(saved(cyan, format))
        assert off(plain.rgb, [0, 255, 255]) <= 3
        assert plain.notes == ("CMYK without a colour profile, colours are approximate",)
        converted = read(saved(cyan, format, icc_profile=black_only_cmyk()))
        assert off(converted.rgb, 255) <= 3
        assert converted.notes == ()


def test_our_own_profile_changes_nothing() -> None:
    rgb = noise(64, 64, 3)
    picture = read(saved(Image.fromarray(rgb), "PNG", icc_profile=images._SRGB))
    assert np.array_equal(picture.rgb, rgb)
    assert picture.notes == ()


@pytest.mark.parametrize(
    ("mode", "icc"),
    [
        ("RGB", b"broken"),
        ("RGB", images._SRGB[:300]),
        ("RGB", LINEAR_GREY),
        ("RGB", black_only_cmyk()),
        ("L", images._SRGB[:-1]),
        ("L", EXCHANGED),
        ("L", images._SRGB),
        ("RGBA", bytes(128)),
    ],
)
def test_a_profile_that_does_not_fit_is_ignored_with_a_note(mode: str, icc: bytes) -> None:
    image = Image.fromarray(noise(4, 4)).convert(mode)
    picture = read(saved(image, "PNG", icc_profile=icc))
    assert np.array_equal(picture.rgb, np.asarray(image.convert("RGB")))
    if icc == images._SRGB:  # grey is sRGB already, and the profile says no more
        assert picture.notes == ()
    else:
        assert picture.notes == (f"colour profile ignored: it is damaged or not for {mode[:3]} pictures",)


# Frames


def test_the_first_frame_is_read_and_said_so() -> None:
    frames = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (40, 200)]
    for format in ("GIF", "PNG", "WEBP", "TIFF", "AVIF"):
        picture = read(saved(frames[0], format, save_all=True, append_images=frames[1:]))
        assert off(picture.rgb, 40) <= 3, format
        assert picture.notes == ("first of several frames",), format


def test_a_photo_with_by_products_is_a_still(tmp_path: Path) -> None:
    path = tmp_path / "phone.jpg"
    image = Image.fromarray(smooth())
    path.write_bytes(saved(image, "MPO", save_all=True, append_images=[image.resize((8, 8))]))
    picture = read(path)
    assert (picture.format, picture.notes) == ("MPO", ())


# Hostile files


@pytest.mark.parametrize("format", SAVED)
def test_a_truncated_file_is_refused(format: str) -> None:
    data = saved(Image.fromarray(noise(40, 40, 3)), format)
    for percent in range(5, 95, 5):
        with pytest.raises(ImageDecodeError, match="cannot be decoded"):
            read(data[: len(data) * percent // 100])


def test_mutations_raise_nothing_else() -> None:
    chance = random.Random(3)
    rgba = Image.fromarray(noise(9, 9, 4))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    seeds = [saved(Image.fromarray(smooth(12, 16)), format) for format in SAVED]
    seeds += [saved(rgba, format, exif=exif, icc_profile=EXCHANGED) for format in ("PNG", "WEBP", "TIFF")]
    seeds += [saved(rgba.convert("CMYK"), "JPEG", exif=exif, icc_profile=black_only_cmyk())]
    seeds += [saved(rgba.convert("P"), "GIF", save_all=True, append_images=[rgba.rotate(90)])]
    seeds += [saved(rgba.convert("RGB"), "TIFF", compression="tiff_lzw"), saved(rgba.convert("F"), "TIFF")]
    decoded = 0
    for turn in range(600):
        data = bytearray(seeds[turn % len(seeds)])
        for _ in range(chance.choice((1, 2, 8))):
            data[chance.randrange(min(len(data), chance.choice((40, 10**6))))] = chance.randrange(256)
        try:
            picture = read(bytes(data), max_pixels=10**6)
        except ImageDecodeError:
            continue
        decoded += 1
        assert picture.rgb.shape[2] == 3
        assert picture.alpha is None or picture.alpha.shape == picture.rgb.shape[:2]
    assert 60 < decoded < 540


def test_the_pixel_limit_is_checked_before_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(ImageDecodeError, match="too many pixels, found 100000000, limit 64000000"):
        read(png(10_000, 10_000, 8, 2, b""))
    with pytest.raises(ImageDecodeError, match="found 12, limit 11"):
        read(png(4, 3, 8, 2, b""), max_pixels=11)
    with pytest.raises(ImageDecodeError, match="4611686014132420609 pixels"):
        read(png(2**31 - 1, 2**31 - 1, 8, 2, b""))


def test_a_large_but_allowed_picture_neither_warns_nor_fails(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(png(20_000, 10_000, 8, 2, b""))  # over twice Pillow's own limit
    assert probe(path) == (10_000, 20_000, "RGB")
    with pytest.raises(ImageDecodeError, match="truncated"):  # past the limit, and only then without pixels
        read(png(1000, 1000, 8, 2, b""), max_pixels=10**6)


def test_a_text_bomb_is_refused() -> None:
    bomb = chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(3_000_000)))
    with pytest.raises(ImageDecodeError, match="too large"):
        read(png(1, 1, 8, 0, b"\0\0", bomb))


@pytest.mark.parametrize(
    "data", [b"", b"<html></html>", b"PK\3\4" + bytes(99), b"hello\n", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]
)
def test_what_is_not_a_picture_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "page.jpg"
    path.write_bytes(data)
    for call in (read, probe):
        with pytest.raises(ImageDecodeError) as caught:
            call(path)
        assert str(caught.value).startswith(f"{path} cannot be decoded: ")
        assert str(caught.value).endswith(".")
        assert "\n" not in str(caught.value)
    with pytest.raises(ImageDecodeError, match="The picture cannot be decoded"):
        read(data)


def test_the_reason_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for error, reason in ((ValueError("two\n lines"), "two lines"), (MemoryError(), "MemoryError")):

        def fail(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        monkeypatch.setattr(Image, "open", fail)
        with pytest.raises(ImageDecodeError, match=f"^The picture cannot be decoded: {reason}.$"):
            read(b"picture")


@pytest.mark.parametrize(
    "data",
    [
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n",
        b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 9, 9, 8, 3) + bytes(999),
        b"%PDF-1.4\n",
        b"SIMPLE  =                    T" + bytes(2880),
        b"\0\0\1\0\1\0" + bytes(99),
    ],
)
def test_other_formats_are_refused_and_start_no_program(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Popen", "call", "check_call", "run"):
        monkeypatch.setattr(subprocess, name, lambda *_, **__: pytest.fail("started a program"))
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    with pytest.raises(ImageDecodeError, match="none of JPEG, PNG, WEBP"):
        read(path)


def test_only_regular_files_of_sane_size_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with (tmp_path / "sparse.png").open("wb") as stream:
        stream.truncate(1 << 40)
    for path in (tmp_path, tmp_path / "pipe.png", Path("/dev/zero")):
        with pytest.raises(ImageDecodeError, match="not a regular file"):
            read(path)
    with pytest.raises(ImageDecodeError, match="1099511627776 bytes"):
        read(tmp_path / "sparse.png")
    with pytest.raises(ImageDecodeError, match="No such file"):
        probe(tmp_path / "missing.png")
    with pytest.raises(ImageDecodeError, match="null"):
        read(Path("a\0b"))


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "photo.JPG"
    path.write_bytes(saved(Image.fromarray(smooth()), "PNG"))
    picture = read(path)
    assert picture.format == "PNG"
    assert picture.notes == ("its name says JPEG, its content is PNG",)


def test_streams_need_not_seek() -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, saved(Image.fromarray(smooth()), "PNG"))
    os.close(write_end)
    with os.fdopen(read_end, "rb") as stream:
        assert np.array_equal(read(stream).rgb, smooth())


def test_threads_may_read_at_once_and_nothing_warns() -> None:
    odd = saved(Image.fromarray(smooth()), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01")
    profiled = saved(Image.fromarray(smooth()), "JPEG", icc_profile=EXCHANGED)
    with ThreadPoolExecutor(8) as pool:
        pictures = list(pool.map(read, [odd, profiled] * 40))
    assert all(np.array_equal(picture.rgb, pictures[n % 2].rgb) for n, picture in enumerate(pictures))


# Writing


def secretive(format: str) -> bytes:
    """Return a picture with the marker wherever the format has a place for text."""
    text = MARKER.decode()
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = exif[ExifTags.Base.Artist] = text
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSMapDatum] = text
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", text)
    info.add_itxt("XML:com.adobe.xmp", f"<x>{text}</x>")
    options: dict[str, Any] = {"exif": exif, "comment": MARKER, "xmp": b"<x>" + MARKER + b"</x>"}
    options["icc_profile"] = images._SRGB + MARKER
    if format == "PNG":
        options["pnginfo"] = info
    image = Image.fromarray(smooth())
    data = saved(image.convert("P") if format == "GIF" else image, format, **options)
    assert MARKER in data
    return data


@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "GIF"])
def test_nothing_of_the_source_but_pixels_is_written(source: str) -> None:
    picture = read(secretive(source))
    for format in WRITTEN:
        data = encode(picture, format)
        again = Image.open(io.BytesIO(data))
        again.load()
        assert MARKER not in data
        if format != "TIFF":  # where the tags that describe the pixels are counted
            assert not again.getexif()
        assert again.info.get("icc_profile") == (None if format in ("BMP", "PPM") else images._SRGB)


def test_the_same_picture_is_the_same_bytes_a_second_later(tmp_path: Path) -> None:
    picture = Picture(smooth(), noise(48, 64), "PNG")
    before = {format: encode(picture, format) for format in WRITTEN}
    built = images._srgb_bytes()
    time.sleep(1.1)
    assert images._srgb_bytes() == built == images._SRGB
    assert {format: encode(picture, format) for format in WRITTEN} == before


def test_a_failing_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for owner, name in ((Image.Image, "save"), (Path, "write_bytes")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, full)
            with pytest.raises(OutputError, match="disk is full") as caught:
                write(Picture(smooth(), None, "PNG"), path)
        assert caught.value.exit_code == 7
    with monkeypatch.context() as patch:
        patch.setattr(Image.Image, "save", full)
        with pytest.raises(OutputError, match="disk is full"):
            write_animation([smooth()], path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_suffix_decides_the_format(tmp_path: Path) -> None:
    for suffix, format in ((".jpg", "JPEG"), (".JPEG", "JPEG"), (".tif", "TIFF"), (".webp", "WEBP"), (".png", "PNG")):
        write(Picture(smooth(), None, "PNG"), tmp_path / f"a{suffix}")
        assert read(tmp_path / f"a{suffix}").format == format
    for suffix in (".gif", ".eps", ""):
        with pytest.raises(OutputError, match=r"cannot be written as .* Choose one of JPEG, PNG"):
            write(Picture(smooth(), None, "PNG"), tmp_path / f"b{suffix}")
        assert not (tmp_path / f"b{suffix}").is_file()


def test_quality_is_passed_on() -> None:
    for format in ("JPEG", "WEBP", "AVIF"):
        picture = Picture(noise(64, 64, 3), None, "PNG")
        assert len(encode(picture, format, quality=20)) < len(encode(picture, format, quality=95))


@pytest.mark.parametrize(("format", "side"), [("WEBP", 16_383), ("JPEG", 65_500)])
def test_sides_longer_than_a_format_holds_are_refused(format: str, side: int) -> None:
    assert read(encode(Picture(np.zeros((1, side, 3), np.uint8), None, "PNG"), format)).rgb.shape == (1, side, 3)
    with pytest.raises(OutputError, match=f"{format} holds {side} pixels a side; found {side + 1}"):
        encode(Picture(np.zeros((1, side + 1, 3), np.uint8), None, "PNG"), format)


@pytest.mark.parametrize(
    ("format", "opaque", "with_alpha"),
    [
        ("JPEG", ".jpg", ".png"),
        ("MPO", ".jpg", ".png"),
        ("PNG", ".png", ".png"),
        ("WEBP", ".webp", ".webp"),
        ("TIFF", ".tif", ".tif"),
        ("AVIF", ".avif", ".avif"),
        ("BMP", ".png", ".png"),
        ("GIF", ".png", ".png"),
        ("PPM", ".png", ".png"),
    ],
)
def test_output_suffix(format: str, opaque: str, with_alpha: str) -> None:
    assert (output_suffix(format, False), output_suffix(format, True)) == (opaque, with_alpha)
    assert {opaque, with_alpha} <= images.SUFFIXES


# Drawing


def test_resize_antialiases() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    small = resize(stripes, 16, 8)
    assert small.shape == (16, 8, 3)
    assert off(small, 128) <= 20
    assert small.flags.writeable
    assert resize(smooth(), 7, 9).shape == (7, 9, 3)
    assert np.array_equal(resize(smooth(), 48, 64), smooth())


def test_sheet_geometry() -> None:
    a, b, c = (np.full((5, 7, 3), level, np.uint8) for level in (10, 20, 30))
    result = sheet([[a, b], [c]], gap=3)
    assert result.shape == (5 + 3 + 5, 7 + 3 + 7, 3)
    assert (result[:5, :7] == 10).all()
    assert (result[:5, 10:] == 20).all()
    assert (result[8:, :7] == 30).all()
    assert (result[8:, 7:] == 255).all()
    assert (result[5:8] == 255).all()
    assert (result[:, 7:10] == 255).all()
    assert np.array_equal(sheet([[a, b], [c]], gap=3, scale=4)[:20, :28], np.full((20, 28, 3), 10))


def test_sheet_captions_stay_above_their_columns() -> None:
    a = noise(32, 32, 3)
    result = sheet([[a, a]], captions=["photo", "a caption that is far too long for its column"])
    assert result.shape == (20 + 128, 128 + 2 + 128, 3)
    assert np.array_equal(result[20:, :128:4][::4], a)
    assert result[:20, :128].min() == 0
    assert result[:20, 130:].min() == 0
    assert (result[:20, 128:130] == 255).all()
    assert np.array_equal(sheet([[a, a]], captions=["photo"])[:20, :128], result[:20, :128])
    twice = sheet([[a, a]], captions=["photo", "photo"])
    assert np.array_equal(twice[:, :128], twice[:, 130:])
    assert (sheet([[a, a]], captions=["photo"])[:20, 128:] == 255).all()


def test_a_sheet_needs_pictures_of_one_size() -> None:
    with pytest.raises(ValueError, match="found none"):
        sheet([])
    with pytest.raises(ValueError, match=r"\(4, 4, 3\), \(4, 5, 3\)"):
        sheet([[noise(4, 4, 3), noise(4, 5, 3)]])


def test_animation(tmp_path: Path) -> None:
    path = tmp_path / "progress.gif"
    frames = [smooth(), smooth()[::-1], smooth()[:, ::-1]]
    write_animation(frames, path, frame_ms=120)
    with Image.open(path) as image:
        assert (image.format, getattr(image, "n_frames"), image.info["loop"]) == ("GIF", 3, 0)  # noqa: B009
        durations = []
        for n, frame in enumerate(frames):
            image.seek(n)
            durations.append(image.info["duration"])
            assert np.abs(np.asarray(image.convert("RGB")).astype(int) - frame).mean() < 12
        assert durations == [120, 120, 1200]
    first = path.read_bytes()
    write_animation(frames, path, frame_ms=120)
    assert path.read_bytes() == first
    with pytest.raises(ValueError, match="found none"):
        write_animation([], path)
    with pytest.raises(ValueError, match="one size"):
        write_animation([smooth(), smooth(8, 8)], path)
