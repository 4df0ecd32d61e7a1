"""The Inception network of published FIDs and KIDs, as torch-fidelity has it: the extra `metrics`.

Its weights are those of TensorFlow, of 5 December 2015, in the file that pytorch-fid and torch-fidelity both publish.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from translate.errors import WeightsError
from translate.networks.features.feature_network import FeatureNetwork

ENDS = (3, 6, 9, 14, 17)  # layers after which the maps change their size


class Inception(FeatureNetwork):
    """The network up to its last pooling; its features are the 2048 spatial means.

    Its weights have the names of torch-fidelity, with those of the classifier. Its layers are there once it is filled;
    that needs torch-fidelity.

    Args:
        middle: the grey level that becomes 0: pictures are seen as x / middle - 1.
    """

    word: ClassVar[str] = "inception"
    title: ClassVar[str] = "Inception"
    key: ClassVar[str] = "Mixed_7c.branch_pool.conv.weight"
    side: ClassVar[int] = 299

    def __init__(self, middle: float = 127.5) -> None:
        super().__init__()
        self.layers = nn.Sequential()
        self._middle = middle

    def _take(self, weights: Mapping[str, Tensor]) -> None:
        # Its parts follow each other in the order they are named; the last one is the classifier.
        self.layers = nn.Sequential(*list(_extractor(self.name, weights).children())[:-1])

    def maps(self, x: Tensor) -> list[Tensor]:  # noqa: D102  # as described for FeatureNetwork
        x = x / self._middle - 1
        found: list[Tensor] = []
        for number, layer in enumerate(self.layers[:-1]):
            x = layer(x)
            if number in ENDS:
                found.append(x)
        return found

    def features(self, x: Tensor) -> Tensor:  # noqa: D102
        features: Tensor = self.layers(x / self._middle - 1)
        return features.flatten(1)


def _extractor(name: str, weights: Mapping[str, Tensor]) -> nn.Module:
    """Build torch-fidelity's network. It reads a file in a way that runs code from it, so it is given one of ours."""
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError as error:
        raise WeightsError(f"{name} needs one more package: pip install 'image-translate[metrics]'") from error
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.pth"
        torch.save(dict(weights), file)
        try:
            extractor: nn.Module = FeatureExtractorInceptionV3(name, ["2048"], feature_extractor_weights_path=str(file))
        except RuntimeError as error:
            reason = str(error).splitlines()[1].strip()
            raise WeightsError(f"{name} does not fit the Inception network of torch-fidelity: {reason}") from error
    return extractor
