"""Drawn digits, and the rule that reads them: held against unseen digits, noise and blends of two."""

import numpy as np
import pytest

from translate.toys import digits
from translate.toys.catalogue import draw, drawn_scores, scores_of_drawings
from translate.toys.digits import DIGITS

EACH = 8


@pytest.fixture(scope="module")
def unseen():
    """Eight pictures of each digit, 32 pixels wide, one digit after the other."""
    return [draw("toy-digits", digit, "test", EACH, 32)[index] for digit in DIGITS for index in range(EACH)]


LABELS = np.repeat(np.arange(10), EACH)


def test_a_digit_is_white_on_black_and_grows_with_its_thickness():
    thin, thick = (
        digits.paint("3", dict(zip(digits.RANGES, (0, t, 0.8, 0, 0, 1), strict=True)), 32) for t in (0.05, 0.11)
    )
    assert thin[0].shape == (32, 32, 3)
    assert (thin[0][0] == 0).all()
    assert thin[0].max() > 200
    assert thick[1].sum() > 1.5 * thin[1].sum()
    assert np.array_equal(thin[0][..., 0], np.rint(255 * thin[1]))


def test_unseen_digits_are_read_and_none_is_a_blend(unseen):
    read, clear, blends = digits.read(unseen)
    assert read.tolist() == LABELS.tolist()
    assert clear.all()
    assert not blends.any()
    assert digits.judge(unseen, LABELS) == {"clear digits": 1, "classes": 1, "blend error": 0, "asked for": 1}
    assert digits.judge(unseen, LABELS[::-1])["asked for"] == 0


def test_larger_pictures_are_read_as_well():
    pictures = [draw("toy-digits", digit, "test", 1, 64)[0] for digit in DIGITS]
    assert digits.read(pictures)[0].tolist() == list(range(10))


def test_noise_and_plain_pictures_show_no_digit():
    random = np.random.default_rng(0)
    noise = [random.integers(0, 256, (32, 32, 3), np.uint8) for _ in range(8)]
    assert digits.judge([*noise, np.zeros((32, 32, 3), np.uint8)]) == {
        "clear digits": 0, "classes": 0, "blend error": 0,
    }  # fmt: skip


def test_half_of_each_of_two_digits_is_mostly_no_clear_digit(unseen):
    other = np.random.default_rng(0).permutation(len(unseen))
    halves = [unseen[i] // 2 + unseen[j] // 2 for i, j in enumerate(other) if LABELS[i] != LABELS[j]]
    scores = digits.judge(halves)
    assert scores["clear digits"] < 0.45
    assert scores["blend error"] > 0.4


def test_one_digit_alone_is_one_class():
    scores = digits.judge([draw("toy-digits", "4", "test", EACH, 32)[index] for index in range(EACH)])
    assert scores["classes"] == pytest.approx(0.1)


def test_translations_are_scored_by_the_digit_that_was_asked_for():
    def right(pictures, target):
        return [draw("toy-digits", target, "train", len(pictures), 32)[index] for index in range(len(pictures))]

    assert drawn_scores("toy-digits", right, 32, count=2) == {"asked for": 1}
    assert drawn_scores("toy-digits", lambda pictures, _: pictures, 32, count=2) == {"asked for": 0}


def test_other_datasets_have_no_rule_for_what_is_drawn(unseen):
    assert scores_of_drawings("toy-turntable", unseen) == scores_of_drawings("photos", unseen) == {}
