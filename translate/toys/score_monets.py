"""The judge of toy-monet2photo."""

from translate.toys.colours import colour_distance
from translate.toys.drawn import Drawn
from translate.toys.unseen import Translate, translated


def judge_monets(translate: Translate, size: int, count: int) -> dict[str, float]:
    """Return how far the colours of photos turned into monets are from those of other, unseen monets.

    1 is as far as the photos themselves.
    """
    photos = Drawn("toy-monet2photo", "photo", "test", count, size)
    drawn = Drawn("toy-monet2photo", "monet", "test", count, size)
    monets = [drawn[index] for index in range(count)]
    pairs = list(translated(translate, photos, "monet"))
    before = colour_distance([sample.image for sample, _ in pairs], monets)
    return {"colour distance": colour_distance([painted for _, painted in pairs], monets) / before}
