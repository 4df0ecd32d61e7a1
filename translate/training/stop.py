"""Stopping on a signal: the step that is being done is finished first."""

import signal
import threading
from types import FrameType
from typing import Any, Self


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

    def _receive(self, number: int, _: FrameType | None) -> None:
        self.received = number
        for known, handler in self._previous.items():
            signal.signal(known, handler)
