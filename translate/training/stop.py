"""Stopping on a signal: the step that is being done is finished first."""

import signal
import threading
from types import FrameType
from typing import Any, Self

from translate.parallel import greatest


class StopSignals:
    """While this context is open the first Ctrl-C or SIGTERM only sets `received`; the second acts at once."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # only there may handlers be set
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def agreed(self) -> bool:
        """Whether there was a signal, to this rank or to another: all of them stop after the same step."""
        if number := greatest(self.received or 0):
            self.received = number
        return number > 0

    def _receive(self, number: int, _: FrameType | None) -> None:
        self.received = number
        for known, handler in self._previous.items():
            signal.signal(known, handler)
