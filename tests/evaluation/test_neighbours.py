import numpy as np

from translate.evaluation.neighbours import Nearest


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


def test_before_anything_was_seen_there_is_no_neighbour():
    nearest = Nearest(np.zeros((2, 3)))
    assert (nearest.indices == -1).all()
    assert np.isinf(nearest.distances).all()
