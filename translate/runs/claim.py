"""A run's folder, held by the one process that trains in it."""

import contextlib
import json
import os
import re
import signal
import socket
from collections.abc import Iterator

from translate.errors import OutputError, exit_code_of
from translate.files import as_output_error, exclusive_lock, is_alive, sweep, write_text
from translate.run_folder import RunFolder

_WHO = re.compile(r"Process (\d+) on (.*)")


def refuse_a_file(folder: RunFolder) -> None:
    """Refuse a folder that cannot be made. Raises `OutputError`: a file is in its place, or above it."""
    existing = next(place for place in (folder.path, *folder.path.absolute().parents) if place.exists())
    if not existing.is_dir():
        raise OutputError(f"Cannot write {folder}: {existing} is a file. Choose another --out, or move the file.")


@contextlib.contextmanager
def claimed(folder: RunFolder) -> Iterator[None]:
    """Make the folder, keep other processes out of it, and clear away what a killed one was writing.

    Raises:
        OutputError: another process trains in it, or it cannot be written.
    """
    with as_output_error(folder.path):
        folder.path.mkdir(parents=True, exist_ok=True)
    who = "Another process"
    with contextlib.suppress(OSError):  # there is none, or it has just ended
        who = folder.running.read_text(encoding="utf-8")
    with exclusive_lock(
        folder.path, f"{who} is training in {folder}. Wait until it has ended, or choose another --out."
    ):
        for place in (folder.path, folder.samples, folder.milestones):
            sweep(place)
        write_text(folder.running, f"Process {os.getpid()} on {socket.gethostname()}")
        try:
            yield
        finally:
            folder.running.unlink(missing_ok=True)


def is_claimed(folder: RunFolder) -> bool:
    """Tell whether a process trains in a folder, as far as that is known of one on another machine."""
    try:
        process, machine = _WHO.fullmatch(folder.running.read_text(encoding="utf-8")).groups()  # type: ignore[union-attr]
    except (OSError, ValueError, AttributeError):  # there is none, or it says something else
        return False
    return machine != socket.gethostname() or is_alive(int(process))


def leave_word(folder: RunFolder, number: int, step: int, steps: int) -> None:
    """Let scripts know that a signal stopped the run: torchrun ends with 1 then, whatever its processes end with.

    Args:
        folder: of the run.
        number: of the signal.
        step: steps done.
        steps: in all; 0 where the run was stopped before that was known.

    Raises:
        OutputError: it cannot be written.
    """
    counts = {"step": step if steps else None, "steps": steps or None}
    word = {"signal": signal.Signals(number).name, "exit_code": exit_code_of(number), **counts}
    write_text(folder.preempted, json.dumps(word) + "\n")
