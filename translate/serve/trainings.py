"""Trainings that the page shows, begins, stops and continues; each runs in a process of its own."""

import contextlib
import functools
import itertools
import json
import multiprocessing
import os
import runpy
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from translate import images
from translate.errors import OutputError, SettingsError, TranslateError
from translate.files import is_hidden, write_text
from translate.models.about import About
from translate.models.exports import read_about
from translate.run_folder import RunFolder
from translate.runs.claim import is_claimed
from translate.runs.identity import steps_of_run
from translate.runs.shown import Use, command_to_use
from translate.settings import Settings, is_plain
from translate.training.record import read_log

RUNS = Path("runs")
PHOTO, OTHERWISE = "photo", "mine"  # names of the domains; the second where the folder's own name is none
DEEPEST = 3  # folders below the working folder that pictures are looked for in
LOOKED_AT = 1000  # folders, at most, that they are looked for in
IN_EACH = 10_000  # files and folders of each of these, at most, that are looked at
FEWEST = 2  # pictures of a folder that is offered
FRESH_S = 30.0  # seconds that the list of folders is kept
ENDING_S = 120.0  # seconds that a training has to save what it has done, when the page ends


class Request(Settings):
    """What the form asks for: the folder of photos, and that of what they shall look like."""

    source: str
    aim: str

    @property
    def domain(self) -> str:
        """What the second domain is called."""
        name = Path(self.aim).name
        return name if is_plain(name) and name != PHOTO else OTHERWISE

    def words(self, out: Path) -> list[str]:
        """Return the command that trains in `out`, and that continues it."""
        domains = ["--domain", f"{PHOTO}={self.source}", "--domain", f"{self.domain}={self.aim}"]
        return ["train", *domains, "--config", "painting", "--out", out.as_posix()]


