"""Scores of a translator on a drawn dataset, whose right answer is known."""

from collections.abc import Callable, Sequence

from translate.data.truth import DATASETS, Drawn
from translate.evaluation.truth import background_error, stripe_score
from translate.tensors import Pixels

Translate = Callable[[Sequence[Pixels], str], list[Pixels]]  # pictures of one size, target domain -> pictures

COUNT = 200  # unseen pictures
_BATCH = 20


def drawn_scores(dataset: str, translate: Translate, size: int, count: int = COUNT) -> dict[str, float]:
    """Translate `count` unseen drawn pictures and score the results by rule.

    Args:
        dataset: the name of a drawn dataset.
        translate: turns pictures (S, S, 3) uint8 into pictures of a domain.
        size: of the pictures, in pixels.
        count: of the pictures.

    Returns:
        for toy-horse2zebra: the mean stripe score and the mean background error of horses turned into zebras, 0..1
        both. Nothing for a dataset that is not drawn.
    """
    if dataset not in DATASETS:
        return {}
    horses = Drawn(dataset, "horse", "test", count, size)
    stripes, background = 0.0, 0.0
    for start in range(0, count, _BATCH):
        samples = [horses.sample(index) for index in range(start, min(start + _BATCH, count))]
        for sample, zebra in zip(samples, translate([sample.image for sample in samples], "zebra"), strict=True):
            stripes += stripe_score(zebra, sample.mask) / count
            background += background_error(sample.image, zebra, sample.mask) / count
    return {"stripe score": stripes, "background error": background}
