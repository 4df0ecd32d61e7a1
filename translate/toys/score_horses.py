"""The judge of toy-horse2zebra."""

from translate.toys.drawn import Drawn
from translate.toys.stripes import background_error, stripe_score
from translate.toys.unseen import Translate, translated


def judge_horses(translate: Translate, size: int, count: int) -> dict[str, float]:
    """Return the mean stripe score and the mean background error of horses turned into zebras, 0..1 both."""
    stripes, background = 0.0, 0.0
    for sample, zebra in translated(translate, Drawn("toy-horse2zebra", "horse", "test", count, size), "zebra"):
        stripes += stripe_score(zebra, sample.mask) / count
        background += background_error(sample.image, zebra, sample.mask) / count
    return {"stripe score": stripes, "background error": background}
