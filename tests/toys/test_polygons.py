import numpy as np
import pytest

from translate.toys.polygons import curve, line_distance, polygon_distance

SQUARE = [(1, 1), (3, 1), (3, 3), (1, 3)]
HOOK = [(0, 0), (4, 0), (4, 4), (3, 4), (3, 1), (0, 1)]  # not convex


def at(function, points, x, y):
    return function(points, np.array([[x]], np.float32), np.array([[y]], np.float32)).item()


@pytest.mark.parametrize(
    ("x", "y", "distance"), [(2, 2, -1), (2, 2.75, -0.25), (2, 0, 1), (0, 0, 2**0.5), (5, 2, 2), (1, 2, 0)]
)
def test_the_distance_to_a_square_is_negative_inside(x, y, distance):
    assert at(polygon_distance, SQUARE, x, y) == pytest.approx(distance, abs=1e-6)
    assert at(polygon_distance, SQUARE[::-1], x, y) == pytest.approx(distance, abs=1e-6)


@pytest.mark.parametrize(("x", "y", "distance"), [(3.5, 2, -0.5), (1, 0.5, -0.5), (1, 3, 2), (2.5, 2, 0.5)])
def test_a_polygon_need_not_be_convex(x, y, distance):
    assert at(polygon_distance, HOOK, x, y) == pytest.approx(distance, abs=1e-6)


@pytest.mark.parametrize(("x", "y", "distance"), [(1, 1, 1), (-3, 4, 5), (3, 1, 1), (2, 5, 3)])
def test_the_distance_to_a_line_ends_at_its_ends(x, y, distance):
    assert at(line_distance, [(0, 0), (2, 0), (2, 2)], x, y) == pytest.approx(distance)


def test_a_line_may_repeat_a_point():
    assert at(line_distance, [(0, 0), (0, 0), (0, 1)], 1, 0) == 1


def test_distances_are_planes():
    x, y = np.zeros((1, 5), np.float32), np.zeros((7, 1), np.float32)
    for function in (line_distance, polygon_distance):
        assert function(SQUARE, x, y).shape == (7, 5)
        assert function(SQUARE, x, y).dtype == np.float32


def test_a_curve_goes_through_its_points_and_is_smooth():
    points = [(0.0, 0.0), (1.0, 2.0), (3.0, 2.0), (4.0, 0.0)]
    line = curve(points, 8)
    assert len(line) == 25
    assert line[::8] == points
    steps = np.diff(line, axis=0)
    turns = np.abs(np.diff(np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))))
    assert turns.max() < np.radians(25)  # the corners turn by 63 degrees


def test_a_curve_through_points_on_a_line_is_that_line():
    line = np.array(curve([(0, 0), (1, 2), (2, 4)], 4))
    np.testing.assert_allclose(line[:, 1], 2 * line[:, 0])
