"""Working ahead in threads, while what was done before is used."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def ahead(pool: ThreadPoolExecutor, function: Callable[[A], B], values: Iterable[A], depth: int) -> Iterator[B]:
    """Yield function(value) in order, computed in `pool`, at most `depth` values ahead of the caller."""
    waiting: deque[Future[B]] = deque()
    for value in values:
        waiting.append(pool.submit(function, value))
        if len(waiting) > depth:
            yield waiting.popleft().result()
    yield from (future.result() for future in waiting)
