import hashlib
import os
import shutil
import sys

import numpy as np
import pytest

from translate import images
from translate.cards import DatasetCard
from translate.data.celeba import write_list
from translate.data.folders import held_out
from translate.data.layouts import open_domains, open_folder
from translate.errors import DataError, SettingsError
from translate.toys.catalogue import open_drawn

WANTED = (
    "Wanted are the folders trainA and trainB (testA and testB as well, if you like), or train with a folder for each"
    " domain (test as well), or list_attr_celeba.txt beside one folder of pictures, or A and B, or a folder for each"
    " domain."
)


def paint(path, value=0, side=4):
    images.write_pixels(np.full((side, side, 3), value, np.uint8), path)


def names(pictures):
    return [pictures.name(index) for index in range(len(pictures))]


@pytest.mark.parametrize(
    ("folders", "train", "test"),
    [
        (["trainA", "trainB", "testA", "testB"], {"A": "trainA", "B": "trainB"}, {"A": "testA", "B": "testB"}),
        (["trainA", "trainB"], {"A": "trainA", "B": "trainB"}, {}),
        (["trainA", "trainB", "testB"], {"A": "trainA", "B": "trainB"}, {"B": "testB"}),
        (["A", "B"], {"A": "A", "B": "B"}, {}),
        (["A", "B", "testA", "testB"], {"A": "A", "B": "B"}, {"A": "testA", "B": "testB"}),
        (["A", "B", "trainA", "trainB"], {"A": "trainA", "B": "trainB"}, {}),
        (["A", "trainB", "B"], {"A": "A", "B": "B"}, {}),
        (["trainA", "trainB", "masks", ".git"], {"A": "trainA", "B": "trainB"}, {}),
    ],
)
def test_known_layouts_are_recognised_in_order(tmp_path, folders, train, test):
    for folder in folders:
        paint(tmp_path / "birds" / folder / "1.png")
    dataset = open_folder(tmp_path / "birds")
    assert dataset.name == "birds"
    assert dataset.domains == ("A", "B")
    assert dataset.target == "B"
    assert {domain: files.folder.name for domain, files in dataset.train.items()} == train
    assert {domain: files.folder.name for domain, files in dataset.test.items()} == test
    places = [f"train {domain}" for domain in train] + [f"test {domain}" for domain in test]
    assert list(dataset.places()) == places


def layout(root, *places):
    """Paint a picture at each place, and return the names of the training and test pictures by domain."""
    for place in places:
        paint(root / place, len(place))
    dataset = open_folder(root)

    def inside(sets):
        return {domain: [path.relative_to(root).as_posix() for path in files.paths] for domain, files in sets.items()}

    return inside(dataset.train), inside(dataset.test)


@pytest.mark.fault("F-4")
@pytest.mark.parametrize(
    ("train", "test"),
    [
        # what is trained on and what is not, each by domain
        ({"A": "A/trainA/1.png", "B": "B/trainB/1.png"}, {"A": "A/testA/2.png", "B": "B/testB/2.png"}),
        ({"horse": "horse/train/1.png", "zebra": "zebra/train/1.png"}, {"horse": "horse/test/2.png"}),
        ({"A": "A/Train/1.png", "B": "B/train/1.png"}, {"A": "A/VAL/2.png", "B": "B/valid/2.png"}),
        ({"A": "TrainA/1.png", "B": "TrainB/1.png"}, {"A": "TestA/2.png", "B": "TestB/2.png"}),
        ({"A": "train_a/1.png", "B": "train_b/1.png"}, {"A": "val_a/2.png", "B": "val_b/2.png"}),
        ({"horse": "train_horse/1.png", "zebra": "train_zebra/1.png"}, {"zebra": "test_zebra/2.png"}),
        ({"x": "TRAIN/x/1.png", "y": "TRAIN/y/1.png"}, {"x": "TEST/X/2.png", "y": "TEST/y/2.png"}),
        ({"x": "train/x/1.png", "y": "train/y/1.png"}, {"x": "val/x/2.png", "y": "val/y/2.png"}),
        ({"x": "training/x/1.png", "y": "training/y/1.png"}, {"x": "validation/x/2.png"}),
        ({"x": "x/1.png", "y": "y/1.png"}, {"x": "test/x/2.png", "y": "test/y/2.png"}),
        ({"A": "a/1.png", "B": "b/1.png"}, {"A": "testA/2.png"}),
        ({"x": "x/1.png", "y": "y/1.png"}, {"x": "test_x/2.png", "y": "val_y/2.png"}),
        ({"x": "x/1.png", "y": "y/1.png"}, {"x": "x/test/2.png", "y": "y/deep/../Val/2.png"}),
        ({"A": "trainA/1.png", "B": "trainB/1.png"}, {"A": "trainA/val/2.png"}),
    ],
)
def test_layouts_that_people_have_are_known(tmp_path, train, test):
    places = [place.replace("deep/../", "") for place in (*train.values(), *test.values())]
    found = layout(tmp_path, *places)
    assert found[0] == {domain: [place] for domain, place in train.items()}
    assert found[1] == {domain: [place.replace("deep/../", "")] for domain, place in test.items()}


