"""The Inception network of published FIDs and KIDs, as torch-fidelity has it: the extra `metrics`.

Its weights are those of TensorFlow, of 5 December 2015, in the file that pytorch-fid and torch-fidelity both publish.
"""

import importlib.util
import tempfile
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from translate import cards
from translate.errors import WeightsError
from translate.metrics.features import FeatureNetwork

NAME = "inception"  # of the card
KEY = "Mixed_7c.branch_pool.conv.weight"  # which no other known network has


class Inception(FeatureNetwork):
    """The network up to its last pooling; its features are the 2048 spatial means.

    Args:
        sha256: of the file with the weights, whose beginning is in the name for scores.
        weights: by the names of torch-fidelity, with those of the classifier.
        middle: the grey level that becomes 0: pictures are seen as x / middle - 1.

    Raises:
        WeightsError: torch-fidelity is not installed, or the weights do not fit.
    """

    side: ClassVar[int] = 299

    ENDS: ClassVar[tuple[int, ...]] = (3, 6, 9, 14, 17)  # layers after which the maps change their size

    def __init__(self, sha256: str, weights: dict[str, Tensor], middle: float) -> None:
        super().__init__()
        self.name, self.sha256 = f"Inception {sha256[:8]}", sha256
        self._middle = middle
        # Its parts follow each other in the order they are named; the last one is the classifier.
        self._layers = nn.Sequential(*list(_extractor(self.name, weights).children())[:-1])

    def maps(self, x: Tensor) -> list[Tensor]:  # noqa: D102  # as described for FeatureNetwork
        x = x / self._middle - 1
        found: list[Tensor] = []
        for number, layer in enumerate(self._layers[:-1]):
            x = layer(x)
            if number in self.ENDS:
                found.append(x)
        return found

    def features(self, x: Tensor) -> Tensor:  # noqa: D102
        features: Tensor = self._layers(x / self._middle - 1)
        return features.flatten(1)


def needed() -> list[str]:
    """Return the commands that bring what is missing to see with this network; none where nothing is."""
    found: list[str] = []
    if importlib.util.find_spec("torch_fidelity") is None:
        found.append("pip install 'image-translate[metrics]'")
    if NAME not in cards.weights_here():
        found.append(f"translate weights fetch {NAME}")
    return found


def _extractor(name: str, weights: dict[str, Tensor]) -> nn.Module:
    """Build torch-fidelity's network. It reads a file in a way that runs code from it, so it is given one of ours."""
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError as error:
        raise WeightsError(f"{name} needs one more package: pip install 'image-translate[metrics]'") from error
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.pth"
        torch.save(weights, file)
        try:
            extractor: nn.Module = FeatureExtractorInceptionV3(name, ["2048"], feature_extractor_weights_path=str(file))
        except RuntimeError as error:
            reason = str(error).splitlines()[1].strip()
            raise WeightsError(f"{name} does not fit the Inception network of torch-fidelity: {reason}") from error
    return extractor
