"""Talking to a person or to another program: results on stdout, everything else on stderr."""

import contextlib
import io
import json
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from translate.errors import SettingsError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Advance = Callable[[str, int, int, str], None]  # what is done, how much of it, of how much (0: not known), a remark

QUIET_S = 10.0  # seconds between two lines of progress where there is no terminal


def escape_what_stdout_lacks() -> None:
    """Let stdout write letters that its encoding lacks as escapes, as stderr always does, instead of failing."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """Print a line to stderr, escaped as `printable` does it; where stderr is closed, nowhere."""
    if sys.stderr is not None:  # which to `print` would mean stdout
        print(printable(text), file=sys.stderr, flush=True)


def say_notes(notes: Iterable[str]) -> None:
    """Print what a user may want to know to stderr, a line for each that is not empty."""
    for note in filter(None, notes):
        say(f"Note: {note}")


def say_next(what: str, unwanted: bool = False) -> None:
    """Say which command comes next, unless another program reads the answer."""
    if what and not unwanted:
        say(f"Next: {what}")


def show(document: Any, lines: Sequence[str], as_json: bool) -> None:
    """Print a result to stdout: `document` as JSON, or `lines`."""
    print(json.dumps(document, indent=2, default=str) if as_json else "\n".join(lines))


def lines_of(tree: Mapping[str, Any]) -> list[str]:
    """Write a mapping as `name: value` lines."""
    return [
        f"{name}: {value if isinstance(value, str) else json.dumps(value, default=str)}" for name, value in tree.items()
    ]


def printable(name: object) -> str:
    """Escape what a terminal cannot show: undecodable bytes, line breaks and other controls."""
    text = str(name).encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def command_line() -> str:
    """Return the command that is running, as it can be typed again."""
    return shlex.join(["translate", *sys.argv[1:]])


def duration(seconds: float) -> str:
    """Write seconds as "4.2 s", "3 min 20 s" or "5 h 12 min"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def read_duration(text: str) -> float:
    """Read a time such as "90s", "30m" or "1h30m" as seconds.

    Raises:
        SettingsError: it is no such text, or is no time at all.
    """
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text.strip())
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    if not (total := 3600 * hours + 60 * minutes + seconds):
        raise SettingsError(f"A time is written like 30m, 90s or 1h30m; found {text!r}.")
    return float(total)


@contextlib.contextmanager
def progress(quiet: bool = False) -> Iterator[Advance]:
    """Yield what shows progress: bars on a terminal, elsewhere a line now and then, nothing when `quiet` or closed."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False)
    if quiet or sys.stderr is None:
        yield lambda *_: None
    elif not sys.stderr.isatty() or console.is_dumb_terminal:  # with FORCE_COLOR rich takes anything for a terminal
        yield _Lines()
    else:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, TextColumn("{task.fields[remark]}"), console=console) as bars:
            yield _Bars(bars)


@contextlib.contextmanager
def stopping(ends_well: bool) -> Iterator[None]:
    """Let Ctrl-C end the block, and where it is the only way to end it, go on after it."""
    try:
        yield
    except KeyboardInterrupt:
        if not ends_well:
            raise


class _Bars:
    def __init__(self, bars: "Progress") -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int, remark: str) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, remark="")
        self._bars.update(self._tasks[what], completed=done, total=total or None)
        if remark:
            self._bars.update(self._tasks[what], remark=remark)


class _Lines:
    def __init__(self) -> None:
        self._last_s = time.perf_counter()
        self._last = ""
        self._remark = ""
        self._first: dict[str, tuple[float, int]] = {}  # of everything that is done: when, and how much was done then

    def __call__(self, what: str, done: int, total: int, remark: str) -> None:
        now, self._remark = time.perf_counter(), remark or self._remark
        started, already = self._first.setdefault(what, (now, done))
        line = f"{what} {done}{f'/{total}' if total else ''} {self._remark}".rstrip()
        if line != self._last and (now - self._last_s >= QUIET_S or done == total):
            self._last_s, self._last = now, line
            left_s = (now - started) / max(done - already, 1) * (total - done)
            say(f"{line}  {duration(left_s)} left" if already < done < total else line)
