"""Drawn pictures that no translator was trained on, with their translations."""

from collections.abc import Callable, Iterator, Sequence

from translate.tensors import Pixels
from translate.toys.drawn import Drawn, Sample

Translate = Callable[[Sequence[Pixels], str], list[Pixels]]  # pictures of one size, target domain -> pictures
Judge = Callable[[Translate, int, int], dict[str, float]]  # (..., size in pixels, count of pictures) -> scores by name

_BATCH = 20


def translated(translate: Translate, drawn: Drawn, target: str) -> Iterator[tuple[Sample, Pixels]]:
    """Yield every sample of `drawn` with its translation to the domain `target`."""
    for start in range(0, len(drawn), _BATCH):
        samples = [drawn.sample(index) for index in range(start, min(start + _BATCH, len(drawn)))]
        yield from zip(samples, translate([sample.image for sample in samples], target), strict=True)
