"""The weights that networks begin with."""

from typing import Literal

from torch import nn

from translate.networks.blocks import Change, UntrackedBatchNorm


def initialise(network: nn.Module, gain: float = 0.02, kind: Literal["normal", "xavier"] = "normal") -> None:
    """Draw convolution weights anew, set biases to 0 and batch-norm weights to N(1, gain), in place.

    "normal" draws from N(0, gain): the initialisation of DCGAN (Radford et al. 2016), used by pix2pix and CycleGAN;
    "xavier" from N(0, gain^2 2 / (fan in + fan out)) (Glorot and Bengio 2010), used by CUT. What is frozen, and a
    network that brings its own initial values, stay as they are.
    """
    if getattr(network, "initialised", False):
        return
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear) and layer.weight.requires_grad:
            if kind == "normal":
                nn.init.normal_(layer.weight, 0.0, gain)
            else:
                nn.init.xavier_normal_(layer.weight, gain)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d | UntrackedBatchNorm):
            nn.init.normal_(layer.weight, 1.0, gain)
            nn.init.zeros_(layer.bias)
    for layer in network.modules():
        if isinstance(layer, Change):
            layer.restart()
