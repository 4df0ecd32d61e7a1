"""Distances between pictures, or between what networks see in them. Pure functions: tensors in, one scalar out."""

from collections.abc import Sequence

import torch
from torch import Tensor

from translate.objectives.precision import wide
from translate.parallel import mean

EVEN = 0.05  # of [-1, 1]: from steps of luma a few times as large on, a picture counts as uneven


def l1(a: Tensor, b: Tensor) -> Tensor:
    """E |a - b|, the mean over all elements."""
    return (wide(a) - wide(b)).abs().mean()


def mse(a: Tensor, b: Tensor) -> Tensor:
    """E (a - b)^2, the mean over all elements."""
    return (wide(a) - wide(b)).square().mean()


def gated_total_variation(y: Tensor, x: Tensor) -> Tensor:
    """E |grad y| exp(-|grad luma(x)| / 0.05): how uneven y is where x is even.

    Anisotropic total variation (Rudin, Osher, Fatemi 1992) with the gate of edge-aware smoothing, which leaves
    strokes alone wherever the photo has texture. Means over the differences to the right and to the one below.

    Args:
        y: (N, 3, H, W) in [-1, 1], what was made of x; the gradient flows into it.
        x: (N, 3, H, W) in [-1, 1]; its luma is that of ITU-R BT.601.
    """
    y, x = wide(y), wide(x.detach())
    luma = (x * x.new_tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1, keepdim=True)
    terms = [(y.diff(dim=d).abs() * torch.exp(-luma.diff(dim=d).abs() / EVEN)).mean() for d in (2, 3)]
    return (terms[0] + terms[1]) / 2


def batch_feature_matching(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Sum over layers of E (E_batch f(x) - E_batch f(G(z)))^2, after Salimans et al. 2016, section 3.1.

    Args:
        real: activations (N, C, h, w) of each layer for real pictures; no gradient flows into them.
        fake: the same for generated ones.
    """
    pairs = zip(real, fake, strict=True)
    terms = [mean(wide(f).mean(0) - wide(r).detach().mean(0)).square().mean() for r, f in pairs]
    return torch.stack(terms).sum()
