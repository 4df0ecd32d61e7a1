"""Encoding: what survives, what is left out, and whole files only."""

import errno
import io
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import ExifTags, Image, PngImagePlugin

from translate import images
from translate.errors import OutputError
from translate.images import (
    Encoding,
    Picture,
    encode,
    output_suffix,
    read,
    write,
    write_animation,
)
from translate.images.colour import SRGB, srgb_profile

WRITTEN = ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "BMP", "PPM"]
LOSSLESS = ["PNG", "TIFF", "BMP", "PPM"]
ALPHA = ["PNG", "WEBP", "TIFF", "AVIF"]
MARKER = b"PLANTED-SECRET"


def smooth(height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) without fine detail, which lossy formats keep within a few levels."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([255 * x / width, 255 * y / height, 128 + 0 * x], axis=-1).astype(np.uint8)


def noise(height: int, width: int, channels: int = 3, seed: int = 7) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def off(found: NDArray[Any], expected: Any) -> int:
    """Return the largest difference in levels."""
    assert found.dtype == np.uint8
    return int(np.abs(found.astype(int) - np.asarray(expected, dtype=int)).max())


@pytest.mark.parametrize("format", WRITTEN)
def test_round_trip(format: str, tmp_path: Path) -> None:
    rgb = noise(17, 23, 3) if format in LOSSLESS else smooth()
    path = tmp_path / f"new/picture{format.lower()}"
    write(Picture(rgb, None, "PNG"), path, Encoding(format))
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
@pytest.mark.fault("I-13")
def test_alpha_survives_bit_by_bit(format: str, alpha: NDArray[np.uint8]) -> None:
    rgb = noise(*alpha.shape, 3)
    again = read(encode(Picture(rgb, alpha, "PNG"), Encoding(format, quality=60)))
    if again.alpha is None:
        assert format in ("WEBP", "AVIF")
        assert (alpha == 255).all()
    else:
        assert np.array_equal(again.alpha, alpha)
    if format in LOSSLESS:  # also where it is transparent
        assert np.array_equal(again.rgb, rgb)


@pytest.mark.fault("I-13")
def test_colours_under_transparent_pixels_stay() -> None:
    for format in ALPHA:
        again = read(encode(Picture(smooth(), np.zeros((48, 64), np.uint8), "PNG"), Encoding(format)))
        assert off(again.rgb, smooth()) <= 20, format


@pytest.mark.parametrize("format", ["JPEG", "BMP", "PPM"])
@pytest.mark.fault("I-13")
def test_transparency_is_laid_on_white_where_it_cannot_be_held(format: str, tmp_path: Path) -> None:
    alpha = np.broadcast_to(np.arange(64, dtype=np.uint8) * 4, (48, 64)).copy()
    lost = write(Picture(smooth(), alpha, "PNG"), tmp_path / "a", Encoding(format))
    again = read(tmp_path / "a")
    share = alpha[..., None] / 255
    assert again.alpha is None
    assert off(again.rgb, np.rint(smooth() * share + 255 * (1 - share))) <= (6 if format == "JPEG" else 1)
    assert lost == (f"transparency laid on white, {format} holds none",)
    assert write(Picture(smooth(), np.full((48, 64), 255, np.uint8), "PNG"), tmp_path / "a", Encoding(format)) == ()


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
    options["icc_profile"] = SRGB + MARKER
    if format == "PNG":
        options["pnginfo"] = info
    image = Image.fromarray(smooth())
    data = saved(image.convert("P") if format == "GIF" else image, format, **options)
    assert MARKER in data
    if format != "JPEG":
        return data
    caption = b"\x1c\2\x78" + struct.pack(">H", len(MARKER)) + MARKER  # IPTC 2:120
    iptc = b"Photoshop 3.0\0" + b"8BIM\4\4\0\0" + struct.pack(">I", len(caption)) + caption
    behind = b"\xff\xd9" + MARKER  # where phones put a film
    return data[:2] + b"\xff\xed" + struct.pack(">H", len(iptc) + 2) + iptc + data[2:] + behind


