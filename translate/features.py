"""Finding the weights of a feature network by a word, and opening it.

`random`    ships with us: convolutions with fixed random weights. It sees colours, edges and textures, but no objects.
inception   the network of published FIDs and KIDs; see `networks.features.inception`. Its weights are fetched when
            asked for.
a file      the weights of Inception; or SqueezeNet 1.1 trained on ImageNet: the keys of torchvision's `squeezenet1_1`,
            with Caffe's preprocessing.
"""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from translate import cards
from translate.errors import WeightsError
from translate.files import sha256
from translate.networks.features.feature_network import FeatureNetwork
from translate.networks.features.inception import Inception
from translate.networks.features.kinds import KINDS
from translate.networks.features.random_convolutions import RandomConvolutions, random_weights

RANDOM = RandomConvolutions.word
INCEPTION = Inception.word  # also the name of its card


@dataclass(frozen=True)
class FeatureWeights:
    """Weights for a feature network.

    Attributes:
        kind: the network.
        tensors: by the names that the network is published with.
        sha256: of the file that they are from; empty for those that ship with us.
    """

    kind: type[FeatureNetwork]
    tensors: Mapping[str, Tensor]
    sha256: str


def open_features(word: str | Path = RANDOM, middle: float = 127.5) -> FeatureNetwork:
    """Open the feature network called `word`: `random`, `inception`, or a file of weights, .safetensors or .pth.

    Args:
        word: which one.
        middle: of what Inception sees, see there; it belongs to the protocol.

    Raises:
        WeightsError: as `find_weights`; or they do not fit, or need a package.
    """
    found = find_weights(word)
    network = Inception(middle) if found.kind is Inception else found.kind()
    return network.fill(found.tensors, found.sha256)


def find_weights(word: str | Path) -> FeatureWeights:
    """Read the weights that `word` means, as for `open_features`.

    Raises:
        WeightsError: there is no such file, it holds no weights of a known network, or Inception's are not here or are
            not those of the card.
    """
    if str(word) == RANDOM:
        return FeatureWeights(RandomConvolutions, random_weights(), "")
    path = _fetched() if str(word) == INCEPTION else Path(word)
    tensors = read_weights(path)
    for kind in KINDS.values():
        if kind.key in tensors:
            return FeatureWeights(kind, tensors, sha256(path))
    raise WeightsError(
        f"{path} holds no known feature network: wanted are the keys of torchvision's squeezenet1_1, or of"
        f" torch-fidelity's Inception; found"
        f" {', '.join(list(tensors)[:3]) or 'none'}."
    )


def needed_for_inception() -> list[str]:
    """Return the commands that bring what is missing to see with Inception; none where nothing is."""
    found: list[str] = []
    if importlib.util.find_spec("torch_fidelity") is None:
        found.append("pip install 'image-translate[metrics]'")
    if INCEPTION not in cards.weights_here():
        found.append(f"translate weights fetch {INCEPTION}")
    return found


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


def _fetched() -> Path:
    """Return the file with Inception's weights that was fetched."""
    path = cards.weights_here().get(INCEPTION)
    if path is None:
        raise WeightsError(
            "The weights of Inception are not here. Download them (96 MB) with `translate weights fetch inception`, or"
            " name their file with --features."
        )
    if sha256(path) != cards.weights(INCEPTION).sha256:
        raise WeightsError(f"{path} is damaged. Remove it, and run `translate weights fetch inception`.")
    return path
