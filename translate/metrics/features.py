"""Networks whose features tell pictures apart. Every score that is made with one says its name.

Scores of different networks do not compare with each other.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from translate.errors import WeightsError

RANDOM = "random"


class FeatureNetwork(nn.Module, ABC):
    """A network that turns pictures into features.

    Attributes:
        name: what scores call the features.
        sha256: of the file that the weights are from, in hexadecimal; empty for those that ship with us.
        side: pixels: pictures are resized to such squares.
    """

    side: ClassVar[int] = 256

    name: str
    sha256: str = ""

    @abstractmethod
    def maps(self, x: Tensor) -> list[Tensor]:
        """Return what the layers see in pictures (N, 3, H, W) of 0..255: (N, c, h, w) each, from shallow to deep."""

    @abstractmethod
    def features(self, x: Tensor) -> Tensor:
        """Return the features (N, d) of pictures (N, 3, H, W) of 0..255."""


class RandomConvolutions(FeatureNetwork):
    """Three layers of random convolutions, each with ReLU; the features are the spatial means of all of them.

    Random weights are known to see texture nearly as well as trained ones (Ustyuzhaninov et al. 2016, arXiv
    1606.00021). The weights come from NumPy's PCG64 with seed 0, so that they are the same everywhere.
    """

    WIDTHS: ClassVar[tuple[int, ...]] = (64, 128, 256)

    def __init__(self) -> None:
        super().__init__()
        self.name = RANDOM
        draws = np.random.default_rng(0)
        inputs = 3
        for number, width in enumerate(self.WIDTHS):
            side = 7 if number == 0 else 3
            weight = draws.standard_normal((width, inputs, side, side)) * np.sqrt(2 / (inputs * side**2))
            self.register_buffer(f"weight_{number}", torch.from_numpy(weight).to(torch.float32))
            inputs = width

    def maps(self, x: Tensor) -> list[Tensor]:  # noqa: D102  # as described above
        x = x / 127.5 - 1
        found: list[Tensor] = []
        for weight in self.buffers():  # (N, c, h, w) -> (N, c', h / 2, w / 2)
            x = functional.relu(functional.conv2d(x, weight, stride=2, padding=weight.shape[-1] // 2))
            found.append(x)
        return found

    def features(self, x: Tensor) -> Tensor:  # noqa: D102
        return torch.cat([layer.mean((2, 3)) for layer in self.maps(x)], 1)


class SqueezeNet(FeatureNetwork):
    """SqueezeNet 1.1 (Iandola et al. 2016, arXiv 1602.07360); its features are the spatial means of the last module.

    Args:
        sha256: of the file with the weights, whose beginning is in the name for scores.
        weights: by the names of torchvision's `squeezenet1_1`, without those of the classifier.

    Raises:
        WeightsError: they do not fit.
    """

    mean: Tensor

    MEAN: ClassVar[tuple[float, float, float]] = (122.679, 116.669, 104.006)  # Caffe's, in RGB of 0..255
    TAPS: ClassVar[tuple[int, ...]] = (1, 4, 7, 9, 10, 11, 12)  # layers that LPIPS looks at

    def __init__(self, sha256: str, weights: dict[str, Tensor]) -> None:
        from torchvision.models.squeezenet import squeezenet1_1  # importing it takes long

        super().__init__()
        self.name, self.sha256 = f"SqueezeNet {sha256[:8]}", sha256
        self._layers: nn.Sequential = squeezenet1_1(weights=None).features
        kept = {key.removeprefix("features."): value for key, value in weights.items() if key.startswith("features.")}
        try:
            self._layers.load_state_dict(kept)
        except RuntimeError as error:
            raise WeightsError(
                f"{self.name} does not fit SqueezeNet 1.1: {str(error).splitlines()[1].strip()}"
            ) from error
        self.register_buffer("mean", torch.tensor(self.MEAN)[:, None, None])

    def maps(self, x: Tensor) -> list[Tensor]:  # noqa: D102
        x = x - self.mean
        found: list[Tensor] = []
        for number, layer in enumerate(self._layers):
            x = layer(x)
            if number in self.TAPS:
                found.append(x.clone())  # the next layer may work in place
        return found

    def features(self, x: Tensor) -> Tensor:  # noqa: D102
        features: Tensor = self._layers(x - self.mean).mean((2, 3))
        return features


@torch.inference_mode()
def features_of(network: FeatureNetwork, pictures: Sequence[Tensor]) -> np.ndarray:
    """Return the features (N, d) in float32 of pictures (3, S, S) of 0..255, one by one: none depends on the others."""
    return np.concatenate([network.features(picture[None]).cpu().numpy() for picture in pictures])
