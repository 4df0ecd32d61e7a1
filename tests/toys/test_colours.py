import numpy as np
import pytest

from translate.toys.colours import DIRECTIONS, colour_distance

RANDOM = np.random.default_rng(0)
NOISE = [RANDOM.integers(0, 256, (8, 8, 3), dtype=np.uint8) for _ in range(3)]


def plain(*colour, size=8):
    return np.broadcast_to(np.array(colour, np.uint8), (size, size, 3))


def test_the_directions_are_the_axes_and_diagonals_of_a_cube():
    assert len(DIRECTIONS) == 13
    assert len({frozenset([d, tuple(-x for x in d)]) for d in DIRECTIONS}) == 13


def test_only_the_histogram_counts():
    shuffled = RANDOM.permutation(np.concatenate(NOISE).reshape(-1, 3)).reshape(4, 48, 3)
    assert colour_distance(NOISE, [shuffled]) == 0
    assert colour_distance(NOISE, [*NOISE, *NOISE]) == pytest.approx(0, abs=1e-12)


def test_black_and_white_are_farthest_apart():
    expected = (3 + 3 * np.sqrt(2) + np.sqrt(3) + 3 / np.sqrt(3)) / 13
    assert colour_distance([plain(0, 0, 0)], [plain(255, 255, 255, size=3)]) == pytest.approx(expected)
    assert expected == pytest.approx(0.824, abs=1e-3)


def test_it_is_symmetric_and_proportional_to_the_shift_and_to_the_area():
    low, high = plain(100, 40, 30), plain(151, 40, 30)
    whole = colour_distance([low], [high])
    assert whole == pytest.approx(colour_distance([high], [low]))
    assert colour_distance([low], [plain(202, 40, 30)]) == pytest.approx(2 * whole)
    assert colour_distance([low, low, low, high], [low]) == pytest.approx(whole / 4)


def test_channels_that_are_distributed_alike_are_not_colours_that_are():
    grey = [plain(0, 0, 0), plain(255, 255, 255)]
    coloured = [plain(255, 0, 0), plain(0, 255, 255)]
    assert colour_distance(grey, coloured) > 0.1


def test_the_mean_colour_does_not_stand_for_the_colours():
    wanted = [plain(255, 0, 0), plain(0, 255, 0), plain(0, 0, 255)]
    white, mean = colour_distance([plain(255, 255, 255)], wanted), colour_distance([plain(85, 85, 85)], wanted)
    assert mean > 0.4 * white


@pytest.mark.parametrize("empty", [[], [np.zeros((0, 4, 3), np.uint8)]])
def test_no_pictures_are_refused(empty):
    with pytest.raises(ValueError, match="no picture whose colours"):
        colour_distance(NOISE, empty)


def test_what_is_no_picture_is_refused():
    with pytest.raises(ValueError, match=r"found \(8, 8\)"):
        colour_distance([NOISE[0][..., 0]], NOISE)
