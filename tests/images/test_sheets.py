"""Resizing, grids, and the GIF of a training."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from translate.images import captioned, resize, sheet, write_animation


def smooth(height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) without fine detail, which lossy formats keep within a few levels."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([255 * x / width, 255 * y / height, 128 + 0 * x], axis=-1).astype(np.uint8)


def noise(height: int, width: int, *channels: int) -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(0, 256, (height, width, *channels), dtype=np.uint8)


def off(found: NDArray[Any], expected: Any) -> int:
    """Return the largest difference in levels."""
    assert found.dtype == np.uint8
    return int(np.abs(found.astype(int) - np.asarray(expected, dtype=int)).max())


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


def test_captions_begin_where_they_are_told_and_grow_with_the_picture() -> None:
    a = noise(32, 40, 3)
    result = captioned(a, {0: "a caption that is far too long for its place", 20: "right"})
    assert result.shape == (20 + 4 * 32, 160, 3)
    assert np.array_equal(result[20::4, ::4], a)
    assert np.array_equal(result[:20, 80:], captioned(a, {0: "right"})[:20, :80])
    assert captioned(noise(900, 1200, 3), {0: "large"}).shape == (930, 1200, 3)
    assert (captioned(noise(900, 1200, 3), {0: "large"})[:30] < 128).sum() > 2 * (result[:20, 80:] < 128).sum()
    assert captioned(noise(3, 1200, 3), {0: "flat"}).shape == (23, 1200, 3)


def test_captions_are_written_in_the_letters_that_there_are() -> None:
    for text, plain in (("é ü", "e u"), ("사진", ascii("\u1109\u1161\u110c\u1175\u11ab")[1:-1]), ("\udcff", r"\udcff")):
        assert np.array_equal(captioned(noise(9, 300, 3), {0: text}), captioned(noise(9, 300, 3), {0: plain}))


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
