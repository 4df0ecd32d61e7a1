"""Decoding: every mode and format, depth, orientation, and hostile files."""

import errno
import io
import os
import socket
import struct
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, PngImagePlugin, TiffImagePlugin

from translate.errors import ImageDecodeError
from translate.images import Encoding, Limits, Picture, encode, output_suffix, probe, read, read_frames, reading, write
from translate.images.colour import SRGB

SAVED = ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "PPM"]


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
@pytest.mark.fault("I-12")
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


@pytest.mark.parametrize("transparency", [1, bytes([255, 0, 77])])
@pytest.mark.fault("I-12")
def test_palette_transparency_is_alpha_and_its_colours_stay(transparency: Any) -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.putdata([0, 1, 2])
    picture = read(saved(image, "PNG", transparency=transparency))
    assert picture.rgb.tolist() == [[[10, 20, 30], [40, 50, 60], [70, 80, 90]]]
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[255, 0, 77 if isinstance(transparency, bytes) else 255]]


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.fault("I-12")
def test_a_transparent_grey_level_is_alpha(depth: int) -> None:
    data = b"\0\1\2" if depth == 8 else b"\0\0\1\0\2"
    picture = read(png(2, 1, depth, 0, data, chunk(b"tRNS", b"\0\2")))
    assert picture.alpha is not None
    assert picture.alpha.tolist() == [[255, 0]]


