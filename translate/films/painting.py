"""Translating frames: what is done to each is what is done to a picture, and then they are made steady."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import torch

from translate.conversion.ahead import ahead
from translate.conversion.pipeline import TOGETHER, TOGETHER_PIXELS
from translate.conversion.settings import ConversionSettings
from translate.inference.steadying import Steady, Trace
from translate.inference.translator import TOO_LARGE, Translator
from translate.inference.treatment import Prepared
from translate.memory import enough_memory
from translate.tensors import Pixels
from translate.video.frames import Frame, Time

THREADS = 1  # that prepares and finishes frames while the network runs: each works on some 100 MB of a frame of 720p


@dataclass(frozen=True)
class Painted:
    """A frame that is translated, and what is known of it for the next one."""

    frame: Frame
    trace: Trace | None


@dataclass(frozen=True)
class _Ready:
    """A frame that the network can see."""

    time: Time
    prepared: Prepared


def painted(
    translator: Translator, frames: Iterable[Frame], target: str, settings: ConversionSettings, mask: Pixels | None,
    steady: Steady,
) -> Iterator[Painted]:  # fmt: skip
    """Translate frames in order.

    Args:
        translator: the model.
        frames: of one size.
        target: what they are translated to.
        settings: how.
        mask: see `mask_weights`; None for all of each frame.
        steady: what makes them steady; it knows the frame before, if there is one.

    Raises:
        UnfitPicture: there is nothing to fill in a frame.
        WeightsError, OutOfMemory, DeviceError: as `Translator.tensor`.
    """
    treatment = settings.treatment.of(translator.about)

    def prepare(frame: Frame) -> _Ready:
        return _Ready(frame.time, treatment.prepared([frame.picture], mask, translator.about.size)[0])

    def finish(made: tuple[_Ready, torch.Tensor, Trace | None]) -> Painted:
        ready, output, trace = made
        return Painted(Frame(ready.time, ready.prepared.finished(output)), trace)

    most = settings.batch or (1 if translator.engine.device.type == "cpu" else TOGETHER)
    pool = ThreadPoolExecutor(THREADS)
    try:
        with enough_memory(TOO_LARGE):
            seen = ahead(pool, prepare, frames, most)
            pixels = None if settings.batch else TOGETHER_PIXELS
            made = _translated(translator, seen, target, steady, most, pixels)
            yield from ahead(pool, finish, made, most)
    finally:
        pool.shutdown(cancel_futures=True)


def _translated(
    translator: Translator, frames: Iterator[_Ready], target: str, steady: Steady, most: int, pixels: int | None
) -> Iterator[tuple[_Ready, torch.Tensor, Trace | None]]:
    """Translate frames, at most `most` and `pixels` together."""
    for first in frames:
        height, width = first.prepared.small.shape[2:]
        count = max(1, min(most, pixels // (height * width))) if pixels else most
        some = [first, *islice(frames, count - 1)]
        together = torch.cat([ready.prepared.small for ready in some])
        outputs = translator.tensor(together, target, first.prepared.treatment.passes)
        for ready, output in zip(some, torch.split(outputs, 1), strict=True):
            yield ready, steady(ready.prepared.small, output), steady.trace
