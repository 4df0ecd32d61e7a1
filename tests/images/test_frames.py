"""Animations: every frame as it is seen, for as long as it is shown, as often as all are."""

import io
import struct
import tracemalloc
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from translate.errors import ImageDecodeError
from translate.images import Encoding, Limits, Picture, count_frames, encode, read, read_frames, write

SHOWN_MS = [30, 70, 200, 90]
FORMATS = ["GIF", "PNG", "WEBP", "AVIF"]


def frames(alpha: bool = False, plays: int = 3, count: int = 4) -> list[Picture]:
    """Return pictures (20, 30, 3) that differ in a part, with an alpha of stripes, all or nothing."""
    y, x = np.mgrid[0:20, 0:30]
    smooth = np.stack([8 * x, 12 * y, 0 * x], axis=-1).astype(np.uint8)
    result: list[Picture] = []
    for n in range(count):
        rgb = smooth.copy()
        rgb[5 : 10 + n, 3 : 9 + n] = (250 - 60 * n, 60 * n, 200)
        stripes = ((x + 2 * n) // 5 % 2 * 255).astype(np.uint8)
        result.append(Picture(rgb, stripes if alpha else None, "", shown_ms=SHOWN_MS[n % 4], plays=plays))
    return result


def off(found: Picture, expected: Picture) -> float:
    """Return the mean difference in levels where something is to be seen."""
    seen = slice(None) if expected.alpha is None else expected.alpha > 0
    return float(np.abs(found.rgb.astype(int) - expected.rgb)[seen].mean())


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("plays", [0, 1, 3])
@pytest.mark.fault("I-15")
def test_frames_durations_and_plays_survive(format: str, alpha: bool, plays: int) -> None:
    before = frames(alpha, plays)
    after = read_frames(encode(before, Encoding(format)))
    assert [frame.shown_ms for frame in after] == SHOWN_MS
    assert {frame.plays for frame in after} == {0 if format == "AVIF" else plays}
    for found, expected in zip(after, before, strict=True):
        assert off(found, expected) < {"PNG": 0.01, "WEBP": 8}.get(format, 3)
        assert (found.alpha is not None) == alpha
        assert found.alpha is None or np.array_equal(found.alpha, expected.alpha)
        assert found.notes == ()


@pytest.mark.parametrize("format", ["GIF", "PNG"])
@pytest.mark.fault("I-15")
def test_a_duration_of_0_stays(format: str) -> None:
    before = [Picture(frame.rgb, None, "") for frame in frames()]
    assert [frame.shown_ms for frame in read_frames(encode(before, Encoding(format)))] == [0, 0, 0, 0]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.fault("I-15")
def test_numbers_no_format_can_count_are_bounded(format: str) -> None:
    before = [replace(frame, shown_ms=1e9, plays=10**9) for frame in frames()]
    assert read_frames(encode(before, Encoding(format)))[0].shown_ms in (65_535, 65_530)  # GIF counts in steps of 10


@pytest.mark.parametrize(
    ("disposal", "left_of_third"), [(0, [255, 0, 0]), (1, [255, 0, 0]), (2, [9, 9, 9]), (3, [255, 255, 255])]
)
@pytest.mark.fault("I-15")
def test_a_frame_is_what_is_seen_after_disposal(disposal: int, left_of_third: list[int]) -> None:
    """Frames that cover a part only: the rest is what was left, cleared to the background, or put back."""
    colours = [255, 255, 255, 255, 0, 0, 0, 0, 255, 9, 9, 9]

    def frame(index: int, left: int, width: int, method: int) -> bytes:
        stream, image = io.BytesIO(), Image.new("P", (width, 2), index)
        image.putpalette(colours)
        image.save(stream, "GIF", optimize=False)
        data = stream.getvalue()
        pixels = data[data.index(b",", 13 + 3 * (2 << (data[10] & 7))) + 10 : -1]
        control = b"!\xf9\4" + struct.pack("<BHBB", method << 2, 5, 0, 0)
        return control + b"," + struct.pack("<HHHHB", left, 0, width, 2, 0) + pixels

    head = b"GIF89a" + struct.pack("<HHBBB", 4, 2, 0xF1, 3, 0) + bytes(colours)
    white, red, blue = frame(0, 0, 4, 1), frame(1, 0, 2, disposal), frame(2, 2, 2, 1)
    first, second, third = read_frames(head + white + red + blue + b";")
    assert first.rgb[0].tolist() == [[255, 255, 255]] * 4
    assert second.rgb[0].tolist() == [[255, 0, 0]] * 2 + [[255, 255, 255]] * 2
    assert third.rgb[0].tolist() == [left_of_third] * 2 + [[0, 0, 255]] * 2


@pytest.mark.fault("I-15")
def test_a_picture_for_those_who_cannot_play_an_apng_is_no_frame(tmp_path: Path) -> None:
    stream, images = io.BytesIO(), [Image.fromarray(frame.rgb) for frame in frames()]
    images[0].save(stream, "PNG", save_all=True, append_images=images[1:], default_image=True, duration=50)
    assert np.array_equal(read(stream.getvalue()).rgb, frames()[0].rgb)
    after = read_frames(stream.getvalue())
    assert len(after) == 3
    assert np.array_equal(after[0].rgb, frames()[1].rgb)
    (tmp_path / "a.png").write_bytes(stream.getvalue())
    assert count_frames(tmp_path / "a.png") == 3


@pytest.mark.parametrize("format", FORMATS)
def test_frames_are_counted_as_they_are_read(format: str, tmp_path: Path) -> None:
    for count in (1, 4):
        write(frames(count=count), tmp_path / "a", Encoding(format))
        assert count_frames(tmp_path / "a") == count


def test_a_still_is_a_list_of_one() -> None:
    data = encode(frames()[0], Encoding("PNG"))
    (picture,) = read_frames(data)
    assert np.array_equal(picture.rgb, read(data).rgb)
    assert picture.shown_ms == 0


def test_soft_transparency_is_all_or_nothing_in_a_gif_and_said_so(tmp_path: Path) -> None:
    first, second = frames(alpha=True, count=2)
    assert write([first, second], tmp_path / "a.gif") == ()
    assert first.alpha is not None
    soft = Picture(first.rgb, (first.alpha // 3 + 60).astype(np.uint8), "", shown_ms=50)  # 60 or 145
    lost = write([soft, second], tmp_path / "a.gif")
    assert lost == ("soft transparency made all or nothing, GIF holds no other",)
    found = read_frames(tmp_path / "a.gif")[0].alpha
    assert found is not None
    assert np.array_equal(found, first.alpha)


def test_frames_with_and_without_alpha_are_one_animation() -> None:
    (opaque, _), (_, clear) = frames(count=2), frames(alpha=True, count=2)
    first, second = read_frames(encode([opaque, clear], Encoding("PNG")))
    assert first.alpha is not None
    assert (first.alpha == 255).all()
    assert np.array_equal(second.alpha, clear.alpha)  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", [Encoding("JPEG"), Encoding("TIFF"), Encoding("PNG", depth=16)])
def test_one_frame_is_written_where_only_one_is_held(encoding: Encoding, tmp_path: Path) -> None:
    assert write(frames(), tmp_path / "a", encoding) == ("first of several frames",)
    assert len(read_frames(tmp_path / "a")) == 1


# Bounds


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.fault("I-6")
def test_frames_count_together(format: str) -> None:
    data = encode(frames(), Encoding(format))
    assert len(read_frames(data, Limits(pixels=4 * 600))) == 4
    with pytest.raises(ImageDecodeError, match="too many pixels, found 2400, limit 2399"):
        read_frames(data, Limits(pixels=4 * 600 - 1))
    assert read(data, Limits(pixels=600)).rgb.shape == (20, 30, 3)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.fault("I-6")
def test_the_number_of_frames_is_bounded(format: str) -> None:
    data = encode(frames(), Encoding(format))
    assert len(read_frames(data, Limits(frames=4))) == 4
    with pytest.raises(ImageDecodeError, match="it has more than 3 frames; a larger --max-frames reads it"):
        read_frames(data, Limits(frames=3))
    assert len(read_frames(encode(frames()[:1], Encoding(format)), Limits(frames=1))) == 1


@pytest.mark.fault("I-6")
def test_many_chunks_take_a_hundred_bytes_each() -> None:
    chunk = struct.pack(">I", 0) + b"teXt" + struct.pack(">I", zlib.crc32(b"teXt"))
    data = encode(frames()[0], Encoding("PNG"))
    picture = read(data[:33] + 100_000 * chunk + data[33:])
    assert np.array_equal(picture.rgb, frames()[0].rgb)
    tracemalloc.start()
    read(data[:33] + 10_000 * chunk + data[33:])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000 * 200


@pytest.mark.fault("I-6")
def test_directories_in_a_circle_end() -> None:
    stream = io.BytesIO()
    Image.fromarray(frames()[0].rgb).save(stream, "TIFF")
    data = bytearray(stream.getvalue())
    (first,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * entries, first)  # the next directory is the same
    picture = read(bytes(data))
    assert np.array_equal(picture.rgb, frames()[0].rgb)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.fault("I-2")
def test_an_animation_that_ends_early_is_refused_or_shorter(format: str) -> None:
    data = encode(frames(alpha=True), Encoding(format))
    lengths: set[Any] = set()
    for percent in range(5, 100, 5):
        try:
            lengths.add(len(read_frames(data[: len(data) * percent // 100])))
        except ImageDecodeError:
            lengths.add(None)
    assert None in lengths
    assert lengths <= {None, 1, 2, 3, 4}


@pytest.mark.fault("I-3")
def test_damage_within_a_file_is_refused() -> None:
    y: NDArray[np.uint8] = np.random.default_rng(1).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    data = encode(Picture(y, None, ""), Encoding("PNG"))
    start = data.index(b"IDAT")
    refused = 0
    for place in range(start + 4, len(data) - 20, 97):
        broken = bytearray(data)
        broken[place] ^= 0xFF
        try:
            read(bytes(broken))
        except ImageDecodeError:
            refused += 1
    assert refused == len(range(start + 4, len(data) - 20, 97))