@pytest.mark.fault("F-4")
def test_of_test_and_validation_pictures_the_former_are_measured_and_none_trained_on(tmp_path):
    places = [f"{part}{domain}/{part}.png" for part in ("train", "test", "val") for domain in "AB"]
    assert layout(tmp_path, *places)[1] == {"A": ["testA/test.png"], "B": ["testB/test.png"]}
    inner = [f"{domain}/{part}/1.png" for part in ("test", "val", "more") for domain in "xy"]
    found = layout(tmp_path / "inner", *inner)
    assert found == (
        {"x": ["x/more/1.png"], "y": ["y/more/1.png"]}, {"x": ["x/test/1.png"], "y": ["y/test/1.png"]}
    )  # fmt: skip
    notes = open_folder(tmp_path / "inner").notes
    assert notes[0] == "Domain x: what is in test, val is not trained on; test pictures are those in test."


@pytest.mark.fault("F-4")
def test_named_domains_have_their_own_parts_too(tmp_path):
    for place in ("x/train/1.png", "x/test/2.png", "x/masks/1.png", "y/1.png", "y/2020/val/2.png"):
        paint(tmp_path / place)
    dataset = open_domains({"summer": tmp_path / "x", "winter": tmp_path / "y"})
    assert names(dataset.train["summer"]) == ["train/1.png"]
    assert names(dataset.test["summer"]) == ["test/2.png"]
    assert names(dataset.train["winter"]) == ["1.png", "2020/val/2.png"]
    assert dataset.notes == (
        "Domain summer: of its folders only train is trained on.",
        "Domain summer: what is in test is not trained on; test pictures are those in test.",
        "Domain winter: 1 picture in folders called test or val are trained on.",
    )


@pytest.mark.fault("F-4")
def test_folders_without_pictures_are_no_domains(tmp_path):
    for place in ("x/1.png", "y/1.png"):
        paint(tmp_path / place)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/licence.txt").write_text("free")
    dataset = open_folder(tmp_path)
    assert dataset.domains == ("x", "y")
    assert dataset.target == "y"
    assert dataset.notes == (f"{tmp_path / 'docs'} holds no pictures and counts as no domain.",)


@pytest.mark.fault("F-4")
def test_a_domain_with_test_pictures_alone_is_refused_with_the_reason(tmp_path):
    for place in ("x/test/1.png", "y/1.png"):
        paint(tmp_path / place)
    with pytest.raises(DataError, match=r"Domain x has no training pictures: .* holds test pictures only"):
        open_folder(tmp_path)


@pytest.mark.fault("F-4")
def test_two_folders_of_one_meaning_are_refused(tmp_path):
    for place in ("trainA/1.png", "train_a/2.png", "trainB/3.png"):
        paint(tmp_path / place)
    with pytest.raises(DataError, match=r"trainA and .*train_a mean the same|train_a and .*trainA mean the same"):
        open_folder(tmp_path)


@pytest.mark.fault("F-4")
def test_a_dataset_within_the_named_folder_is_suggested(tmp_path):
    for place in ("horses/trainA/1.png", "horses/trainB/1.png"):
        paint(tmp_path / place)
    with pytest.raises(DataError, match=rf"A dataset is {tmp_path / 'horses'}: name that folder\."):
        open_folder(tmp_path)


@pytest.mark.fault("F-21")
@pytest.mark.parametrize(
    ("folders", "noted"), [(("Day 1", "Day 2", "Day 3"), True), (("x2", "y2"), False), (("horse", "zebra"), False)]
)
def test_folders_of_days_are_told_how_to_be_one_domain(tmp_path, folders, noted):
    for folder in folders:
        paint(tmp_path / folder / "1.png")
    notes = open_folder(tmp_path).notes
    expected = "The folders Day 1 to Day 3 count as domains. Where they are one, name it and the other: --domain NAME="
    assert bool(notes) is noted
    assert all(note.startswith(expected) for note in notes)


