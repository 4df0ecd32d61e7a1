"""Features of patches at random places of a picture, which contrastive losses compare: PatchSampleF of CUT."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


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
