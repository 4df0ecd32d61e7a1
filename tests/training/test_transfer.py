"""Batches come in their order, with what they had."""

import pytest
import torch

from translate.training.transfer import transferred

BATCHES = [
    {"x": torch.full((2, 3, 8, 8), n, dtype=torch.uint8).to(memory_format=torch.channels_last), "c": torch.eye(2) * n}
    for n in range(5)
]


def test_on_a_cpu_batches_are_taken_one_by_one_and_stay_where_they_are():
    taken = []

    def batches():
        for n, batch in enumerate(BATCHES):
            taken.append(n)
            yield batch

    for n, batch in enumerate(transferred(batches(), torch.device("cpu"))):
        assert batch is BATCHES[n]
        assert taken == list(range(n + 1))


@pytest.mark.gpu
@pytest.mark.parametrize("number", [0, 1, 5])
def test_on_a_gpu_they_are_brought_there_in_order(number):
    found = list(transferred(BATCHES[:number], torch.device("cuda")))
    assert len(found) == number
    for batch, expected in zip(found, BATCHES, strict=False):
        assert batch["x"].device.type == "cuda"
        assert batch["x"].dtype == torch.uint8
        assert all(torch.equal(batch[name].cpu(), expected[name]) for name in expected)
