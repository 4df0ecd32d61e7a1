"""What all feature networks have in common. Every score that is made with one says its name.

Scores of different networks do not compare with each other.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn import functional


class FeatureNetwork(nn.Module, ABC):
    """A network that turns pictures into features. It is built without weights, which are then given to `fill`.

    Attributes:
        word: what settings call the network.
        title: its name.
        key: an entry of its weights that no other network here has, or none behind it in `KINDS`.
        side: pixels: pictures that are measured are resized to such squares.
        name: what scores call the features: the title, and the beginning of `sha256`.
        sha256: of the file that the weights are from, in hexadecimal; empty for those that ship with us.
        filled: whether the weights are there.
    """

    word: ClassVar[str]
    title: ClassVar[str]
    key: ClassVar[str]
    side: ClassVar[int] = 256
    channels: ClassVar[tuple[int, ...]] = ()  # of the maps, where critics may use them

    def __init__(self) -> None:
        super().__init__()
        self.name, self.sha256, self.filled = self.title, "", False

    def fill(self, weights: Mapping[str, Tensor], sha256: str = "") -> Self:
        """Put the weights in; afterwards the network is in evaluation mode, and none of them has a gradient.

        Args:
            weights: by the names that the network is published with.
            sha256: of the file that they are from.

        Raises:
            WeightsError: they do not fit.
        """
        self.name, self.sha256 = f"{self.title} {sha256[:8]}".strip(), sha256
        self._take(weights)
        self.filled = True
        return self.eval().requires_grad_(False)

    @abstractmethod
    def _take(self, weights: Mapping[str, Tensor]) -> None:
        """Put the weights in."""

    @abstractmethod
    def maps(self, x: Tensor) -> list[Tensor]:
        """Return what the layers see in pictures (N, 3, H, W) of 0..255: (N, c, h, w) each, from shallow to deep."""

    def moments(self) -> list[tuple[Tensor, Tensor]]:
        """Return about what mean and standard deviation, (1, c, 1, 1) each, the maps have on ordinary pictures."""
        if not self.filled:  # on meta, where shapes are enough
            return [(torch.empty(1, count, 1, 1, device="meta"),) * 2 for count in self.channels]
        return [(getattr(self, f"mean_{n}"), getattr(self, f"deviation_{n}")) for n in range(len(self.channels))]

    def _keep_moments(self, moments: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Keep mean and standard deviation of the channels (c,) of each map, for `moments`."""
        for number, (mean, deviation) in enumerate(moments):
            self.register_buffer(f"mean_{number}", mean[None, :, None, None], persistent=False)
            self.register_buffer(f"deviation_{number}", deviation[None, :, None, None], persistent=False)

    @abstractmethod
    def features(self, x: Tensor) -> Tensor:
        """Return the features (N, d) of pictures (N, 3, H, W) of 0..255."""


class Convolution(nn.Module):
    """A convolution whose weights have shapes but no memory until they are assigned.

    Args:
        inputs: channels.
        outputs: channels.
        side: of the kernel, in pixels.
        stride: in pixels.
        padding: pixels of zeros on every side.
    """

    def __init__(self, inputs: int, outputs: int, side: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, side, side, device="meta"), requires_grad=False)
        self.bias = nn.Parameter(torch.empty(outputs, device="meta"), requires_grad=False)
        self._stride, self._padding = stride, padding

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, h, w)."""
        return functional.conv2d(x, self.weight, self.bias, self._stride, self._padding)
