import numpy as np
import pytest

from translate.toys.drawn import DATASETS, Drawn

TOY = "toy-turntable"


def samples(domain, count=12, size=64):
    return list(map(Drawn(TOY, domain, "train", count, size).sample, range(count)))


@pytest.mark.parametrize("domain", ["cars", "chairs"])
def test_an_object_stands_on_grey_and_touches_no_side(domain):
    for sample in samples(domain, 30):
        assert 0.12 < sample.mask.mean() < 0.45
        assert sample.mask[:, [0, -1]].max() == 0
        assert sample.mask[[0, -1]].max() == 0
        assert (sample.image[:4][sample.mask[:4] == 0] == 128).all()


@pytest.mark.parametrize("domain", ["cars", "chairs"])
def test_opposite_angles_mirror_the_silhouette(domain):
    for sample in samples(domain):
        _, mirrored = DATASETS[TOY][domain].paint(sample.parameters | {"angle": -sample.parameters["angle"]}, 64)
        assert np.abs(mirrored[:, ::-1] - sample.mask).mean() < 0.005


@pytest.mark.parametrize("domain", ["cars", "chairs"])
def test_the_angle_changes_the_picture_most(domain):
    painter = DATASETS[TOY][domain]
    middle = {name: 0.5 * sum(limits) for name, limits in painter.ranges.items()}

    def change(name):
        low, high = (painter.paint(middle | {name: limit}, 64)[0].astype(int) for limit in painter.ranges[name])
        return np.abs(high - low).mean()

    changes = {name: change(name) for name in painter.ranges}
    assert changes.pop("angle") > 2 * max(changes.values())


def test_angles_reach_from_minus_to_plus_75_degrees():
    angles = [sample.parameters["angle"] for sample in samples("cars", 60, 32)]
    assert -75 <= min(angles) < -60
    assert 60 < max(angles) <= 75
