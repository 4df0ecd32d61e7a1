import numpy as np
import pytest

from translate.toys.solids import AWAY, RIGHT, UP, block, paint_solids, wheel

WHITE = np.ones(3, np.float32)
CUBE = ((-0.5, -0.5, -0.5), (0.5, 0.5, 0.5))


def coverage(degrees, size=64):
    return paint_solids(list(block(*CUBE, WHITE)), degrees, 0.4, size)[1]


def test_the_viewer_has_a_right_handed_frame():
    np.testing.assert_allclose(np.array([RIGHT, AWAY, UP]) @ np.array([RIGHT, AWAY, UP]).T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.cross(RIGHT, AWAY), UP)


@pytest.mark.parametrize("solid", [list(block(*CUBE, WHITE, roof=0.2)), list(wheel((0, 0, 0), 0.5, 0.3, WHITE, WHITE))])
def test_normals_point_outwards_and_have_length_one(solid):
    for face in solid:
        assert np.linalg.norm(face.normal) == pytest.approx(1)
        assert face.normal @ face.corners.mean(0) > 0
        np.testing.assert_allclose((face.corners - face.corners[0]) @ face.normal, 0, atol=1e-12)


def test_a_cube_covers_the_area_of_its_projection():
    front, top = -AWAY[1], -AWAY[2]
    expected = (abs(front) + abs(top)) * 0.4**2
    assert coverage(0, 256).mean() == pytest.approx(expected, rel=0.01)


def test_faces_meet_without_a_gap():
    picture, mask = paint_solids(list(block(*CUBE, WHITE)), 30, 0.4, 64)
    inside = np.lib.stride_tricks.sliding_window_view(mask, (3, 3)).min((2, 3)) > 0
    assert inside.sum() > 500
    assert mask[1:-1, 1:-1][inside & (mask[1:-1, 1:-1] < 0.999)].size < 0.02 * inside.sum()
    assert (picture <= mask[..., None] + 1e-6).all()


@pytest.mark.parametrize("order", [1, -1])
def test_the_nearer_solid_hides_the_farther_whatever_the_order(order):
    red, green = np.array((1, 0, 0), np.float32), np.array((0, 1, 0), np.float32)
    near = list(block((-0.3, -0.9, -0.3), (0.3, -0.6, 0.3), red))
    far = list(block((-0.3, 0.6, -0.9), (0.3, 0.9, 0.3), green))
    picture, _ = paint_solids([*near, *far][::order], 0, 0.4, 65)
    assert picture[38, 32, 0] > 0.4
    assert picture[38, 32, 1] == 0
    behind, _ = paint_solids([*near, *far][::order], 180, 0.4, 65)
    assert (behind[..., 1] > 0.4).sum() > (picture[..., 1] > 0.4).sum()


def test_turning_is_counter_clockwise_as_seen_from_above():
    arm = list(block((-0.1, -0.9, -0.1), (0.1, 0.0, 0.1), WHITE))  # points at the viewer
    middle = [np.average(np.arange(64), weights=paint_solids(arm, turn, 0.4, 64)[1].sum(0)) for turn in (-60, 0, 60)]
    assert middle[0] < middle[1] < middle[2]
