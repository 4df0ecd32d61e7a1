"""Feature networks inside critics and losses: they are never trained, and nothing that is kept holds them."""

from collections.abc import Callable, Mapping
from typing import Literal, Self

import torch
from torch import Tensor, nn

from translate.networks.features.feature_network import FeatureNetwork

# By their words for `translate eval --features`.
FrozenName = Literal["lite0", "vgg16", "resnet18", "resnet50", "efficientnet_b0"]


class Frozen(nn.Module):
    """A feature network that is always in evaluation mode, has no gradient, and lies in no checkpoint and no export.

    Gradients pass through it to the pictures. Its tensors are among neither the parameters nor the buffers nor the
    `state_dict` of the network that holds it; `.to` and the like move them all the same. It is built with shapes only;
    whoever builds a training gives it weights with `fill`, from `translate.features.find_weights`.

    Args:
        network: without weights, or with some.
    """

    def __init__(self, network: FeatureNetwork) -> None:
        super().__init__()
        self._held = (network.eval().requires_grad_(False),)  # in a tuple torch does not see it
        self._place = torch.empty(0)  # has the device and type that the weights will have

    @property
    def network(self) -> FeatureNetwork:
        """The network."""
        return self._held[0]

    @property
    def sha256(self) -> str:
        """Of the file with its weights, in hexadecimal; empty before `fill`, and for weights that ship with us."""
        return self.network.sha256

    def fill(self, weights: Mapping[str, Tensor], sha256: str = "") -> Self:
        """Put the weights in, as `FeatureNetwork.fill` does. Raises `WeightsError` where they do not fit."""
        self.network.fill(weights, sha256)
        if not self._place.is_meta:
            self.network.to(self._place)
        return self

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the maps of pictures (N, 3, H, W) in [-1, 1], as for `FeatureNetwork.maps`.

        Raises:
            RuntimeError: there are no weights yet.
        """
        if not self.network.filled and not x.is_meta:  # on meta, where costs are counted, shapes are enough
            raise RuntimeError(f"The frozen network {self.network.title} has no weights. Call fill() before using it.")
        return self.network.maps((x + 1) * 127.5)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._place = fn(self._place)
        if self.network.filled:
            self.network._apply(fn)  # type: ignore[no-untyped-call]
        return self


def frozen_in(network: nn.Module) -> list[Frozen]:
    """List the frozen networks in a network or a method."""
    return [module for module in network.modules() if isinstance(module, Frozen)]
