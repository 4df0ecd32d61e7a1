"""`translate train` as a user meets it."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from translate import images, runs
from translate.training.loop import Training

ROOT = Path(__file__).parent.parent.parent
Run = Callable[..., tuple[int, str, str]]


def test_a_run_trains_tells_where_it_is_and_can_be_applied(run: Run, train: Run, place: Path) -> None:
    code, out, err = train()
    assert code == 0
    assert "Next: translate apply runs/horses" in out
    assert "cyclegan on horses: 4 A, 4 B; batches of 1. Running on cpu" in err
    assert "Losses, when it goes well: GAN_G, GAN_F, D_X, D_Y hover around 0.25; cyc_X, cyc_Y, idt_X, idt_Y" in err
    numbers = r"(GAN|cyc|idt|D)_\w \d+\.\d\d"
    assert re.search(rf"training 3/3 epoch 0\.8  \d+\.\d images/s  ({numbers} ?){{8}}(  \d+\.\d GB)?\n", err)
    left = {path.name for path in (place / "runs/horses").iterdir()}
    assert left == {
        "settings.json", "log.jsonl", "alarms.jsonl", "report.html", "losses.svg", "samples",
        "progress.gif", "checkpoints", "model.safetensors",
    }  # fmt: skip
    assert (place / "runs/horses/samples/00000000.png").exists()
    code, out, _ = run("apply", "runs/horses", "photos", "--out", "results", "--json")
    document = json.loads(out)
    assert (code, document["done"], document["to"]) == (0, 2, "B")
    assert "directions: B to A, A to B (default: to B)" in run("info", "runs/horses")[1]
    assert images.read(place / "results/below/b.png").rgb.shape == (37, 50, 3)


def test_the_same_command_again_says_that_the_run_is_finished(train: Run, place: Path) -> None:
    train()
    before = {path: path.stat().st_mtime_ns for path in (place / "runs").rglob("*")}
    code, out, _ = train()
    assert code == 0
    assert "The run in runs/horses is finished. Translates pictures from B to A, from A to B." in out
    assert before == {path: path.stat().st_mtime_ns for path in (place / "runs").rglob("*")}


def test_a_run_inside_its_dataset_is_left_out_of_the_scan(train: Run, place: Path) -> None:
    for out in ("horses/runs/first", "horses/trainA/run"):
        assert train("--out", out)[0] == 0
        assert "finished" in train("--out", out)[1]
        shutil.rmtree(place / out)
    (place / "horses/trainA").rename(place / "horses/brown")
    (place / "horses/trainB").rename(place / "horses/striped")
    for folder in ("testA", "testB", "runs"):
        shutil.rmtree(place / "horses" / folder)
    assert train("--out", "horses/runs")[0] == 0
    assert "finished" in train("--out", "horses/runs")[1]


def test_more_steps_under_the_same_name_are_refused_with_the_difference(train: Run, place: Path) -> None:
    train()
    code, _, err = train("--steps", 9)
    assert code == 2
    assert "training.steps was 3, now 9" in err
    assert "with --more 6." in err


def test_a_finished_run_says_what_it_learned_where_that_is_and_how_to_go_on(run: Run, train: Run, place: Path) -> None:
    _, out, _ = train()
    first, *lines = out.splitlines()
    assert re.fullmatch(
        r"Finished 3 steps in \d.* s\. Translates pictures from B to A, from A to B\. The default is to B\. Trained by"
        r" cyclegan on horses\.",
        first,
    )
    assert [line.split()[0] for line in lines[:3]] == [
        "runs/horses/model.safetensors", "runs/horses/samples/00000003.png", "runs/horses/report.html",
    ]  # fmt: skip
    assert all((place / line.split()[0]).exists() for line in lines[:3])
    assert lines[3] == "Next: translate apply runs/horses PHOTOS --out RESULTS"
    assert "The same command with --more 1 makes the run longer" in lines[4]
    assert "--from runs/horses --out runs/horses-2 begins" in lines[5]


@pytest.mark.fault("F-21")
def test_a_finished_run_is_made_longer(train: Run, place: Path) -> None:
    train()
    code, out, err = train("--more", 2)
    assert (code, out.split(" in ")[0]) == (0, "Finished 5 steps")
    assert "Note: The run is lengthened from 3 to 5 steps." in err
    assert "with --more 3 makes the run longer" in out
    code, out, _ = train()
    assert (code, "The run in runs/horses is finished." in out) == (0, True)


def test_the_best_of_a_run_is_named_with_its_step_and_figure(
    train: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("trainA", "trainB"):
        for index in range(4):
            shutil.copy(next((place / "horses" / folder).iterdir()), place / "horses" / folder / f"more {index}.png")
    scores = iter([5.0, 7.0])
    monkeypatch.setattr("translate.runs.results.HeldOutScore", lambda *_: lambda _: next(scores))
    words = ["data.held_out=4", "training.milestone_every=2"]
    _, out, _ = train(*(f"--set={word}" for word in words))
    best = "runs/horses/best.safetensors"
    assert re.search(rf"  {best} +the best on held-out pictures, after 2 steps, KID times 1000 5\.000\n", out)
    assert f"With the best: translate apply {best} PHOTOS --out RESULTS\n" in out


def test_ctrl_c_finishes_the_step_saves_and_the_printed_command_continues(
    run: Run, train: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Training.train_step

    def interrupted(self: Training, batch: Any) -> None:
        step(self, batch)
        if self.step == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Training, "train_step", interrupted)
    code, _, err = train("--seed", 3)
    assert code == 130
    assert "Stopped after 2 of 3 steps; everything is saved." in err
    command = err.split("Continue with: ")[1].strip()
    monkeypatch.setattr(Training, "train_step", step)
    code, out, _ = run(*shlex.split(command)[1:])
    assert code == 0
    assert "Finished 3 steps" in out


def test_ctrl_c_while_pictures_are_read_says_that_no_step_was_done(
    train: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("translate.runs.run.read_batches", lambda *_: signal.raise_signal(signal.SIGINT))
    code, out, err = train()
    assert (code, out) == (130, "")
    assert "Stopped while pictures were read, before a step was done. Continue with: translate train horses" in err


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals there")
@pytest.mark.fault("R-6", "R-8")
def test_a_signal_to_the_whole_process_group_saves_and_says_how_to_continue(place: Path) -> None:
    words = ["train", "horses", "--config", "tiny.toml", "--device", "cpu", "--steps", "1000000", "--workers", "2"]
    command = [sys.executable, "-m", "translate", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=place, env=environment
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("cyclegan on horses")
        os.killpg(process.pid, signal.SIGUSR1)
        said = process.stderr.read()
    assert process.returncode == 75
    when = ("steps; everything is saved.", "before a step was done.", "Stopped; every written file is whole.")
    assert any(f"{words} Continue with: translate train horses" in said for words in when)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals there")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGUSR1, 75), (signal.SIGINT, 130)])
@pytest.mark.fault("R-9")
def test_a_signal_while_a_dataset_is_looked_through_is_answered(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    monkeypatch.setattr(runs, "prepare", lambda *_, **__: signal.raise_signal(number))
    before = signal.getsignal(number)
    found, out, err = run("train", "horses")
    assert (found, out) == (code, "")
    assert err == "Stopped; every written file is whole. Continue with: translate train horses\n"
    assert signal.getsignal(number) == before


def test_training_fetches_only_when_told_to(run: Run, place: Path, stored: Path) -> None:
    words = ("train", "ponies", "--config", "tiny.toml", "--device", "cpu")
    code, out, err = run(*words)
    assert (code, out) == (4, "")
    assert "`translate data fetch ponies`" in err
    code, out, err = run(*words, "--download")
    assert (code, out) == (4, "")
    assert "http://127.0.0.1:1/ponies.zip cannot be reached" in err
    assert f"put it at {stored / 'ponies.zip'}, and run this again: translate data fetch ponies" in err
    (place / "ponies.zip").rename(stored / "ponies.zip")
    code, out, _ = run(*words, "--download", "--dry-run")
    assert code == 0
    assert "pony: 4 training pictures, 2 test pictures" in out


def test_a_dry_run_prints_settings_counts_cost_and_writes_nothing(train: Run, place: Path) -> None:
    code, out, _ = train("--dry-run")
    assert code == 0
    for part in ('"lambda_cyc": 10.0', "A: 4 training pictures, 2 test pictures", "player G:", "for 1,000 steps", "GB"):
        assert part in out
    for folder in ("trainA", "trainB"):
        for index in range(3):
            shutil.copy(next((place / "horses" / folder).iterdir()), place / "horses" / folder / f"more {index}.png")
    code, out, _ = train("--dry-run", "--set", "data.held_out=4")
    assert (code, "A: 3 training pictures, 2 test pictures, 4 held out" in out) == (0, True)
    assert not (place / "runs").exists()


def measuring(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let a step take so many seconds where it is measured, and do none afterwards."""
    monkeypatch.setattr("translate.runs.cost_estimate.measured", lambda *_: (None, seconds))
    monkeypatch.setattr(runs.Run, "start", lambda *_: iter(()))


