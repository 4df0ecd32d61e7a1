"""Adversarial objectives as (d, g) pairs, for discriminators and critics that return scores without a sigmoid.

All are pure functions: tensors in, one scalar out, a mean over the batch and over the patches of the score map. Where
several ranks hold a batch, the objective is the mean over the ranks of what they are here.
Half-precision inputs are widened to fp32 first. Weights and factors of the full objective stand in the method that
uses them.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from translate.errors import SettingsError
from translate.objectives.precision import wide
from translate.parallel import mean

ObjectiveName = Literal["lsgan", "vanilla", "hinge", "saturating", "chi2"]  # for every discriminator
CriticName = Literal["wgan", "wgan-gp"]  # for those whose gradient is bounded, as the row says
AnyObjectiveName = ObjectiveName | CriticName
Scores = Tensor | Sequence["Scores"]  # one map (N, 1, h, w), or several, or those of several critics

CHANCE = 0.5  # the accuracy of a discriminator that can only guess


def _on_their_side(real: Tensor, fake: Tensor, halfway: Tensor | float) -> tuple[Tensor, Tensor]:
    right = real.detach() > halfway, fake.detach() < halfway
    return right[0].float().mean(), right[1].float().mean()


def _maps(scores: Scores) -> Sequence[Tensor]:
    return [scores] if isinstance(scores, Tensor) else scores  # type: ignore[return-value]  # nested only in `joint`


def _sum(terms: Iterable[Tensor]) -> Tensor:
    return torch.stack([*terms]).sum()


def _mean(terms: Sequence[Tensor]) -> Tensor:
    return terms[0] if len(terms) == 1 else torch.stack([*terms]).mean()


@dataclass(frozen=True)
class Objective:
    """What the discriminator minimises, d(scores of real, scores of fake), and the generator, g(scores of fake)."""

    d: Callable[..., Tensor]
    g: Callable[[Any], Tensor]
    equilibrium: float  # half of d when the discriminator can only guess, and g where `g_hovers`
    accuracy: Callable[[Any, Any], tuple[Tensor, Tensor]]  # shares of real and of fake scores that are rightly judged
    g_hovers: bool = True  # whether g is bounded, so that it says who is winning
    bound: Literal["", "clip", "penalty"] = ""  # what the gradient of the discriminator needs
    smooths: bool = False  # whether d takes `smooth`: how much less than 1 is wanted of real pictures

    def smoothed(self, smooth: float) -> "Objective":
        """Return it with one-sided label smoothing (Salimans et al. 2016, section 3.4): real pictures shall get 1 - s.

        Raises:
            SettingsError: it has no label to be smoothed.
        """
        if not smooth:
            return self
        if not self.smooths:
            names = [name for name, row in OBJECTIVES.items() if row.smooths]
            raise SettingsError(f"Labels can be smoothed (method.smooth) with the objectives {', '.join(names)} only.")
        return replace(self, d=partial(self.d, smooth=smooth))


def joint(parts: Sequence[tuple[Objective, float]]) -> Objective:
    """Return the weighted sum of objectives, for a discriminator that returns the scores of as many critics in order.

    The accuracy is the mean of theirs.
    """

    def d(real: Sequence[Scores], fake: Sequence[Scores]) -> Tensor:
        return _sum(weight * one.d(r, f) for (one, weight), r, f in zip(parts, real, fake, strict=True))

    def g(fake: Sequence[Scores]) -> Tensor:
        return _sum(weight * one.g(f) for (one, weight), f in zip(parts, fake, strict=True))

    def accuracy(real: Sequence[Scores], fake: Sequence[Scores]) -> tuple[Tensor, Tensor]:
        shares = [one.accuracy(r, f) for (one, _), r, f in zip(parts, real, fake, strict=True)]
        return _mean([share for share, _ in shares]), _mean([share for _, share in shares])

    equilibrium = sum(weight * one.equilibrium for one, weight in parts)
    return Objective(d, g, equilibrium, accuracy, all(one.g_hovers for one, _ in parts))


def _over_maps(objective: Objective) -> Objective:
    """Let an objective of one map of scores be that of several: its mean over them."""

    def d(real: Scores, fake: Scores, **smooth: float) -> Tensor:
        return _mean([objective.d(r, f, **smooth) for r, f in zip(_maps(real), _maps(fake), strict=True)])

    def g(fake: Scores) -> Tensor:
        return _mean([objective.g(f) for f in _maps(fake)])

    def accuracy(real: Scores, fake: Scores) -> tuple[Tensor, Tensor]:
        shares = [objective.accuracy(r, f) for r, f in zip(_maps(real), _maps(fake), strict=True)]
        return _mean([share for share, _ in shares]), _mean([share for _, share in shares])

    return replace(objective, d=d, g=g, accuracy=accuracy)


def lsgan_d(real: Tensor, fake: Tensor, smooth: float = 0.0) -> Tensor:
    """E (D(x) - 1)^2 + E D(G(z))^2, Mao et al. 2017, Eq. 2 with a = 0, b = 1, without its factor 1/2."""
    return (wide(real) - (1 - smooth)).square().mean() + wide(fake).square().mean()


def lsgan_g(fake: Tensor) -> Tensor:
    """E (D(G(z)) - 1)^2, Mao et al. 2017, Eq. 2 with c = 1, without its factor 1/2."""
    return (wide(fake) - 1).square().mean()


def chi2_d(real: Tensor, fake: Tensor) -> Tensor:
    """E (D(x) - 1)^2 + E (D(G(z)) + 1)^2, Mao et al. 2017, Eq. 9: the Pearson chi^2 divergence; without 1/2."""
    return (wide(real) - 1).square().mean() + (wide(fake) + 1).square().mean()


def chi2_g(fake: Tensor) -> Tensor:
    """E D(G(z))^2, Mao et al. 2017, Eq. 9, without its factor 1/2."""
    return wide(fake).square().mean()


def vanilla_d(real: Tensor, fake: Tensor, smooth: float = 0.0) -> Tensor:
    """-E log s(D(x)) - E log(1 - s(D(G(z)))), s the sigmoid, Goodfellow et al. 2014, Eq. 1.

    With `smooth` the first term is the cross entropy to 1 - smooth instead of to 1.
    """
    real = wide(real)
    return softplus(-real).mean() + smooth * real.mean() + softplus(wide(fake)).mean()


def vanilla_g(fake: Tensor) -> Tensor:
    """-E log s(D(G(z))), the non-saturating form, Goodfellow et al. 2014, section 3."""
    return softplus(-wide(fake)).mean()


def saturating_g(fake: Tensor) -> Tensor:
    """E log(1 - s(D(G(z)))), Goodfellow et al. 2014, Eq. 1: flat where D is sure, as it is early on."""
    return -softplus(wide(fake)).mean()


def hinge_d(real: Tensor, fake: Tensor) -> Tensor:
    """E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))), Lim and Ye 2017, Eq. 15 to 17."""
    return relu(1 - wide(real)).mean() + relu(1 + wide(fake)).mean()


def hinge_g(fake: Tensor) -> Tensor:
    """-E D(G(z)), unbounded, as in Lim and Ye 2017."""
    return -wide(fake).mean()


def wgan_d(real: Tensor, fake: Tensor) -> Tensor:
    """-E D(x) + E D(G(z)), Arjovsky et al. 2017, Eq. 2; needs a bound on the gradient of D."""
    return wide(fake).mean() - wide(real).mean()


def wgan_g(fake: Tensor) -> Tensor:
    """-E D(G(z)), Arjovsky et al. 2017."""
    return -wide(fake).mean()


def wgan_accuracy(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return the shares as `Objective.accuracy` does; a critic wants no scores, so halfway is between their means."""
    return _on_their_side(real, fake, mean((wide(real).mean() + wide(fake).mean()).detach() / 2))


def _row(d: Any, g: Any, equilibrium: float, halfway: float, **more: Any) -> Objective:
    return _over_maps(Objective(d, g, equilibrium, partial(_on_their_side, halfway=halfway), **more))


OBJECTIVES: dict[str, Objective] = {
    "lsgan": _row(lsgan_d, lsgan_g, 0.25, halfway=0.5, smooths=True),
    "chi2": _row(chi2_d, chi2_g, 1.0, halfway=0.0, g_hovers=False),
    "vanilla": _row(vanilla_d, vanilla_g, math.log(2), halfway=0.0, smooths=True),
    "saturating": _row(vanilla_d, saturating_g, math.log(2), halfway=0.0, g_hovers=False, smooths=True),
    "hinge": _row(hinge_d, hinge_g, 1.0, halfway=0.0, g_hovers=False),
    "wgan": _over_maps(Objective(wgan_d, wgan_g, 0.0, wgan_accuracy, g_hovers=False, bound="clip")),
    "wgan-gp": _over_maps(Objective(wgan_d, wgan_g, 0.0, wgan_accuracy, g_hovers=False, bound="penalty")),
}
WGAN = OBJECTIVES["wgan-gp"]
