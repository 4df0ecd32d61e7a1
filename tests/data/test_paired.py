"""Batches of pairs: what belongs together stays together."""

import albumentations
import numpy as np
import pytest
import torch

from translate.data import store
from translate.data.augmentation import Augmentation
from translate.data.batches import PairedBatches, batches_for
from translate.data.folders import Dataset, Files
from translate.data.store import Store
from translate.errors import DataError, ImageDecodeError, SettingsError


class Pictures:
    """Pictures of noise, the same for the same number; in `negative` ones black is white."""

    def __init__(self, count, negative=False):
        self.count, self.negative, self.broken = count, negative, set()

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index in self.broken:
            raise ImageDecodeError(f"{self.name(index)} is torn.")
        picture = np.random.default_rng(index).integers(0, 256, (36, 36, 3), np.uint8)
        return 255 - picture if self.negative else picture

    def name(self, index):
        return f"{'negative' if self.negative else 'positive'} {index}"

    def fingerprint(self):
        return f"{self.count} {self.negative}"


def make(positive, negative, batch=4, seed=0, **augmentation):
    settings = Augmentation(size=32, **augmentation)
    dataset = Dataset("film", {"positive": positive, "negative": negative}, paired=True)
    stores = {domain: Store(domain, pictures, settings) for domain, pictures in dataset.train.items()}
    return batches_for("paired", dataset)(stores, settings, batch, seed)


def paired(batch):
    return torch.equal(batch["x"], 255 - batch["y"])


@pytest.mark.parametrize("load", [32, 36])
@pytest.mark.fault("R-32")
def test_both_of_a_pair_are_cropped_turned_and_flipped_alike(load):
    made = make(Pictures(5), Pictures(5, negative=True), load=load, rotation=20, affine=1.0)
    batches = [made[n] for n in range(5)]
    assert all(batch["x"].shape == batch["y"].shape == (4, 3, 32, 32) for batch in batches)
    # Interpolation rounds, and a bicubic one overshoots: both are the same but for that.
    apart = [(batch["x"].int() - (255 - batch["y"].int())).abs().max() for batch in batches]
    assert max(apart) <= 1
    assert not torch.equal(batches[0]["x"], batches[1]["x"])


@pytest.mark.fault("R-32")
def test_crops_and_flips_alone_keep_every_bit():
    made = make(Pictures(5), Pictures(5, negative=True))
    assert all(paired(made[n]) for n in range(10))


@pytest.mark.fault("R-32")
def test_colours_are_changed_in_both_of_a_pair_or_in_neither():
    made, plain = ([make(Pictures(8), Pictures(8), colour=colour)[n] for n in range(6)] for colour in (1.0, 0.0))
    assert all(torch.equal(batch["x"], batch["y"]) for batch in made)
    pairs = zip(made, plain, strict=True)
    changed = [not torch.equal(m["x"][place], p["x"][place]) for m, p in pairs for place in range(4)]
    assert 0 < sum(changed) < len(changed)


@pytest.mark.fault("R-32")
def test_the_users_own_transforms_are_the_same_for_both():
    steps = [albumentations.Rotate(90, p=1.0), albumentations.RandomGamma(p=0.5), albumentations.GaussNoise(p=0.5)]
    made = make(Pictures(4), Pictures(4), transforms=albumentations.to_dict(albumentations.Compose(steps)))
    assert all(torch.equal(made[n]["x"], made[n]["y"]) for n in range(8))


@pytest.mark.parametrize("memory", [store.MEMORY, 0])
@pytest.mark.fault("R-32", "R-37")
def test_a_broken_picture_takes_its_partner_with_it(monkeypatch, memory):
    monkeypatch.setattr(store, "MEMORY", memory)
    positive, negative = Pictures(200), Pictures(200, negative=True)
    positive.broken, negative.broken = {3, 4}, {7}
    made = make(positive, negative, batch=200)
    whole = [number for number in range(200) if number not in (3, 4, 7)]
    assert made.counts == [len(whole) if memory else 200]
    assert paired(made[0])
    assert len(made.unreadable) == 3
    names = made.names(0)
    assert [name.replace("positive", "negative") for name in names["positive"]] == names["negative"]
    assert {int(name.split()[1]) for name in names["positive"]} == set(whole)


def test_an_epoch_goes_through_all_pairs_in_a_new_order():
    made = make(Pictures(12), Pictures(12, negative=True))
    assert made.steps_per_epoch == 3
    epochs = [[name for n in range(3 * epoch, 3 * epoch + 3) for name in made.names(n)["positive"]] for epoch in (0, 1)]
    assert len(set(epochs[0])) == 12
    assert sorted(epochs[0]) == sorted(epochs[1])
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize("workers", [1, 4])
def test_pairs_do_not_depend_on_workers_nor_on_where_the_run_starts(workers):
    made = make(Pictures(5), Pictures(5, negative=True), colour=0.5)
    for n, batch in zip(range(3, 9), made.stream(3, 9, workers), strict=True):
        assert all(torch.equal(batch[name], made[n][name]) for name in "xy")


def test_noise_looks_like_a_batch():
    batch, noise = make(Pictures(3), Pictures(3))[0], PairedBatches.noise(["a", "b"], 4, 32)
    assert list(noise) == list(batch) == ["x", "y"]
    assert all(noise[name].shape == batch[name].shape and noise[name].dtype == batch[name].dtype for name in "xy")
    assert PairedBatches.pictures_per_epoch([7, 7]) == 7


def test_domains_of_different_sizes_are_no_pairs():
    with pytest.raises(DataError, match="equally many pictures; found 3 of positive, 4 of negative"):
        make(Pictures(3), Pictures(4))


def test_a_method_that_needs_pairs_refuses_a_dataset_without_any():
    with pytest.raises(DataError, match="learns from pairs of pictures, and film has none"):
        batches_for("paired", Dataset("film", {"a": Pictures(3), "b": Pictures(3)}))


def test_no_pair_is_torn_by_holding_out(tmp_path):
    files = Files(tmp_path, tuple(tmp_path / f"{number}.png" for number in range(9)), 0)
    with pytest.raises(SettingsError, match="those of film are pairs"):
        Dataset("film", {"a": files, "b": files}, paired=True).holding_out(2)