def test_a_run_says_at_its_start_how_long_it_takes(train: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measuring(monkeypatch, 0.36)
    code, _, err = train("--steps", 1500)
    assert code == 0
    assert "This will take about 10 min 0 s on this machine.\n" in err
    assert "days" not in err
    assert "take about" not in train("--steps", 99)[2]  # that would be measured longer than done
    assert "take about" not in train("--steps", 1500, "--quiet")[2]
    assert "This will take about 20 h 0 min on this machine.\n" in (err := train("--time", "20h")[2])
    assert "days" not in err  # that was asked for


def test_what_is_left_of_a_stopped_run_is_said(train: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("translate.runs.cost_estimate.WORTH_MEASURING", 1)
    step = Training.train_step

    def interrupted(self: Training, batch: Any) -> None:
        step(self, batch)
        if self.step == 2:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr("translate.runs.cost_estimate.measured", lambda *_: (None, 0.9))
        patch.setattr(Training, "train_step", interrupted)
        assert "This will take about 3.0 s on" in train()[2]
    measuring(monkeypatch, 0.9)
    assert "What is left will take about 1.0 s on this machine.\n" in train()[2]


def test_a_run_of_more_than_twelve_hours_says_how_many_days_and_what_is_shorter(
    run: Run, train: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measuring(monkeypatch, 3.888)
    advice = "That is 5.0 days. --config quick learns a style in ten minutes, and --time 10h does as many steps as fit"
    assert f"{advice} into ten hours.\n" in train("--steps", 100_000)[2]
    assert "days" not in train("--steps", 10_000)[2]
    shutil.copytree(place / "horses/trainA", place / "horses/trainC")
    three = [f"--domain={letter}=horses/train{letter}" for letter in "ABC"]
    words = ("--method=stargan", "--size=32", "--batch=2", "--steps=100000", "--set=method.discriminator.layers=4")
    (place / "stargan.toml").write_text("[method.generator]\nwidth = 2\nblocks = 1\n")
    _, _, err = run("train", *three, *words, "--config=stargan.toml", "--device=cpu")
    assert "That is 5.0 days. --time 10h does" in err  # quick is not for three domains


def test_measuring_changes_nothing(train: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert train("--out", "plain")[0] == 0
    monkeypatch.setattr("translate.runs.cost_estimate.WORTH_MEASURING", 1)
    code, _, err = train("--out", "measured")
    assert (code, "This will take about" in err) == (0, True)
    files = [(place / name / "model.safetensors").read_bytes() for name in ("plain", "measured")]
    assert files[0] == files[1]


def test_a_non_finite_run_stops_with_exit_code_1(train: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = train("--steps", 5, "--set", "method.optimiser.lr=1e30")
    assert code == 1
    assert "not finite in 3 steps in a row" in err
