"""The features of pictures, as distances between sets of them need these."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from translate.networks.features.feature_network import FeatureNetwork


@torch.inference_mode()
def features_of(network: FeatureNetwork, pictures: Sequence[Tensor]) -> np.ndarray:
    """Return the features (N, d) in float32 of pictures (3, S, S) of 0..255, one by one: none depends on the others."""
    return np.concatenate([network.features(picture[None]).cpu().numpy() for picture in pictures])
