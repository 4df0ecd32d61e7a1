"""Networks of torchvision, trained on the thousand classes of ImageNet, with the weights that torchvision publishes."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from translate.errors import WeightsError
from translate.networks.features.feature_network import FeatureNetwork
from translate.networks.memoryless import without_memory

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, in RGB of 0..1
CLASSIFIERS = ("fc", "classifier")  # layers that are not needed
SAMPLES, SIDE = 8, 128  # pictures of noise that tell the moments of the maps, and their side in pixels
FLOOR = 0.1  # of a map's whole deviation is added to that of each channel: some channels hardly see anything


class TorchvisionNetwork(FeatureNetwork):
    """Four stages, whose maps have 1/4, 1/8, 1/16 and 1/32 of a picture's sides, and perhaps one more.

    Features are the spatial means of what comes out last, before the classifier.
    """

    side: ClassVar[int] = 224
    ends: ClassVar[tuple[int, ...]]  # of the stages, among the layers of the published network

    def __init__(self) -> None:
        super().__init__()
        self.stages = self._split(self._built())

    def _built(self) -> Any:
        from torchvision.models import get_model  # which takes a second

        with without_memory():
            network = get_model(self.word, weights=None)
        network.fc = network.classifier = nn.Identity()
        return network

    def _split(self, network: Any) -> nn.ModuleList:
        layers = network.features
        return nn.ModuleList(layers[start:end] for start, end in zip((0, *self.ends[:-1]), self.ends, strict=True))

    def _take(self, weights: Mapping[str, Tensor]) -> None:
        network = self._built()
        kept = {name: tensor for name, tensor in weights.items() if name.partition(".")[0] not in CLASSIFIERS}
        try:
            network.load_state_dict(kept, assign=True)
        except RuntimeError as error:
            reason = str(error).splitlines()[1].strip()
            raise WeightsError(f"{self.name} does not fit torchvision's {self.word}: {reason:.200}") from error
        self.stages = self._split(network.eval())
        with torch.no_grad():
            self._keep_moments((h.mean((0, 2, 3)), h.std((0, 2, 3)) + FLOOR * h.std()) for h in self.maps(_noise()))

    def maps(self, x: Tensor) -> list[Tensor]:  # noqa: D102  # as described for FeatureNetwork
        x = (x / 255 - x.new_tensor(MEAN)[:, None, None]) / x.new_tensor(DEVIATION)[:, None, None]
        found: list[Tensor] = []
        for stage in self.stages[: len(self.channels)]:
            x = stage(x)
            found.append(x)
        return found

    def features(self, x: Tensor) -> Tensor:  # noqa: D102
        h = self.maps(x)[-1]
        last: Tensor = nn.Sequential(*self.stages[len(self.channels) :])(h)
        return last.mean((2, 3))


def _noise() -> Tensor:
    """Draw pictures (SAMPLES, 3, SIDE, SIDE) of 0..255 whose spectrum falls as that of photos, always the same."""
    drawn = torch.randn(SAMPLES, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    frequency = torch.hypot(torch.fft.fftfreq(SIDE)[:, None], torch.fft.rfftfreq(SIDE)).clamp_min(1 / SIDE)
    falling: Tensor = torch.fft.irfft2(torch.fft.rfft2(drawn) / frequency)
    return (127.5 + 60 * falling / falling.std()).clamp(0, 255)  # 60: about what photos vary by


class VGG16(TorchvisionNetwork):
    """VGG-16 (Simonyan and Zisserman 2014, arXiv 1409.1556); maps are those behind its last four poolings."""

    word, title, key = "vgg16", "VGG-16", "features.28.weight"
    channels, ends = (128, 256, 512, 512), (10, 17, 24, 31)


class EfficientNetB0(TorchvisionNetwork):
    """EfficientNet-B0 (Tan and Le 2019, arXiv 1905.11946)."""

    word, title, key = "efficientnet_b0", "EfficientNet-B0", "features.8.0.weight"
    channels, ends = (24, 40, 112, 320), (3, 4, 6, 8, 9)


class ResNet18(TorchvisionNetwork):
    """ResNet-18 (He et al. 2015, arXiv 1512.03385)."""

    word, title, key = "resnet18", "ResNet-18", "layer1.0.conv1.weight"
    channels = (64, 128, 256, 512)

    def _split(self, network: Any) -> nn.ModuleList:
        n = network
        return nn.ModuleList([nn.Sequential(n.conv1, n.bn1, n.relu, n.maxpool, n.layer1), n.layer2, n.layer3, n.layer4])


class ResNet50(ResNet18):
    """ResNet-50 (He et al. 2015, arXiv 1512.03385)."""

    word, title, key = "resnet50", "ResNet-50", "layer1.0.conv3.weight"
    channels = (256, 512, 1024, 2048)
