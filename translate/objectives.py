"""Adversarial objectives as (d, g) pairs, and distances between pictures.

All are pure functions: tensors in, one scalar out, a mean over the batch and over the patches of the score map. Where
several ranks hold a batch, the objective is the mean over the ranks of what they are here.
Half-precision inputs are widened to fp32 first. Weights and factors of the full objective stand in the method that
uses them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import softplus

from translate.parallel import count, mean, part

ObjectiveName = Literal["lsgan", "vanilla"]  # those that every discriminator can be trained with

GUESSING = 0.5  # the accuracy of a discriminator that can only guess


@dataclass(frozen=True)
class Objective:
    """What the discriminator minimises, d(scores of real, scores of fake), and the generator, g(scores of fake)."""

    d: Callable[[Tensor, Tensor], Tensor]
    g: Callable[[Tensor], Tensor]
    balance: float  # g, and half of d, when the discriminator can only guess
    halfway: float  # between the scores that d wants for real and for fake pictures

    def accuracy(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Return the shares of the scores of real and of fake pictures that are on the right side of halfway."""
        return _on_their_side(real, fake, self.halfway)


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


OBJECTIVES: dict[ObjectiveName, Objective] = {
    "lsgan": Objective(lsgan_d, lsgan_g, balance=0.25, halfway=0.5),
    "vanilla": Objective(vanilla_d, vanilla_g, balance=math.log(2), halfway=0.0),
}


def l1(a: Tensor, b: Tensor) -> Tensor:
    """E |a - b|, the mean over all elements."""
    return (_wide(a) - _wide(b)).abs().mean()


def mse(a: Tensor, b: Tensor) -> Tensor:
    """E (a - b)^2, the mean over all elements."""
    return (_wide(a) - _wide(b)).square().mean()


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
    alpha = part(torch.rand(count(real), 1, 1, 1, dtype=real.dtype)).to(real.device)
    x_hat = (alpha * real + (1 - alpha) * fake).detach().requires_grad_()
    with torch.autocast(real.device.type, enabled=False):
        (gradient,) = torch.autograd.grad(critic(x_hat).sum(), x_hat, create_graph=True)
    norms: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return (norms - 1).square().mean()


def _on_their_side(real: Tensor, fake: Tensor, halfway: Tensor | float) -> tuple[Tensor, Tensor]:
    right = real.detach() > halfway, fake.detach() < halfway
    return right[0].float().mean(), right[1].float().mean()


def _wide(x: Tensor) -> Tensor:
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
