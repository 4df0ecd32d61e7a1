"""A toy dataset of few and small pictures, runs on it, and what is looked at in them."""

import functools
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from translate import cards, images, runs
from translate.runs import Run, prepare
from translate.toys.catalogue import drawn_scores
from translate.training.loop import Report
from translate.training.record import read_log

TOY = "toy-horse2zebra"
CARD = """
title = "Drawn horses and zebras, few and small"
drawn = true
domains = ["horse", "zebra"]
target = "zebra"
train = 6
test = 3

[recipe.data]
size = 32

[recipe.method]
lambda_idt = 1.0
pool = 2
generator = { width = 2, blocks = 1 }
discriminator = { width = 2, layers = 1 }

[recipe.training]
steps = 4
precision = "fp32"
log_every = 1
sample_every = 2
checkpoint_every = 2
"""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A shelf with one small card, and few horses to be scored on."""
    place = tmp_path_factory.mktemp("datasets")
    (place / f"{TOY}.toml").write_text(CARD, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cards, "shelf", lambda kind: place)
        patch.setattr(runs.shown, "drawn_scores", functools.partial(drawn_scores, count=3))
        yield place


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, shelf: Path) -> tuple[Path, list[Report]]:
    """The folder of a whole run, and its reports. Not to be changed."""
    out = tmp_path_factory.mktemp("finished") / "run"
    return out, list(prepare(TOY, out=out, device="cpu").start())


@pytest.fixture
def copied(finished: tuple[Path, list[Report]], tmp_path: Path) -> Path:
    """A finished run that may be changed."""
    return shutil.copytree(finished[0], tmp_path / "run")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three pictures of each domain."""
    place = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for folder in ("trainA", "trainB"):
        for index in range(3):
            images.write_pixels(random.integers(0, 256, (40, 40, 3), np.uint8), place / folder / f"{index}.png")
    return place


@pytest.fixture(scope="session")
def small() -> list[str]:
    """Settings of a short run with small networks."""
    return [
        "data.size=32", "method.generator={width = 2, blocks = 1}", "method.discriminator={width = 2, layers = 1}",
        "method.pool=2", "training.steps=2", "training.precision=fp32",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def contents() -> Callable[[Path], dict[str, tuple[bytes, int]]]:
    """Read every file below a folder, with its bytes and its time."""

    def read(folder: Path) -> dict[str, tuple[bytes, int]]:
        files = [path for path in folder.rglob("*") if path.is_file()]
        return {path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}

    return read


@pytest.fixture(scope="session")
def untimed() -> Callable[[Path], list[dict[str, Any]]]:
    """Read the log of a run without what the clock says."""
    clocked = ("elapsed_s", "seconds_per_step")

    def read(path: Path) -> list[dict[str, Any]]:
        return [{key: value for key, value in line.items() if key not in clocked} for line in read_log(path)]

    return read


@pytest.fixture(scope="session")
def interrupt() -> Callable[[Run, int], None]:
    """Train, and raise the signal of Ctrl-C once when so many steps are done."""

    def train(run: Run, after: int) -> None:
        raised = False
        for report in run.start():
            if report.step == after and not raised:
                signal.raise_signal(signal.SIGINT)
                raised = True

    return train
