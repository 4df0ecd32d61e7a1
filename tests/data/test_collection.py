"""Collections for methods that draw: one folder, one of several domains, or all together."""

import numpy as np
import pytest

from translate import images
from translate.data.collection import one_collection, open_collection
from translate.errors import DataError, SettingsError


@pytest.fixture
def root(tmp_path):
    def fill(*names):
        for number, name in enumerate(names):
            images.write_pixels(np.full((8, 8, 3), number, np.uint8), tmp_path / "digits" / name)
        return tmp_path / "digits"

    return fill


def names(dataset):
    return {domain: [pictures.name(i) for i in range(len(pictures))] for domain, pictures in dataset.train.items()}


def test_a_folder_of_pictures_is_one_collection(root):
    dataset = open_collection(root("a.png", "b.png"))
    assert names(dataset) == {"digits": ["a.png", "b.png"]}
    assert names(one_collection(dataset, None, "dcgan")) == names(dataset)


def test_loose_pictures_make_folders_beside_them_part_of_the_collection(root):
    assert names(open_collection(root("a.png", "x/b.png", "y/c.png"))) == {"digits": ["a.png", "x/b.png", "y/c.png"]}


def test_folders_called_train_and_test_are_parts_of_it(root):
    dataset = open_collection(root("train/a.png", "train/b.png", "test/c.png"))
    assert names(dataset) == {"digits": ["train/a.png", "train/b.png"]}
    assert len(dataset.test["digits"]) == 1


def test_of_several_domains_one_is_named_or_all_are_one(root):
    dataset = open_collection(root("one/a.png", "one/b.png", "two/c.png", "two/d.png"))
    assert list(dataset.train) == ["one", "two"]
    with pytest.raises(DataError, match=r"digits has one, two\. Name one with --set data\.only=one"):
        one_collection(dataset, None, "dcgan")
    with pytest.raises(SettingsError, match=r"no domain 'tow' in digits\. Did you mean two\?"):
        one_collection(dataset, "tow", "dcgan")
    assert names(one_collection(dataset, "two", "dcgan")) == {"two": ["c.png", "d.png"]}
    joined = one_collection(dataset, "all", "dcgan")
    assert names(joined) == {"digits": ["one/a.png", "one/b.png", "two/c.png", "two/d.png"]}
    pictures = joined.train["digits"]
    assert [int(pictures[i][0, 0, 0]) for i in range(4)] == [0, 1, 2, 3]
    assert pictures.fingerprint() != one_collection(dataset, "two", "dcgan").train["two"].fingerprint()
    with pytest.raises(IndexError):
        pictures.name(4)
