"""Pictures as frames, and how many a second."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from translate import images
from translate.errors import ImageDecodeError, SettingsError, UnfitPicture
from translate.films.sources import Animation, PictureFrames, read_rate
from translate.images import LIMITS, Picture
from translate.video.frames import Time


def put(path: Path, level: int, size: tuple[int, int] = (9, 7)) -> Path:
    images.write_pixels(np.full((*size, 3), level, np.uint8), path)
    return path


def test_pictures_are_frames_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    paths = [put(tmp_path / f"f{number}.png", number) for number in (10, 9, 1, 100, 2)]
    source = PictureFrames(paths, Fraction(30_000, 1001), LIMITS)
    frames = list(source.frames())
    assert [int(frame.picture.rgb[0, 0, 0]) for frame in frames] == [1, 2, 9, 10, 100]
    assert [frame.time.start for frame in frames] == [0, 1, 2, 3, 4]
    facts = source.facts
    assert (facts.height, facts.width, facts.count, facts.tick) == (9, 7, 5, Fraction(1001, 30_000))
    assert [frame.time.start for frame in source.frames(skipped=3)] == [3, 4]


@pytest.mark.fault("I-31")
def test_frames_of_another_size_or_that_are_torn_are_named(tmp_path: Path) -> None:
    paths = [put(tmp_path / "1.png", 5), put(tmp_path / "2.png", 5, (9, 8))]
    with pytest.raises(UnfitPicture, match=r"2\.png has 8 x 9 pixels, and .*1\.png 7 x 9: the frames of a film"):
        list(PictureFrames(paths, Fraction(25), LIMITS).frames())
    paths[1].write_bytes(b"torn")
    with pytest.raises(ImageDecodeError, match=r"2\.png cannot be decoded"):
        list(PictureFrames(paths, Fraction(25), LIMITS).frames())


def animation(path: Path, shown_ms: list[int]) -> Path:
    frames = [Picture(np.full((9, 7, 3), 20 * number, np.uint8), None, "", shown_ms=ms)
              for number, ms in enumerate(shown_ms)]  # fmt: skip
    images.write(frames, path)
    return path


def test_the_frames_of_an_animation_keep_their_times_unless_a_rate_is_asked_for(tmp_path: Path) -> None:
    path = animation(tmp_path / "a.png", [40, 200, 0, 10])
    source = Animation(path, None, LIMITS)
    frames = list(source.frames())
    assert [int(frame.picture.rgb[0, 0, 0]) for frame in frames] == [0, 20, 40, 60]
    assert [frame.time for frame in frames] == [Time(0, 40), Time(40, 200), Time(240, 100), Time(340, 10)]
    facts = source.facts
    assert (facts.height, facts.width, facts.count, facts.tick) == (9, 7, 4, Fraction(1, 1000))
    assert facts.rate == 4 / Fraction(350, 1000)
    assert [frame.time.start for frame in source.frames(skipped=3)] == [340]
    quick = Animation(path, Fraction(50), LIMITS)
    assert ([frame.time.start for frame in quick.frames()], quick.facts.tick) == ([0, 1, 2, 3], Fraction(1, 50))
    assert quick.facts.rate == 50


@pytest.mark.fault("I-31")
def test_an_animation_among_pictures_is_refused(tmp_path: Path) -> None:
    paths = [put(tmp_path / "1.png", 5), animation(tmp_path / "2.png", [40, 40])]
    with pytest.raises(UnfitPicture, match=r"2\.png is an animation, which becomes a film on its own\. Name it"):
        list(PictureFrames(paths, None, LIMITS).frames())


@pytest.mark.parametrize(
    ("word", "rate"),
    [
        ("25", Fraction(25)), ("12.5", Fraction(25, 2)), ("24.5", Fraction(49, 2)),
        ("30000/1001", Fraction(30_000, 1001)),
        ("29.97", Fraction(30_000, 1001)), ("23.976", Fraction(24_000, 1001)), ("23.98", Fraction(24_000, 1001)),
    ],
)  # fmt: skip
def test_rates_are_read_as_they_are_meant(word: str, rate: Fraction) -> None:
    assert read_rate(word) == rate


@pytest.mark.parametrize("word", ["0", "-1", "fast", "1/0", "nan", "100000"])
def test_what_is_no_rate_is_refused(word: str) -> None:
    with pytest.raises(SettingsError, match=r"--fps takes frames a second, such as 25, 23.976 or 30000/1001; found"):
        read_rate(word)
