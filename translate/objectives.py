"""Adversarial objectives as (d, g) pairs, and distances between pictures.

All are pure functions: tensors in, one scalar out, a mean over the batch and over the patches of the score map. Where
several ranks hold a batch, the objective is the mean over the ranks of what they are here.
Half-precision inputs are widened to fp32 first. Weights and factors of the full objective stand in the method that
uses them.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from translate.parallel import mean, rand_for

ObjectiveName = Literal["lsgan", "vanilla", "hinge"]  # those that every discriminator can be trained with
Scores = Tensor | Sequence["Scores"]  # one map (N, 1, h, w), or several, or those of several critics

EVEN = 0.05  # of [-1, 1]: from steps of luma a few times as large on, a picture counts as uneven
CHANCE = 0.5  # the accuracy of a discriminator that can only guess


def _on_their_side(real: Tensor, fake: Tensor, halfway: Tensor | float) -> tuple[Tensor, Tensor]:
    right = real.detach() > halfway, fake.detach() < halfway
    return right[0].float().mean(), right[1].float().mean()


def _wide(x: Tensor) -> Tensor:
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def _maps(scores: Scores) -> Sequence[Tensor]:
    return [scores] if isinstance(scores, Tensor) else scores  # type: ignore[return-value]  # nested only in `joint`


def _sum(terms: Iterable[Tensor]) -> Tensor:
    return torch.stack([*terms]).sum()


def _mean(terms: Sequence[Tensor]) -> Tensor:
    return terms[0] if len(terms) == 1 else torch.stack([*terms]).mean()


@dataclass(frozen=True)
class Objective:
    """What the discriminator minimises, d(scores of real, scores of fake), and the generator, g(scores of fake)."""

    d: Callable[[Any, Any], Tensor]
    g: Callable[[Any], Tensor]
    equilibrium: float  # half of d when the discriminator can only guess, and g where `g_hovers`
    accuracy: Callable[[Any, Any], tuple[Tensor, Tensor]]  # shares of real and of fake scores that are rightly judged
    g_hovers: bool = True  # whether g is bounded, so that it says who is winning


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

    def d(real: Scores, fake: Scores) -> Tensor:
        return _mean([objective.d(r, f) for r, f in zip(_maps(real), _maps(fake), strict=True)])

    def g(fake: Scores) -> Tensor:
        return _mean([objective.g(f) for f in _maps(fake)])

    def accuracy(real: Scores, fake: Scores) -> tuple[Tensor, Tensor]:
        shares = [objective.accuracy(r, f) for r, f in zip(_maps(real), _maps(fake), strict=True)]
        return _mean([share for share, _ in shares]), _mean([share for _, share in shares])

    return Objective(d, g, objective.equilibrium, accuracy, objective.g_hovers)


def lsgan_d(real: Tensor, fake: Tensor) -> Tensor:
    """E (D(x) - 1)^2 + E D(G(z))^2, Mao et al. 2017, Eq. 2 with a = 0, b = 1, without its factor 1/2."""
    return (_wide(real) - 1).square().mean() + _wide(fake).square().mean()


def lsgan_g(fake: Tensor) -> Tensor:
    """E (D(G(z)) - 1)^2, Mao et al. 2017, Eq. 2 with c = 1, without its factor 1/2."""
    return (_wide(fake) - 1).square().mean()


def vanilla_d(real: Tensor, fake: Tensor) -> Tensor:
    """-E log s(D(x)) - E log(1 - s(D(G(z)))), s the sigmoid, Goodfellow et al. 2014, Eq. 1."""
    return softplus(-_wide(real)).mean() + softplus(_wide(fake)).mean()


def vanilla_g(fake: Tensor) -> Tensor:
    """-E log s(D(G(z))), the non-saturating form, Goodfellow et al. 2014, section 3."""
    return softplus(-_wide(fake)).mean()


def hinge_d(real: Tensor, fake: Tensor) -> Tensor:
    """E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))), Lim and Ye 2017, Eq. 15 to 17."""
    return relu(1 - _wide(real)).mean() + relu(1 + _wide(fake)).mean()


def hinge_g(fake: Tensor) -> Tensor:
    """-E D(G(z)), unbounded, as in Lim and Ye 2017."""
    return -_wide(fake).mean()


OBJECTIVES: dict[ObjectiveName, Objective] = {
    "lsgan": _over_maps(Objective(lsgan_d, lsgan_g, 0.25, partial(_on_their_side, halfway=0.5))),
    "vanilla": _over_maps(Objective(vanilla_d, vanilla_g, math.log(2), partial(_on_their_side, halfway=0.0))),
    "hinge": _over_maps(Objective(hinge_d, hinge_g, 1.0, partial(_on_their_side, halfway=0.0), g_hovers=False)),
}


def l1(a: Tensor, b: Tensor) -> Tensor:
    """E |a - b|, the mean over all elements."""
    return (_wide(a) - _wide(b)).abs().mean()


def mse(a: Tensor, b: Tensor) -> Tensor:
    """E (a - b)^2, the mean over all elements."""
    return (_wide(a) - _wide(b)).square().mean()


def gated_total_variation(y: Tensor, x: Tensor) -> Tensor:
    """E |grad y| exp(-|grad luma(x)| / 0.05): how uneven y is where x is even.

    Anisotropic total variation (Rudin, Osher, Fatemi 1992) with the gate of edge-aware smoothing, which leaves
    strokes alone wherever the photo has texture. Means over the differences to the right and to the one below.

    Args:
        y: (N, 3, H, W) in [-1, 1], what was made of x; the gradient flows into it.
        x: (N, 3, H, W) in [-1, 1]; its luma is that of ITU-R BT.601.
    """
    y, x = _wide(y), _wide(x.detach())
    luma = (x * x.new_tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1, keepdim=True)
    terms = [(y.diff(dim=d).abs() * torch.exp(-luma.diff(dim=d).abs() / EVEN)).mean() for d in (2, 3)]
    return _mean(terms)


def batch_feature_matching(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Sum over layers of E (E_batch f(x) - E_batch f(G(z)))^2, after Salimans et al. 2016, section 3.1.

    Args:
        real: activations (N, C, h, w) of each layer for real pictures; no gradient flows into them.
        fake: the same for generated ones.
    """
    pairs = zip(real, fake, strict=True)
    terms = [mean(_wide(f).mean(0) - _wide(r).detach().mean(0)).square().mean() for r, f in pairs]
    return torch.stack(terms).sum()


