"""Opening the network that makes features, by a word.

`random`    ships with us: convolutions with fixed random weights. It sees colours, edges and textures, but no objects.
inception   the network of published FIDs and KIDs; see `inception`. Its weights are fetched when asked for.
a file      the weights of Inception; or SqueezeNet 1.1 trained on ImageNet: the keys of torchvision's `squeezenet1_1`,
            with Caffe's preprocessing.
"""

from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from translate import cards
from translate.errors import WeightsError
from translate.files import sha256
from translate.metrics import inception
from translate.metrics.features import RANDOM, FeatureNetwork, RandomConvolutions, SqueezeNet


def open_features(word: str | Path = RANDOM, middle: float = 127.5) -> FeatureNetwork:
    """Open the feature network called `word`: `random`, `inception`, or a file of weights, .safetensors or .pth.

    The name of a network from a file has the beginning of the file's SHA-256.

    Args:
        word: which one.
        middle: of what Inception sees, see there; it belongs to the protocol.

    Raises:
        WeightsError: there is no such file, it holds no weights of a known network, or Inception's are not here, are
            not those of the card, or need a package.
    """
    if str(word) == RANDOM:
        return RandomConvolutions().eval()
    path = _fetched() if str(word) == inception.NAME else Path(word)
    weights = read_weights(path)
    if inception.KEY in weights:
        return inception.Inception(sha256(path), weights, middle).eval().requires_grad_(False)
    if "features.3.squeeze.weight" not in weights:
        raise WeightsError(
            f"{path} holds no known feature network: wanted are the keys of torchvision's squeezenet1_1, or of"
            f" torch-fidelity's Inception; found"
            f" {', '.join(list(weights)[:3]) or 'none'}."
        )
    return SqueezeNet(sha256(path), weights).eval().requires_grad_(False)


def _fetched() -> Path:
    """Return the file with Inception's weights that was fetched."""
    path = cards.weights_here().get(inception.NAME)
    if path is None:
        raise WeightsError(
            "The weights of Inception are not here. Download them (96 MB) with `translate weights fetch inception`, or"
            " name their file with --features."
        )
    if sha256(path) != cards.weights(inception.NAME).sha256:
        raise WeightsError(f"{path} is damaged. Remove it, and run `translate weights fetch inception`.")
    return path


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read named tensors from a .safetensors file, or from one that `torch.save` wrote, without running code from it.

    Raises:
        WeightsError: there is no such file, or it holds something else.
    """
    if not path.is_file():
        raise WeightsError(f"There is no file {path} with weights of a feature network; or say --features {RANDOM}.")
    try:
        if path.suffix == ".safetensors":
            return dict(safetensors.torch.load_file(path))
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes torch raise whatever it likes
        raise WeightsError(f"{path} cannot be read as weights: {str(error).splitlines()[0]:.200}") from error
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise WeightsError(f"{path} holds no named tensors.")
    return found
