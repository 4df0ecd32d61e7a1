import tracemalloc

import numpy as np

from translate.metrics.neighbours import Nearest


def test_the_nearest_is_that_of_all_pairs_whatever_the_order():
    draws = np.random.default_rng(0)
    rows, others = draws.standard_normal((5, 3)), draws.standard_normal((20, 3))
    pairs = np.linalg.norm(rows[:, None] - others, axis=2)
    for order in (range(20), reversed(range(20))):
        nearest = Nearest(rows)
        for index in order:
            nearest.see(index, others[index])
        np.testing.assert_array_equal(nearest.indices, pairs.argmin(1))
        np.testing.assert_allclose(nearest.distances, pairs.min(1), rtol=1e-12)


def test_what_single_precision_cannot_tell_apart_is_measured():
    """Far from the origin products of float32 are off by more than these distances."""
    draws = np.random.default_rng(0)
    rows, others = ((100 + 0.1 * draws.standard_normal((count, 64))).astype(np.float32) for count in (6, 30))
    pairs = np.linalg.norm(rows[:, None].astype(np.float64) - others, axis=2)
    nearest = Nearest(rows)
    for index, row in enumerate(others):
        nearest.see(index, row)
    np.testing.assert_array_equal(nearest.indices, pairs.argmin(1))
    np.testing.assert_allclose(nearest.distances, pairs.min(1), rtol=1e-12)


def test_features_are_not_copied(monkeypatch):
    monkeypatch.setattr("translate.metrics.neighbours.BLOCK", 100)
    rows = np.random.default_rng(0).standard_normal((5_000, 64)).astype(np.float32)
    tracemalloc.start()
    nearest = Nearest(rows)
    for index in range(3):
        nearest.see(index, rows[index])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < rows.nbytes / 2


def test_before_anything_was_seen_there_is_no_neighbour():
    nearest = Nearest(np.zeros((2, 3)))
    assert (nearest.indices == -1).all()
    assert np.isinf(nearest.distances).all()
