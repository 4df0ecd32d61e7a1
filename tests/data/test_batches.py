import os
import threading

import numpy as np
import pytest
import torch

from translate.data import store
from translate.data.augmentation import Augmentation
from translate.data.batches import UnpairedBatches
from translate.data.store import Store
from translate.errors import ImageDecodeError, SettingsError


class Painted:
    """Pictures in memory; `None` is one that cannot be decoded."""

    def __init__(self, pictures):
        self.pictures = list(pictures)

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        if self.pictures[index] is None:
            raise ImageDecodeError(f"{self.name(index)} cannot be decoded: it is broken.")
        return self.pictures[index]

    def name(self, index):
        return f"{index}.png"

    def fingerprint(self):
        return "painted"


def plain(value, side=36):
    return np.full((side, side, 3), value, np.uint8)


def coordinates(side=36):
    """A picture whose red is its row and whose green is its column."""
    rows, columns = np.mgrid[:side, :side]
    return np.stack([rows, columns, np.zeros_like(rows)], axis=2).astype(np.uint8)


def crop_of(picture):
    """Read off a batch's picture (3, S, S) of `coordinates` where it was cropped and whether it was flipped."""
    red, green, _ = picture.numpy().astype(int)
    flipped = bool(green[0, 0] > green[0, -1])
    top, left = red[0, 0], green.min()
    size = picture.shape[-1]
    straight = green[:, ::-1] if flipped else green
    assert (red == top + np.arange(size)[:, None]).all()
    assert (straight == left + np.arange(size)).all()
    return int(top), int(left), flipped


def make(a, b, batch=1, seed=0, **augmentation):
    settings = Augmentation(**{"size": 32, **augmentation})
    stores = {"A": Store("A", Painted(a), settings), "B": Store("B", Painted(b), settings)}
    return UnpairedBatches(stores, settings, batch, seed)


def numbered(count, start=0):
    return [plain(start + index) for index in range(count)]


def noise(count, seed, side=48):
    random = np.random.default_rng(seed)
    return [random.integers(0, 256, (side, side, 3), np.uint8) for _ in range(count)]


def values(made, steps, domain):
    """The first pixel of every picture of `domain`: the number of a plain picture."""
    return [int(picture[0, 0, 0]) for n in steps for picture in made[n][domain]]


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[domain], second[domain]) for domain in first)


@pytest.mark.parametrize("workers", [0, 1, 4])
@pytest.mark.parametrize("start", [0, 5])
@pytest.mark.fault("R-31")
def test_batches_do_not_depend_on_workers_nor_on_where_the_run_starts(workers, start):
    expected = make(noise(5, 1), noise(7, 2), batch=2, colour=0.5)
    streamed = list(make(noise(5, 1), noise(7, 2), batch=2, colour=0.5).stream(start, 12, workers))
    assert len(streamed) == 12 - start
    for n, found in enumerate(streamed, start):
        assert same(found, expected[n])


@pytest.mark.fault("R-28", "R-30")
def test_what_prepares_batches_is_threads_of_this_process(monkeypatch):
    """So none of them can be killed alone, and nothing lies in shared memory."""
    seen = []

    class Watched(Painted):
        def __getitem__(self, index):
            seen.append((os.getpid(), threading.current_thread()))
            return super().__getitem__(index)

    monkeypatch.setattr(store, "MEMORY", 0)  # so that pictures are read when they are drawn
    stores = {domain: Store(domain, Watched(noise(3, 1)), Augmentation(size=32)) for domain in "AB"}
    for _ in UnpairedBatches(stores, Augmentation(size=32), 1, 0).stream(0, 6, workers=2):
        pass
    assert {process for process, _ in seen} == {os.getpid()}
    assert threading.main_thread() not in {thread for _, thread in seen}


def test_batches_do_not_depend_on_the_order_in_which_they_are_asked_for():
    made = make(noise(3, 1), noise(4, 2), colour=1.0)
    forwards = [made[n] for n in range(9)]
    for n in (8, 0, 3, 3, 7):
        assert same(made[n], forwards[n])


@pytest.mark.parametrize("change", ["seed", "step"])
def test_another_seed_and_another_step_give_another_batch(change):
    made = make(noise(3, 1), noise(3, 2))
    other = make(noise(3, 1), noise(3, 2), seed=1)[0] if change == "seed" else made[1]
    assert all(not torch.equal(made[0][domain], other[domain]) for domain in "AB")


