"""What translating may take of the memory, and what is given up, step by step, where memory runs out."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from torch import nn

from translate.devices import Engine
from translate.inference import strips
from translate.memory import default_memory, is_full, release_memory

CACHED = 1 << 28  # bytes: what takes more is faster in strips on a CPU, where strips need one pass only
LEAST = 1 << 26  # bytes: the memory is not halved any more below this; smaller parts would not help

# The steps, in this order, as notes of the picture that they happen to.
ALONE = "memory ran out, so pictures are translated one by one from here on"
NARROWER = "memory ran out, so pictures are translated in bf16 from here on"
SMALLER = "memory ran out, so it was translated in smaller parts"
ON_CPU = "memory ran out, so it was translated on the CPU"  # the last step, which `Translator` takes

A = TypeVar("A")


class MemoryBudget:
    """How a model is run with the memory there is. Threads share it.

    Attributes:
        engine: how networks are run.
        memory: bytes that networks may take for a picture; what needs more is translated in parts. It becomes less when
            the device has less.
        alone: whether pictures no longer share a pass.
        fallbacks: what was given up so far: `ALONE` and so on, in the order in which it happened.
    """

    def __init__(self, engine: Engine, memory: int | None, networks: Sequence[nn.Module]) -> None:
        self.engine = engine
        self.memory = _default_memory(engine, networks) if memory is None else memory
        self.alone = False
        self.fallbacks: list[str] = []
        self._values = strips.values_per_pixel(networks)

    def needed(self, pixels: int) -> int:
        """Return how many bytes the largest network takes to translate `pixels` pixels in one piece."""
        return strips.needed(self._values, pixels, self.engine)

    def together(self, height: int, width: int) -> int:
        """Return how many pictures may share a pass; 0: not even one can be translated as a whole."""
        count = self.memory // self.needed(height * width)
        # On a CPU one pass for each picture is as fast, and then the result cannot depend on the others.
        return min(count, 1) if self.alone or self.engine.device.type == "cpu" else count

    def retry(self, work: Callable[[], A], count: int, height: int, width: int) -> A:
        """Return work(), which translates `count` pictures of a size; with less, as often as memory runs out.

        Raises whatever `work` raises; a full memory only when nothing is left to give up.
        """
        while True:
            tried = self.alone, self.engine, self.memory
            try:
                return work()
            except (MemoryError, RuntimeError) as error:
                if not is_full(error):
                    raise
                another_did = (self.alone, self.engine, self.memory) != tried  # another thread, in the meantime
                if not another_did and not self._give_up(count, height, width):
                    raise
            release_memory()

    def fallbacks_since(self, count: int) -> tuple[str, ...]:
        """Return what was given up after the first `count` fallbacks, each once."""
        return tuple(dict.fromkeys(self.fallbacks[count:]))

    def _give_up(self, count: int, height: int, width: int) -> bool:
        """Take the next step; return whether there was one."""
        allowed = min(self.memory, self.needed(height * width))
        if min(count, self.together(height, width)) > 1:
            self.alone = True
            self.fallbacks.append(ALONE)
        elif narrowed := self.engine.narrowed():
            self.engine = narrowed
            self.fallbacks.append(NARROWER)
        elif allowed > LEAST:
            self.memory = allowed // 2
            self.fallbacks.append(SMALLER)
        else:
            return False
        return True


def _default_memory(engine: Engine, networks: Sequence[nn.Module]) -> int:
    allowed = default_memory(engine.device)
    return min(allowed, CACHED) if engine.device.type == "cpu" and strips.is_one_pass(networks) else allowed
