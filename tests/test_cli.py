"""The command line as a user meets it: words, exit codes, what is printed where, what is left on the disk."""

import hashlib
import importlib.metadata
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from translate import cards, cli, devices, images, runs
from translate.toys.catalogue import draw
from translate.training.loop import Training

ROOT = Path(__file__).parent.parent
TINY = """
[data]
size = 32
[method.generator]
width = 2
blocks = 1
[method.discriminator]
width = 2
layers = 1
[training]
steps = 3
precision = "fp32"
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call the command line in this process; return (exit code, stdout, stderr)."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["translate", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        printed = capsys.readouterr()
        return int(stop.value.code or 0), printed.out, printed.err

    return call


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a dataset `horses`, a tiny settings file, and a folder of photos."""
    for letter, domain in (("A", "horse"), ("B", "zebra")):
        for split, count in (("train", 4), ("test", 2)):
            drawn = draw("toy-horse2zebra", domain, split, count, 40)
            for index in range(count):
                images.write_pixels(drawn[index], tmp_path / "horses" / f"{split}{letter}" / drawn.name(index))
    for name in ("a.jpg", "below/b.png"):
        images.write_pixels(draw("toy-horse2zebra", "horse", "test", 1, 50)[0][:37], tmp_path / "photos" / name)
    (tmp_path / "tiny.toml").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(run: Run, *words: object) -> tuple[int, str, str]:
    return run("train", "horses", "--config", "tiny.toml", "--device", "cpu", *words)


def test_help_is_printed_without_importing_torch() -> None:
    code = "import sys, translate.cli; print([m for m in ('torch', 'albumentations', 'cv2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "command",
    [[], ["train"], ["apply"], ["info"], ["export"], ["bench"], ["doctor"], ["data", "make"], ["weights", "fetch"]],
)
def test_every_command_has_help(run: Run, command: list[str]) -> None:
    code, out, _ = run(*command, "--help")
    assert code == 0
    assert "Usage" in out


def test_the_version_is_printed(run: Run) -> None:
    assert re.fullmatch(r"translate \d+\.\d+\.\d+\n", run("--version")[1])


@pytest.mark.parametrize("words", [["--debug", "info", "nowhere"], ["info", "nowhere", "--debug"]], ids=str)
def test_a_traceback_is_printed_with_debug_alone(run: Run, words: list[str]) -> None:
    code, out, err = run(*words)
    assert (code, out) == (5, "")
    first, *_, last = err.splitlines()
    assert first == "Traceback (most recent call last):"
    assert last.startswith("translate.errors.WeightsError: There is no model nowhere.")
    code, _, err = run(*(word for word in words if word != "--debug"))
    assert (code, len(err.splitlines())) == (5, 1)


def test_a_bug_is_one_sentence_that_says_where_and_exit_code_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise KeyError("two\nlines")

    monkeypatch.setattr("translate.doctor.examine", fail)
    code, out, err = run("doctor")
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert re.match(r"Error: KeyError: 'two\\nlines' \(cli/machine\.py, line \d+\)\. This is a mistake in", err)
    assert "Traceback (most" in run("doctor", "--debug")[2]


def test_a_run_trains_tells_where_it_is_and_can_be_applied(run: Run, place: Path) -> None:
    code, out, err = train(run)
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


def test_results_are_written_as_asked_for(run: Run, place: Path) -> None:
    train(run)
    words = ["--format", "tif", "--depth", "16", "--note", "--keep-metadata", "safe", "--max-pixels", "2k"]
    assert run("apply", "runs/horses", "photos", "--out", "results", *words)[0] == 0
    result = images.read(place / "results/below/b.tif", depth=16)
    assert result.notes == ()
    assert len(np.unique(result.rgb % 257)) > 20  # not 8 bits in disguise
    sha256 = json.loads(run("info", "runs/horses", "--json")[1])["sha256"]
    version = importlib.metadata.version("image-translate")
    assert f"image-translate {version}, model {sha256[:12]}, to B".encode() in result.metadata.exif
    code, _, err = run("apply", "runs/horses", "photos", "--out", "small", "--max-pixels", "0.5k")
    assert code == 3
    assert "too many pixels, found 1850, limit 500" in err


def test_the_same_command_again_says_that_the_run_is_finished(run: Run, place: Path) -> None:
    train(run)
    before = {path: path.stat().st_mtime_ns for path in (place / "runs").rglob("*")}
    code, out, _ = train(run)
    assert code == 0
    assert "finished" in out
    assert before == {path: path.stat().st_mtime_ns for path in (place / "runs").rglob("*")}


def test_a_run_inside_its_dataset_is_left_out_of_the_scan(run: Run, place: Path) -> None:
    for out in ("horses/runs/first", "horses/trainA/run"):
        assert train(run, "--out", out)[0] == 0
        assert "finished" in train(run, "--out", out)[1]
        shutil.rmtree(place / out)
    (place / "horses/trainA").rename(place / "horses/brown")
    (place / "horses/trainB").rename(place / "horses/striped")
    for folder in ("testA", "testB", "runs"):
        shutil.rmtree(place / "horses" / folder)
    assert train(run, "--out", "horses/runs")[0] == 0
    assert "finished" in train(run, "--out", "horses/runs")[1]


def test_more_steps_under_the_same_name_are_refused_with_the_difference(run: Run, place: Path) -> None:
    train(run)
    code, _, err = train(run, "--steps", 9)
    assert code == 2
    assert "training.steps was 3, now 9" in err


