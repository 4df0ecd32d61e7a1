"""Batches of labelled pictures of any number of domains."""

import numpy as np
import pytest
import torch

from translate.data import store
from translate.data.augmentation import Augmentation
from translate.data.batches import LabelledBatches
from translate.data.few_labels import FewLabelsBatches
from translate.data.folders import Dataset
from translate.data.store import Store
from translate.errors import ImageDecodeError

COUNTS = {"red": 3, "green": 5, "blue": 2}


class Plain:
    """Pictures of one colour, a little darker from one to the next."""

    def __init__(self, channel: int, count: int) -> None:
        self.channel, self.count = channel, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> np.ndarray:
        picture = np.zeros((40, 40, 3), np.uint8)
        picture[..., self.channel] = 255 - 10 * index
        return picture

    def name(self, index: int) -> str:
        return f"{index}.png"

    def fingerprint(self) -> str:
        return f"{self.channel} {self.count}"


def batches(batch: int = 4, seed: int = 0) -> LabelledBatches:
    augmentation = Augmentation(size=32)
    dataset = Dataset("colours", {name: Plain(i, count) for i, (name, count) in enumerate(COUNTS.items())})
    stores = {
        name: Store(name, pictures, augmentation, labels=dataset.labels(name))
        for name, pictures in dataset.train.items()
    }
    return LabelledBatches(stores, augmentation, batch, seed)


@pytest.mark.fault("R-32")
def test_labels_are_one_hot_and_belong_to_their_pictures():
    batch = batches()[3]
    assert batch["x"].shape == (4, 3, 32, 32)
    assert batch["x"].dtype == torch.uint8
    assert torch.equal(batch["c"].sum(1), torch.ones(4))
    assert torch.equal(batch["x"].float().mean((2, 3)).argmax(1), batch["c"].argmax(1))


def test_an_epoch_goes_through_all_pictures_once_and_the_next_in_another_order():
    made = batches(batch=10)
    seen = [[tuple(x[:, 0, 0].tolist()) for x in made[n]["x"]] for n in (0, 1)]
    assert made.steps_per_epoch == 1
    assert len(set(seen[0])) == 10
    assert set(seen[0]) == set(seen[1])
    assert seen[0] != seen[1]


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_batches_are_the_same_for_any_number_of_workers(workers):
    made = batches()
    for n, batch in zip(range(2, 7), made.stream(2, 7, workers), strict=True):
        assert torch.equal(batch["x"], made[n]["x"])
        assert torch.equal(batch["c"], made[n]["c"])


def test_another_seed_draws_others():
    assert not torch.equal(batches(10)[0]["x"], batches(10, seed=1)[0]["x"])


def test_noise_looks_like_a_batch():
    noise, batch = LabelledBatches.noise(list(COUNTS), 4, 32), batches()[0]
    assert {key: (value.shape, value.dtype) for key, value in noise.items()} == {
        key: (value.shape, value.dtype) for key, value in batch.items()
    }


class Numbered(Plain):
    """A hundred and one pictures that are as bright as their number; the first is broken."""

    def __getitem__(self, index: int) -> np.ndarray:
        if index == 0:
            raise ImageDecodeError("torn")
        return np.full((40, 40, 3), index, np.uint8)


@pytest.mark.fault("R-32")
def test_attributes_go_with_their_pictures_also_behind_a_broken_one():
    has = np.array([[number % 2, number > 50] for number in range(101)], np.float32)
    dataset = Dataset("numbers", {"images": Numbered(0, 101)}, attributes=("odd", "large"), has=has)
    augmentation = Augmentation(size=32)
    store = Store("images", dataset.train["images"], augmentation, labels=dataset.labels("images"))
    batch = LabelledBatches({"images": store}, augmentation, 100, 0)[0]
    numbers = batch["x"][:, 0, 0, 0].tolist()
    assert sorted(numbers) == list(range(1, 101))
    assert batch["c"].tolist() == has[numbers].tolist()


@pytest.mark.fault("R-32")
def test_a_label_goes_with_its_picture_when_the_drawn_one_breaks_while_training(monkeypatch):
    monkeypatch.setattr(store, "MEMORY", 0)
    pictures, labels, augmentation = Numbered(0, 200), np.arange(200, dtype=np.float32)[:, None], Augmentation(size=32)
    made = LabelledBatches({"all": Store("all", pictures, augmentation, labels=labels)}, augmentation, 200, 0)
    batch = made[0]
    numbers = batch["x"][:, 0, 0, 0].tolist()
    assert sorted(numbers) == [1, 1, *range(2, 200)]  # the first is broken
    assert batch["c"][:, 0].tolist() == numbers


def test_of_few_labels_each_batch_has_its_own_and_the_others_come_without():
    plain = batches()
    few = FewLabelsBatches(plain._stores, Augmentation(size=32), 4, 0, each=1)
    batch = few[1]
    assert set(batch) == {"x", "x_l", "c_l"}
    assert torch.equal(batch["x"], plain[1]["x"])
    assert torch.equal(few[1]["x_l"], batch["x_l"])
    assert torch.equal(batch["x_l"].float().mean((2, 3)).argmax(1), batch["c_l"].argmax(1))
    brightest = torch.cat([few[n]["x_l"] for n in range(3)]).amax((1, 2, 3))
    assert (brightest == 255).all()  # the first of each domain
    labels = torch.cat([few[n]["c_l"] for n in range(3)]).sum(0)
    assert labels.tolist() == [4, 4, 4]
