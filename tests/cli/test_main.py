"""What holds for every command: help, errors, exit codes."""

import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.text import Text

from translate import cards, runs
from translate.cli import app

Run = Callable[..., tuple[int, str, str]]


IMPORTS = """
import sys

def there(*names):
    return [name for name in names if name in sys.modules]

heavy = ("albumentations", "cv2", "kornia", "torchvision", "onnxruntime", "torch._dynamo", "torch._inductor")
from typer.testing import CliRunner
from translate.cli import app
assert CliRunner().invoke(app, ["--help"]).exit_code == 0
print(there("torch", "numpy", "PIL", "pydantic", "rich.console", *heavy))
import translate.conversion.job
print(there("rich.console", "translate.runs", "translate.metrics", "translate.toys", *heavy))
import translate.evaluation.evaluation
print(there("rich.console", "translate.runs", *heavy))
import translate.runs
print(there("rich.console", *heavy))
"""


def test_help_applying_evaluating_and_training_import_what_they_use_alone() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]"] * 4


def test_the_help_of_all_commands_says_all_of_each(run: Run) -> None:
    said = " ".join(run("--help")[1].split())
    assert "its densities, its discriminator, and modes that collapse" in said
    assert "--install-completion" in said


@pytest.mark.parametrize(
    "command",
    [[], ["train"], ["apply"], ["info"], ["export"], ["bench"], ["doctor"], ["data", "make"], ["weights", "fetch"]],
)
def test_every_command_has_help(run: Run, command: list[str]) -> None:
    code, out, _ = run(*command, "--help")
    assert code == 0
    assert "Usage" in out


def every_help(group: Any, name: str = "translate") -> Iterator[tuple[str, str]]:
    """Yield the help of all commands and of their options, as it was written."""
    for command in [group, *getattr(group, "commands", {}).values()]:
        if command is not group:
            yield from every_help(command, f"{name} {command.name}")
        else:
            yield name, command.help or ""
            yield from ((f"{name} {param.name}", getattr(param, "help", None) or "") for param in command.params)


def test_no_bracket_of_a_help_is_taken_for_markup() -> None:
    texts = [*every_help(typer.main.get_command(app))]
    assert len(texts) > 200
    lost = [name for name, text in texts if Text.from_markup(text).plain.count("[") != text.count("[")]
    assert lost == []


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
    ("command", "goes_on"), [("train", True), ("apply", True), ("data fetch", True), ("data check", False)]
)
def test_ctrl_c_outside_of_a_step_is_answered_too(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch, command: str, goes_on: bool
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt(signal.SIGINT)

    monkeypatch.setattr(runs, "prepare", interrupted)
    monkeypatch.setattr("translate.models.exports.about_translator", interrupted)
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


def test_the_printed_next_command_can_be_pasted(run: Run, train: Run, place: Path) -> None:
    out = train("--out", "my runs/first")[1]
    assert "Next: translate apply 'my runs/first' PHOTOS --out RESULTS" in out
    out = run("data", "make", "toy-horse2zebra", "my toys", "--count", 1, "--size", 32)[1]
    assert "Next: translate train 'my toys' --method cyclegan --size 64 --batch 1\n" in out
    out = run("data", "make", "toy-horse2zebra", "toy-horse2zebra", "--count", 1, "--size", 32)[1]
    assert "Next: translate train ./toy-horse2zebra --method cyclegan " in out  # not the card of this name
    out = run("data", "make", "toy-faces", "faces", "--count", 1, "--size", 32)[1]
    assert "Next: translate train faces --method stargan --size 64 --batch 8\n" in out
