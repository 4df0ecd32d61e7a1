"""Learning-rate schedules."""

import itertools
from fractions import Fraction

import pytest

from translate.schedules import constant_then_linear


@pytest.mark.parametrize(
    ("epoch", "factor"),
    [  # measured on the official CycleGAN code with 100 + 100 epochs
        (1, Fraction(1)),
        (99, Fraction(1)),
        (100, Fraction(1)),
        (101, Fraction(100, 101)),
        (150, Fraction(51, 101)),
        (199, Fraction(2, 101)),
        (200, Fraction(1, 101)),
    ],
)
def test_factors_of_one_hundred_and_one_hundred_epochs_are_the_official_ones(epoch, factor):
    assert constant_then_linear(epoch, 100, 100) == pytest.approx(float(factor), rel=1e-13)


@pytest.mark.parametrize(("constant", "decay"), [(1, 1), (3, 4), (500, 500), (1250, 1251), (0, 7), (7, 0)])
def test_any_length_in_steps_stays_falls_evenly_and_never_reaches_zero(constant, decay):
    factors = [constant_then_linear(step, constant, decay) for step in range(1, constant + decay + 1)]
    assert factors[:constant] == [1.0] * constant
    falling = [1.0, *factors[constant:]]
    for before, after in itertools.pairwise(falling):
        assert before - after == pytest.approx(1 / (decay + 1), rel=1e-9)
    assert falling[-1] == pytest.approx(1 / (decay + 1), rel=1e-9)
    assert min(factors) > 0


def test_the_factor_depends_on_nothing_but_the_position():
    forwards = [constant_then_linear(step, 10, 10) for step in range(1, 21)]
    backwards = [constant_then_linear(step, 10, 10) for step in range(20, 0, -1)]
    assert forwards == backwards[::-1]
