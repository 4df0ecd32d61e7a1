"""Decoders that crash, in processes of their own."""

import importlib
import multiprocessing
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from translate import images
from translate.conversion import pipeline
from translate.conversion.job import Job
from translate.conversion.pipeline import Result
from translate.conversion.settings import ConversionSettings
from translate.devices import engine
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


CRASHING = """
import os
import signal

from translate import images

whole, first = images.read_frames, images.read


def crash(source):
    if source.name.startswith("crash") or source.parts[-2:] == ("masks", "h.png"):
        os.kill(os.getpid(), signal.SIGSEGV)


def read_frames(source, *arguments):
    crash(source)
    return whole(source, *arguments)


def read(source, *arguments):
    crash(source)
    return first(source, *arguments)
"""


@pytest.mark.skipif(os.name != "posix", reason="no such signal here")
@pytest.mark.fault("I-32")
def test_a_decoder_that_crashes_fails_its_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.png", "crash1.png", "crash2.png", "crash3.jpg", "d.png", "e.png", "f.png", "h.png"):
        put(tmp_path / "in" / name)
        put(tmp_path / "masks" / name, np.full((2, 2, 3), 255, np.uint8))
    (tmp_path / "in" / "torn.png").write_bytes(b"torn")
    (tmp_path / "crashing.py").write_text(CRASHING)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(images, "read_frames", importlib.import_module("crashing").read_frames)
    monkeypatch.setattr(images, "read", importlib.import_module("crashing").read)
    monkeypatch.setattr(pipeline, "THREADS", 2)
    results = run([tmp_path / "in"], tmp_path / "out", isolate=True, mask=tmp_path / "masks")
    monkeypatch.undo()
    failed = {name: result.reason for name, result in results.items() if result.status == "failed"}
    assert failed.pop("torn.png").startswith("cannot be decoded: it is none of JPEG")
    crashed = "cannot be decoded: its decoder crashed with SIGSEGV."
    assert failed.pop("h.png") == f"{tmp_path / 'masks' / 'h.png'} {crashed}"
    assert failed == dict.fromkeys(["crash1.png", "crash2.png", "crash3.jpg"], crashed)
    assert below(tmp_path / "out") == ["a.png", "d.png", "e.png", "f.png"]
    for name in below(tmp_path / "out"):
        assert np.array_equal(rgb(tmp_path / "out" / name), TRANSLATOR(rgb(tmp_path / "in" / name)))
    assert multiprocessing.active_children() == []
