"""Reading from a disk that may never answer, such as one on a network."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

from translate.errors import DataError

PATIENCE_S = 300.0
LOOKS = 10  # in that time: while the process itself is stopped, at most one of them passes

_under_way: dict[threading.Event, str] = {}  # what is being read


@contextlib.contextmanager
def in_time(name: str) -> Iterator[None]:
    """Read the picture called `name` in the block; when that takes five minutes, end the process with a sentence.

    A thread that waits for a disk cannot be ended, and Python would wait for it before it ends itself.
    """
    done = threading.Event()
    _under_way[done] = name
    threading.Thread(target=_watch, args=(done,), daemon=True).start()
    try:
        yield
    finally:
        del _under_way[done]
        done.set()


def _watch(done: threading.Event) -> None:
    for _ in range(LOOKS):
        if done.wait(PATIENCE_S / LOOKS):
            return
    names = ", ".join(list(_under_way.values()))
    print(
        f"Error: A disk has not answered for {PATIENCE_S:g} s. What is being read: {names}."
        " When it does again, the same command continues from the newest checkpoint.",
        file=sys.stderr,
        flush=True,
    )
    os._exit(DataError.exit_code)
