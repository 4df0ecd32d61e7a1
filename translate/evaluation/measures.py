"""What is measured of pictures one by one, beside distances between sets of them."""

from typing import Protocol

import torch

from translate.metrics import estimates
from translate.metrics.dots import count_dots, flat_regions, per_megapixel
from translate.metrics.imagenet import class_number
from translate.metrics.ordered_rows import OrderedRows, key_of
from translate.metrics.protocols import prepared
from translate.metrics.results import Evaluation
from translate.networks.features.lite0 import Lite0
from translate.tensors import Pixels


class Measure(Protocol):
    """Is shown every picture once, and then adds its figures to the result."""

    def see_real(self, picture: Pixels) -> None:
        """Take a real picture (H, W, 3) of the target."""

    def see(self, picture: Pixels, translated: Pixels) -> None:
        """Take a picture (H, W, 3) and its translation, of equal size."""

    def add(self, result: Evaluation) -> None:
        """Add what was measured, or what was not."""


class Recognition:
    """The share of pictures that a classifier takes for a class, which is nothing without that of inputs and real ones.

    Args:
        name: of a class of ImageNet.
        network: the classifier.
        antialiased: whether pictures that shrink are smoothed first.

    Raises:
        SettingsError: there is no such class.
    """

    def __init__(self, name: str, network: Lite0, antialiased: bool) -> None:
        self._name, self._number = name, class_number(name)
        self._network, self._antialiased = network, antialiased
        self._taken = {"": OrderedRows(), " of inputs": OrderedRows(), " of the real": OrderedRows()}

    def see_real(self, picture: Pixels) -> None:
        """Classify a real picture."""
        self._take(" of the real", picture, key_of(picture))

    def see(self, picture: Pixels, translated: Pixels) -> None:
        """Classify a picture and its translation."""
        key = key_of(picture)
        self._take(" of inputs", picture, key)
        self._take("", translated, key)

    def add(self, result: Evaluation) -> None:
        """Add three shares."""
        for suffix, taken in self._taken.items():
            share, features = estimates.share(taken.array()), self._network.name
            result.add(f"taken for {self._name}{suffix}", share, len(taken), features=features)

    @torch.inference_mode()
    def _take(self, suffix: str, picture: Pixels, key: bytes) -> None:
        x = prepared(picture, self._network.side, self._antialiased)[None]
        best = int(self._network.classify(x).argmax())
        self._taken[suffix].add(key, float(best == self._number))


class Dots:
    """Dots in places where the picture that was translated is flat."""

    def __init__(self) -> None:
        self._rows = OrderedRows()  # flat pixels, dots of the translation, dots of its input

    def see_real(self, picture: Pixels) -> None:
        """Do nothing: real pictures of the target have no input that says where they should be flat."""

    def see(self, picture: Pixels, translated: Pixels) -> None:
        """Count the dots of both pictures."""
        flat = flat_regions(picture)
        self._rows.add(key_of(picture), [flat.sum(), count_dots(translated, flat), count_dots(picture, flat)])

    def add(self, result: Evaluation) -> None:
        """Add the rates."""
        areas, after, before = self._rows.array().T
        if not areas.any():
            result.missing.append("Dots per megapixel: no picture has flat regions.")
            return
        remark = f"where inputs are flat: {areas.sum() / 1e6:.3g} megapixels"
        result.add("dots per megapixel", per_megapixel(after, areas), len(areas), remark=remark)
        result.add("dots per megapixel of inputs", per_megapixel(before, areas), len(areas), remark=remark)
