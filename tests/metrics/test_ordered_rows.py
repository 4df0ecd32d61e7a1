import tracemalloc

import numpy as np

from translate.metrics.ordered_rows import OrderedRows, key_of


def test_rows_stand_by_their_keys_whatever_the_order():
    pictures = [np.full((2, 2, 3), value, np.uint8) for value in range(6)]
    arrays = []
    for order in (range(6), [3, 5, 0, 1, 4, 2]):
        gathered = OrderedRows()
        for value in order:
            gathered.add(key_of(pictures[value]), value)
            assert len(gathered.array()) == len(gathered)  # it may be looked at in between
        arrays.append(gathered.array())
    np.testing.assert_array_equal(*arrays)


def test_rows_are_held_once():
    gathered, row = OrderedRows(), np.zeros(2_000, np.float32)
    tracemalloc.start()
    for index in range(200):
        gathered.add(index.to_bytes(4, "big"), row + index)
    once = gathered.array()
    assert gathered.array() is once
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 1.5 * once.nbytes
