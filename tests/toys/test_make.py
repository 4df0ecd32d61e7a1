import json

import numpy as np
import pytest

from translate import cards, images
from translate.data.check import check
from translate.data.layouts import open_folder
from translate.data.pairs import open_pairs
from translate.errors import OutputError, SettingsError
from translate.toys.catalogue import draw
from translate.toys.make import make

CARD = cards.dataset("toy-horse2zebra")


def made(folder, count=5, size=32, seed=0):
    return list(make(CARD, folder, count, size, seed))


def files(folder):
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("count", "test"), [(1, 1), (4, 1), (10, 2)])
def test_the_folder_is_a_dataset_with_a_fifth_as_many_test_pictures(tmp_path, count, test):
    paths = made(tmp_path / "drawn", count)
    dataset = open_folder(tmp_path / "drawn")
    assert {domain: len(pictures) for domain, pictures in dataset.train.items()} == {"A": count, "B": count}
    assert {domain: len(pictures) for domain, pictures in dataset.test.items()} == {"A": test, "B": test}
    assert len(paths) == len(set(paths)) == 2 * (count + test)
    assert all(path.is_file() for path in paths)
    assert not any("cannot be read" in finding.what for finding in check(dataset))


def test_pictures_masks_and_parameters_are_those_that_were_drawn(tmp_path):
    made(tmp_path, seed=3)
    for folder, domain, split, count in (
        ("trainA", "horse", "train", 5), ("trainB", "zebra", "train", 5),
        ("testA", "horse", "test", 1), ("testB", "zebra", "test", 1),
    ):  # fmt: skip
        drawn = draw(CARD.name, domain, split, count, 32, seed=3)
        lines = (tmp_path / "parameters" / f"{folder}.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(lines) == count
        for index, line in enumerate(map(json.loads, lines)):
            sample, name = drawn.sample(index), drawn.name(index)
            np.testing.assert_array_equal(images.read(tmp_path / folder / name).rgb, sample.image)
            mask = images.read(tmp_path / "masks" / folder / name).rgb
            np.testing.assert_allclose(mask[..., 0] / 255, sample.mask, atol=0.5 / 255 + 1e-6)
            assert line == {"file": name, **sample.parameters}


def test_the_same_words_write_the_same_bytes_and_another_seed_others(tmp_path):
    for folder, seed in (("one", 0), ("two", 0), ("three", 1)):
        made(tmp_path / folder, count=2, seed=seed)
    one, two, three = (files(tmp_path / folder) for folder in ("one", "two", "three"))
    assert one.keys() == two.keys() == three.keys()
    assert len(one) == 2 * 2 * (2 + 1) + 4
    assert all(one[name].read_bytes() == two[name].read_bytes() for name in one)
    assert all(one[name].read_bytes() != three[name].read_bytes() for name in one)


def test_faces_are_written_with_a_list_of_their_attributes(tmp_path):
    card = cards.dataset("toy-faces")
    paths = list(make(card, tmp_path / "faces", 25, 32, seed=2))
    assert len(paths) == len(set(paths)) == 30
    drawn = draw(card.name, "face", "train", 30, 32, seed=2)
    lines = (tmp_path / "faces" / "parameters" / "images.jsonl").read_text(encoding="utf-8").splitlines()
    for index, line in enumerate(map(json.loads, lines)):
        sample = drawn.sample(index)
        assert line == {"file": drawn.name(index), **sample.parameters, **sample.attributes}
    assert len(lines) == 30

    dataset = open_folder(tmp_path / "faces")
    assert dataset.attributes == tuple(drawn.attributes(0))
    assert len(dataset.test["images"]) == 3
    for index, has in enumerate(dataset.has):
        place = int(dataset.train["images"].name(index).removesuffix(".png"))
        assert has.tolist() == list(drawn.attributes(place).values())
        np.testing.assert_array_equal(dataset.train["images"][index], drawn[place])


def test_three_domains_are_written_by_their_names(tmp_path):
    paths = list(make(cards.dataset("toy-faces-hair"), tmp_path / "hair", 5, 32, seed=0))
    assert len(paths) == 3 * (5 + 1)
    dataset = open_folder(tmp_path / "hair")
    assert dataset.domains == ("black", "blond", "red")
    assert {len(files) for files in dataset.train.values()} == {5}
    assert {len(files) for files in dataset.test.values()} == {1}
    np.testing.assert_array_equal(dataset.train["red"][3], draw("toy-faces-hair", "red", "train", 5, 32)[3])


def test_the_size_is_that_of_the_pictures(tmp_path):
    paths = made(tmp_path, count=1, size=44)
    assert all(images.probe(path)[:2] == (44, 44) for path in paths)


@pytest.mark.parametrize("kind", ["folder with a file", "folder with a folder", "file"])
def test_what_is_already_there_is_left_alone(tmp_path, kind):
    place = tmp_path / "there"
    if kind == "file":
        place.write_text("mine")
    else:
        (place / "below").mkdir(parents=True)
        if kind == "folder with a file":
            (place / "mine.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputError, match=r"there is not an empty folder\. Choose a new one") as caught:
        made(place)
    assert caught.value.exit_code == 7
    assert sorted(tmp_path.rglob("*")) == before


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "empty").mkdir()
    assert made(tmp_path / "empty", count=1)


def test_too_small_pictures_are_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(SettingsError, match="at least 32 pixels; found 31"):
        made(tmp_path / "drawn", size=31)
    assert not (tmp_path / "drawn").exists()


def test_a_stopped_drawing_leaves_nothing(tmp_path):
    drawing = make(CARD, tmp_path / "toy", 3, 32, 0)
    next(drawing)
    drawing.close()
    assert list(tmp_path.iterdir()) == []


def test_pairs_are_written_under_equal_names(tmp_path):
    list(make(cards.dataset("toy-edges2shoes"), tmp_path, 3, 32, 0, paired=True))
    for split, count in (("train", 3), ("test", 1)):
        for n in range(count):
            masks = [images.read(tmp_path / f"masks/{split}{letter}/{n:05d}.png").rgb for letter in "AB"]
            np.testing.assert_array_equal(*masks)
    assert open_pairs(tmp_path).paired
