"""Pictures beside their results, in one more file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conversion.small import TRANSLATOR, below, noise, put, rgb, run
from translate import images
from translate.images import Encoding
from translate.inference.blending import Blending


@pytest.mark.parametrize("compare", ["side", "split"])
def test_comparisons_lie_beside_the_results_and_say_which_is_which(tmp_path: Path, compare: Any) -> None:
    source = put(tmp_path / "in" / "a.jpg", noise(20, 130))
    run([tmp_path / "in"], tmp_path / "out", compare=compare)
    assert below(tmp_path / "out") == ["a.compare.png", "a.jpg"]
    shown = rgb(tmp_path / "out" / "a.compare.png")
    after = TRANSLATOR(rgb(source))
    if compare == "split":
        expected = images.captioned(rgb(source), {0: "before", 65: "after"})
        expected[20:, 64:66] = 255
        expected[20:, 66:] = after[:, 66:]
    else:
        expected = images.sheet([[rgb(source), after]], captions=("before", "after"))
    assert np.array_equal(shown, expected)


@pytest.mark.parametrize("compare", ["side", "split", "gif"])
def test_all_frames_of_an_animation_are_compared(tmp_path: Path, compare: Any) -> None:
    frames = [images.Picture(noise(60, 130, n), None, "", shown_ms=40 * n + 40) for n in range(3)]
    images.write(frames, tmp_path / "in" / "a.webp", Encoding(quality=100))
    put(tmp_path / "in" / "b.png", noise(60, 130))
    run([tmp_path / "in"], tmp_path / "out", compare=compare)
    suffix = "gif" if compare == "gif" else "png"
    assert below(tmp_path / "out") == [f"a.compare.{suffix}", "a.webp", f"b.compare.{suffix}", "b.png"]
    moving, still = (images.read_frames(tmp_path / "out" / f"{name}.compare.{suffix}") for name in "ab")
    times = [40, 80, 120] * 2 if compare == "gif" else [40, 80, 120]
    assert [frame.shown_ms for frame in moving] == times
    assert [frame.shown_ms for frame in still] == ([1000, 1000] if compare == "gif" else [0])
    assert {frame.plays for frame in moving} == {0}
    assert moving[0].rgb.shape == {"side": (80, 262, 3), "split": (80, 130, 3), "gif": (80, 130, 3)}[compare]
    assert not np.array_equal(moving[0].rgb, moving[-1].rgb)


@pytest.mark.parametrize("compare", ["side", "split", "gif"])
def test_deep_and_transparent_pictures_are_compared_in_8_bits_on_white(tmp_path: Path, compare: Any) -> None:
    levels = np.full((30, 140, 4), 65535, np.uint16)
    levels[..., :3] = 60000
    levels[:5, :, 3] = 0
    before = images.Picture(levels[..., :3], levels[..., 3], "PNG")
    images.write(before, tmp_path / "in" / "a.png", Encoding(depth=16))
    run([tmp_path / "in"], tmp_path / "out", compare=compare, encoding=Encoding(depth=16), blending=Blending(0.0))
    shown = images.read(tmp_path / "out" / f"a.compare.{'gif' if compare == 'gif' else 'png'}").rgb
    assert (shown[20:25, :60] == 255).all()
    assert (np.abs(shown[25:50, :60].astype(int) - 233) <= 1).all()
