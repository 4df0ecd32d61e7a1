"""Optimisers of players, built by their settings."""

from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field, Tag
from torch import nn

from translate.settings import Settings, kind_or


class Adam(Settings):
    """Adam (Kingma and Ba 2015)."""

    kind: Literal["adam"] = "adam"
    lr: float = Field(2e-4, gt=0)
    """Learning rate."""
    beta1: float = Field(0.5, ge=0, lt=1)
    """Decay of the mean of gradients, per step."""
    beta2: float = Field(0.999, ge=0, lt=1)
    """Decay of the mean of squared gradients, per step."""
    weight_decay: float = Field(0.0, ge=0)
    """L2, inside the gradient."""

    def build(self, parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        """Build the optimiser over `parameters`."""
        return torch.optim.Adam(
            parameters, self.lr, (self.beta1, self.beta2), weight_decay=self.weight_decay, fused=True
        )


class RMSprop(Settings):
    """RMSprop (Tieleman and Hinton 2012), the optimiser of WGAN."""

    kind: Literal["rmsprop"] = "rmsprop"
    lr: float = Field(5e-5, gt=0)
    """Learning rate."""
    alpha: float = Field(0.99, ge=0, lt=1)
    """Smoothing of the squared gradients."""
    weight_decay: float = Field(0.0, ge=0)
    """L2, inside the gradient."""

    def build(self, parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        """Build the optimiser over `parameters`."""
        return torch.optim.RMSprop(parameters, self.lr, self.alpha, weight_decay=self.weight_decay)


Optimiser = Annotated[Annotated[Adam, Tag("adam")] | Annotated[RMSprop, Tag("rmsprop")], kind_or("adam")]
