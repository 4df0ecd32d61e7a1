"""Pictures beside their results, in one more file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from translate import images
from translate.conversion.job import Job
from translate.conversion.pipeline import Result
from translate.conversion.settings import ConversionSettings
from translate.devices import engine
from translate.images import Encoding
from translate.inference.blending import Blending
from translate.inference.translator import Translator
from translate.methods.cyclegan import Settings
from translate.models.about import About
from translate.networks.discriminators import PatchGAN
from translate.networks.generators import Resnet

TINY = Settings(generator=Resnet(width=2, blocks=1), discriminator=PatchGAN(width=2, layers=1), init_gain=0.5)
ABOUT = About(method=TINY.model_dump(), domains=["horse", "zebra"], target="zebra", size=16, steps=1, planned=1)


def made() -> Translator:
    torch.manual_seed(0)
    method = TINY.build(ABOUT.domains, ABOUT.size).eval().requires_grad_(False)
    return Translator(method, ABOUT, engine("cpu", "fp32"))


TRANSLATOR = made()


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def put(path: Path, pixels: NDArray[Any] | None = None) -> Path:
    """Write a picture, 9 x 7 pixels of noise unless others are given."""
    images.write_pixels(noise(9, 7) if pixels is None else pixels, path)
    return path


def rgb(path: Path) -> NDArray[np.uint8]:
    return images.read(path).rgb


def below(folder: Path) -> list[str]:
    """List the files that a user sees."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if not name.startswith("."))


def run(inputs: Sequence[str | Path], out: Path, **options: Any) -> dict[str, Result]:
    """Convert pictures; return the results by the name of their source."""
    job = Job(ABOUT, tuple(inputs), out, settings=ConversionSettings(**options))
    return {result.source.name: result for result in job.run(TRANSLATOR)}


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
