"""Measures of pictures one by one: what they are taken for, and their dots."""

import numpy as np
import pytest

from translate.errors import SettingsError
from translate.evaluation.measures import Dots, Recognition
from translate.metrics.results import Evaluation
from translate.networks.features.lite0 import Lite0

ZEBRA, TENCH = 340, 0


class Brightness(Lite0):
    """Takes bright pictures for zebras and dark ones for tenches."""

    def classify(self, x):
        logits = x.new_zeros(len(x), 1000)
        logits[:, ZEBRA if x.mean() > 127 else TENCH] = 1
        return logits


def picture(level, index=0):
    found = np.full((32, 32, 3), level, np.uint8)
    found[0, 0] = index  # so that all are different
    return found


def result():
    return Evaluation("model", "data", "zebra", "test", "cut", 0)


def test_recognition_is_that_of_results_inputs_and_real_pictures():
    measure, found = Recognition("Zebra", Brightness(), antialiased=False), result()
    for index in range(4):
        measure.see(picture(20, index), picture(240 if index < 3 else 20, index))
    for index in range(2):
        measure.see_real(picture(250, index))
    measure.add(found)
    shares = {figure.name: (figure.value, figure.count, figure.features) for figure in found.figures}
    assert shares == {
        "taken for Zebra": (0.75, 4, "EfficientNet-Lite0"),
        "taken for Zebra of inputs": (0.0, 4, "EfficientNet-Lite0"),
        "taken for Zebra of the real": (1.0, 2, "EfficientNet-Lite0"),
    }
    assert all(figure.low < figure.high for figure in found.figures)


def test_an_unknown_class_is_refused():
    with pytest.raises(SettingsError, match=r"ImageNet has no class 'zebras'\. Did you mean zebra\?"):
        Recognition("zebras", Lite0(), antialiased=False)


def test_dots_are_counted_beside_those_of_inputs():
    photo, dotted = np.full((100, 100, 3), 120, np.uint8), np.full((100, 100, 3), 90, np.uint8)
    photo[50, 50] = 200
    dotted[10:90:20, 10:90:20] = 255
    measure, found = Dots(), result()
    measure.see(photo, dotted)
    measure.add(found)
    rates = {figure.name: figure.value for figure in found.figures}
    assert rates == pytest.approx({"dots per megapixel": 1600, "dots per megapixel of inputs": 100})


def test_without_flat_regions_nothing_is_said_of_dots():
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    measure, found = Dots(), result()
    measure.see(noise, noise)
    measure.add(found)
    assert (found.figures, found.missing) == ([], ["Dots per megapixel: no picture has flat regions."])
