"""`translate apply`, killed at random moments: nothing partial looks complete, and the next run ends as one alone.

Forty rounds: `pytest -m slow tests/conversion/test_kill.py`.
"""

import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from translate import cli, images
from translate.images import Picture
from translate.methods.cyclegan import Settings
from translate.models.about import About
from translate.models.exports import write_export
from translate.networks.discriminators import PatchGAN
from translate.networks.resnet import Resnet

TINY = Settings(generator=Resnet(width=4, blocks=1), discriminator=PatchGAN(width=2, layers=1), init_gain=0.5)
ROUNDS = 40


def prepare(place: Path) -> int:
    """Write a model and pictures of many formats; return how many files one run makes of them."""
    torch.manual_seed(0)
    method = TINY.build(["a", "b"], 32)
    about = About(method=TINY.model_dump(), domains=["a", "b"], target="b", size=64, steps=1, planned=1)
    write_export(place / "model.safetensors", nn.ModuleList(method.averaged()), about)
    chance, suffixes = np.random.default_rng(0), (".jpg", ".png", ".webp", ".tif", ".avif", ".gif")
    for number in range(30):
        frames = [Picture(chance.integers(0, 256, (120, 160, 3), np.uint8), None, "", shown_ms=50) for _ in range(2)]
        path = place / "in" / str(number % 4) / f"{number}{suffixes[number % 6]}"
        images.write(frames if path.suffix in (".webp", ".gif") else frames[:1], path)
    return 2 * 30  # each with a comparison


def words(out: Path) -> list[str]:
    return [
        "translate", "apply", "model.safetensors", "in", "--out", out.name,
        "--size", "native", "--precision", "fp32", "--compare", "side",
    ]  # fmt: skip


def visible(out: Path) -> list[Path]:
    """Return what a user sees of a folder: all files in it that are not hidden."""
    return [path for path in out.rglob("*") if path.is_file() and not path.name.startswith(".")]


def found(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in visible(out)}


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.fault("I-24")
def test_killed_at_random_moments_a_run_continues_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, chance, early, partial = prepare(tmp_path), random.Random(7), 0, 0
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as here

    def complete(out: Path) -> dict[str, bytes]:
        monkeypatch.setattr(sys, "argv", words(out))
        with pytest.raises(SystemExit, match="0"):
            cli.main()
        return found(out)

    expected = complete(tmp_path / "whole")
    assert len(expected) == count
    for turn in range(ROUNDS):
        out, moment = tmp_path / f"out{turn}", chance.randrange(count)
        with subprocess.Popen([sys.executable, "-m", *words(out)], stderr=subprocess.DEVNULL) as process:
            while len(visible(out)) < moment and process.poll() is None:
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.02))
            process.kill()
        there = found(out)
        early += len(there) < count
        partial += any(out.rglob("*.partial"))
        for name, content in there.items():
            assert content == expected[name], f"{name} is partial"
        assert complete(out) == expected
        assert not any(out.rglob("*.partial"))  # swept, as their writer has ended
    print(f"{early} of {ROUNDS} runs ended early, {partial} of them left a partial file")
    assert early > ROUNDS / 2
