"""Decoding in processes of their own: what crashes there, in the C code of some library, does not end the program."""

import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from translate.errors import ImageDecodeError

A = TypeVar("A")


class ReadCall(Protocol):
    """A function that returns read(source, ...): called in this process, or in another one."""

    def __call__(self, read: Callable[..., A], source: Path, *arguments: Any) -> A:
        """Raise what `read` raises."""
        ...


def read_here(read: Callable[..., A], source: Path, *arguments: Any) -> A:
    """Return read(source, ...), called in this process."""
    return read(source, *arguments)


class Readers:
    """Does the same as `read_here` in other processes, one for each call at a time, so that a crash tells its file."""

    def __init__(self) -> None:
        self._idle: list[_Reader] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._idle:
            self._idle.pop().close()

    def __call__(self, read: Callable[..., A], source: Path, *arguments: Any) -> A:
        """Return read(source, ...).

        Raises:
            ImageDecodeError: as `read`, or the process has ended; the next call starts another.
        """
        try:
            reader = self._idle.pop()
        except IndexError:  # all are at work
            reader = _Reader()
        try:
            answer: A | ImageDecodeError = reader.ask(read, source, *arguments)
        except (EOFError, OSError) as error:
            raise ImageDecodeError(f"{source} cannot be decoded: its decoder {reader.close()}.") from error
        self._idle.append(reader)
        if isinstance(answer, ImageDecodeError):
            raise answer
        return answer


class _Reader:
    """A process that reads what it is asked for, until its end of the pipe is closed, however this program ends."""

    def __init__(self) -> None:
        start = multiprocessing.get_context("spawn")  # a fork of a program with threads may hang
        self._pipe, other = start.Pipe()
        self._process = start.Process(target=_serve, args=(other,), daemon=True)
        self._process.start()
        other.close()

    def ask(self, *question: object) -> Any:
        self._pipe.send(question)
        return self._pipe.recv()

    def close(self) -> str:
        """End the process, and return how it ended, in words."""
        self._pipe.close()
        self._process.join()
        code = self._process.exitcode or 0
        return f"crashed with {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _serve(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the program decides
    while True:
        try:
            read, *arguments = pipe.recv()
        except EOFError:
            return
        try:
            answer = read(*arguments)
        except ImageDecodeError as error:
            answer = error
        pipe.send(answer)
