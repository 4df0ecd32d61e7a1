import numpy as np
import pytest

from translate import images
from translate.data.made import square
from translate.report.samples import sample_grid
from translate.targets import Attributes, Domains, OneWay

SIDE = 130  # wide enough for captions, so that pictures are not magnified


TWO = Domains(("a", "b"))


def plain(value):
    return np.full((SIDE, SIDE, 3), value, np.uint8)


def translate(pictures, target):
    """Move every level by an amount that names the target."""
    return [picture + {"a": 1, "b": 10, "c": 100}[target] for picture in pictures]


def levels(grid, rows, columns):
    """Read the level in the middle of each cell."""
    top = grid.shape[0] - rows * (SIDE + 2) + 2
    return [
        [int(grid[top + row * (SIDE + 2) + SIDE // 2, column * (SIDE + 2) + SIDE // 2, 0]) for column in range(columns)]
        for row in range(rows)
    ]


def test_a_row_is_input_translated_and_cycled_in_both_directions():
    grid = sample_grid(translate, {"a": [plain(0), plain(20)], "b": [plain(50), plain(60)]}, TWO)
    assert levels(grid, 2, 6) == [[0, 10, 11, 50, 51, 61], [20, 30, 31, 60, 61, 71]]
    assert grid.dtype == np.uint8


def test_three_domains_have_six_directions():
    grid = sample_grid(translate, {"a": [plain(0)], "b": [plain(1)], "c": [plain(2)]}, Domains(("a", "b", "c")))
    expected = [0, 10, 11, 0, 100, 101, 1, 2, 12, 1, 101, 111, 2, 3, 103, 2, 12, 112]
    assert levels(grid, 1, 18) == [expected]


@pytest.mark.parametrize(("first", "second", "rows"), [(1, 4, 1), (4, 1, 1), (3, 2, 2)])
def test_there_are_as_many_rows_as_the_domain_with_the_fewest_pictures_has(first, second, rows):
    asked = []

    def count(pictures, target):
        asked.append(len(pictures))
        return list(pictures)

    grid = sample_grid(count, {"a": [plain(0)] * first, "b": [plain(9)] * second}, TWO)
    assert grid.shape == (20 + rows * (SIDE + 2) - 2, 6 * (SIDE + 2) - 2, 3)
    assert asked == [rows] * 4


def test_captions_name_the_domains_and_directions(monkeypatch):
    found = {}
    sheet = images.sheet

    def spy(rows, captions):
        found["captions"] = captions
        return sheet(rows, captions=captions)

    monkeypatch.setattr(images, "sheet", spy)
    sample_grid(translate, {"a": [plain(0)], "b": [plain(1)]}, TWO)
    assert found["captions"] == ["a", "to b", "back to a", "b", "to a", "back to b"]


def test_without_a_way_back_one_input_stands_beside_its_translations():
    grid = sample_grid(translate, {"a": [plain(0)], "b": [plain(50)]}, OneWay(("a", "b"), "b"))
    assert levels(grid, 1, 2) == [[0, 10]]
    one = {"a": [plain(7)]}
    grid = sample_grid(lambda pictures, target: translate(pictures, target[0]), one, Attributes(("b", "c")))
    assert levels(grid, 1, 5) == [[7, 17, 107, 17, 107]]


@pytest.mark.parametrize(("height", "width"), [(40, 40), (40, 60), (60, 40), (41, 64)])
def test_the_middle_square_is_what_is_shown(height, width):
    picture = np.zeros((height, width, 3), np.uint8)
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    picture[top : top + side, left : left + side] = 200
    shown = square(picture, 32)
    assert shown.shape == (32, 32, 3)
    assert (shown == 200).all()
    assert picture[0, 0, 0] == (200 if height == width else 0)
