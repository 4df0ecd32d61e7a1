"""How like each other two pictures of equal size are: a picture and its translation, or what comes back of it."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from translate.errors import WeightsError
from translate.networks.features.feature_network import FeatureNetwork
from translate.tensors import Pixels, as_tensor, scaled

MOST_DB = 100.0  # of pictures that are equal
WINDOW = 11  # pixels, of SSIM
PLACES = 16  # a map of features is reduced to at most this many rows and columns before its places are compared


def psnr(first: Pixels, second: Pixels) -> float:
    """Return the peak signal-to-noise ratio of two pictures (H, W, 3) uint8 over all samples, in dB; at most 100."""
    error = float(np.mean((first.astype(np.float64) - second) ** 2))
    return MOST_DB if error == 0 else min(MOST_DB, float(10 * np.log10(255**2 / error)))


def mean_difference(first: Pixels, second: Pixels) -> float:
    """Return the mean absolute difference of two pictures (H, W, 3) uint8, in grey levels of 0..255."""
    return float(np.abs(first.astype(np.float64) - second).mean())


def ssim(first: Pixels, second: Pixels) -> float:
    """Return the structural similarity of two pictures (H, W, 3) uint8, at most 1 (Wang et al. 2004).

    The mean over all channels and over all places where the window of 11 x 11 pixels, sigma 1.5, lies inside.

    Raises:
        ValueError: a side is shorter than the window.
    """
    from kornia.metrics import ssim as of_tensors  # importing it takes half a second

    if min(first.shape[:2]) < WINDOW:
        raise ValueError(f"SSIM needs sides of at least {WINDOW} pixels; found {first.shape[:2]}.")
    x, y = (scaled(as_tensor(picture)).double().add(1).div(2) for picture in (first, second))
    return float(of_tensors(x, y, WINDOW, padding="valid").mean())


@torch.inference_mode()
def structure_distance(network: FeatureNetwork, x: Tensor, y: Tensor) -> float:
    """Return how differently two pictures are built: 0 for the same layout in other colours and textures, at most 2.

    The deepest map of either is compared with itself, place by place, by cosine (Shechtman and Irani 2007; with deep
    features as by Zheng et al. 2021, arXiv 2104.00854); the mean absolute difference of the two tables is returned.

    Args:
        network: of the features.
        x: (3, S, S) of 0..255.
        y: the same.
    """
    first, second = (_self_similarity(network.maps(picture[None])[-1]) for picture in (x, y))
    return float((first - second).abs().mean())


class Lpips(nn.Module):
    """The linear head of LPIPS v0.1 (Zhang et al. 2018, arXiv 1801.03924) on the maps of a feature network.

    It is LPIPS as published only with the network that the head was trained for.

    Args:
        network: of the features.
        head: `lin0.model.1.weight` (1, c, 1, 1) and so on, one for each map.

    Raises:
        WeightsError: the head belongs to another network.
    """

    def __init__(self, network: FeatureNetwork, head: dict[str, Tensor]) -> None:
        super().__init__()
        self._network = network
        self._head = [head[key] for key in sorted(head)]
        widths = [layer.shape[1] for layer in network.maps(torch.zeros(1, 3, 64, 64))]
        if [weight.numel() for weight in self._head] != widths:
            raise WeightsError(
                f"The LPIPS head does not belong to the features {network.name}: it has"
                f" {[weight.numel() for weight in self._head]} channels, the maps have {widths}."
            )

    @torch.inference_mode()
    def forward(self, x: Tensor, y: Tensor) -> float:
        """Return the distance of two pictures (3, S, S) of 0..255."""
        total = 0.0
        maps = (self._network.maps(picture[None]) for picture in (x, y))
        for weight, first, second in zip(self._head, *maps, strict=True):
            difference = (_unit(first) - _unit(second)) ** 2
            total += float((difference * weight.reshape(1, -1, 1, 1)).sum(1).mean())
        return total


def _unit(features: Tensor) -> Tensor:
    norm: Tensor = features.norm(dim=1, keepdim=True)
    return features / (norm + 1e-10)


def _self_similarity(features: Tensor) -> Tensor:
    """(1, c, h, w) -> (places, places), the cosines between all places."""
    if max(features.shape[-2:]) > PLACES:
        features = functional.adaptive_avg_pool2d(features, PLACES)
    places = _unit(features)[0].flatten(1)  # (c, places)
    return places.T @ places
