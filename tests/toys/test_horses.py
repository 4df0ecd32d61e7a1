import numpy as np
import pytest

from translate.toys import horses
from translate.toys.catalogue import TOYS, draw, drawn_scores

TOY = "toy-horse2zebra"
COUNT = 25  # more than one batch


def answers(size):
    """What each unseen horse would look like as a zebra, by the bytes of its picture."""
    zebra, samples = TOYS[TOY].painters["zebra"], draw(TOY, "horse", "test", COUNT, size)
    coat = {name: 0.5 * sum(limits) for name, limits in zebra.ranges.items()}
    found = {}
    for sample in map(samples.sample, range(COUNT)):
        found[sample.image.tobytes()] = zebra.paint(coat | sample.parameters, size)[0]
    return found


@pytest.mark.parametrize("size", [64, 128])
def test_a_translator_that_paints_the_true_zebra_has_full_marks(size):
    truth = answers(size)
    scores = drawn_scores(TOY, lambda pictures, _: [truth[picture.tobytes()] for picture in pictures], size, COUNT)
    assert list(scores) == ["stripe score", "background error"]
    assert scores["stripe score"] > 0.95
    assert scores["background error"] == 0


def test_a_translator_that_changes_nothing_has_no_stripes():
    scores = drawn_scores(TOY, lambda pictures, _: list(pictures), 64, COUNT)
    assert scores["stripe score"] < 0.05
    assert scores["background error"] == 0


def test_a_translator_that_inverts_everything_spoils_the_background():
    scores = drawn_scores(TOY, lambda pictures, _: [255 - picture for picture in pictures], 64, COUNT)
    assert 0.2 < scores["background error"] < 1


@pytest.mark.parametrize("count", [1, 20, 25, 40])
def test_scores_are_means_over_unseen_horses_translated_to_zebras(monkeypatch, count):
    seen = []

    def translate(pictures, target):
        assert target == "zebra"
        seen.extend(picture.tobytes() for picture in pictures)
        return list(pictures)

    monkeypatch.setattr(horses, "stripe_score", lambda zebra, mask: float(mask.mean()))
    monkeypatch.setattr(horses, "background_error", lambda horse, zebra, mask: 0.25)
    scores = drawn_scores(TOY, translate, 32, count)
    samples = [draw(TOY, "horse", "test", count, 32).sample(index) for index in range(count)]
    assert seen == [sample.image.tobytes() for sample in samples]
    assert scores["stripe score"] == pytest.approx(np.mean([sample.mask.mean() for sample in samples]))
    assert scores["background error"] == pytest.approx(0.25)
