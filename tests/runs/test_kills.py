"""A run that is killed again and again loses nothing, and becomes the run that was never killed.

3 rounds run with the suite, 100 with `pytest -s -m slow tests/runs/test_kills.py`, which prints them.
"""

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from translate import images
from translate.files import PARTIAL
from translate.training.checkpoint import Checkpoints
from translate.training.record import read_log

STEPS_PER_ROUND = 5

# Imports once, then trains in a new process for every line it reads: how many checkpoints are waited for, and how many
# seconds after them, before that process is killed; or "0 inf". It answers with exit code and newest step.
TRAINER = """
import os, signal, sys, time
from itertools import islice

import albumentations  # like much else it would be imported by each process, for seconds
import torch
from translate.runs import prepare

torch.set_num_threads(1)
words = ["method.generator={width = 2, blocks = 1}", "method.discriminator={width = 2, layers = 1}", "method.pool=4"]
words += ["data.size=32", "training.log_every=1", "training.sample_every=5", "training.checkpoint_every=1"]
words += ["training.milestone_every=7"]

def made():
    return prepare(sys.argv[1], out=sys.argv[2], steps=int(sys.argv[3]), precision="fp32", device="cpu", words=words)

def train(said):
    for report in made().start():
        if report.saved:
            os.write(said, b"%d\\n" % report.step)

made().estimate_cost()
for line in sys.stdin:
    checkpoints, seconds = line.split()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        train(writer)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        steps = list(islice(said, int(checkpoints)))
        if seconds != "inf":
            time.sleep(float(seconds))
            os.kill(child, signal.SIGKILL)
        steps += said
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(code, int(steps[-1]) if steps else 0, flush=True)
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    random_pixels = np.random.default_rng(0)
    for folder in ("trainA", "trainB"):
        for index in range(3):
            pixels = random_pixels.integers(0, 256, (40, 40, 3), np.uint8)
            images.write_pixels(pixels, tmp_path / "photos" / folder / f"{index}.png")
    return tmp_path / "photos"


def left(run: Path) -> dict[str, bytes]:
    """What a run leaves, without what the clock says."""
    files = [path for path in run.rglob("*") if path.is_file() and path.name not in ("log.jsonl", "report.html")]
    return {path.relative_to(run).as_posix(): path.read_bytes() for path in files}


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
@pytest.mark.parametrize("rounds", [3, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
@pytest.mark.fault("R-1")
def test_a_run_that_is_killed_again_and_again_loses_nothing(rounds: int, photos: Path, tmp_path: Path) -> None:
    draw, run = random.Random(rounds), tmp_path / "run"
    steps = STEPS_PER_ROUND * rounds

    def trainer(out: Path) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", TRAINER, str(photos), str(out), str(steps)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def done(process: "subprocess.Popen[str]", checkpoints: int, seconds: float) -> tuple[int, int]:
        assert process.stdin is not None
        assert process.stdout is not None
        print(checkpoints, seconds, file=process.stdin, flush=True)
        code, step = process.stdout.readline().split()
        return int(code), int(step)

    reached = 0
    with trainer(run) as process:
        for turn in range(rounds):
            code, said = done(process, turn % 3, draw.uniform(0, 0.12))  # every third is killed before it has begun
            newest, damaged = Checkpoints(run / "checkpoints", {}, keep=2).newest()
            step = newest.step if newest else 0
            leftovers = len(list(run.rglob(f"*{PARTIAL}")))
            print(f"round {turn + 1}: killed at step {step} of {steps}, {leftovers} unfinished files left")
            assert damaged == []
            assert step in (max(reached, said), max(reached, said) + 1)  # it may have been renamed and not yet said
            assert code == (0 if step == steps else -9)
            assert [line["step"] for line in read_log(run / "log.jsonl")][:step] == list(range(1, step + 1))
            reached = step
        assert done(process, 0, float("inf"))[0] == 0
    with trainer(tmp_path / "straight") as process:
        assert done(process, 0, float("inf")) == (0, steps)
    assert left(run) == left(tmp_path / "straight")
    clocked = ("elapsed_s", "seconds_per_step")
    one, other = (
        [{key: line[key] for key in line if key not in clocked} for line in read_log(place / "log.jsonl")]
        for place in (run, tmp_path / "straight")
    )
    assert one == other
