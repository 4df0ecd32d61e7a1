"""Pictures with attributes, in CelebA's layout."""

import random

import numpy as np
import pytest

from translate import images
from translate.data.celeba import CHOSEN, read_list, split
from translate.data.layouts import open_folder
from translate.errors import DataError, SettingsError

NAMES = ("Bald", *CHOSEN, "Smiling")


def write(root, count=30, names=NAMES, folder="img_align_celeba"):
    """Write `count` pictures, the n-th of grey level n, whose attribute k says whether bit k of n is set."""
    lines = [str(count), " ".join(names)]
    for n in range(count):
        images.write_pixels(np.full((8, 8, 3), n, np.uint8), root / folder / f"{n:06d}.png")
        lines.append(f"{n:06d}.png  " + " ".join("1" if n >> k & 1 else "-1" for k in range(len(names))))
    (root / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def test_the_five_of_the_paper_are_chosen_and_belong_to_their_pictures(tmp_path):
    dataset = open_folder(write(tmp_path / "faces"))
    assert dataset.name == "faces"
    assert dataset.target == ""
    assert dataset.domains == dataset.attributes == CHOSEN
    pictures, has = dataset.train["img_align_celeba"], dataset.labels("img_align_celeba")
    assert has.shape == (len(pictures), 5) == (27, 5)
    for index in range(len(pictures)):
        n = int(pictures[index][0, 0, 0])
        assert pictures.name(index) == f"{n:06d}.png"
        assert has[index].tolist() == [n >> k & 1 for k in range(1, 6)]
    held_out, had = dataset.test["img_align_celeba"], dataset.labels("img_align_celeba", "test")
    assert had.shape == (len(held_out), 5) == (3, 5)
    assert had.tolist() == [[int(held_out[index][0, 0, 0]) >> k & 1 for k in range(1, 6)] for index in range(3)]


def test_attributes_are_chosen_by_name_and_in_order(tmp_path):
    attributes, listed = read_list(write(tmp_path) / "list_attr_celeba.txt", ["Smiling", "Bald"])
    assert attributes == ("Smiling", "Bald")
    assert listed.labels.tolist() == [[n >> 6 & 1, n & 1] for n in range(30)]


@pytest.mark.fault("F-2")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_is_decoded_by_its_byte_order_mark(tmp_path, encoding):
    path = write(tmp_path, count=3, names=("Hut", "Brille_über")) / "list_attr_celeba.txt"
    path.write_text(path.read_text(encoding="utf-8"), encoding=encoding)
    attributes, listed = read_list(path)
    assert attributes == ("Hut", "Brille_über")
    assert listed.names == ("000000.png", "000001.png", "000002.png")


@pytest.mark.fault("F-2")
def test_a_list_in_another_encoding_is_refused_with_what_to_do(tmp_path):
    path = write(tmp_path, count=3, names=("Hut", "Brille_über")) / "list_attr_celeba.txt"
    path.write_text(path.read_text(encoding="utf-8"), encoding="latin-1")
    with pytest.raises(DataError, match=r"Cannot read the list of attributes .*It must be text in UTF-8\."):
        read_list(path)


def test_without_the_five_all_are_taken(tmp_path):
    assert read_list(write(tmp_path, names=("Hat", "Scarf")) / "list_attr_celeba.txt")[0] == ("Hat", "Scarf")


def test_the_split_is_the_official_one(tmp_path):
    """Its rule, from StarGAN's data loader: shuffled lines 1 .. 1999 are the test pictures."""
    lines = ["30000", "Hat"] + [f"{n}.jpg {1 if n % 3 else -1}" for n in range(30000)]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    train, test = split(read_list(tmp_path / "list.txt")[1])
    order = lines[2:]
    random.seed(1234)
    random.shuffle(order)
    assert list(test.names) == [line.split()[0] for line in order[:1999]]
    assert list(train.names) == [line.split()[0] for line in order[1999:]]
    assert test.labels[:, 0].tolist() == [float(line.split()[1] == "1") for line in order[:1999]]


def test_other_folders_may_lie_beside_the_pictures(tmp_path):
    write(tmp_path, folder="images")
    images.write_pixels(np.zeros((8, 8, 3), np.uint8), tmp_path / "masks" / "0.png")
    assert list(open_folder(tmp_path).train) == ["images"]


@pytest.mark.parametrize("folders", [[], ["one", "two"]])
def test_the_folder_of_the_pictures_must_be_clear(tmp_path, folders):
    write(tmp_path)
    (tmp_path / "img_align_celeba").rename(tmp_path.parent / f"{tmp_path.name}-away")
    for folder in folders:
        (tmp_path / folder).mkdir()
    with pytest.raises(DataError, match=f"must be one folder .* found {', '.join(folders) or 'none'}"):
        open_folder(tmp_path)


def test_missing_pictures_are_named(tmp_path):
    write(tmp_path)
    (tmp_path / "img_align_celeba" / "000007.png").unlink()
    with pytest.raises(DataError, match=r"lists 1 pictures that are not in .*, the first 000007\.png"):
        open_folder(tmp_path)


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        (["Yuong"], r"no attribute 'Yuong'\. Did you mean Young\? Known: Bald, Black_Hair"),
        (["Young", "Young"], "each attribute once"),
        ([], "at least one"),
    ],
)
def test_wrong_attributes_are_refused(tmp_path, attributes, sentence):
    write(tmp_path)
    with pytest.raises(SettingsError, match=sentence):
        open_folder(tmp_path, attributes=attributes)


def test_attributes_need_a_list(tmp_path):
    for domain in "AB":
        images.write_pixels(np.zeros((8, 8, 3), np.uint8), tmp_path / domain / "0.png")
    with pytest.raises(SettingsError, match=r"needs the file list_attr_celeba\.txt"):
        open_folder(tmp_path, attributes=["Young"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is no list of attributes"),
        ("two\nHat\na.png 1\n", "is no list of attributes"),
        ("1\nHat Scarf\na.png 1\n", "Line 3 of .* is not a name and 2 values"),
        ("1\nHat\na.png yes\n", "Line 3 of .* is not a name and 1 values"),
        ("2\nHat\na.png 1\n", "promises 2 pictures and lists 1"),
    ],
)
def test_broken_lists_are_refused_with_the_place(tmp_path, text, sentence):
    (tmp_path / "list_attr_celeba.txt").write_text(text)
    with pytest.raises(DataError, match=sentence):
        read_list(tmp_path / "list_attr_celeba.txt")


def test_a_list_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "list_attr_celeba.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="Cannot read the list"):
        read_list(tmp_path / "list_attr_celeba.txt")
