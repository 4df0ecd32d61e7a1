"""Contrastive losses, which compare features of patches at random places of two pictures."""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

Contrast = Literal["nce", "decoupled"]


def nce(v: Tensor, v_plus: Tensor, tau: float) -> Tensor:
    """E -log exp(v v+ / tau) / sum exp(v v' / tau), Park et al. 2020, Eq. 2 (InfoNCE, van den Oord et al. 2018).

    Args:
        v: (N, S, C), unit vectors of S places of each picture.
        v_plus: (N, S, C), those that belong to them; the others of the same picture are the negatives.
        tau: the temperature.
    """
    similar = torch.bmm(v, v_plus.transpose(1, 2)) / tau  # (N, S, S)
    return (torch.logsumexp(similar, 2) - similar.diagonal(dim1=1, dim2=2)).mean()


def decoupled_nce(v: Tensor, v_plus: Tensor, tau: float) -> Tensor:
    """As `nce`, with the negatives alone in the denominator (Yeh et al. 2022, Eq. 6; Jung et al. 2022, Eq. 7)."""
    similar = torch.bmm(v, v_plus.transpose(1, 2)) / tau
    own = torch.eye(similar.shape[1], dtype=torch.bool, device=v.device)
    negatives = similar.masked_fill(own, -torch.inf)
    return (torch.logsumexp(negatives, 2) - similar.diagonal(dim1=1, dim2=2)).mean()


CONTRASTS: dict[Contrast, Callable[[Tensor, Tensor, float], Tensor]] = {"nce": nce, "decoupled": decoupled_nce}


class PatchFeatures(nn.ModuleList):
    """An MLP for each tap of a generator, and unit vectors of its activations at random places.

    Park et al. 2020 (CUT), section 3.2. Gradients are those of the formulas: none reaches the keys.
    """

    def __init__(self, channels: Sequence[int], features: int, places: int) -> None:
        """Build the MLPs.

        Args:
            channels: of each tap.
            features: width of the MLPs, and length of the vectors.
            places: how many are drawn in each tap; smaller maps give all they have.
        """
        super().__init__(_mlp(count, features) for count in channels)
        self.places = places

    def loss(
        self,
        queries: Sequence[Tensor],
        keys: Sequence[Tensor],
        contrast: Callable[[Tensor, Tensor, float], Tensor],
        tau: float,
    ) -> Tensor:
        """Return the mean over the taps of `contrast`, in fp32 or wider.

        Args:
            queries: (N, C, h, w) of each tap, of what was made.
            keys: the same of what it was made of, seen at the same places. No gradient flows into them.
            contrast: of the vectors (N, places, features) of both at temperature tau, such as `objectives.nce`.
            tau: the temperature.
        """
        losses: list[Tensor] = []
        with torch.autocast(queries[0].device.type, enabled=False):
            for q, k, mlp in zip(queries, keys, self, strict=True):
                places = torch.randperm(q[0, 0].numel())[: self.places].to(q.device)
                v, v_plus = (_unit(mlp(_at(h, places))) for h in (q, k.detach()))
                losses.append(contrast(v, v_plus.detach(), tau))
        return torch.stack(losses).mean()


def _mlp(channels: int, features: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(channels, features), nn.ReLU(), nn.Linear(features, features))


def _unit(v: Tensor) -> Tensor:
    unit: Tensor = v / (torch.linalg.vector_norm(v, dim=2, keepdim=True) + 1e-7)
    return unit


def _at(h: Tensor, places: Tensor) -> Tensor:
    """(N, C, h, w) -> (N, places, C), in fp32 or wider."""
    picked = h.flatten(2)[:, :, places].transpose(1, 2)
    return picked.to(torch.promote_types(picked.dtype, torch.float32))
