"""Pairs that are made: what damage does, and that a pair is a function of the seed and the position."""

import albumentations
import numpy as np
import pytest
import torch
from PIL import Image

from translate.data.augmentation import Augmentation
from translate.data.damage import DAMAGES, HOLE, damage
from translate.data.folders import Dataset
from translate.data.layouts import open_single
from translate.data.made import Made, MadePairs, held_out_squares, make_pairs
from translate.data.store import Store
from translate.errors import DataError, SettingsError


def picture(side=64, seed=0):
    rows, columns = np.mgrid[:side, :side]
    random = np.random.default_rng(seed)
    waves = [127 + 100 * np.sin(random.uniform(0.1, 0.5) * rows + random.uniform(0.1, 0.5) * columns) for _ in range(3)]
    return np.dstack(waves).astype(np.uint8)


def done(name, seed=0, **shape):
    return damage(name).do(picture(**shape), np.random.default_rng(seed))


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_a_pure_function_that_keeps_the_size(name):
    for side in (32, 45, 64):
        before = picture(side)
        one, same = (damage(name).do(before, np.random.default_rng(1)) for _ in range(2))
        assert (one.shape, one.dtype) == (before.shape, np.uint8)
        assert np.array_equal(one, same)
        assert np.array_equal(before, picture(side))
        assert not np.array_equal(one, before)


@pytest.mark.parametrize("name", ["holes", "worn", "worn-twice"])
def test_damage_that_is_drawn_differs_from_draw_to_draw(name):
    assert not np.array_equal(done(name, 0), done(name, 1))


@pytest.mark.parametrize(("name", "factor"), [("superres2", 2), ("superres4", 4)])
def test_coarse_pictures_repeat_the_pixels_of_the_small_one(name, factor):
    coarse = done(name)
    small = coarse[::factor, ::factor]
    assert np.array_equal(small.repeat(factor, 0).repeat(factor, 1), coarse)


def test_holes_are_marked_and_the_rest_stays():
    shares = []
    for seed in range(20):
        holed = done("holes", seed)
        hole = (holed == HOLE).all(axis=2)
        assert np.array_equal(holed[~hole], picture()[~hole])
        shares.append(hole.mean())
    assert min(shares) > 0.02
    assert max(shares) <= 0.25


def test_grey_is_the_luma_and_edges_are_black_on_white():
    grey = done("colour").astype(int)
    assert (grey == grey[..., :1]).all()
    assert np.abs(grey[..., 0] - picture() @ np.array([0.299, 0.587, 0.114])).max() <= 1
    assert set(np.unique(done("edges"))) == {0, 255}


def test_unknown_damage_is_refused():
    with pytest.raises(SettingsError, match=r"no damage 'hole'.*holes"):
        damage("hole")


# Datasets and batches


class Pictures:
    def __len__(self):
        return 6

    def __getitem__(self, index):
        return picture(40, index)

    def name(self, index):
        return f"{index}.png"

    def fingerprint(self):
        return "six"


def batches(made, seed=0):
    settings = Augmentation(size=32, made=made)
    pairs = make_pairs(Dataset("photos", {"pictures": Pictures()}), settings.made)
    whole = pairs.target
    return MadePairs({whole: Store(whole, pairs.train[whole], settings)}, settings, 4, seed), pairs


@pytest.mark.parametrize("made", DAMAGES)
def test_pairs_are_a_function_of_the_seed_and_the_position(made):
    one, (other, pairs) = batches(made)[0], batches(made)
    assert pairs.paired
    assert list(pairs.train) == [damage(made).damaged, damage(made).whole]
    for n, batch in zip((3, 4), one.stream(3, 5, workers=2), strict=True):
        assert all(torch.equal(batch[name], other[n][name]) for name in "xy")
    assert one[0]["x"].shape == one[0]["y"].shape == (4, 3, 32, 32)
    assert not torch.equal(one[0]["y"], batches(made, seed=1)[0][0]["y"])


def test_damage_is_done_to_the_crop_and_to_what_is_shown():
    made, pairs = batches("superres4")
    for x in (made[0]["x"][0].permute(1, 2, 0).numpy(), held_out_squares(pairs, "coarse", 1, 32)[0]):
        assert np.array_equal(x[::4, ::4].repeat(4, 0).repeat(4, 1), x)
    assert len(made.pictures("coarse", 3)) == 3


def test_holes_are_drawn_anew_in_each_epoch_and_stay_in_test_pictures():
    made, pairs = batches("holes")
    marks = {made[n]["x"].eq(torch.tensor(HOLE).view(1, 3, 1, 1)).all(1).sum().item() for n in range(6)}
    assert len(marks) > 3
    holed = pairs.train["holed"]
    assert isinstance(holed, Made)
    assert np.array_equal(holed[2], holed[2])
    assert holed.fingerprint() != Pictures().fingerprint()


def test_own_transforms_make_pairs_and_are_refused_where_they_change_the_size(tmp_path):
    albumentations.save(albumentations.Compose([albumentations.GaussNoise(p=1.0)]), tmp_path / "noise.json")
    made, _ = batches(str(tmp_path / "noise.json"))
    assert torch.equal(made[0]["x"], made[0]["x"])
    assert not torch.equal(made[0]["x"], made[0]["y"])
    albumentations.save(albumentations.Compose([albumentations.Resize(8, 8)]), tmp_path / "small.json")
    with pytest.raises(SettingsError, match=r"data.made must keep the size"):
        batches(str(tmp_path / "small.json"))[0][0]
    with pytest.raises(SettingsError, match=r"which the setting data.made names"):
        batches(str(tmp_path / "gone.json"))


def test_a_folder_becomes_one_collection_with_test_pictures(tmp_path):
    for number in range(20):
        Image.fromarray(picture(32, number)).save(tmp_path / f"{number}.png")
    found = make_pairs(open_single(tmp_path, "pictures"), "colour")
    assert [len(found.train["grey"]), len(found.test["grey"])] == [18, 2]
    with pytest.raises(DataError, match="There is no folder"):
        open_single(tmp_path / "gone", "pictures")


def test_several_domains_without_a_target_are_refused():
    with pytest.raises(DataError, match=r"one collection of pictures; three has a, b, c\. Name a folder"):
        make_pairs(Dataset("three", dict.fromkeys("abc", Pictures())), "colour")