def wgan_d(real: Tensor, fake: Tensor) -> Tensor:
    """-E D(x) + E D(G(z)), Arjovsky et al. 2017, Eq. 2; needs a bound on the gradient of D."""
    return _wide(fake).mean() - _wide(real).mean()


def wgan_g(fake: Tensor) -> Tensor:
    """-E D(G(z)), Arjovsky et al. 2017."""
    return -_wide(fake).mean()


def wgan_accuracy(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return the shares as `Objective.accuracy` does; a critic wants no scores, so halfway is between their means."""
    return _on_their_side(real, fake, mean((_wide(real).mean() + _wide(fake).mean()).detach() / 2))


WGAN = Objective(wgan_d, wgan_g, 0.0, wgan_accuracy, g_hovers=False)


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """E (||grad D(x_hat)||_2 - 1)^2, Gulrajani et al. 2017, Eq. 3, in fp32 or wider.

    x_hat lies between a real and a generated picture, at a place drawn for each pair from torch's global CPU generator.
    The gradient is that of the sum over the score map.

    Args:
        critic: D, maps (N, C, H, W) to scores (N, ...).
        real: (N, C, H, W).
        fake: (N, C, H, W).
    """
    real, fake = _wide(real), _wide(fake)
    alpha = rand_for(real, 1, 1, 1)
    x_hat = (alpha * real + (1 - alpha) * fake).detach().requires_grad_()
    with torch.autocast(real.device.type, enabled=False):
        (gradient,) = torch.autograd.grad(critic(x_hat).sum(), x_hat, create_graph=True)
    norms: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return (norms - 1).square().mean()