def test_ctrl_c_finishes_the_step_saves_and_the_printed_command_continues(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Training.train_step

    def interrupted(self: Training, batch: Any) -> None:
        step(self, batch)
        if self.step == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Training, "train_step", interrupted)
    code, _, err = train(run, "--seed", 3)
    assert code == 130
    assert "Stopped after 2 of 3 steps; everything is saved." in err
    command = err.split("Continue with: ")[1].strip()
    monkeypatch.setattr(Training, "train_step", step)
    code, out, _ = run(*shlex.split(command)[1:])
    assert code == 0
    assert "Finished 3 steps" in out


def test_ctrl_c_while_pictures_are_read_says_that_no_step_was_done(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("translate.runs.run.read_batches", lambda *_: signal.raise_signal(signal.SIGINT))
    code, out, err = train(run)
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


@pytest.mark.parametrize(
    ("command", "goes_on"), [("train", True), ("apply", True), ("data fetch", True), ("data check", False)]
)
def test_ctrl_c_outside_of_a_step_is_answered_too(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch, command: str, goes_on: bool
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt(signal.SIGINT)

    monkeypatch.setattr(runs, "prepare", interrupted)
    monkeypatch.setattr("translate.models.exports.find_export", interrupted)
    monkeypatch.setattr("translate.data.check.check", interrupted)
    monkeypatch.setattr("translate.data.known.fetch", interrupted)
    words = {
        "train": ["train", "horses"],
        "apply": ["apply", "m", "my photos", "--out", "x"],
        "data fetch": ["data", "fetch", "horse2zebra"],
        "data check": ["data", "check", "horses"],
    }
    code, out, err = run(*words[command])
    assert (code, out) == (130, "")
    again = f" Continue with: {shlex.join(['translate', *words[command]])}" if goes_on else ""
    assert err == f"Stopped; every written file is whole.{again}\n"


def test_the_printed_next_command_can_be_pasted(run: Run, place: Path) -> None:
    out = train(run, "--out", "my runs/first")[1]
    assert "Next: translate apply 'my runs/first' PHOTOS --out RESULTS" in out
    out = run("data", "make", "toy-horse2zebra", "my toys", "--count", 1, "--size", 32)[1]
    assert "Next: translate train 'my toys' --method cyclegan --size 64 --batch 1\n" in out
    out = run("data", "make", "toy-horse2zebra", "toy-horse2zebra", "--count", 1, "--size", 32)[1]
    assert "Next: translate train ./toy-horse2zebra --method cyclegan " in out  # not the card of this name
    out = run("data", "make", "toy-faces", "faces", "--count", 1, "--size", 32)[1]
    assert "Next: translate train faces --method stargan --size 64 --batch 8\n" in out


def test_a_dataset_is_checked_by_its_name(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "ponies.toml").write_text('title = "Ponies"\ndomains = ["A", "B"]\ntarget = "B"\n')
    (place / "horses").rename(place / "ponies")
    shelf = place.rename(place.with_name("shelf"))
    monkeypatch.setattr(cards, "shelf", lambda kind: shelf)
    assert json.loads(run("data", "check", "ponies", "--json")[1])["counts"]["train A"] == 4


@pytest.fixture
def stored(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shelf with the card `ponies`, whose archive is `ponies.zip` in the working folder; no address works."""
    with zipfile.ZipFile(place / "ponies.zip", "w") as archive:
        for path in (place / "horses").rglob("*.png"):
            archive.write(path, path.relative_to(place))
    content = (place / "ponies.zip").read_bytes()
    shelf = place / "clone/datasets"
    shelf.mkdir(parents=True)
    (shelf / "ponies.toml").write_text(
        'title = "Ponies"\ndomains = ["pony", "zebra"]\ntarget = "zebra"\ncitation = "Me, 2026"\n'
        f'[archive]\nurl = "http://127.0.0.1:1/ponies.zip"\nbytes = {len(content)}\n'
        f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n'
    )
    monkeypatch.setattr(cards, "shelf", lambda kind: shelf)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return shelf


def test_a_known_dataset_is_told_of_fetched_and_trained_on_by_its_own_names(
    run: Run, place: Path, stored: Path
) -> None:
    assert run("data", "list")[1] == "ponies: Ponies (pony, zebra); not here, 0 MB to fetch\n"
    out = run("data", "info", "ponies")[1]
    for part in ("citation: Me, 2026", "archive.url: http://127.0.0.1:1/ponies.zip", "pictures: not here"):
        assert part in out
    code, out, err = run("data", "fetch", "ponies", "--from", "ponies.zip")
    assert (code, out) == (0, f"The pictures of ponies are in {stored / 'ponies'}. Next: translate train ponies\n")
    assert "unpacking 12/12" in err
    assert json.loads(run("data", "list", "--json")[1])[0]["pictures"] == f"in {stored / 'ponies'}"
    assert json.loads(run("data", "check", "ponies", "--json")[1])["counts"]["train pony"] == 4
    code, _, err = run("train", "ponies", "--config", "tiny.toml", "--device", "cpu", "--download")
    assert code == 0
    assert "cyclegan on ponies: 4 pony, 4 zebra" in err
    assert "directions: zebra to pony, pony to zebra (default: to zebra)" in run("info", "runs/ponies")[1]


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


def test_a_dry_run_prints_settings_counts_cost_and_writes_nothing(run: Run, place: Path) -> None:
    code, out, _ = train(run, "--dry-run")
    assert code == 0
    for part in ('"lambda_cyc": 10.0', "A: 4 training pictures, 2 test pictures", "player G:", "for 1,000 steps", "GB"):
        assert part in out
    for folder in ("trainA", "trainB"):
        for index in range(3):
            shutil.copy(next((place / "horses" / folder).iterdir()), place / "horses" / folder / f"more {index}.png")
    code, out, _ = train(run, "--dry-run", "--set", "data.held_out=4")
    assert (code, "A: 3 training pictures, 2 test pictures, 4 held out" in out) == (0, True)
    assert not (place / "runs").exists()


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["train"], 2, "What should be learned from?"),
        (["train", "hores"], 4, "neither a folder nor a known dataset"),
        (["train", "toy-horse2zebr"], 4, "Did you mean toy-horse2zebra?"),
        (["train", "./nowhere"], 4, "Wanted are the folders trainA and trainB"),
        (["train", "photos"], 4, "Found the folders below and 1 pictures beside them"),
        (["train", "--domain", "a=photos"], 4, "needs two domains"),
        (["train", "--domain", "photos"], 2, "NAME=FOLDER"),
        (["train", "horses", "--domain", "a=photos"], 2, "not both"),
        (["train", "--domain", "a=x", "--domain", "a=y"], 2, "--domain a was given twice, for x and y"),
        (["train", "horses", "--size", "10"], 2, "a multiple of 4 and at least 32 pixels; found 10"),
        (["train", "horses", "--size", "34"], 2, "a multiple of 4 and at least 32 pixels; found 34"),
        (["train", "horses", "--steps", "0"], 2, "training.steps"),
        (["train", "horses", "--steps", "5", "--epochs", "5"], 2, "one of --steps, --epochs and --time"),
        (["bench", "--size", "30"], 2, "Size 30 does not suit cyclegan"),
        (["bench", "--set", "data.size=64"], 2, "bench takes settings of method"),
        (["bench", "--set", "method.lambda_idtt=0"], 2, "Unknown setting method.lambda_idtt. Did you mean"),
        (["train", "--domain", "../x=horses/trainA", "--domain", "y=photos"], 2, "cannot be the name of a domain"),
        (["train", "horses", "--time", "soon"], 2, "A time is written like 30m, 90s or 1h30m; found 'soon'"),
        (["train", "horses", "--time", "0m"], 2, "A time is written like"),
        (["train", "horses", "--batch", "many"], 2, "--batch takes a number of pictures, or auto; found 'many'"),
        (["train", "horses", "--method", "cylcegan"], 2, "Did you mean cyclegan?"),
        (["train", "horses", "--set", "method.lamda_idt=0"], 2, "Did you mean lambda_idt?"),
        (["train", "horses", "--set", "method.generator.widht=4"], 2, "method.generator.widht"),
        (["train", "horses", "--set", "method.lambda_idt"], 2, "KEY=VALUE"),
        (["train", "horses", "--config", "nowhere.toml"], 2, "no settings file"),
        (["train", "horses", "--device", "cuda:7"], 6, "Use --device cpu"),
        (["train", "horses", "--device", "gpu"], 2, "Unknown device"),
        (["train", "horses", "--precision", "fp16", "--device", "cpu"], 6, "fp16 needs a GPU"),
        (["apply", "nowhere", "photos", "--out", "x"], 5, "There is no model nowhere"),
        (["apply", "photos", "photos", "--out", "x"], 5, "no model.safetensors"),
        (["info", "tiny.toml"], 5, "not a readable safetensors file"),
        (["export", "runs/horses", "horses.pt"], 2, "of horses.pt is none that export can write. Those are: .saf"),
        (["export", "runs/horses", "horses.pth"], 2, "A .pth file is written with --format junyanz"),
        (["export", "runs/horses", "horses.onnx", "--half"], 2, "--to is for .onnx and .pth; --half, --with-d"),
        (["export", "runs/horses", "horses.safetensors", "--to", "A"], 2, "--to is for .onnx"),
        (["export", "runs/horses", "horses.safetensors"], 5, "There is no model runs/horses"),
        (["export", "runs/horses", f"{'h' * 300}.safetensors"], 7, "File name too long"),
        (["weights", "import", "horses.pth", "--out", f"{'h' * 300}.safetensors"], 7, "File name too long"),
        (["data", "info", "toy-horse"], 2, "Did you mean toy-horse2zebra?"),
        (["data", "check", "photos"], 4, "Wanted are"),
        (["data", "check", "toy-horse2zebra"], 2, "is drawn from seeds and has no files"),
        (["data", "check", "horse2zebra"], 4, "(117 MB) with `translate data fetch horse2zebra`, or train with"),
        (["train", "horse2zebra"], 4, "(117 MB) with `translate data fetch horse2zebra`, or train with --download."),
        (["train", "--download"], 2, "--download needs the name of a dataset"),
        (["train", "horses", "--download"], 2, "There is no dataset 'horses'. Did you mean horse2zebra?"),
        (["data", "fetch", "horse2zebr"], 2, "Did you mean horse2zebra?"),
        (["data", "fetch", "toy-horse2zebra"], 2, "is drawn from seeds, so there is nothing to fetch"),
        (["data", "fetch", "horse2zebra", "--from", "nowhere.zip"], 4, "Cannot read nowhere.zip"),
    ],
)
def test_wrong_words_get_one_sentence_and_their_exit_code(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, part: str
) -> None:
    monkeypatch.setattr(cards, "folder", lambda name: place / "stored" / name)
    (place / "stored").mkdir()
    before = sorted(place.rglob("*"))
    found, out, err = run(*words)
    assert (found, out) == (code, "")
    assert err.startswith("Error: ")
    assert len(err.splitlines()) == 1
    assert part in err
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["--to", "unicorn"], 2, "no domain 'unicorn'"),
        (["--size", "big"], 2, "native or a number"),
        (["--memory", "0"], 2, "Invalid value for '--memory'"),
        (["--device", "cuda:7"], 6, "Use --device cpu"),
        (["--max-pixels", "many"], 2, "a number such as 5000, 64M or 1.5G; found 'many'"),
        (["--max-pixels", "0"], 2, "a number such as"),
        (["--format", "jpg", "--depth", "16"], 7, "JPEG holds 8 bits a channel"),
        (["--device", "gpu"], 2, "choose auto, cpu, cuda"),
        (["--device", "cuda"], 6, "There is no device cuda: 0 CUDA GPUs found. Use --device cpu or auto."),
        (["--device", "mps"], 6, "There is no device mps on this machine. Use --device cpu or auto."),
        (["--shard", "0/3"], 2, "--shard takes I/N"),
        (["--shard", "4/3"], 2, "--shard takes I/N"),
        (["--strength", "2"], 2, "--strength is between 0"),
        (["--keep-colour", "--colour-only"], 2, "exclude each other"),
    ],
)
@pytest.mark.fault("I-37")
def test_wrong_words_for_apply_get_one_sentence(
    run: Run, place: Path, words: list[str], code: int, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(run)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    found, _, err = run("apply", "runs/horses", "photos", "--out", "results", *words)
    assert found == code
    assert part in err
    assert not (place / "results").exists()


def test_pictures_that_cannot_be_read_are_listed_and_the_rest_is_converted(run: Run, place: Path) -> None:
    train(run)
    (place / "photos/broken.jpg").write_bytes((place / "photos/a.jpg").read_bytes()[:300])
    (place / "photos/notes.txt").write_text("no picture")
    code, out, err = run("apply", "runs/horses", "photos", "--out", "results")
    assert code == 3
    assert "2 done, 0 skipped, 1 failed, 1 ignored" in out
    assert "broken.jpg" in err
    assert "1 of 3 pictures failed, for the reasons above; the others are done." in err
    assert "Results are in results." in out
    assert not (place / "results/broken.jpg").exists()
    code, out, err = run("apply", "runs/horses", "photos/broken.jpg", "--out", "none")
    assert code == 3
    assert "1 of 1 picture failed, for the reasons above.\n" in err
    assert "Results are in" not in out


def test_apply_says_why_networks_are_not_compiled(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(function: object) -> None:
        raise RuntimeError("No working C++ compiler found")

    train(run)
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(place))
    monkeypatch.setattr(torch, "compile", broken)
    code, _, err = run("apply", "runs/horses", "photos", "--out", "results", "--compile", "on")
    assert code == 6
    assert "cannot be compiled for cpu: No working C++ compiler found. Install" in err
    monkeypatch.setattr(devices, "_repaying_gmac", lambda *_: 0.0)
    code, _, err = run("apply", "runs/horses", "photos", "--out", "results", "--device", "cpu")
    assert code == 0
    assert "Note: Networks are not compiled" in err


def test_a_dry_apply_lists_pairs_and_writes_nothing(run: Run, place: Path) -> None:
    train(run)
    code, out, _ = run("apply", "runs/horses", "photos", "--out", "results", "--dry-run")
    assert code == 0
    assert "photos/a.jpg -> results/a.jpg" in out
    assert not (place / "results").exists()


def test_pictures_larger_than_the_memory_become_the_same(run: Run, place: Path) -> None:
    train(run)
    large = np.random.default_rng(0).integers(0, 256, (900, 1500, 3), np.uint8)
    images.write_pixels(large, place / "large.png")
    for out, words in (("whole.png", []), ("strips.png", ["--memory", 0.01])):
        assert run("apply", "runs/horses", "large.png", "--out", out, "--precision", "fp32", *words)[0] == 0
    whole, strips = (images.read(place / name).rgb.astype(int) for name in ("whole.png", "strips.png"))
    assert np.abs(whole - strips).max() <= 1


def test_an_output_folder_that_is_the_input_is_refused(run: Run, place: Path) -> None:
    train(run)
    assert run("apply", "runs/horses", "photos", "--out", "photos")[0] == 2


def test_a_model_of_many_domains_is_told_where_to_translate(run: Run, place: Path) -> None:
    for domain in ("a", "b", "c"):
        for index in range(2):
            picture = draw("toy-horse2zebra", "horse", "test", 2, 40)[index]
            images.write_pixels(picture, place / "moods" / "train" / domain / f"{index}.png")
    small = ["generator.width=1", "generator.blocks=0", "discriminator.width=1", "discriminator.layers=3"]
    words = [word for key in small for word in ("--set", f"method.{key}")]
    training = ("train", "moods", "--method", "stargan", "--size", 32, "--batch", 2, "--steps", 1, "--device", "cpu")
    for _ in range(2):
        code, out, _ = run(*training, *words)
        assert code == 0
        assert "translate apply runs/moods PHOTOS --to a --out RESULTS" in out
    code, out, _ = run("info", "runs/moods")
    assert code == 0
    assert "a to b" in out
    assert "default" not in out
    for extra in ([], ["--dry-run"]):
        code, out, err = run("apply", "runs/moods", "photos", "--out", "results", *extra)
        assert (code, out) == (2, "")
        assert err == "Error: The model knows the domains a, b, c; name one with --to.\n"
        assert not (place / "results").exists()
    for domain in ("a", "b", "c"):
        code, out, _ = run("apply", "runs/moods", "photos", "--out", domain, "--to", domain, "--json")
        assert (code, json.loads(out)["done"], json.loads(out)["to"]) == (0, 2, domain)


def test_a_model_in_weights_is_found_by_name(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(run)
    (place / "weights").mkdir()
    (place / "runs/horses/model.safetensors").rename(place / "weights/stripes.safetensors")
    (place / "weights/stripes.jpg").touch()
    (place / "weights/stripes.toml").write_text(
        'title = "Stripes"\npicture = "stripes.jpg"\ndomains = ["A", "B"]\n[figures]\nhours = 2.5\nspeed = "9 in 1 s"'
    )
    monkeypatch.setattr(cards, "shelf", lambda kind: place / kind)
    assert run("weights", "list")[1] == f"stripes: Stripes; ships in {place}/weights/stripes.safetensors\n"
    told = run("weights", "info", "stripes")[1].splitlines()
    assert f"picture: {place}/weights/stripes.jpg" in told
    assert {"figures.hours: 2.5", "figures.speed: 9 in 1 s"} < {*told}
    code, out, _ = run("info", "stripes", "--json")
    assert code == 0
    assert json.loads(out)["domains"] == ["A", "B"]
    code, _, err = run("info", "stripe")
    assert code == 5
    assert "Did you mean stripes?" in err


def test_a_run_is_exported_as_one_file(run: Run, place: Path) -> None:
    train(run)
    code, out, _ = run("export", "runs/horses", "given/away.safetensors", "--half")
    assert (code, out) == (0, "Wrote given/away.safetensors, 0.0 MB.\n")
    assert "directions: B to A, A to B (default: to B)" in run("info", "given/away.safetensors")[1]
    assert run("apply", "given/away.safetensors", "photos", "--out", "results")[0] == 0
    before = (place / "given/away.safetensors").read_bytes()
    code, _, err = run("export", "runs/horses", "given/away.safetensors")
    assert code == 7
    assert err == (
        "Error: given/away.safetensors is already there. Name another file, or replace this one with --overwrite.\n"
    )
    assert (place / "given/away.safetensors").read_bytes() == before
    assert run("export", "runs/horses", "given/away.safetensors", "--overwrite")[0] == 0
    assert (place / "given/away.safetensors").read_bytes() == (place / "runs/horses/model.safetensors").read_bytes()


@pytest.mark.timeout(600)
def test_a_run_is_exported_as_a_graph(run: Run, place: Path) -> None:
    train(run)
    code, out, _ = run("export", "runs/horses", "horses.onnx", "--to", "A")
    assert code == 0
    assert re.fullmatch(r"Largest difference between .*: \d\.\de-\d\d of .* Opset 20\.\nWrote horses.onnx, .*\n", out)
    assert "directions: B to A (default: to A)" in run("info", "horses.onnx")[1]
    code, _, err = run("apply", "horses.onnx", "photos", "--out", "results")
    assert (code, "Running on cpu, fp32, channels-last: ONNX models run there." in err) == (0, True)
    assert images.read(place / "results/below/b.png").rgb.shape == (37, 50, 3)
    code, _, err = run("apply", "horses.onnx", "photos", "--out", "more", "--to", "B")
    assert (code, err) == (2, "Error: The model translates to A alone. Export it again with --to B.\n")
    code, _, err = run("export", "horses.onnx", "horses.safetensors")
    assert code == 5
    assert "is ONNX already, which only onnxruntime runs" in err


def test_a_drawn_dataset_is_written_checked_and_trained_on(run: Run, place: Path) -> None:
    code, out, _ = run("data", "make", "toy-horse2zebra", "toy", "--count", 3, "--size", 40)
    assert code == 0
    assert "Next: translate train toy" in out
    assert run("data", "make", "toy-horse2zebra", "toy")[0] == 7
    code, out, _ = run("data", "check", "toy", "--json")
    assert json.loads(out)["counts"] == {"train A": 3, "train B": 3, "test A": 1, "test B": 1}
    assert run("train", "toy", "--config", "tiny.toml")[0] == 0


def test_a_non_finite_run_stops_with_exit_code_1(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = train(run, "--steps", 5, "--set", "method.optimiser.lr=1e30")
    assert code == 1
    assert "not finite in 3 steps in a row" in err


def test_bench_and_doctor_speak_json(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("translate.bench.SIDE", 64)
    tiny = ["--set", "method.generator.width=2", "--set", "method.generator.blocks=0"]
    code, out, _ = run("bench", "--size", 32, "--repeats", 1, "--json", *tiny)
    assert code == 0
    assert json.loads(out)["train_steps_s"] > 0
    code, out, _ = run("doctor", "--json")
    assert code == 0
    assert "torch" in json.loads(out)


def readme_commands() -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    return [line.split("  #")[0].strip() for line in lines if line.strip()]


@pytest.mark.timeout(600)
def test_every_command_of_the_readme_works(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At toy size: the words are the README's, but runs are shortened and networks narrowed."""
    prepare = runs.prepare

    def shortened(*arguments: Any, **named: Any) -> runs.Run:
        named["config"] = place / "tiny.toml"
        named |= {"size": 32, "steps": 2, "epochs": None, "seconds": None}
        named["words"] = [*named["words"], "method.generator.blocks=6", "training.milestone_every=1"]
        return prepare(*arguments, **named)

    monkeypatch.setattr(runs, "prepare", shortened)
    monkeypatch.setattr("translate.bench.SIDE", 64)
    monkeypatch.setattr("translate.networks.features.random_convolutions.RandomConvolutions.side", 32)
    card = cards.dataset("toy-horse2zebra").model_copy(update={"train": 4, "test": 4})
    dataset = cards.dataset
    monkeypatch.setattr(cards, "dataset", lambda name: card if name == card.name else dataset(name))
    monkeypatch.setattr(cards, "folder", lambda name: place / name)
    shutil.copytree(place / "horses", place / "horse2zebra")
    add_test_pictures(place, 12)  # half of them to choose by
    (place / "horses").rename(place / "paintings")
    picture = np.full((40, 40, 3), 128, np.uint8)
    for name in ("holidays/a.jpg", "holidays/below/b.jpg", "stable/a.jpg", "scans/c.png", "scans/d.png", "photo.png"):
        images.write_pixels(picture, place / name)
    commands = readme_commands()
    assert "pip install uv && uv run translate train toy-horse2zebra" in commands
    assert "pip install uv && uv run pytest" in commands
    ran = 0
    for command in commands:
        words = shlex.split(command.removeprefix("pip install uv && uv run "))
        of_others = "weights" in words or "junyanz-style_vangogh" in words  # they download; their test is another one
        if words[0] == "translate" and not of_others:
            if words[1] == "train" and {"--set", "--time"} & {*words}:  # with other settings it is another run
                words += ["--out", f"runs/{ran}"]
            code, _, err = run(*words[1:])
            assert code == 0, (command, err)
            ran += 1
    assert ran >= 9


# What apply writes beside the results, and where it reads and writes otherwise


def test_failures_are_an_input_again(run: Run, place: Path) -> None:
    train(run)
    good = (place / "photos/below/b.png").read_bytes()
    (place / "photos/below/b.png").write_bytes(good[:100])
    assert run("apply", "runs/horses", "photos", "--out", "results", "--failed", "failed.txt")[0] == 3
    assert (place / "failed.txt").read_text() == "photos/./below/b.png\n"
    (place / "photos/below/b.png").write_bytes(good)
    code, out, _ = run("apply", "runs/horses", "@failed.txt", "--out", "results", "--failed", "failed.txt")
    assert (code, out.split(",")[0]) == (0, "1 done")
    assert (place / "results/below/b.png").exists()
    assert (place / "failed.txt").read_text() == ""
    assert run("apply", "runs/horses", "@failed.txt", "--out", "results")[0] == 4


def test_a_report_and_comparisons_lie_beside_the_results(run: Run, place: Path) -> None:
    train(run)
    words = ("apply", "runs/horses", "photos", "--out", "results", "--report", "--compare")
    code, out, err = run(*words, "split")
    assert code == 0
    assert "pictures/s" in out
    assert "Look at results/report.html" in err
    page = (place / "results/report.html").read_text()
    assert 'src="../photos/below/b.png"' in page
    assert 'src="below/b.png"' in page
    assert (place / "results/below/b.compare.png").exists()
    assert run(*words, "grid")[0] == 0
    assert images.read(place / "results/grid.compare.png").rgb.shape == (276, 2 * (2 * 256 + 2) + 8, 3)
    code, _, err = run(*words, "grid", "--max-pixels", "10")  # all are there, but the grid shows them once more
    assert (code, "limit 10; a larger --max-pixels reads it" in err) == (4, True)


def test_a_grid_shows_transparent_pictures_on_white(run: Run, place: Path) -> None:
    train(run)
    clear = np.zeros((8, 8), np.uint8)
    images.write(images.Picture(np.zeros((8, 8, 3), np.uint8), clear, ""), place / "clear.png")
    assert run("apply", "runs/horses", "clear.png", "--out", "results", "--compare", "grid")[0] == 0
    assert images.read(place / "results/grid.compare.png").rgb[20:].min() == 255


def test_shards_do_everything_once(run: Run, place: Path) -> None:
    train(run)
    done = [
        json.loads(run("apply", "runs/horses", "photos", "--out", "results", "--shard", f"{part}/3", "--json")[1])
        for part in (1, 2, 3)
    ]
    assert sum(one["done"] for one in done) == 2
    assert sum(one["skipped"] for one in done) == 0


def test_blending_words_change_the_result(run: Run, place: Path) -> None:
    train(run)
    images.write_pixels(np.zeros((4, 4, 3), np.uint8), place / "black.png")
    before = images.read(place / "photos/below/b.png").rgb
    results = []
    for words in ([], ["--strength", 0], ["--mask", "black.png"], ["--keep-colour"], ["--colour-only"], ["--size", 8]):
        assert run("apply", "runs/horses", "photos/below/b.png", "--out", "x.png", "--overwrite", *words)[0] == 0
        results.append(images.read(place / "x.png").rgb)
    assert np.array_equal(results[1], before)
    assert np.array_equal(results[2], before)
    others = [results[index].tobytes() for index in (0, 1, 3, 4, 5)]
    assert len(set(others)) == len(others)


def test_ctrl_c_ends_a_watch_with_its_summary(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(run)
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt(signal.SIGINT)

    monkeypatch.setattr("translate.cli.apply.time.sleep", sleep)
    code, out, err = run("apply", "runs/horses", "photos", "--out", "results", "--watch")
    assert code == 0
    assert "2 done" in out
    assert "photos/a.jpg -> results/a.jpg" in err


class Pipe(io.BytesIO):
    """A stream of bytes where a text stream is expected."""

    @property
    def buffer(self) -> "Pipe":
        return self

    def isatty(self) -> bool:
        return False


def piped(monkeypatch: pytest.MonkeyPatch, given: bytes | None, *words: object) -> tuple[int, bytes]:
    stdout = Pipe()
    monkeypatch.setattr(sys, "stdin", None if given is None else Pipe(given))
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setattr(sys, "argv", ["translate", "apply", "runs/horses", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0), stdout.getvalue()


@pytest.mark.fault("I-29")
def test_a_picture_goes_through_pipes(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(run)
    for name in ("photos/a.jpg", "photos/below/b.png"):
        assert run("apply", "runs/horses", name, "--out", "expected")[0] == 0
    for name, suffix in (("photos/a.jpg", "jpg"), ("photos/below/b.png", "png")):
        expected = (place / "expected" / Path(name).name).read_bytes()
        given = (place / name).read_bytes()
        assert piped(monkeypatch, given, "-", "--out", "-", "--format", suffix) == (0, expected)
        assert piped(monkeypatch, b"", name, "--out", "-") == (0, expected)
        assert piped(monkeypatch, given, "-", "--out", f"x.{suffix}") == (0, b"")
        assert (place / f"x.{suffix}").read_bytes() == expected


@pytest.mark.parametrize(
    ("given", "words", "code"),
    [
        (None, ["-", "--out", "-", "--format", "png"], 2),  # closed
        (b"", ["-", "--out", "-", "--format", "png"], 4),
        (b"no picture", ["-", "--out", "-", "--format", "png"], 4),
        (b"x", ["-", "--out", "-"], 2),  # nothing says the format
        (b"x", ["-", "--out", "photos"], 2),
        (b"x", ["-", "photos", "--out", "-"], 2),
        (b"x", ["-", "--out", "-", "--compare", "side"], 2),
        (b"x", ["-", "--out", "-", "--compare", "grid"], 2),
        (b"x", ["-", "--out", "x.png", "--dry-run"], 2),
        (b"x", ["-", "--out", "-", "--watch"], 2),
        (b"x", ["-", "--out", "x.png", "--json"], 2),
        (b"x", ["-", "--out", "x.png", "--jsonl"], 2),
        (b"x", ["-", "--out", "-", "--report"], 2),
        (b"x", ["-", "--out", "-", "--failed", "x.txt"], 2),
        (b"x", ["-", "--out", "-", "--format", "png", "--mask", "photos"], 2),
        (b"x", ["-", "--out", "-", "--format", "png", "--mask", "m" * 300], 4),
    ],
)
@pytest.mark.fault("I-29")
def test_what_cannot_be_piped_is_one_sentence(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch, given: bytes | None, words: list[str], code: int
) -> None:
    train(run)
    picture = (place / "photos/below/b.png").read_bytes()
    assert piped(monkeypatch, picture if given == b"x" else given, *words) == (code, b"")
    assert not (place / "x.png").exists()


@pytest.mark.fault("I-29")
def test_a_closed_stdout_is_no_traceback(run: Run, place: Path) -> None:
    train(run)
    command = [sys.executable, "-m", "translate", "apply", "runs/horses", "photos/below/b.png", "--out", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=place) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
    assert process.returncode


def test_weights_of_others_are_imported_listed_checked_used_and_removed(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from translate.networks.generators import Resnet

    shelf = place / "weights"
    shelf.mkdir()
    (shelf / "junyanz-ponies.toml").write_text('title = "Ponies"\ndomains = ["a", "b"]\n[conversion]\n')
    (shelf / "broken.toml").write_text("title = 3\n")
    monkeypatch.setattr(cards, "shelf", lambda kind: place / kind)
    monkeypatch.setenv("TRANSLATE_HOME", str(place / "home"))
    torch.save(Resnet(width=2, blocks=6).build(3, 3).state_dict(), place / "w.pth")

    code, out, _ = run("weights", "import", "w.pth", "--as", "mine", "--domains", "photo, pony")
    assert (code, "translate apply mine PHOTOS" in out) == (0, True)
    assert run("weights", "import", "w.pth", "--as", "mine")[0] == 2  # it is there
    assert run("weights", "import", "w.pth", "--as", "junyanz-ponies")[0] == 2  # that name is taken
    code, out, err = run("weights", "list")
    kept = place / "home/weights/mine.safetensors"
    assert out == f"junyanz-ponies: Ponies; not here\nmine: your own, in {kept}\n"
    assert "Left out: " in err
    assert "broken.toml" in err
    assert [row["name"] for row in json.loads(run("weights", "list", "--json")[1])] == ["junyanz-ponies", "mine"]
    assert run("weights", "path", "mine")[1] == f"{kept}\n"
    assert "is whole" in run("weights", "verify", "mine")[1]
    assert "that of the first download is recorded" in run("weights", "info", "junyanz-ponies")[1]
    code, out, _ = run("info", "mine")
    assert "directions: photo to pony (default: to pony)" in out
    assert "million parameters" in out
    assert json.loads(run("info", "mine", "--json")[1])["costs"]["side"] == 256
    assert run("apply", "mine", "photos", "--out", "ponies", "--size", "16")[0] == 0
    code, out, _ = run("export", "mine", "back.pth", "--format", "junyanz")
    assert (code, "--netG resnet_6blocks --ngf 2 --norm instance" in out) == (0, True)
    assert run("export", "mine", "more.safetensors", "--with-discriminators")[0] == 5
    assert run("export", "mine", "back2.pth")[0] == 2
    code, _, err = run("apply", "junyanz-ponies", "photos", "--out", "x")
    assert (code, "`translate weights fetch junyanz-ponies`" in err) == (5, True)
    assert run("weights", "fetch", "junyanz-ponies", "--offline")[0] == 5
    assert run("weights", "remove", "mine") == (0, f"Removed {kept}.\n", "")
    assert run("weights", "remove", "mine")[0] == 5


# eval


def add_test_pictures(place: Path, count: int = 6) -> None:
    """Fill up to `count` of each domain; six can be measured."""
    for letter, domain in (("A", "horse"), ("B", "zebra")):
        drawn = draw("toy-horse2zebra", domain, "test", count, 40)
        for index in range(2, count):
            images.write_pixels(drawn[index], place / "horses" / f"test{letter}" / drawn.name(index))


def test_eval_prints_a_table_and_as_json_every_figure_with_its_origin(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("translate.networks.features.random_convolutions.RandomConvolutions.side", 32)
    train(run, "--out", "short", "--quiet")
    add_test_pictures(place)
    words = ("eval", "short", "horses", "--device", "cpu", "--seed", 3)
    code, out, err = run(*words)
    assert code == 0, err
    assert out.startswith("horses to B, model ")
    assert "protocol cut, seed 3" in out
    assert re.search(r"^KID +\S+ +\[.+\] +n = 6 against 6; features random$", out, re.MULTILINE)
    code, out, _ = run(*words, "--json")
    figure = next(figure for figure in json.loads(out)["figures"] if figure["name"] == "FID")
    assert figure["low"] < figure["value"] < figure["high"]
    assert (figure["protocol"], figure["seed"], figure["features"], figure["count"]) == ("cut", 3, "random", 6)


def test_eval_chooses_among_the_checkpoints_of_a_run(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("translate.networks.features.random_convolutions.RandomConvolutions.side", 32)
    monkeypatch.setattr("translate.evaluation.evaluator.SUBSETS", 2)
    train(run, "--out", "short", "--quiet", "--set", "training.milestone_every=2")
    for letter, domain in (("A", "horse"), ("B", "zebra")):
        drawn = draw("toy-horse2zebra", domain, "test", 8, 40)
        for index in range(2, 8):
            images.write_pixels(drawn[index], place / "horses" / f"test{letter}" / drawn.name(index))
    words = ("eval", "short", "horses", "--device", "cpu", "--every-checkpoint")
    code, out, err = run(*words, "--report")
    assert code == 0, err
    assert f"Wrote {Path('short/evaluation.html')}.\n" in err
    page = (place / "short/evaluation.html").read_text()
    assert all(word in page for word in ("Checkpoints", "chosen", "KID of inputs", "Not measured: LPIPS", "png;base64"))
    assert out.startswith("Chosen on one half of the test pictures")
    assert re.search(r"^ +2 .+\n +3 .+final$", out, re.MULTILINE)
    assert len(re.findall(r"^ +\d .+  chosen", out, re.MULTILINE)) == 1
    assert re.search(r"^KID .+ n = 4 against 4", out, re.MULTILINE)
    tree = json.loads(run(*words, "--json")[1])
    assert [found["step"] for found in tree["candidates"]] == [2, 3]
    assert tree["measured"]["figures"][0]["protocol"] == "cut"
    for split in ("train", "held-out"):
        code, _, err = run(*words, "--split", split)
        assert (code, f"Leave out --split {split}" in err) == (2, True)


def test_eval_refuses_what_it_cannot_measure(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSLATE_HOME", str(place / "home"))
    monkeypatch.setattr("translate.networks.features.random_convolutions.RandomConvolutions.side", 32)
    train(run, "--out", "short", "--quiet")
    code, _, err = run("eval", "short", "horses", "--device", "cpu")
    assert (code, "at least 4 pictures in each set; found 2 and 2" in err) == (4, True)
    code, _, err = run("eval", "short", "horses", "--to", "C")
    assert (code, "The model has no domain 'C'" in err) == (2, True)
    shutil.copytree(place / "horses/trainA", place / "pets/cat")
    shutil.copytree(place / "horses/trainB", place / "pets/dog")
    code, _, err = run("eval", "short", "pets")
    assert (code, "The model knows the domains A, B; pets has cat, dog." in err) == (2, True)
    shutil.rmtree(place / "horses/testB")
    code, _, err = run("eval", "short", "horses")
    assert (code, "horses has no test pictures of B." in err, "--split train" in err) == (4, True, True)
    code, out, err = run("eval", "short", "horses", "--split", "train", "--device", "cpu")
    assert (code, "train pictures, protocol cut" in out) == (0, True), err
    code, _, err = run("eval", "short", "horses", "--features", "inception")
    assert (code, "`translate weights fetch inception`" in err) == (5, True)
    code, _, err = run("eval", "short", "horses", "--protocol", "cute")
    assert (code, "Did you mean cut?" in err) == (2, True)
    code, _, err = run("eval", "short", "horses", "--features", "nothing.pth")
    assert (code, "There is no file nothing.pth" in err) == (5, True)


# compare


def test_compare_writes_a_page_and_refuses_a_single_model(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = run("compare", "short", "--out", "page.html")
    assert (code, "needs two or more different models; found short" in err) == (2, True)
    given: dict[str, Any] = {}

    def write(models: list[str], out: Path, data: str, to: str | None, **options: Any) -> None:
        given.update(options, models=models, data=data, to=to)
        out.write_text("page")

    monkeypatch.setattr("translate.evaluation.comparison.compare", write)
    code, out, err = run("compare", "first", "second", "--data", "horses", "--out", "page.html", "--pictures", 3)
    assert (code, out) == (0, "Wrote page.html, 0.0 MB. Open it in a browser.\n"), err
    assert (given["models"], given["data"], given["to"], given["pictures"]) == (["first", "second"], "horses", None, 3)
