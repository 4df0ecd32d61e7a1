"""A recognised network, and how tensors with other names are given ours."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from translate.errors import WeightsError
from translate.models.tensor_files import misfits
from translate.networks.blocks import InstanceNorm
from translate.networks.discriminators import Critic, PatchGAN, PixelGAN, WholeImage
from translate.networks.encoder_decoder import EncoderDecoder
from translate.networks.label_resnet import LabelResnet
from translate.networks.resnet import Resnet
from translate.networks.unet import UNet

NetworkSettings = Resnet | UNet | EncoderDecoder | LabelResnet | PatchGAN | PixelGAN | WholeImage | Critic


@dataclass(frozen=True)
class ImportOptions:
    """What names and shapes do not tell. The defaults are what the official codes do; None has to be said."""

    statistics: Literal["picture", "running"] = "picture"  # that batch normalisation uses in translation
    skips: Literal["first", "last"] | None = None  # of a U-Net, in what its decoder is given
    channels: Literal["rgb", "bgr"] = "bgr"  # of DiscoGAN's pictures


@dataclass(frozen=True)
class RecognisedNetwork:
    """A network of others.

    Attributes:
        name: what it is, in words.
        settings: what builds it here.
        tensors: by the names that they have here.
        in_channels: of its first convolution.
        out_channels: of its last convolution.
        notes: sentences about what was chosen or left out.
        labels: of StarGAN, how many.
        size: the side of the pictures it was made for, in pixels; 0: not told by the network.
    """

    name: str
    settings: NetworkSettings
    tensors: Mapping[str, Tensor]
    in_channels: int
    out_channels: int
    notes: tuple[str, ...] = ()
    labels: int = 0
    size: int = 0

    def fitted(self, network: nn.Module) -> "RecognisedNetwork":
        """Return this with its tensors in the names and the order of `network`, which `settings` built.

        Raises:
            WeightsError: they are not those of the network; the sentence names the first three.
        """
        required = network.state_dict()
        counters = {
            name: torch.zeros((), dtype=torch.long) for name in required if name.endswith("num_batches_tracked")
        }
        tensors = counters | dict(self.tensors)  # files from before 2018 have no counters
        if wrong := misfits(required, tensors):
            raise WeightsError(
                f"This looks like a {self.name}, but {len(wrong)} of its tensors are missing, superfluous or of another"
                f" shape, first {', '.join(wrong[:3])}."
            )
        return replace(self, tensors={name: tensors[name].contiguous() for name in required})


def in_order(names: Iterable[str]) -> list[str]:
    """Sort names by the numbers in them, which is the order in which the modules run."""
    return sorted(names, key=lambda name: [int(number) for number in re.findall(r"\d+", name)])


def convolutions_and_norms(
    tensors: Mapping[str, Tensor],
) -> tuple[dict[str, dict[str, Tensor]], dict[str, dict[str, Tensor]]]:
    """Return the convolutions and the normalisation layers, by module and in order."""
    grouped: dict[str, dict[str, Tensor]] = {}
    for name in in_order(tensors):
        module, _, entry = name.rpartition(".")
        grouped.setdefault(module, {})[entry] = tensors[name]
    convolutions = {module: held for module, held in grouped.items() if held.get("weight", torch.empty(0)).dim() == 4}
    norms = {module: held for module, held in grouped.items() if module not in convolutions}
    return convolutions, norms


def with_our_names(
    network: nn.Module, convolutions: list[dict[str, Tensor]], norms: list[dict[str, Tensor]]
) -> dict[str, Tensor]:
    """Give the tensors of convolutions and normalisation layers, in order, the names that they have in `network`.

    A bias that is missing becomes 0. One in front of a normalisation that takes it away again is left out where the
    network has none; so are running statistics.
    """
    tensors: dict[str, Tensor] = {}
    ours = dict(network.named_modules())
    places = [name for name, module in ours.items() if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)]
    for name, held in zip(places, convolutions, strict=False):
        tensors |= {f"{name}.weight": held["weight"]}
        bias = ours[name].bias
        if isinstance(bias, Tensor):
            tensors[f"{name}.bias"] = held.get("bias", torch.zeros(bias.shape))
    places = [name for name, module in ours.items() if isinstance(module, InstanceNorm | nn.BatchNorm2d)]
    for name, held in zip(places, norms, strict=False):
        kept = {entry for entry in ours[name].state_dict() if entry in held}
        tensors |= {f"{name}.{entry}": held[entry] for entry in kept}
    return tensors


def on_meta(settings: Any, *arguments: int) -> nn.Module:
    """Build a network whose tensors have shapes but no memory."""
    with torch.device("meta"):
        network: nn.Module = settings.build(*arguments)
    return network
