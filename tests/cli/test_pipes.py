"""`translate apply` in a pipe."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from translate import cli

Run = Callable[..., tuple[int, str, str]]


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
def test_a_picture_goes_through_pipes(run: Run, train: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train()
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
    train: Run, place: Path, monkeypatch: pytest.MonkeyPatch, given: bytes | None, words: list[str], code: int
) -> None:
    train()
    picture = (place / "photos/below/b.png").read_bytes()
    assert piped(monkeypatch, picture if given == b"x" else given, *words) == (code, b"")
    assert not (place / "x.png").exists()


@pytest.mark.fault("I-29")
def test_a_closed_stdout_is_no_traceback(train: Run, place: Path) -> None:
    train()
    command = [sys.executable, "-m", "translate", "apply", "runs/horses", "photos/below/b.png", "--out", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=place) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
    assert process.returncode
