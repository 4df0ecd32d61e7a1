"""What holds for pictures of every size, mode and format.

A few of them are drawn in the suite, 4,000 with `pytest -m slow tests/images/test_properties.py`.
"""

import io
from typing import Any

import numpy as np
import PIL
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from translate.images import Encoding, Picture, encode, output_suffix, probe, read, read_frames
from translate.images.formats import FORMATS, SUFFIXES

YCBCR = ["YCbCr"] if int(PIL.__version__.split(".")[0]) >= 13 else []
MODES = {
    "JPEG": ["1", "L", "RGB", "CMYK", "YCbCr"],
    "PNG": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    "WEBP": ["L", "RGB", "RGBA", "P"],
    # Pillow below 13 cannot read the YCbCr that it writes.
    "TIFF": ["1", "L", "LA", "P", "RGB", "RGBA", "RGBX", "CMYK", *YCBCR, "LAB", "I;16", "I", "F"],
    "BMP": ["1", "L", "P", "RGB"],
    "GIF": ["1", "L", "P"],
    "AVIF": ["L", "RGB", "RGBA"],
    "PPM": ["1", "L", "RGB", "I;16", "F"],
}
PAIRS = [(format, mode) for format, modes in MODES.items() for mode in modes]
SIZES = st.integers(1, 600)
MANY = pytest.param(2000, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])


def in_mode(rgba: Image.Image, mode: str) -> Image.Image:
    if mode == "RGBA":
        return rgba
    if mode in ("I;16", "I", "F"):
        grey = np.asarray(rgba.convert("L")).astype(np.uint16) * np.uint16(257)
        return Image.fromarray({"I;16": grey, "I": grey.astype(np.int32), "F": grey / np.float32(65535)}[mode])
    steps = ["RGB", mode] if mode in ("CMYK", "YCbCr", "LAB", "P", "RGBX") else [mode]
    for step in steps:
        rgba = rgba.convert(step)
    return rgba


@pytest.mark.parametrize("count", [30, MANY])
@pytest.mark.fault("I-12", "I-16")
def test_any_size_mode_and_format_is_read_and_written_back(count: int, coarse_noise: Any) -> None:
    @settings(max_examples=count, deadline=None, derandomize=True)
    @given(pair=st.sampled_from(PAIRS), height=SIZES, width=SIZES)
    @example(pair=("PNG", "RGBA"), height=1, width=1)
    @example(pair=("TIFF", "F"), height=1, width=600)
    @example(pair=("WEBP", "RGB"), height=600, width=1)
    @example(pair=("JPEG", "CMYK"), height=2, width=599)
    def holds(pair: Any, height: int, width: int) -> None:
        format, mode = pair
        image = in_mode(Image.fromarray(coarse_noise(height, width)), mode)
        stream = io.BytesIO()
        image.save(stream, format)
        for depth in (8, 16):
            picture = read(stream.getvalue(), depth=depth)  # type: ignore[arg-type]
            assert picture.rgb.shape == (height, width, 3)
            assert picture.rgb.dtype == f"uint{depth}"
            # WebP leaves an alpha out that is 255 everywhere.
            assert (picture.alpha is not None) == (mode in ("LA", "RGBA")) or format == "WEBP"
            assert picture.alpha is None or picture.alpha.shape == (height, width)
            if mode in ("LA", "RGBA") and format != "AVIF" and picture.alpha is not None:
                alpha = np.asarray(image.convert("RGBA").getchannel("A"))
                assert np.array_equal(picture.alpha, alpha * np.uint16(257 if depth == 16 else 1))
        target = format if format in ("PNG", "TIFF", "WEBP", "AVIF") else "PNG"
        picture = read(stream.getvalue())
        (again,) = read_frames(encode(picture, Encoding(target)))
        assert again.rgb.shape == picture.rgb.shape
        assert again.notes == ()
        if picture.alpha is not None:
            assert np.array_equal(
                np.full_like(picture.alpha, 255) if again.alpha is None else again.alpha, picture.alpha
            )
        if target in ("PNG", "TIFF"):
            assert np.array_equal(again.rgb, picture.rgb)

    holds()


@pytest.mark.parametrize("count", [15, MANY])
@pytest.mark.fault("I-13", "I-16")
def test_any_picture_is_written_in_any_format(count: int, coarse_noise: Any) -> None:
    @settings(max_examples=count, deadline=None, derandomize=True)
    @given(
        format=st.sampled_from(sorted(FORMATS)),
        height=SIZES,
        width=SIZES,
        alpha=st.booleans(),
        depth=st.sampled_from([8, 16]),
        frames=st.integers(1, 3),
    )
    def holds(format: str, height: int, width: int, alpha: bool, depth: Any, frames: int) -> None:
        rgba, levels = coarse_noise(height, width), coarse_noise(height, width, depth)
        picture = Picture(levels[..., :3], levels[..., 3] if alpha else None, "", shown_ms=50)
        flipped = Picture(picture.rgb[::-1], picture.alpha, "", shown_ms=50)
        encoding = Encoding(format, depth=depth if FORMATS[format].deep else 8)
        found = read_frames(encode([picture, flipped, picture][:frames], encoding), depth=encoding.depth)
        assert 1 <= len(found) <= frames
        for again in found:
            assert again.rgb.shape == (height, width, 3)
            assert again.alpha is None or again.alpha.shape == (height, width)
        expected = levels if encoding.depth == depth else rgba
        if format in ("PNG", "TIFF") or (format in ("BMP", "PPM") and not alpha):
            assert np.array_equal(found[0].rgb, expected[..., :3])
        if alpha and FORMATS[format].alpha and format != "GIF":
            opaque = np.full((height, width), 255, np.uint8)
            assert np.array_equal(opaque if found[0].alpha is None else found[0].alpha, expected[..., 3])

    holds()


@pytest.mark.parametrize("format", MODES)
def test_probe_and_suffix_agree_with_what_is_read(format: str, tmp_path: Any, coarse_noise: Any) -> None:
    for number, mode in enumerate(MODES[format]):
        path = tmp_path / f"{number}"  # not one for all: what was read may still be mapped into memory
        in_mode(Image.fromarray(coarse_noise(9, 31)), mode).save(path, format)
        assert probe(path)[:2] == read(path).rgb.shape[:2]
        assert output_suffix(path) in SUFFIXES