def test_a_batch_is_uint8_with_channels_in_front_and_does_not_share_memory_with_the_store():
    made = make(numbered(2), numbered(2, 100), batch=3, load=32)
    batch = made[0]
    assert list(batch) == ["A", "B"]
    assert all(pictures.shape == (3, 3, 32, 32) and pictures.dtype == torch.uint8 for pictures in batch.values())
    batch["A"].fill_(255)
    assert max(values(made, range(4), "A")) < 2


def test_the_first_domain_is_a_permutation_in_each_epoch_and_a_new_one_each_time():
    made = make(numbered(20), numbered(12, 100), batch=4)
    assert made.steps_per_epoch == 5
    epochs = [values(made, range(5 * epoch, 5 * epoch + 5), "A") for epoch in range(3)]
    assert all(sorted(epoch) == list(range(20)) for epoch in epochs)
    assert len(set(map(tuple, epochs))) == 3


def test_the_second_domain_is_drawn_uniformly_with_replacement():
    made = make(numbered(50), numbered(10, 100))
    counts = np.bincount(values(made, range(400), "B"), minlength=110)[100:]
    assert counts.sum() == 400
    assert 20 < counts.min() <= counts.max() < 65  # 40 expected, standard deviation 6
    assert counts.min() < counts.max()  # a permutation would have 40 of each


@pytest.mark.fault("R-40")
def test_an_epoch_is_as_long_as_the_larger_domain_and_the_smaller_first_one_goes_round():
    made = make(numbered(3), numbered(9, 100), batch=2)
    assert made.steps_per_epoch == 5
    found = values(make(numbered(3), numbered(9, 100)), range(9), "A")
    assert sorted(found) == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_batches_that_do_not_divide_an_epoch_run_over_its_end():
    made = make(numbered(5), numbered(2, 100), batch=2)
    found = values(made, range(5), "A")
    assert sorted(found[:5]) == sorted(found[5:]) == list(range(5))


@pytest.mark.parametrize("counts", [(1, 1), (1, 4), (4, 1)])
@pytest.mark.fault("R-41")
def test_a_domain_with_one_picture_works(counts):
    made = make(numbered(counts[0]), numbered(counts[1], 100), batch=2)
    for batch in made.stream(0, 6, workers=2):
        assert set(batch["A"].unique().tolist()) <= set(range(counts[0]))
        assert set(batch["B"].unique().tolist()) <= set(range(100, 100 + counts[1]))


def test_both_domains_and_all_pictures_of_a_batch_are_cropped_independently():
    made = make([coordinates(48)], [coordinates(48)], batch=6, load=48)
    batch = made[0]
    crops = {domain: [crop_of(picture)[:2] for picture in batch[domain]] for domain in "AB"}
    assert all(crops["A"][index] != crops["B"][index] for index in range(6))
    assert all(len(set(crops[domain])) == 6 for domain in "AB")


def test_crops_reach_every_place_uniformly():
    made = make([coordinates()], [coordinates()], batch=8)
    crops = [crop_of(picture) for n in range(40) for domain in "AB" for picture in made[n][domain]]
    for axis in (0, 1):
        counts = np.bincount([crop[axis] for crop in crops], minlength=5)
        assert len(counts) == 5
        assert 90 < counts.min() <= counts.max() < 175  # 128 expected, standard deviation 10


@pytest.mark.parametrize(("flip", "least", "most"), [(0.0, 0, 0), (0.5, 0.44, 0.56), (1.0, 1, 1)])
def test_pictures_are_flipped_as_often_as_the_settings_say(flip, least, most):
    made = make([coordinates()], [coordinates()], batch=8, flip=flip)
    flips = [crop_of(picture)[2] for n in range(40) for domain in "AB" for picture in made[n][domain]]
    assert least <= np.mean(flips) <= most


