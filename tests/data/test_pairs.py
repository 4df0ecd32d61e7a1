"""Pairs are found by their names, or side by side in one file."""

import numpy as np
import pytest
from PIL import Image

from translate.data.alignment import shift
from translate.data.check import check
from translate.data.layouts import open_domains
from translate.data.pairs import open_pairs, pair_up, partner_key
from translate.errors import DataError


def draw(place, size=(8, 8), value=0):
    place.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size[1], size[0], 3), value, np.uint8)).save(place)


def names(dataset, split="train"):
    return [[pictures.name(index) for index in range(len(pictures))] for pictures in dataset.pictures(split).values()]


@pytest.mark.parametrize(
    ("name", "key"),
    [("1.png", "1"), ("1_A.png", "1"), ("1-b.jpg", "1"), ("x/1_B.png", "x/1"), ("1_C.png", "1_C"), ("_A.png", "_A"),
     ("banana.png", "banana"), ("v1.2_A.png", "v1.2")],
)  # fmt: skip
def test_what_partners_have_in_common(name, key):
    assert partner_key(name) == key


@pytest.mark.parametrize("folders", [("trainA", "trainB"), ("A", "B"), ("day", "night"), ("train/day", "train/night")])
@pytest.mark.parametrize("endings", [("", ""), ("_A", "_B")])
def test_partners_are_found_in_every_layout(tmp_path, folders, endings):
    for folder, ending, suffix in zip(folders, endings, ("png", "jpg"), strict=True):
        for number in range(30):
            draw(tmp_path / folder / f"{number}{ending}.{suffix}")
    found = open_pairs(tmp_path)
    assert found.paired
    for split in ("train", "test"):
        one, other = names(found, split) or ([], [])
        assert [partner_key(name) for name in one] == [partner_key(name) for name in other]
    assert [len(pictures) for pictures in found.train.values()] == [27, 27]
    assert [len(pictures) for pictures in found.test.values()] == [3, 3]


def test_named_folders_become_pairs(tmp_path):
    for name in "ab":
        draw(tmp_path / name / "1.png")
        draw(tmp_path / name / "2.png")
    found = pair_up(open_domains({name: tmp_path / name for name in "ab"}))
    assert names(found) == [["1.png", "2.png"], ["1.png", "2.png"]]
    assert found.target == "b"
    assert "2 pairs of pictures with equal names." in found.notes


def test_missing_partners_are_refused_and_three_are_named(tmp_path):
    for number in range(6):
        draw(tmp_path / "A" / f"{number}.png")
    draw(tmp_path / "B" / "0.png")
    with pytest.raises(
        DataError, match=r"5 pictures of A and B without a partner.*A/1.png, A/2.png, A/3.png, and 2 more"
    ):
        open_pairs(tmp_path)
    assert DataError.exit_code == 4


def test_sizes_that_differ_inside_a_pair_are_refused(tmp_path):
    for number in range(3):
        draw(tmp_path / "A" / f"{number}.png")
        draw(tmp_path / "B" / f"{number}.png", (8, 9) if number == 1 else (8, 8))
    with pytest.raises(DataError, match=r"1 pair of .* cannot be used: 1.png is 8 x 8 pixels, 1.png 8 x 9"):
        open_pairs(tmp_path)


def test_three_domains_are_no_pairs(tmp_path):
    for name in "xyz":
        draw(tmp_path / name / "1.png")
    with pytest.raises(DataError, match=r"of two domains; .* has the domains x, y, z"):
        open_pairs(tmp_path)


# Side by side