@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "GIF"])
@pytest.mark.fault("I-18")
def test_nothing_of_the_source_but_pixels_is_written(source: str) -> None:
    picture = read(secretive(source))
    for format in WRITTEN:
        data = encode(picture, Encoding(format))
        again = Image.open(io.BytesIO(data))
        again.load()
        assert MARKER not in data
        if format != "TIFF":  # where the tags that describe the pixels are counted
            assert not again.getexif()
        assert again.info.get("icc_profile") == (None if format in ("BMP", "PPM") else SRGB)


@pytest.mark.fault("I-35")
def test_the_same_picture_is_the_same_bytes_a_second_later(tmp_path: Path) -> None:
    picture = Picture(smooth(), noise(48, 64, 1)[..., 0], "PNG")
    before = {format: encode(picture, Encoding(format)) for format in WRITTEN}
    built = srgb_profile()
    time.sleep(1.1)
    assert srgb_profile() == built == SRGB
    assert {format: encode(picture, Encoding(format)) for format in WRITTEN} == before


@pytest.mark.fault("I-23")
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
    for suffix in (".heic", ".eps", ""):
        with pytest.raises(OutputError, match=r"cannot be written as .* Choose one of JPEG, PNG"):
            write(Picture(smooth(), None, "PNG"), tmp_path / f"b{suffix}")
        assert not (tmp_path / f"b{suffix}").is_file()


def test_quality_is_passed_on() -> None:
    for format in ("JPEG", "WEBP", "AVIF"):
        picture = Picture(noise(64, 64, 3), None, "PNG")
        assert len(encode(picture, Encoding(format, quality=20))) < len(encode(picture, Encoding(format, quality=95)))


@pytest.mark.parametrize(("format", "side"), [("WEBP", 16_383), ("JPEG", 65_500)])
@pytest.mark.fault("I-17")
def test_sides_longer_than_a_format_holds_are_refused(format: str, side: int) -> None:
    assert read(encode(Picture(np.zeros((1, side, 3), np.uint8), None, "PNG"), Encoding(format))).rgb.shape == (
        1,
        side,
        3,
    )
    with pytest.raises(OutputError, match=f"{format} holds {side} pixels a side; found {side + 1}"):
        encode(Picture(np.zeros((1, side + 1, 3), np.uint8), None, "PNG"), Encoding(format))


@pytest.mark.parametrize(
    ("format", "suffix", "deep"),
    [
        ("JPEG", ".jpg", ".png"),
        ("MPO", ".jpg", ".png"),
        ("PNG", ".png", ".png"),
        ("WEBP", ".webp", ".png"),
        ("TIFF", ".tif", ".tif"),
        ("AVIF", ".avif", ".png"),
        ("BMP", ".png", ".png"),
        ("GIF", ".png", ".png"),
        ("PPM", ".png", ".png"),
    ],
)
def test_the_suffix_is_that_of_the_content_if_it_can_hold_the_result(
    format: str, suffix: str, deep: str, tmp_path: Path
) -> None:
    path = tmp_path / "picture.bin"
    path.write_bytes(saved(Image.fromarray(smooth()), format))
    assert output_suffix(path) == suffix
    assert output_suffix(path, Encoding(depth=16)) == deep
    assert output_suffix(path, Encoding("TIFF")) == ".tif"
    assert {suffix, deep} <= images.SUFFIXES.keys()


def test_an_animated_gif_stays_one(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(Picture(noise(8, 8, 3), None, ""), Encoding("GIF")))
    (tmp_path / "b.gif").write_bytes(encode([Picture(noise(8, 8, 3, n), None, "") for n in range(2)], Encoding("GIF")))
    (tmp_path / "cut.gif").write_bytes((tmp_path / "b.gif").read_bytes()[:9])
    assert [output_suffix(tmp_path / name) for name in ("a.png", "b.gif", "cut.gif")] == [".png", ".gif", ".png"]
    assert output_suffix(tmp_path / "missing.gif") == ".png"


def test_what_is_asked_for_must_fit_together() -> None:
    with pytest.raises(OutputError, match=r"The name a\.jpg says JPEG, asked for PNG"):
        images.format_of(Path("a.jpg"), Encoding("PNG"))
    with pytest.raises(OutputError, match="WEBP holds 8 bits a channel, asked for 16"):
        images.format_of(Path("a.webp"), Encoding(depth=16))
    assert images.format_of(Path("a.JPG"), Encoding()) == "JPEG"
