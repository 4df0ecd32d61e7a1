"""Distances against their closed forms, against torch-fidelity, and against simulated draws."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric

from translate.errors import DataError
from translate.metrics.features import BLOCK
from translate.metrics.frechet import frechet_distance, frechet_estimate
from translate.metrics.kernel import kernel_distance, kernel_distance_in_subsets


def features(count: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, width))


def exact(count: int, mean: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """Features whose sample mean and covariance are exactly these."""
    x = features(count, len(mean), count)
    x -= x.mean(0)
    white = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T))).T
    return mean + white * np.sqrt(variances)


def kernel_truth(shift: np.ndarray) -> float:
    """The squared discrepancy between N(0, 1) and N(shift, 1), from the moments of a Gaussian."""
    d, q = len(shift), shift @ shift
    within_x = 1 + 3 / d
    between = 1 + 3 * (d + q) / d**2
    a, v = q / d, q / d**2
    within_y = (a + 1) ** 3 + 3 * (a + 1) * v + 3 / d**2 * (d + q + (q * (q + d) + 2 * q) / d)
    return within_x + within_y - 2 * between


# Frechet distance


@pytest.mark.parametrize("count", [9, 100])
def test_frechet_distance_of_diagonal_gaussians_is_the_closed_form(count):
    m, n = np.array([0.0, 1.0, 2.0]), np.array([1.0, 1.0, -1.0])
    a, b = np.array([1.0, 4.0, 0.25]), np.array([9.0, 4.0, 1.0])
    wanted = ((m - n) ** 2).sum() + ((np.sqrt(a) - np.sqrt(b)) ** 2).sum()
    assert frechet_distance(exact(count, m, a), exact(50, n, b)) == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize(("n", "m"), [(20, 30), (20, 200), (150, 200)])  # fewer and more pictures than features
def test_frechet_distance_is_symmetric_and_zero_between_equal_sets(n, m):
    x, y = features(n, 50), 1 + features(m, 50, 1)
    assert frechet_distance(x, y) == pytest.approx(frechet_distance(y, x), rel=1e-10)
    assert frechet_distance(x, x) == pytest.approx(0.0, abs=1e-8)


def test_frechet_distance_of_low_rank_agrees_with_the_same_features_of_full_rank():
    x, y = features(30, 8), 2 * features(40, 8, 1)
    wide = np.linalg.qr(features(60, 8, 2))[0].T  # (8, 60), orthonormal: nothing changes but the number of columns
    assert frechet_distance(x @ wide, y @ wide) == pytest.approx(frechet_distance(x, y), rel=1e-10)


@pytest.mark.parametrize(("width", "shift"), [(8, 0.5), (8, 0.0), (64, 0.2)])  # fewer and more features than pictures
def test_the_interval_of_the_frechet_distance_covers_the_mean_at_this_count(width: int, shift: float):
    draws = np.random.default_rng(0)
    pairs = [(draws.standard_normal((40, width)), shift + draws.standard_normal((50, width))) for _ in range(200)]
    estimates = [frechet_estimate(x, y) for x, y in pairs]
    expected = np.mean([estimate.value for estimate in estimates])
    assert 186 <= sum(estimate.low <= expected <= estimate.high for estimate in estimates) <= 200
    deviation = np.std([estimate.value for estimate in estimates])
    assert 0.9 < np.mean([estimate.high - estimate.value for estimate in estimates]) / 1.96 / deviation < 1.5


@pytest.mark.fault("F-22")
def test_no_frechet_distance_is_said_to_be_below_zero():
    draws = np.random.default_rng(0)
    far = draws.standard_normal((4, 3))
    far[0] += 40  # one picture decides
    estimate = frechet_estimate(far, draws.standard_normal((4, 3)))
    assert estimate.low == 0 < estimate.value < estimate.high


def test_the_interval_of_the_frechet_distance_is_the_same_from_rows_and_from_covariances():
    x, y = features(30, 8), 0.5 + 2 * features(40, 8, 1)
    wide = np.linalg.qr(features(60, 8, 2))[0].T
    few, many = frechet_estimate(x, y), frechet_estimate(x @ wide, y @ wide)
    assert (many.low, many.high) == pytest.approx((few.low, few.high), rel=1e-6)
    assert few.value == pytest.approx(frechet_distance(x, y), rel=1e-10)
    padded = frechet_estimate(np.pad(x, ((0, 0), (0, 3))), np.pad(y, ((0, 0), (0, 3))))  # a covariance without rank
    assert (padded.low, padded.high) == pytest.approx((few.low, few.high), rel=1e-6)
    same = frechet_estimate(x, x)
    assert (same.low, same.high) == pytest.approx((0, 0), abs=1e-6)


@pytest.mark.parametrize(
    ("distance", "shape"), [(frechet_estimate, (20_000, 32)), (kernel_distance, (2_500, 256))]
)  # fmt: skip
def test_features_are_not_copied_whole(distance, shape, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("translate.metrics.features.BLOCK", 100)
    x, y = (features(*shape, seed).astype(np.float32) for seed in (0, 1))
    tracemalloc.start()
    distance(x, y)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < x.nbytes / 2


# Kernel distance


def test_kernel_distance_is_the_sum_over_all_pairs():
    x, y = features(7, 3), features(5, 3, 1)

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / 3 + 1) ** 3)

    within_x = np.mean([k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
    within_y = np.mean([k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
    between = np.mean([k(a, b) for a in x for b in y])
    assert kernel_distance(x, y).value == pytest.approx(within_x + within_y - 2 * between, rel=1e-12)


def test_kernel_distance_is_unbiased_at_small_counts():
    draws = np.random.default_rng(0)
    shift = np.full(8, 0.2)
    values = [
        kernel_distance(draws.standard_normal((5, 8)), shift + draws.standard_normal((6, 8))).value for _ in range(2000)
    ]
    error = np.std(values) / np.sqrt(len(values))
    assert np.mean(values) == pytest.approx(kernel_truth(shift), abs=3 * error)
    assert np.min(values) < 0  # it is not clipped


@pytest.mark.parametrize(("width", "shift"), [(2, 0.0), (2, 0.35), (8, 0.2), (64, 0.0), (64, 0.1)])
def test_the_interval_covers_the_truth_in_95_percent_of_1000_draws(width, shift):
    draws = np.random.default_rng(1)
    truth = kernel_truth(np.full(width, shift))
    covered = 0
    for _ in range(1000):
        x, y = draws.standard_normal((40, width)), shift + draws.standard_normal((50, width))
        estimate = kernel_distance(x, y)
        covered += estimate.low <= truth <= estimate.high
    assert 920 <= covered <= 980


def test_the_interval_of_equal_pictures_is_a_point():
    estimate = kernel_distance(np.ones((5, 3)), np.ones((6, 3)))
    assert (estimate.low, estimate.value, estimate.high) == pytest.approx((0, 0, 0), abs=1e-6)


def test_kernel_distance_in_one_subset_of_all_is_that_over_all_pairs():
    x, y = features(20, 6), 1 + features(20, 6, 1)
    value, deviation = kernel_distance_in_subsets(x, y, subsets=1, size=1000, seed=0)
    assert value == pytest.approx(kernel_distance(x, y).value, rel=1e-12)
    assert deviation == 0
    value, deviation = kernel_distance_in_subsets(x, y, subsets=50, size=10, seed=0)
    assert value == pytest.approx(kernel_distance(x, y).value, abs=deviation)
    assert deviation > 0


# Against torch-fidelity


@pytest.mark.parametrize(("n", "m", "width"), [(60, 80, 20), (25, 30, 64)])  # more and fewer pictures than features
def test_both_distances_are_those_of_torch_fidelity(n: int, m: int, width: int):
    mix = features(width, width, 3) / np.sqrt(width)
    x, y = features(n, width) @ mix, 0.3 + 1.2 * features(m, width, 1) @ mix
    statistics = [fid_features_to_statistics(torch.from_numpy(z)) for z in (x, y)]
    wanted = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(x, y) == pytest.approx(wanted, rel=1e-4)
    y = y[:n]  # a subset of torch-fidelity is equally large in both
    options = {"kid_subsets": 1, "kid_subset_size": n, "verbose": False}
    found = kid_features_to_metric(torch.from_numpy(x), torch.from_numpy(y), **options)
    assert kernel_distance(x, y).value == pytest.approx(found["kernel_inception_distance_mean"], rel=1e-4)


# Both


@pytest.mark.parametrize("distance", [frechet_distance, lambda x, y: kernel_distance(x, y).value])
def test_the_order_of_pictures_and_the_blocks_do_not_matter(
    distance: Callable[[np.ndarray, np.ndarray], float], monkeypatch: pytest.MonkeyPatch
):
    x, y = features(50, 12), 1 + features(60, 12, 1)
    whole = distance(x, y)
    assert distance(x[::-1], np.roll(y, 17, axis=0)) == pytest.approx(whole, rel=1e-10)
    monkeypatch.setattr("translate.metrics.features.BLOCK", 7)
    assert BLOCK > 60
    assert distance(x, y) == pytest.approx(whole, rel=1e-10)


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
def test_too_few_pictures_are_refused_with_the_minimum(distance: Callable[[np.ndarray, np.ndarray], object]):
    with pytest.raises(DataError, match=r"needs at least [24] pictures in each set; found 1 and 9\. .*bias"):
        distance(features(1, 3), features(9, 3))
