"""Stopping on a signal: what must not be lost is finished and saved first, what can be done again is dropped."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Self, TypeVar

from translate.errors import STOPPING, exit_code_of
from translate.parallel import greatest

Result = TypeVar("Result")


class StopSignals:
    """While this context is open the first Ctrl-C, SIGTERM or SIGUSR1 only sets `received`; the second acts at once.

    Args:
        grace_s: seconds after the first signal when the process ends, wherever it is. What it was writing is then
            absent, what it wrote is whole. None: it is waited for.
    """

    def __init__(self, grace_s: float | None = None) -> None:
        self.received: int | None = None
        self._grace_s = grace_s
        self._previous: dict[int, Any] = {}
        self._dropping = False
        self._signalled, self._ended = threading.Event(), threading.Event()

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # only there may handlers be set
            if self._grace_s is not None:
                threading.Thread(target=self._end_in_time, args=(self._grace_s,), daemon=True).start()
            for number in STOPPING:
                self._previous[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._signalled.set()
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def agreed(self) -> bool:
        """Whether there was a signal, to this rank or to another: all of them stop after the same step."""
        if number := greatest(self.received or 0):
            self.received = number
        return number > 0

    def drop(self, work: Callable[[], Result]) -> Result | None:
        """Do `work`, which can be done again another time: a signal ends it at once, and one before prevents it.

        Returns:
            what `work` returns, or None if it was dropped; then `received` says why.
        """
        if self.received is not None:
            return None
        try:
            self._dropping = True
            result = work()
            self._dropping = False
        except _Dropped:
            return None
        finally:
            self._dropping = False
        return result

    def _receive(self, number: int, _: FrameType | None) -> None:
        self.received = number
        for known, handler in self._previous.items():
            signal.signal(known, handler)
        self._signalled.set()
        if self._dropping:
            self._dropping = False
            raise _Dropped

    def _end_in_time(self, grace_s: float) -> None:
        """Run in a thread of its own, which also runs while the main one waits for a disk."""
        self._signalled.wait()
        if not self._ended.wait(grace_s):
            assert self.received is not None
            print(f"Ended after {grace_s:g} s, without a checkpoint of the last steps.", file=sys.stderr, flush=True)
            os._exit(exit_code_of(self.received))


class _Dropped(BaseException):
    """Ends what is done inside `StopSignals.drop`."""
