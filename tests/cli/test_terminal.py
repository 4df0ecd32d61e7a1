"""What is said to a person, to a pipe and to nobody."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from translate.cli.terminal import printable

PROGRESS = """
from translate.cli.terminal import progress, say
with progress() as advance:
    for done in range(1, 4):
        advance("translating", done, 3, "")
say("the end")
"""


def spoken(code: str, **environment: str) -> str:
    """Return what Python code prints to pipes."""
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, env={**os.environ, **environment}, check=True)
    return (done.stdout + done.stderr).decode()


@pytest.mark.fault("I-29")
def test_a_pipe_gets_lines_and_nothing_else() -> None:
    assert spoken(PROGRESS, COLUMNS="120") == "translating 3/3\nthe end\n"
    assert spoken(PROGRESS, COLUMNS="5", TERM="dumb") == "translating 3/3\nthe end\n"


@pytest.mark.fault("I-29")
def test_of_what_nobody_knows_the_length_a_line_is_said_now_and_then_alone() -> None:
    assert spoken(PROGRESS.replace('done, 3, ""', 'done, 0, ""')) == "the end\n"


@pytest.mark.skipif(os.name != "posix", reason="no such terminals here")
@pytest.mark.parametrize("columns", [12, 200])
@pytest.mark.fault("I-29")
def test_a_terminal_gets_bars_as_wide_as_it_is(columns: int) -> None:
    import fcntl
    import struct
    import termios

    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    subprocess.run(
        [sys.executable, "-c", PROGRESS], stdin=theirs, stdout=theirs, stderr=theirs, check=True,
        env={**environment, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 1 << 16):
            shown += part
    except OSError:  # all is read
        pass
    os.close(ours)
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()))
    assert max(map(len, lines)) <= columns
    assert "the end" in lines
    assert "Traceback" not in shown.decode()
    assert ("3/3" in shown.decode()) is (columns > 12)


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
@pytest.mark.fault("I-29")
def test_letters_that_an_encoding_lacks_are_escaped(encoding: str) -> None:
    code = """
import sys
sys.argv = ["translate", "apply", "사진\\udcff", "b", "--out", "c"]
from translate import cli
from translate.cli.terminal import show
from translate.errors import DataError
def app(words):
    show(None, ["사진\\udcff"], as_json=False)
    raise DataError("사진")
cli.app = app
try:
    cli.main()
except SystemExit as stop:
    assert stop.code == 4
"""
    words, bytes_as_they_are = [sys.executable, "-c", code], {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(words, capture_output=True, env=bytes_as_they_are, check=True)
    name = "사진" if encoding == "utf-8" else r"\uc0ac\uc9c4"
    assert done.stdout.decode() == name + r"\udcff" + os.linesep
    assert done.stderr.decode() == f"Error: {name}" + os.linesep


@pytest.mark.skipif(os.name != "posix", reason="streams are closed otherwise here")
@pytest.mark.fault("I-29")
def test_a_closed_stderr_is_not_stdout() -> None:
    closing = PROGRESS.replace("from", "import os, sys\nsys.stderr = None\nfrom", 1)
    assert spoken(closing) == ""


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a b.png", "a b.png"),
        ("ünï 写真 🐴.png", "ünï 写真 🐴.png"),
        ("new\nline\t\x1b[31m.png", r"new\nline\t\x1b[31m.png"),
        (os.fsdecode(b"bad\xff.png"), r"bad\udcff.png"),
        ("\u202egnp.exe", r"\u202egnp.exe"),  # would be shown from right to left
    ],
)
@pytest.mark.fault("I-26")
def test_names_are_printed_so_that_they_cannot_do_harm(name: str, shown: str) -> None:
    assert printable(Path(name)) == shown