# Depth


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
@pytest.mark.fault("I-10")
def test_sixteen_bits_are_scaled_not_clipped(format: str) -> None:
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    picture = read(saved(Image.fromarray(ramp), format))
    grey = picture.rgb[..., 0].ravel().astype(int)
    assert (np.diff(grey) >= 0).all()
    assert len(np.unique(grey)) == 256
    assert np.array_equal(grey, (ramp.ravel().astype(int) + 128) // 257)
    assert picture.notes == ("reduced to 8 bits a channel",)


@pytest.mark.fault("I-10")
def test_a_dark_sixteen_bit_picture_stays_dark() -> None:
    for format in ("PNG", "TIFF", "PPM"):
        assert read(saved(Image.fromarray(np.full((4, 4), 200, np.uint16)), format)).rgb.max() == 1


@pytest.mark.parametrize(("colour", "samples"), [(2, 3), (4, 2), (6, 4)])
@pytest.mark.parametrize(
    ("level", "rounded"), [(0x8040, 128), (0x80FF, 128), (0x8101, 129), (0x7FFF, 127), (65535, 255)]
)
@pytest.mark.fault("I-11")
def test_sixteen_bit_colour_is_rounded_and_said_so(colour: int, samples: int, level: int, rounded: int) -> None:
    picture = read(png(1, 1, 16, colour, b"\0" + level.to_bytes(2) * samples))
    assert picture.rgb.tolist() == [[[rounded] * 3]]
    assert picture.notes == ("reduced to 8 bits a channel",)
    picture = read(b"P6 1 1 65535\n" + level.to_bytes(2) * 3)
    assert picture.rgb.tolist() == [[[rounded] * 3]]
    assert picture.notes == ("reduced to 8 bits a channel",)


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
@pytest.mark.fault("I-12")
def test_integers_and_floats_are_scaled_by_their_range(values: NDArray[Any], expected: list[int]) -> None:
    picture = read(saved(Image.fromarray(values[None]), "TIFF"))
    assert picture.rgb[0, :, 0].tolist() == expected
    assert picture.notes == ("reduced to 8 bits a channel",)


def ramp(white: float, dtype: Any, side: int = 64) -> NDArray[Any]:
    """Return (side, side) levels from 0 to white."""
    return np.linspace(0, white, side * side).reshape(side, side).astype(dtype)


@pytest.mark.fault("F-5")
@pytest.mark.parametrize(
    ("values", "tags", "note"),
    [
        (
            np.where(np.arange(4096).reshape(64, 64) == 4095, 1.0001, ramp(1, np.float32)).astype(np.float32),
            {},
            "above 1",
        ),
        (ramp(1.05, np.float32), {}, "levels above 1 are white"),
        (np.where(ramp(1, np.float32) == 1, 900, ramp(1, np.float32)), {}, "levels above 1 are white"),  # a hot pixel
        (ramp(255.4, np.float32), {}, "levels above 255 are white"),
        (ramp(3.2, np.float32), {}, "levels from 0 to 3.197 taken for black to white"),
        (ramp(4095, np.uint16), {}, "taken for 12 bits, because no level is above 4095"),
        (ramp(1023, np.uint16), {281: 1023}, ""),
        (ramp(4000, np.uint16), {281: 4095}, ""),
        (ramp(32767, np.int16), {}, ""),
        (ramp(3000, np.int16), {}, "taken for 12 bits"),
        (ramp(255, np.float32), {}, ""),
        (ramp(1, np.float32), {}, ""),
        (ramp(65535, np.uint16), {}, ""),
    ],
)
def test_a_range_is_that_of_the_file_and_else_robust(values: NDArray[Any], tags: dict[int, int], note: str) -> None:
    stream = io.BytesIO()
    if values.dtype == np.int16:  # which Pillow does not write
        stream.write(tiff_of_int16(values))
    else:
        Image.fromarray(values).save(stream, "TIFF", tiffinfo=tags)
    picture = read(stream.getvalue())
    assert picture.rgb.min() == 0
    assert picture.rgb.max() >= 185
    assert 85 <= np.median(picture.rgb) <= 135
    assert note in " ".join(picture.notes)
    assert len(picture.notes) == 1 + bool(note)


def tiff_of_int16(values: NDArray[Any]) -> bytes:
    height, width = values.shape
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    directory.update(
        {256: width, 257: height, 258: 16, 259: 1, 262: 1, 273: 0, 277: 1, 278: height, 279: 2 * values.size}
    )
    directory[339] = 2  # signed
    return b"II*\0\x08\0\0\0" + directory.tobytes(8) + values.astype("<i2").tobytes()


@pytest.mark.fault("F-5")
def test_colours_of_12_bits_in_16_have_their_whole_range(tmp_path: Path) -> None:
    levels = np.dstack([ramp(4095, np.uint16)] * 3)
    write(Picture(levels, None, ""), tmp_path / "a.tif", Encoding(depth=16))
    picture = read(tmp_path / "a.tif", depth=16)
    assert (picture.rgb.min(), picture.rgb.max()) == (0, 65535)
    assert picture.notes == ("taken for 12 bits, because no level is above 4095",)
    write(Picture(levels // 8, None, ""), tmp_path / "dark.tif", Encoding(depth=16))
    assert np.array_equal(read(tmp_path / "dark.tif", depth=16).rgb, levels // 8)  # dark, as far as anybody knows


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
@pytest.mark.fault("I-9")
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
    again = read(encode(picture, Encoding(format)))
    assert again.rgb.shape == expected.shape
    assert off(again.rgb, expected) <= 20


@pytest.mark.fault("I-9")
def test_alpha_turns_with_the_picture() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    rgba = noise(3, 5, 4)
    picture = read(saved(Image.fromarray(rgba), "PNG", exif=exif))
    assert picture.alpha is not None
    assert np.array_equal(np.dstack([picture.rgb, picture.alpha]), np.rot90(rgba, -1))


@pytest.mark.fault("I-9")
def test_orientation_behind_the_pixels_counts_too() -> None:
    data = saved(Image.fromarray(smooth()), "PNG")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    end = data.index(b"IEND") - 4
    data = data[:end] + chunk(b"eXIf", exif.tobytes()[6:]) + data[end:]
    assert np.array_equal(read(data).rgb, np.rot90(smooth(), -1))


@pytest.mark.parametrize("orientation", [0, 9, 274])
@pytest.mark.fault("I-9")
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
@pytest.mark.fault("I-9")
def test_garbage_exif_neither_fails_nor_warns(format: str, exif: bytes) -> None:
    data = saved(Image.fromarray(smooth()), format, exif=exif)
    assert off(read(data).rgb, smooth()) <= 20


def test_probe_does_not_decode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for format in SAVED:
        (tmp_path / format).write_bytes(saved(Image.fromarray(smooth()), format))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    for format in SAVED:
        assert probe(tmp_path / format)[:2] == (48, 64)


# Frames


@pytest.mark.fault("I-15")
def test_the_first_frame_is_read_and_said_so() -> None:
    frames = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (40, 200)]
    for format in ("GIF", "PNG", "WEBP", "TIFF", "AVIF"):
        data = saved(frames[0], format, save_all=True, append_images=frames[1:])
        picture = read(data)
        assert off(picture.rgb, 40) <= 3, format
        assert picture.notes == (f"first of several {'pages' if format == 'TIFF' else 'frames'}",), format
        assert len(read_frames(data)) == (1 if format == "TIFF" else 2), format


@pytest.mark.fault("I-15")
def test_a_photo_with_by_products_is_a_still(tmp_path: Path) -> None:
    path = tmp_path / "phone.jpg"
    image = Image.fromarray(smooth())
    path.write_bytes(saved(image, "MPO", save_all=True, append_images=[image.resize((8, 8))]))
    picture = read(path)
    assert (picture.format, picture.notes) == ("MPO", ())
    assert len(read_frames(path)) == 1


# Hostile files


@pytest.mark.parametrize("format", SAVED)
@pytest.mark.fault("I-2")
def test_a_truncated_file_is_refused(format: str) -> None:
    data = saved(Image.fromarray(noise(40, 40, 3)), format)
    for percent in range(0, 100, 5):
        with pytest.raises(ImageDecodeError, match="cannot be decoded"):
            read(data[: len(data) * percent // 100])


@pytest.mark.fault("I-5")
def test_the_pixel_limit_is_checked_before_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(ImageDecodeError, match="too many pixels, found 100000000, limit 64000000"):
        read(png(10_000, 10_000, 8, 2, b""))
    with pytest.raises(ImageDecodeError, match="found 12, limit 11"):
        read(png(4, 3, 8, 2, b""), Limits(pixels=11))
    with pytest.raises(ImageDecodeError, match="4611686014132420609 pixels"):
        read(png(2**31 - 1, 2**31 - 1, 8, 2, b""))


@pytest.mark.fault("I-5")
def test_a_large_but_allowed_picture_neither_warns_nor_fails(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(png(20_000, 10_000, 8, 2, b""))  # over twice Pillow's own limit
    assert probe(path) == (10_000, 20_000, "RGB")
    with pytest.raises(ImageDecodeError, match="truncated"):  # past the limit, and only then without pixels
        read(png(1000, 1000, 8, 2, b""), Limits(pixels=10**6))


@pytest.mark.parametrize(
    ("kind", "head"), [(b"zTXt", b"key\0\0"), (b"iTXt", b"key\0\1\0\0\0"), (b"iCCP", b"key\0\0")], ids=str
)
@pytest.mark.fault("I-6")
def test_a_text_bomb_is_refused(kind: bytes, head: bytes) -> None:
    bomb = png(1, 1, 8, 0, b"\0\0", chunk(kind, head + zlib.compress(bytes(100_000_000))))
    tracemalloc.start()
    with pytest.raises(ImageDecodeError, match="too large"):
        read(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * PngImagePlugin.MAX_TEXT_CHUNK


@pytest.mark.parametrize(
    "data", [b"", b"<html></html>", b"PK\3\4" + bytes(99), b"hello\n", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]
)
@pytest.mark.fault("I-1")
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


@pytest.mark.fault("I-4")
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
@pytest.mark.fault("I-7")
def test_other_formats_are_refused_and_start_no_program(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Popen", "call", "check_call", "run"):
        monkeypatch.setattr(subprocess, name, lambda *_, **__: pytest.fail("started a program"))
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    with pytest.raises(ImageDecodeError, match="none of JPEG, PNG, WEBP"):
        read(path)


@pytest.mark.fault("I-28")
def test_only_regular_files_of_sane_size_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with (tmp_path / "sparse.png").open("wb") as stream:
        stream.truncate(1 << 40)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.png"))
    for path in (tmp_path, tmp_path / "pipe.png", tmp_path / "socket.png", Path("/dev/zero")):
        with pytest.raises(ImageDecodeError, match="not a regular file"):
            read(path)
    for look in (read, probe):
        with pytest.raises(ImageDecodeError, match="it has more than 512 MiB; a larger --max-file-mb reads it"):
            look(tmp_path / "sparse.png")
    with (tmp_path / "sparse.png").open("r+b") as stream:
        stream.truncate(2 << 20)
    with pytest.raises(ImageDecodeError, match="none of JPEG, PNG, WEBP"):
        read(tmp_path / "sparse.png", Limits(mebibytes=2))
    with pytest.raises(ImageDecodeError, match="more than 1 MiB"):
        read(tmp_path / "sparse.png", Limits(mebibytes=1))
    with pytest.raises(ImageDecodeError, match="No such file"):
        probe(tmp_path / "missing.png")
    with pytest.raises(ImageDecodeError, match="null"):
        read(Path("a\0b"))


@pytest.mark.fault("I-28")
def test_a_file_that_is_closed_to_us_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(self: Path, mode: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    path = tmp_path / "a.png"
    path.write_bytes(b"secret")
    monkeypatch.setattr(Path, "open", closed)  # root may read everything
    with pytest.raises(ImageDecodeError, match=r"a\.png cannot be decoded: Permission denied\."):
        read(path)
    assert output_suffix(path) == ".png"  # it stays in the plan, and fails with this reason


@pytest.mark.fault("I-8")
def test_content_decides_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "photo.JPG"
    path.write_bytes(saved(Image.fromarray(smooth()), "PNG"))
    picture = read(path)
    assert picture.format == "PNG"
    assert picture.notes == ("its name says JPEG, its content is PNG",)


@pytest.mark.fault("I-29")
def test_streams_need_not_seek() -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, saved(Image.fromarray(smooth()), "PNG"))
    os.close(write_end)
    with os.fdopen(read_end, "rb") as stream:
        assert np.array_equal(read(stream).rgb, smooth())


@pytest.mark.fault("I-29")
def test_an_endless_stream_is_refused() -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            assert size >= 0
            return bytes(size)

    with pytest.raises(ImageDecodeError, match="The picture cannot be decoded: it has more than 1 MiB"):
        read(Endless(), Limits(mebibytes=1))  # type: ignore[arg-type]
    with pytest.raises(ImageDecodeError, match="there are no bytes"):
        read(io.BytesIO())


def test_threads_may_read_at_once_and_nothing_warns() -> None:
    odd = saved(Image.fromarray(smooth()), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01")
    profiled = saved(Image.fromarray(smooth()), "JPEG", icc_profile=SRGB.replace(b"rXYZ", b"bXYZ", 1))
    with ThreadPoolExecutor(8) as pool:
        pictures = list(pool.map(read, [odd, profiled] * 40))
    assert all(np.array_equal(picture.rgb, pictures[n % 2].rgb) for n, picture in enumerate(pictures))


# HEIC


def heic(orientation: int = 1) -> bytes:
    pytest.importorskip("pillow_heif").register_heif_opener()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return saved(Image.fromarray(smooth()), "HEIF", exif=exif.tobytes())


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.fault("I-9")
def test_heic_is_turned_once(orientation: int, tmp_path: Path) -> None:
    path, expected = tmp_path / "photo.heic", TURNED[orientation](smooth())
    path.write_bytes(heic(orientation))
    picture = read(path)
    assert (picture.format, picture.notes) == ("HEIF", ())
    assert picture.rgb.shape == expected.shape
    assert off(picture.rgb, expected) <= 20
    assert probe(path)[:2] == expected.shape[:2]
    assert output_suffix(path) == ".jpg"
    assert len(read_frames(path)) == 1


def test_without_the_extra_a_heic_is_refused_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "photo.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(99))
    with pytest.raises(ImageDecodeError, match="cannot be decoded"):
        read(path)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr(reading, "_reads_heif", reading._reads_heif.__wrapped__)
    with pytest.raises(ImageDecodeError, match=r"needs one more package: pip install 'image-translate\[heic\]'"):
        read(path)
    assert output_suffix(path) == ".jpg"  # it stays in the plan, and fails with this reason


def test_a_heic_with_transparency_becomes_a_png(tmp_path: Path) -> None:
    heic()
    path = tmp_path / "a.heic"
    path.write_bytes(saved(Image.fromarray(noise(64, 64, 4)), "HEIF"))
    assert read(path).alpha is not None
    assert output_suffix(path) == ".png"


@pytest.mark.fault("I-32")
def test_suffixes_are_found_without_starting_a_decoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan is made in the process that must not crash."""
    suffixes = {"JPEG": ".jpg", "WEBP": ".webp", "AVIF": ".avif", "GIF": ".gif", "HEIF": ".jpg", "PNG": ".png"}
    heic()
    frames = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (40, 200)]
    for format in suffixes:
        more = {"save_all": True, "append_images": frames[1:]} if format == "GIF" else {}
        (tmp_path / format).write_bytes(saved(frames[0], format, **more))
    real = Image.open

    def gif_alone(*arguments: Any, **options: Any) -> Image.Image:
        image = real(*arguments, **options)
        assert image.format == "GIF"
        return image

    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    monkeypatch.setattr(Image, "open", gif_alone)
    monkeypatch.setattr(Image, "_getdecoder", lambda *_: pytest.fail("started a decoder"))
    assert {format: output_suffix(tmp_path / format) for format in suffixes} == suffixes


def test_an_avif_that_starts_like_a_heic_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    path.write_bytes(saved(Image.fromarray(smooth()), "AVIF").replace(b"ftypavif", b"ftypmif1", 1))
    assert read(path).format == "AVIF"
    assert output_suffix(path) == ".avif"