@pytest.mark.parametrize(
    ("size", "load", "expected"),
    [(256, None, 286), (128, None, 143), (64, None, 72), (32, None, 36), (64, 100, 100), (64, 32, 64)],
)
def test_pictures_are_loaded_at_286_256ths_of_the_crop(size, load, expected):
    assert Augmentation(size=size, load=load).load_size == expected


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"size": 10}, "size is wrong: .*; found 10"),
        ({"size": 28}, "size is wrong: .*at least 32 pixels; found 28"),
        ({"size": 66}, "size is wrong: .*multiple of 4 .*found 66"),
        ({"flip": 1.5}, "flip is wrong"),
        ({"crop": 64}, "Unknown setting crop"),
    ],
)
def test_wrong_settings_are_refused_with_a_sentence(tree, sentence):
    with pytest.raises(SettingsError, match=sentence):
        Augmentation.parse(tree)


def test_a_domain_that_does_not_fit_into_memory_gives_the_same_batches(monkeypatch):
    held = [make(noise(5, 1), noise(7, 2), batch=2)[n] for n in range(8)]
    monkeypatch.setattr(store, "MEMORY", 0)
    read = make(noise(5, 1), noise(7, 2), batch=2)
    assert all(same(batch, held[n]) for n, batch in enumerate(read.stream(0, 8, workers=2)))


@pytest.mark.fault("R-37")
def test_a_picture_that_breaks_while_training_is_replaced_by_the_next(monkeypatch):
    monkeypatch.setattr(store, "MEMORY", 0)
    pictures, settings = Painted(numbered(200)), Augmentation(size=32)
    made = UnpairedBatches({"A": Store("A", pictures, settings)}, settings, 200, 0)
    before, names = values(made, [0], "A"), made.names(0)["A"]
    pictures.pictures[1] = pictures.pictures[199] = None
    standing_in = {1: 2, 199: 0}
    assert values(made, [0], "A") == [standing_in.get(value, value) for value in before]
    assert made.names(0)["A"] == [f"{standing_in.get(value, value)}.png" for value in before]
    assert names == [f"{value}.png" for value in before]
    assert sorted(made.unreadable) == [f"{number}.png cannot be decoded: it is broken." for number in (1, 199)]


def test_colour_augmentation_changes_colours_and_nothing_else():
    picture = noise(1, 3)[0]
    plainly = make([picture], [picture], batch=8, load=48)
    coloured = make([picture], [picture], batch=8, load=48, colour=1.0)
    changed = 0
    for n in range(3):
        for before, after in zip(plainly[n]["A"].numpy(), coloured[n]["A"].numpy(), strict=True):
            changed += not np.array_equal(before, after)
            correlation = np.corrcoef(before.mean(0).ravel(), after.mean(0).ravel())[0, 1]
            assert correlation > 0.6  # another crop or flip of noise has none
    assert 12 <= changed <= 24  # four fifths of 24


def test_augmenting_leaves_the_held_pictures_as_they_are():
    settings = Augmentation(size=32, load=32, colour=1.0, flip=1.0)
    stores = {domain: Store(domain, Painted(noise(2, 4, 32)), settings) for domain in "AB"}
    before = [stores["A"].read(number).copy() for number in range(2)]
    made = UnpairedBatches(stores, settings, 2, 0)
    for n in range(6):
        made[n]
    np.testing.assert_array_equal([stores["A"].read(number) for number in range(2)], before)


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.fault("R-22")
def test_batches_know_the_names_of_their_pictures(batch):
    """Of plain pictures the first pixel is the number."""
    made = make(numbered(5), [None, *numbered(99)], batch=batch)  # the first of B cannot be read
    for n in range(9):
        names = {domain: [int(name.removesuffix(".png")) for name in names] for domain, names in made.names(n).items()}
        assert names == {"A": values(made, [n], "A"), "B": [value + 1 for value in values(made, [n], "B")]}


class Watched(UnpairedBatches):
    """Batches that remember which of them were made."""

    def __getitem__(self, n):
        self.__dict__.setdefault("made", set()).add(n)
        return super().__getitem__(n)


def test_a_stream_prepares_no_more_than_is_wanted():
    settings = Augmentation(size=32)
    watched = Watched({domain: Store(domain, Painted(noise(3, 1)), settings) for domain in "AB"}, settings, 1, 0)
    assert len(list(watched.stream(2, 5, workers=2))) == 3
    assert watched.made == {2, 3, 4}
    stream = watched.stream(100, 1000, workers=2)
    next(stream)
    stream.close()
    assert max(watched.made) <= 105