def draw_halves(place, height=8, width=16):
    place.parent.mkdir(parents=True, exist_ok=True)
    both = np.zeros((height, width, 3), np.uint8)
    both[:, width // 2 :] = 200
    Image.fromarray(both).save(place)


@pytest.mark.parametrize("layout", ["plain", "official"])
def test_pictures_twice_as_wide_as_high_are_pairs(tmp_path, layout):
    for number in range(20):
        draw_halves(tmp_path / ("train" if layout == "official" else "") / f"{number}.png")
    if layout == "official":
        for split in ("val", "test"):
            draw_halves(tmp_path / split / "1.png")
    found = open_pairs(tmp_path)
    assert list(found.train) == list(found.test) == ["A", "B"]
    assert (found.paired, found.target) == (True, "B")
    assert [len(found.train["A"]), len(found.test["A"])] == ([20, 1] if layout == "official" else [18, 2])
    left, right = found.train["A"][0], found.train["B"][0]
    assert left.shape == right.shape == (8, 8, 3)
    assert (left.max(), right.min()) == (0, 200)
    assert found.train["A"].fingerprint() != found.train["B"].fingerprint()
    assert any("A is their left half" in note for note in found.notes)
    assert names(found.read_with(found.train["A"].reading)) == names(found)


def test_other_shapes_are_halved_when_that_is_said(tmp_path):
    for number in range(3):
        draw_halves(tmp_path / f"{number}.png", 9, 12)
    with pytest.raises(DataError, match="not a dataset"):
        open_pairs(tmp_path)
    assert open_pairs(tmp_path, kind="side-by-side").train["B"][0].shape == (9, 6, 3)


def test_an_odd_width_is_refused(tmp_path):
    draw_halves(tmp_path / "a.png")
    draw_halves(tmp_path / "b.png", 8, 17)
    with pytest.raises(DataError, match=r"b.png is 17 x 8 pixels, an odd width"):
        open_pairs(tmp_path, kind="side-by-side")


def scene(seed=0, side=96):
    """A picture of flat rectangles."""
    random = np.random.default_rng(seed)
    picture = np.full((side, side, 3), 128, np.uint8)
    for _ in range(12):
        top, left = random.integers(0, side - 12, 2)
        picture[top : top + random.integers(8, 40), left : left + random.integers(8, 40)] = random.integers(0, 256, 3)
    return picture


@pytest.mark.parametrize(("right", "down"), [(5, -3), (0, 4), (-6, 0)])
def test_pairs_that_do_not_lie_on_each_other_are_found(tmp_path, right, down):
    for n in range(3):
        picture = scene(n)
        partner = 255 - picture // 2  # edges agree, colours do not
        moved = np.roll(partner, (down, right), (0, 1)) if n == 1 else partner
        for folder, pixels in (("A", picture), ("B", moved)):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / folder / f"{n}.png")
    found = {finding.what: finding.files for finding in check(open_pairs(tmp_path))}
    across = [f"{abs(right)} px {'right' if right > 0 else 'left'}"] if right else []
    along = [f"{abs(down)} px {'down' if down > 0 else 'up'}"] if down else []
    assert found["train: B is shifted against its partner"] == (f"1.png: {', '.join(across + along)}",)


def test_of_pictures_without_common_edges_nothing_is_said():
    random = np.random.default_rng(0)
    one, other = (random.integers(0, 256, (64, 80, 3), np.uint8) for _ in range(2))
    assert shift(one, other) is None
    assert shift(np.zeros_like(one), other) is None
    assert shift(np.zeros_like(one), np.zeros_like(one)) is None


def test_partners_may_look_the_same_but_not_test_and_training_pictures(tmp_path):
    for n, place in enumerate(("trainA/1", "trainB/1", "trainA/2", "trainB/2", "testA/1", "testB/1")):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        Image.fromarray(scene((n // 2) % 2)).save(tmp_path / f"{place}.png")
    found = {finding.what for finding in check(open_pairs(tmp_path))}
    assert {what for what in found if "nearly the same" in what} == {
        f"train {one} and test {other}: nearly the same picture" for one in "AB" for other in "AB"
    }


def test_pairs_are_looked_over(tmp_path):
    for number in range(3):
        draw_halves(tmp_path / f"{number}.png")
    assert not any("cannot be read" in finding.what for finding in check(open_pairs(tmp_path)))
