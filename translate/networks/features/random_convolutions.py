"""Features that ship with us: those of random convolutions."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from translate.networks.features.feature_network import FeatureNetwork

WIDTHS = (64, 128, 256)
SIDES = (7, 3, 3)  # of the kernels


class RandomConvolutions(FeatureNetwork):
    """Three layers of random convolutions, each with ReLU; the features are the spatial means of all of them.

    Random weights are known to see texture nearly as well as trained ones (Ustyuzhaninov et al. 2016, arXiv
    1606.00021): colours, edges and textures, but no objects.
    """

    word: ClassVar[str] = "random"
    title: ClassVar[str] = "random"
    key: ClassVar[str] = "weight_0"

    def __init__(self) -> None:
        super().__init__()
        for number, (inputs, width, side) in enumerate(zip((3, *WIDTHS), WIDTHS, SIDES, strict=False)):
            self.register_buffer(f"weight_{number}", torch.empty(width, inputs, side, side, device="meta"))

    def _take(self, weights: Mapping[str, Tensor]) -> None:
        self.load_state_dict(weights, assign=True)

    def maps(self, x: Tensor) -> list[Tensor]:  # noqa: D102  # as described for FeatureNetwork
        x = x / 127.5 - 1
        found: list[Tensor] = []
        for weight in self.buffers():  # (N, c, h, w) -> (N, c', h / 2, w / 2)
            x = functional.relu(functional.conv2d(x, weight, stride=2, padding=weight.shape[-1] // 2))
            found.append(x)
        return found

    def features(self, x: Tensor) -> Tensor:  # noqa: D102
        return torch.cat([layer.mean((2, 3)) for layer in self.maps(x)], 1)


def random_weights() -> dict[str, Tensor]:
    """Draw the weights with NumPy's PCG64 and seed 0, so that they are the same everywhere."""
    draws = np.random.default_rng(0)
    weights: dict[str, Tensor] = {}
    for number, (inputs, width, side) in enumerate(zip((3, *WIDTHS), WIDTHS, SIDES, strict=False)):
        weight = draws.standard_normal((width, inputs, side, side)) * np.sqrt(2 / (inputs * side**2))
        weights[f"weight_{number}"] = torch.from_numpy(weight).to(torch.float32)
    return weights