@pytest.mark.fault("F-9")
@pytest.mark.parametrize("split", ["train", ""])
def test_folders_of_systems_are_no_domains_and_hold_nothing_to_train_on(tmp_path, split):
    housekeeping = ["@eaDir", "#recycle", "#snapshot", "@Recycle", "$RECYCLE.BIN", "System Volume Information",
                    "lost+found", "__MACOSX"]  # fmt: skip
    for name in housekeeping:
        paint(tmp_path / name / "thumbnail.png")
        paint(tmp_path / split / name / "thumbnail.png")
    paint(tmp_path / split / "x" / "1.png")
    paint(tmp_path / split / "x" / "@eaDir" / "1.png" / "SYNOPHOTO_THUMB_XL.png")
    paint(tmp_path / split / "x" / "new.png")
    (tmp_path / split / "x" / "new.png").rename(tmp_path / split / "x" / "._1.png")
    paint(tmp_path / split / "y" / "deep" / "2.png")
    paint(tmp_path / split / "y" / "deep" / "lost+found" / "3.png")
    dataset = open_folder(tmp_path)
    assert {domain: names(files) for domain, files in dataset.train.items()} == {"x": ["1.png"], "y": ["deep/2.png"]}
    assert dataset.notes == ("10 system folders passed over.",)


def test_an_empty_test_folder_counts_as_none(tmp_path):
    for folder in ("trainA", "trainB", "testB"):
        paint(tmp_path / folder / "1.png")
    (tmp_path / "testA").mkdir()
    assert list(open_folder(tmp_path).test) == ["B"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_not_utf_8_are_read_and_told_apart(tmp_path):
    root = tmp_path / os.fsdecode(b"set\xff")
    for folder in ("A", "B"):
        paint(root / folder / "new.png")
        (root / folder / "new.png").rename(root / folder / os.fsdecode(b"caf\xe9.png"))
    dataset = open_folder(root)
    assert os.fsencode(dataset.train["A"].name(0)) == b"caf\xe9.png"
    assert dataset.train["A"][0].shape == (4, 4, 3)
    assert len(dataset.fingerprint()) == 2
    assert dataset.name.encode() == "set\N{REPLACEMENT CHARACTER}".encode()


@pytest.mark.parametrize(
    ("folders", "found"),
    [
        ([], "Found the folders none and 0 pictures beside them."),
        (["trainA"], "Found the folders trainA and 0 pictures beside them."),
        (["A", "testA", "testB"], "Found the folders A, testA, testB and 0 pictures beside them."),
        (["horses", "."], "Found the folders horses and 1 pictures beside them."),
        (["train/horses", "test/horses"], "Found the folders test, train and 0 pictures beside them."),
        (["trainA", "B"], "Found the folders B, trainA and 0 pictures beside them."),
    ],
)
@pytest.mark.fault("R-33")
def test_an_unknown_layout_is_refused_with_what_was_wanted_and_found(tmp_path, folders, found):
    for folder in folders:
        paint(tmp_path / folder / "1.png")
    with pytest.raises(DataError) as caught:
        open_folder(tmp_path)
    assert caught.value.exit_code == 4
    named = "Folders that lie elsewhere are named one by one: --domain NAME=FOLDER --domain NAME=FOLDER."
    assert str(caught.value) == f"{tmp_path} is not a dataset with two or more domains. {WANTED} {found} {named}"


def test_any_number_of_domains_is_recognised_by_folders(tmp_path):
    for folder in ("train/photo", "train/sketch", "train/cartoon", "test/photo", "test/other", "A", "B"):
        paint(tmp_path / folder / "1.png")
    dataset = open_folder(tmp_path)
    assert dataset.domains == ("cartoon", "photo", "sketch")
    assert list(dataset.test) == ["photo"]
    assert dataset.target == ""  # the user says which one
    assert open_folder(tmp_path / "train").domains == ("cartoon", "photo", "sketch")
    assert open_folder(tmp_path / "train").test == {}


@pytest.mark.fault("R-33")
def test_a_missing_folder_is_refused_with_what_was_wanted(tmp_path):
    with pytest.raises(DataError) as caught:
        open_folder(tmp_path / "gone")
    assert caught.value.exit_code == 4
    assert str(caught.value) == f"There is no dataset folder {tmp_path / 'gone'}. {WANTED}"


@pytest.mark.parametrize("split", ["train", ""])
@pytest.mark.fault("R-33")
def test_an_empty_domain_is_refused_with_what_lies_there(tmp_path, split):
    paint(tmp_path / f"{split}A" / "1.png")
    (tmp_path / f"{split}B").mkdir()
    (tmp_path / f"{split}B" / "1.raw").write_text("no picture")
    with pytest.raises(DataError, match="Domain B is empty") as caught:
        open_folder(tmp_path)
    assert caught.value.exit_code == 4
    assert f"{tmp_path / f'{split}B'} holds no pictures, but 1 other files" in str(caught.value)
    assert ".jpg" in str(caught.value)


def test_named_domains_keep_their_names_and_order(tmp_path):
    paint(tmp_path / "x" / "1.png")
    paint(tmp_path / "y" / "deep" / "1.png")
    dataset = open_domains({"summer": tmp_path / "y", "winter": tmp_path / "x"})
    assert dataset.name == "summer2winter"
    assert dataset.domains == ("summer", "winter")
    assert dataset.target == "winter"
    assert names(dataset.train["summer"]) == ["deep/1.png"]
    assert dataset.test == {}


def test_only_the_second_of_two_domains_is_meant_without_a_word(tmp_path):
    folders = {name: tmp_path / name for name in ("c", "a", "b")}
    for folder in folders.values():
        paint(folder / "1.png")
    assert open_domains(folders).target == ""
    folders.popitem()
    assert open_domains(folders).target == "a"


@pytest.mark.parametrize(
    ("folders", "sentence"),
    [
        ({"a": "full"}, "Training needs two domains; found only a. Add another --domain NAME=FOLDER."),
        ({"a": "full", "b": "gone"}, "There is no folder {}/gone for domain b."),
        ({"a": "full", "b": "empty"}, "Domain b is empty: {}/empty holds no pictures, but 0 other files."),
    ],
)
def test_wrong_named_domains_are_refused_with_a_sentence(tmp_path, folders, sentence):
    paint(tmp_path / "full" / "1.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as caught:
        open_domains({domain: tmp_path / folder for domain, folder in folders.items()})
    assert caught.value.exit_code == 4
    assert str(caught.value).replace("\\", "/").startswith(sentence.format(tmp_path.as_posix()))


def test_the_fingerprint_stays_when_the_dataset_moves_or_is_touched(tmp_path):
    for index in range(3):
        paint(tmp_path / "here" / "A" / f"{index}.png")
        paint(tmp_path / "here" / "B" / f"{index}.png")
    before = open_folder(tmp_path / "here").fingerprint()
    (tmp_path / "here").rename(tmp_path / "there")
    os.utime(tmp_path / "there" / "A" / "0.png", (0, 0))
    (tmp_path / "there" / "A" / "notes.txt").write_text("no picture")
    assert open_folder(tmp_path / "there").fingerprint() == before
    assert before["A"].startswith("3 pictures, ")


def test_progress_is_shown_on_test_pictures_and_else_on_training_pictures(tmp_path):
    for index in range(3):
        paint(tmp_path / "trainA" / f"{index}.png", 10 + index)
        paint(tmp_path / "trainB" / f"{index}.png", 20 + index)
        paint(tmp_path / "testA" / f"{index}.png", 30 + index)
    dataset = open_folder(tmp_path)
    assert [picture[0, 0, 0] for picture in held_out(dataset, "A", 2)] == [30, 31]
    assert [picture[0, 0, 0] for picture in held_out(dataset, "B", 9)] == [20, 21, 22]


def test_broken_pictures_are_not_shown(tmp_path):
    for folder in ("trainA", "trainB", "testA", "testB"):
        for index in range(3):
            paint(tmp_path / folder / f"{index}.png", index)
    (tmp_path / "testA" / "0.png").write_bytes(b"broken")
    for index in range(3):
        (tmp_path / "testB" / f"{index}.png").write_bytes(b"broken")
    dataset = open_folder(tmp_path)
    assert [picture[0, 0, 0] for picture in held_out(dataset, "A", 2)] == [1, 2]
    assert [picture[0, 0, 0] for picture in held_out(dataset, "B", 2)] == [0, 1]
    for index in range(3):
        (tmp_path / "trainB" / f"{index}.png").write_bytes(b"broken")
    with pytest.raises(DataError, match="No picture of domain B can be read"):
        held_out(dataset, "B", 2)


def test_a_tenth_of_loose_domains_is_held_out_always_the_same(tmp_path):
    for index in range(30):
        paint(tmp_path / "photo" / f"{index}.png")
        paint(tmp_path / "monet" / f"{index}.png")
    for index in range(9):
        paint(tmp_path / "sketch" / f"{index}.png")
    dataset = open_folder(tmp_path)
    counts = {place: len(pictures) for place, pictures in dataset.places().items()}
    assert counts == {
        "train monet": 27, "train photo": 27, "train sketch": 9, "test monet": 3, "test photo": 3
    }  # fmt: skip
    held = names(dataset.test["photo"])
    assert sorted(held + names(dataset.train["photo"])) == sorted(f"{index}.png" for index in range(30))
    assert names(open_folder(tmp_path).test["photo"]) == held


def test_no_more_than_a_hundred_are_held_out(tmp_path):
    for domain in "AB":
        (tmp_path / domain).mkdir()
        for index in range(1100):
            (tmp_path / domain / f"{index}.png").touch()
    assert {place: len(pictures) for place, pictures in open_folder(tmp_path).places().items()} == {
        "train A": 1000, "train B": 1000, "test A": 100, "test B": 100
    }  # fmt: skip


def test_pictures_are_held_out_by_their_names_and_nothing_else(tmp_path):
    for place in ("here", "there"):
        for index in range(12) if place == "here" else reversed(range(12)):
            for folder in ("trainA", "trainB"):
                paint(tmp_path / place / folder / f"{index}.png", index)
    whole = open_folder(tmp_path / "here")
    assert whole.holding_out(0) is whole
    dataset = whole.holding_out(5)
    assert dataset.test == {}
    for domain in "AB":
        train, held = names(dataset.train[domain]), names(dataset.held_out[domain])
        assert (len(train), len(held), sorted(train + held)) == (7, 5, names(whole.train[domain]))
        by_hash = sorted(train + held, key=lambda name: hashlib.sha256(name.encode()).digest())
        assert held == sorted(by_hash[:5])
        assert names(open_folder(tmp_path / "there").holding_out(5).held_out[domain]) == held
        assert names(whole.holding_out(6).held_out[domain]) != held
    assert [picture[0, 0, 0] for picture in held_out(dataset, "A", 2)] == [int(name[:-4]) for name in
                                                                         names(dataset.held_out["A"])[:2]]  # fmt: skip


def test_of_loose_domains_pictures_are_held_out_beside_the_tenth(tmp_path):
    for domain in "AB":
        for index in range(20):
            paint(tmp_path / domain / f"{index}.png")
    whole, dataset = open_folder(tmp_path), open_folder(tmp_path).holding_out(4)
    assert dataset.test == whole.test
    assert (len(dataset.train["A"]), len(dataset.held_out["A"])) == (14, 4)
    assert not set(names(dataset.held_out["A"])) & set(names(dataset.test["A"]))


def test_what_cannot_be_held_out_is_refused(tmp_path):
    for folder in ("trainA", "trainB", "images"):
        for index in range(6):
            paint(tmp_path / folder / f"{index}.png")
    assert len(open_folder(tmp_path).holding_out(4).train["A"]) == 2
    with pytest.raises(DataError, match=r"Domain A has 6 training pictures, and data\.held_out takes 5 of them"):
        open_folder(tmp_path).holding_out(5)
    domains = ["horse", "zebra"]
    card = DatasetCard(name="toy-horse2zebra", title="", drawn=True, domains=domains, target="zebra", train=9, test=9)
    with pytest.raises(SettingsError, match=r"data\.held_out is for .*; those of toy-horse2zebra are drawn"):
        open_drawn(card, 32).holding_out(4)
    shutil.copytree(tmp_path / "images", tmp_path / "faces" / "images")
    write_list(tmp_path / "faces/list_attr_celeba.txt", {f"{index}.png": {"smile": index % 2} for index in range(6)})
    with pytest.raises(SettingsError, match="those of faces have attributes"):
        open_folder(tmp_path / "faces").holding_out(4)


def test_domains_may_begin_like_the_folders_of_another_layout(tmp_path):
    for domain in ("cars", "trains"):
        paint(tmp_path / domain / "1.png")
    assert open_folder(tmp_path).domains == ("cars", "trains")
