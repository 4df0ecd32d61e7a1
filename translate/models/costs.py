"""What a model costs: parameters, and multiply-accumulates for a picture."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

import torch

from translate.methods.base import settings_class, translation
from translate.methods.generation import Generation
from translate.models.about import About
from translate.networks.memoryless import without_memory

SIDE = 256  # pixels of the picture that is counted for, or the next side that the networks take


@dataclass(frozen=True)
class Costs:
    """What translating a picture, or drawing one, costs with a model."""

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
    if isinstance(method, Generation):
        side, drawn = about.size, method
        noise, labels = torch.empty(1, drawn.latent, device="meta"), torch.empty(1, drawn.labels, device="meta")
        with torch.inference_mode():
            gmac = gmac_of(lambda: drawn.sample(noise, labels))
    else:
        side = max(-(-SIDE // settings.multiple) * settings.multiple, settings.smallest)
        translating, target = translation(method), about.targets.shown()[0]
        with torch.inference_mode():
            gmac = gmac_of(lambda: translating.translate(torch.empty(1, 3, side, side, device="meta"), target))
    parameters = sum(parameter.numel() for network in method.averaged() for parameter in network.parameters())
    return Costs(parameters, gmac, side)


def gmac_of(work: Callable[[], object]) -> float:
    """Count the multiply-accumulates that `work` really does, forward and backward, in units of 10^9."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    counter.mod_tracker = _Untracked()  # type: ignore[assignment]
    with counter:
        work()
    return float(counter.get_total_flops()) / 2e9


class _Untracked:
    """In place of what finds out which module computes, for which torch has hooks that spectral norms refuse."""

    parents: ClassVar[set[str]] = {"Global"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass
