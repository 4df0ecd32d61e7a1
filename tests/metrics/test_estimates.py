import numpy as np
import pytest

from translate.metrics.estimates import mean, share


def test_a_share_has_wilsons_interval():
    estimate = share(np.repeat([1.0, 0.0], [8, 2]))
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((0.8, 0.4902, 0.9433), abs=1e-4)
    certain = share(np.ones(60))
    assert (certain.low, certain.high) == pytest.approx((60 / (60 + 1.959964**2), 1.0))


def test_a_mean_has_the_interval_of_a_normal_distribution():
    estimate = mean(np.array([1.0, 2.0, 3.0, 4.0]))
    assert estimate.value == 2.5
    assert estimate.high - 2.5 == pytest.approx(1.96 * np.sqrt(5 / 3) / 2, rel=1e-4)
    assert mean(np.array([3.0])).low == 3.0
