"""SqueezeNet 1.1 as Caffe's weights want it: the network of published LPIPS distances."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from translate.errors import WeightsError
from translate.networks.features.feature_network import Convolution, FeatureNetwork

MEAN = (122.679, 116.669, 104.006)  # Caffe's, in RGB of 0..255
TAPS = (1, 4, 7, 9, 10, 11, 12)  # layers that LPIPS looks at
PREFIX = "features."  # in front of the names of layers in torchvision's weights


class SqueezeNet(FeatureNetwork):
    """SqueezeNet 1.1 (Iandola et al. 2016, arXiv 1602.07360); its features are the spatial means of the last module.

    Its weights have the names of torchvision's `squeezenet1_1`; those of the classifier are not needed.
    """

    word: ClassVar[str] = "squeezenet"
    title: ClassVar[str] = "SqueezeNet"
    key: ClassVar[str] = "features.3.squeeze.weight"

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            Convolution(3, 64, 3, stride=2),
            nn.ReLU(),
            _pool(),
            _Fire(64, 16, 64),
            _Fire(128, 16, 64),
            _pool(),
            _Fire(128, 32, 128),
            _Fire(256, 32, 128),
            _pool(),
            _Fire(256, 48, 192),
            _Fire(384, 48, 192),
            _Fire(384, 64, 256),
            _Fire(512, 64, 256),
        )

    def _take(self, weights: Mapping[str, Tensor]) -> None:
        kept = {key.removeprefix(PREFIX): value for key, value in weights.items() if key.startswith(PREFIX)}
        try:
            self.layers.load_state_dict(kept, assign=True)
        except RuntimeError as error:
            reason = str(error).splitlines()[1].strip()
            raise WeightsError(f"{self.name} does not fit SqueezeNet 1.1: {reason}") from error

    def maps(self, x: Tensor) -> list[Tensor]:  # noqa: D102  # as described for FeatureNetwork
        x = x - x.new_tensor(MEAN)[:, None, None]
        found: list[Tensor] = []
        for number, layer in enumerate(self.layers):
            x = layer(x)
            if number in TAPS:
                found.append(x)
        return found

    def features(self, x: Tensor) -> Tensor:  # noqa: D102
        return self.maps(x)[-1].mean((2, 3))


class _Fire(nn.Module):
    """Narrows the channels by a 1x1 convolution, then widens them by 1x1 and 3x3 convolutions side by side."""

    def __init__(self, inputs: int, narrow: int, wide: int) -> None:
        super().__init__()
        self.squeeze = Convolution(inputs, narrow, 1)
        self.expand1x1 = Convolution(narrow, wide, 1)
        self.expand3x3 = Convolution(narrow, wide, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, 2 wide, H, W)."""
        x = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(x), self.expand3x3(x)], 1).relu()


def _pool() -> nn.Module:
    return nn.MaxPool2d(3, stride=2, ceil_mode=True)