class Process(Protocol):
    """A training that was begun here."""

    @property
    def pid(self) -> int | None:
        """Its number."""

    @property
    def exitcode(self) -> int | None:
        """How it has ended; None: it has not."""

    def is_alive(self) -> bool:
        """Whether it is still there."""

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended."""


@dataclass
class Begun:
    """A training that was begun here, and where it writes what a terminal would show."""

    process: Process
    log: Path


def start_process(words: Sequence[str], log: Path) -> Process:
    """Run `translate` with these words in another process, which writes what it says into the file `log`."""
    # What starts afresh is the same on every system, and has none of the page's threads and locks.
    process = multiprocessing.get_context("spawn").Process(target=_child, args=(list(words), log))
    process.start()
    return process


def _child(words: list[str], log: Path) -> None:
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # Ctrl-C in the terminal is for the page, which then asks once, and waits
    with log.open("ab", buffering=0) as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    sys.argv = ["translate", *words]
    runpy.run_module("translate", run_name="__main__")


class Trainings:
    """The runs in the folder `runs`, and the one that was begun here.

    Args:
        logs: a folder for what trainings say.
        start: starts a process.
    """

    def __init__(self, logs: Path, start: Callable[[Sequence[str], Path], Process] = start_process) -> None:
        self._logs, self._start = logs, start
        self._begun: dict[str, Begun] = {}
        self._lock = threading.Lock()
        self._folders: tuple[float, list[str]] = (-FRESH_S, [])

    def folders(self) -> list[str]:
        """List the folders below the working folder that hold pictures."""
        with self._lock:
            looked, found = self._folders
            if time.monotonic() - looked > FRESH_S:
                found = sorted(path.as_posix() for path in _picture_folders(Path()))
                self._folders = time.monotonic(), found
            return found

    def names(self) -> list[str]:
        """List the runs, those first that have changed last."""
        changed: dict[str, float] = {}
        for place in RUNS.glob("*"):
            with contextlib.suppress(OSError):  # it is no run, or was removed just now
                changed[place.name] = RunFolder(place).settings.stat().st_mtime
        return list(dict.fromkeys([*reversed(list(self._begun)), *sorted(changed, key=lambda name: -changed[name])]))

    def folder(self, name: str) -> RunFolder:
        """Return the folder of a run. Raises `SettingsError` where there is none of the name."""
        if name not in self.names():
            raise SettingsError(f"There is no training {name!r}.")
        return RunFolder(RUNS / name)

    def described(self) -> list[dict[str, Any]]:
        """Say how all runs stand, but those whose files are damaged, or were removed just now."""
        found = []
        for name in self.names():
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, TranslateError):
                found.append(self.describe(name))
        return found

    def describe(self, name: str) -> dict[str, Any]:
        """Say how a run stands."""
        folder, begun = self.folder(name), self._begun.get(name)
        is_ours = begun is not None and begun.process.is_alive()
        is_running = is_ours or is_claimed(folder)  # what began here may go on in a terminal
        log = read_log(folder.log)
        step, about = (log[-1]["step"] if log else 0), _about(folder)
        steps = about.planned if about else steps_of_run(folder) or 0
        is_finished = about is not None and about.is_finished and not is_running
        request = _request_of(folder)
        code = begun.process.exitcode if begun else None
        commands = [shlex.join(["translate", *request.words(folder.path)])] if request else []
        if about:
            commands.append(command_to_use(folder.path, about.targets, Use.of(about)))
        return {
            "name": name,
            "state": "running" if is_running else "finished" if is_finished else "stopped",
            "step": max(step, about.steps if about else 0),
            "steps": steps,
            "about": about.summary if about else "",
            "alarms": len(read_log(folder.alarms)),
            "grids": [int(path.stem) for path in folder.grids()],
            "curves": folder.curves.exists(),
            "report": folder.report.exists(),
            "ours": is_ours,
            "continues": request is not None,
            "command": "\n".join(commands),
            "failed": not is_running and code not in (None, 0, 128 + signal.SIGINT),
            "message": _last_line(begun.log) if begun and is_ours == is_running else "",
        }

    def begin(self, request: Request) -> str:
        """Begin a training, or continue the one of the same folders; return the name of the run.

        Raises:
            SettingsError: the page offers no such folders, or they are one.
            OutputError: another training runs, or the folder of the run cannot be written.
        """
        offered = self.folders()
        for folder in (request.source, request.aim):
            if folder not in offered:
                raise SettingsError(f"This page offers no folder {folder!r}.")
        if request.source == request.aim:
            raise SettingsError("A style is learned from two folders. Choose another one of them.")
        return self._begin(request, _place_for(request))

    def resume(self, name: str) -> None:
        """Continue a stopped run with the command that began it.

        Raises:
            SettingsError: there is no such run, or it was begun elsewhere.
            OutputError: another training runs.
        """
        request = _request_of(self.folder(name))
        if request is None:
            raise SettingsError(f"{name} was begun in a terminal. Continue it there, with the same command.")
        self._begin(request, RUNS / name)

    def stop(self, name: str) -> None:
        """Ask a training to save what it has done, and to end, as Ctrl-C does.

        Raises:
            SettingsError: none of this name runs here.
        """
        begun = self._begun.get(name)
        if begun is None or not begun.process.is_alive() or begun.process.pid is None:
            raise SettingsError(f"{name} is not running here. Stop it where it was begun, with Ctrl-C.")
        os.kill(begun.process.pid, signal.SIGINT)

    def close(self) -> None:
        """Stop what runs, and wait until it has saved what it has done."""
        for name, begun in self._begun.items():
            if begun.process.is_alive():
                self.stop(name)
        for begun in self._begun.values():
            begun.process.join(ENDING_S)

    def _begin(self, request: Request, place: Path) -> str:
        with self._lock:
            for name, begun in self._begun.items():
                if begun.process.is_alive():
                    raise OutputError(f"{name} is being trained. Wait until it has ended, or stop it.")
            write_text(RunFolder(place).command, json.dumps(request.model_dump()) + "\n")
            log = self._logs / f"training-{len(list(self._logs.glob('training-*')))}.txt"
            self._begun.pop(place.name, None)
            self._begun[place.name] = Begun(self._start(request.words(place), log), log)
            return place.name


def _request_of(folder: RunFolder) -> Request | None:
    """Return what the form asked for when it began a run; None where that was done otherwise."""
    try:
        return Request.parse(json.loads(folder.command.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, TranslateError):
        return None


def _about(folder: RunFolder) -> About | None:
    """Return what the newest export of a run says; None where there is none, or it is damaged."""
    try:
        return read_about(folder.export) if folder.export.exists() else None
    except TranslateError:
        return None


def _place_for(request: Request) -> Path:
    """Return the folder of the run that the form has begun with the same folders, or a new one."""
    number = 1
    while True:
        place = RUNS / f"{PHOTO}2{request.domain}{f'-{number}' if number > 1 else ''}"
        if not place.exists() or _request_of(RunFolder(place)) == request:
            return place
        number += 1


def _picture_folders(root: Path) -> Iterator[Path]:
    """Yield the folders with pictures in them, also some levels below; what is hidden, and runs, are left out."""
    waiting, looked_at = [(root, 0)], 0
    while waiting and looked_at < LOOKED_AT:
        folder, depth = waiting.pop(0)
        looked_at, found = looked_at + 1, 0
        try:
            with os.scandir(folder) as all_entries:
                entries = sorted(itertools.islice(all_entries, IN_EACH), key=lambda entry: entry.name)
        except OSError:  # it is closed to us
            continue
        for entry in entries:
            if is_hidden(entry.name) or folder / entry.name == RUNS:
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting += [(folder / entry.name, depth + 1)] if depth < DEEPEST else []
            else:
                found += Path(entry.name).suffix.lower() in images.SUFFIXES
        if found >= FEWEST and folder != root:
            yield folder


@functools.lru_cache(maxsize=64)
def _line_of(log: Path, size: int) -> str:
    with log.open("rb") as stream:
        stream.seek(max(0, size - 4096))
        lines = stream.read().decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _last_line(log: Path) -> str:
    """Return the last line that a training has written."""
    try:
        return _line_of(log, log.stat().st_size)
    except OSError:  # nothing yet
        return ""
