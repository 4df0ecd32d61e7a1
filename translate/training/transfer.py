"""Batches on their way to a GPU: the next one is copied there while one is worked on."""

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor

Batch = Mapping[str, Tensor]


def transferred(batches: Iterable[Batch], device: torch.device) -> Iterator[Batch]:
    """Yield batches in their order: to a CUDA GPU they are brought, for another device they stay where they are.

    Pictures travel as uint8, from pinned memory and on a stream of their own, one batch ahead, so that neither the
    steps nor this process wait for them.
    """
    if device.type != "cuda":
        yield from batches
        return
    beside = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    under_way: tuple[Batch, torch.cuda.Event] | None = None
    for batch in batches:
        with torch.cuda.stream(beside):
            copy = {name: values.pin_memory().to(device, non_blocking=True) for name, values in batch.items()}
        if under_way:
            yield _arrived(*under_way, device)
        under_way = copy, beside.record_event()
    if under_way:
        yield _arrived(*under_way, device)


def _arrived(batch: Batch, copied: torch.cuda.Event, device: torch.device) -> Batch:
    """Let the steps that follow wait for a batch, and its memory wait for them before others get it."""
    steps = torch.cuda.current_stream(device)
    steps.wait_event(copied)
    for values in batch.values():
        values.record_stream(steps)
    return batch
