"""What a model costs: parameters, and multiply-accumulates for a picture."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from translate.methods.base import settings_class
from translate.models.about import About
from translate.networks.memoryless import without_memory

SIDE = 256  # pixels of the picture that is counted for, or the next side that the networks take


@dataclass(frozen=True)
class Costs:
    """What translating with a model costs."""

    parameters: int  # of all networks that the export holds
    gmac: float  # multiply-accumulates of one picture, in units of 10^9
    side: int  # of that picture, in pixels


def costs_of(about: About) -> Costs:
    """Count what a model costs, from what it says of itself; nothing is computed and no memory is taken.

    Raises:
        SettingsError: this version of translate does not know its networks.
    """
    settings = settings_class(about.method["name"]).parse(about.method)
    with without_memory():
        method = settings.build(about.domains, about.size).eval()
    side = max(-(-SIDE // settings.multiple) * settings.multiple, settings.smallest)
    target = about.targets.shown()[0]
    with torch.inference_mode():
        gmac = gmac_of(lambda: method.translate(torch.empty(1, 3, side, side, device="meta"), target))
    parameters = sum(parameter.numel() for network in method.averaged() for parameter in network.parameters())
    return Costs(parameters, gmac, side)


def gmac_of(work: Callable[[], object]) -> float:
    """Count the multiply-accumulates that `work` really does, forward and backward, in units of 10^9."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops()) / 2e9
