from xml.etree import ElementTree

import pytest

from translate.report.curves import loss_curves

SVG = "{http://www.w3.org/2000/svg}"


def curves(steps, losses, **options):
    """All losses at the same steps."""
    return loss_curves({name: list(zip(steps, values, strict=True)) for name, values in losses.items()}, **options)


def read(text):
    return ElementTree.fromstring(text)


def lines(root):
    """The points of each loss."""
    return [
        [tuple(map(float, point.split(","))) for point in line.get("points").split()]
        for line in root.iter(f"{SVG}polyline")
    ]


def labels(root):
    return [text.text for text in root.iter(f"{SVG}text")]


def test_every_loss_is_a_line_with_its_name_and_a_point_for_each_step():
    root = read(curves([10, 20, 30], {"GAN_G": [1.0, 2.0, 3.0], "cyc_X": [0.5, 0.5, 0.5]}, smoothing=1))
    assert [len(points) for points in lines(root)] == [3, 3]
    assert {"GAN_G", "cyc_X", "step"} <= set(labels(root))
    colours = [line.get("stroke") for line in root.iter(f"{SVG}polyline")]
    assert len(set(colours)) == 2


def test_larger_losses_stand_higher_and_later_steps_farther_right():
    (points,) = lines(read(curves([10, 20, 30], {"a": [1.0, 4.0, 2.0]}, smoothing=1)))
    (x1, y1), (x2, y2), (x3, y3) = points
    assert x1 < x2 < x3
    assert y2 < y3 < y1
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.11)  # to one decimal
    assert (y1 - y2) / (y1 - y3) == pytest.approx(3, abs=0.01)


def test_all_points_lie_within_the_picture():
    root = read(curves(list(range(50, 2550, 50)), {"a": [1e6 / k for k in range(1, 51)], "b": [0.0] * 50}))
    _, _, width, height = map(float, root.get("viewBox").split())
    assert all(0 <= x <= width and 0 <= y <= height for points in lines(root) for x, y in points)


def test_points_are_means_over_their_neighbours():
    values = [0.0, 3.0, 0.0, 0.0, 6.0]
    smooth = lines(read(curves([1, 2, 3, 4, 5], {"a": values, "top": [6.0] * 5}, smoothing=3)))[0]
    means = [1.5, 1.0, 1.0, 2.0, 3.0]
    exact = lines(read(curves([1, 2, 3, 4, 5], {"a": means, "top": [6.0] * 5}, smoothing=1)))[0]
    assert smooth == exact


def test_names_are_escaped():
    root = read(curves([1], {'<b> & "c"': [1.0]}))
    assert '<b> & "c"' in labels(root)


@pytest.mark.parametrize(
    ("steps", "losses"),
    [
        ([], {}),
        ([], {"a": []}),
        ([0], {"a": [0.0]}),
        ([5], {"a": [2.0]}),
        ([1, 2], {f"l{k}": [1, k] for k in range(12)}),
    ],
)
def test_short_logs_are_drawn_as_well(steps, losses):
    root = read(curves(steps, losses))
    assert root.tag == f"{SVG}svg"
    assert len(lines(root)) == len(losses)
    assert set(losses) <= set(labels(root))


def test_the_same_log_is_the_same_text():
    assert curves([1, 2], {"a": [1.0, 2.0]}) == curves([1, 2], {"a": [1.0, 2.0]})


def test_losses_may_be_logged_at_different_steps_and_be_negative():
    root = read(loss_curves({"critic": [(1, -2.0), (2, -1.0)], "G": [(2, 1.0)]}, smoothing=1))
    critic, generator = lines(root)
    assert [len(critic), len(generator)] == [2, 1]
    assert critic[1][0] == generator[0][0]
    assert generator[0][1] < critic[1][1] < critic[0][1]
    _, _, _, height = map(float, root.get("viewBox").split())
    assert all(0 <= y <= height for points in lines(root) for _, y in points)


def test_a_single_point_is_a_dot():
    root = read(loss_curves({"a": [(20, 1.0)], "b": [(10, 1.0), (20, 2.0)]}))
    assert len(list(root.iter(f"{SVG}circle"))) == 1


@pytest.mark.fault("F-20")
def test_a_curve_of_few_points_is_not_smoothed_until_it_is_flat():
    (points,) = lines(read(curves([10, 20, 30], {"a": [1.0, 4.0, 2.0]})))
    assert len({y for _, y in points}) == 3
