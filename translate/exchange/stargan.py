"""Networks of yunjey/stargan. They have the names of ours."""

from collections.abc import Mapping

import torch
from torch import Tensor

from translate.exchange.recognised import RecognisedNetwork, on_meta
from translate.networks.discriminators import Critic
from translate.networks.label_resnet import LabelResnet

_UNUSED = ("running_mean", "running_var", "num_batches_tracked")  # the official code translates in training mode


def generator(tensors: Mapping[str, Tensor]) -> RecognisedNetwork:
    """Recognise the generator. Raises `WeightsError` where it differs from the official one."""
    kept = {name: tensor for name, tensor in tensors.items() if not name.endswith(_UNUSED)}
    blocks = len({name.split(".")[1] for name in kept if ".main." in name})
    width, planes = tensors["main.0.weight"].shape[:2]
    settings = LabelResnet(width=width, blocks=blocks)
    notes = ("running statistics of instance normalisation, which were never used, are left out",)
    network = on_meta(settings, 3, 3, planes - 3)
    found = RecognisedNetwork(f"StarGAN generator of {blocks} blocks", settings, kept, 3, 3, notes, labels=planes - 3)
    return found.fitted(network)


def discriminator(tensors: Mapping[str, Tensor]) -> RecognisedNetwork:
    """Recognise the discriminator. Raises `WeightsError` where it differs from the official one."""
    layers = len([name for name in tensors if name.startswith("main.") and name.endswith(".weight")])
    settings = Critic(width=tensors["main.0.weight"].shape[0], layers=layers)
    labels, _, side = tensors["conv2.weight"].shape[:3] if "conv2.weight" in tensors else (1, 1, 1)
    size = side << layers
    with torch.device("meta"):
        network = settings.build_with_labels(3, labels, size)
    return RecognisedNetwork("StarGAN discriminator", settings, tensors, 3, 1, labels=labels, size=size).fitted(network)
