"""Scaling losses, so that gradients in fp16 do not vanish: below 6e-8 they are 0."""

from typing import Any

import torch
from torch import Tensor

FIRST = 2.0**12
PATIENCE = 2000  # steps without an overflow, after which a larger scale is tried


class LossScale:
    """A factor on losses, taken out of the gradients again (Micikevicius et al. 2018, section 3.2).

    It is halved when a gradient overflows, and doubled after 2,000 steps in which none did. All of it stays on the
    device, so nothing waits for a GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self.value = torch.full((), FIRST, device=device)
        self._steps = torch.zeros((), dtype=torch.long, device=device)  # without an overflow

    @property
    def lowest(self) -> Tensor:
        """Whether it cannot be lowered any more, so that what overflows is not its fault."""
        return self.value <= 1

    def update(self, finite: Tensor) -> None:
        """Take in whether the gradients of a step were finite."""
        self._steps = torch.where(finite, self._steps + 1, 0)
        grows = self._steps == PATIENCE
        self._steps = torch.where(grows, 0, self._steps)
        self.value = torch.where(finite, torch.where(grows, 2 * self.value, self.value), self.value / 2).clamp(min=1.0)

    def state(self) -> dict[str, Any]:
        """Return everything the next step depends on."""
        return {"value": self.value, "steps": self._steps}

    def load(self, state: dict[str, Any]) -> None:
        """Continue from `state`."""
        self.value.copy_(state["value"])
        self._steps.copy_(state["steps"])
