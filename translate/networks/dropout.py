"""Dropout, in training and as noise."""

import torch
from torch import Tensor, nn

from translate.parallel import local_part, world


class Dropout(nn.Dropout):
    """Dropout (Srivastava et al. 2014) that draws for the whole batch, of which several ranks may hold parts.

    Attributes:
        stays: in evaluation it draws, too: a hash of this number and of the place, so the same for every picture.
            None: it does nothing then.
    """

    stays: int | None = None

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        if self.stays is not None and not self.training:
            return x * (_hashed(self.stays, x) >= self.p).to(x.dtype) / (1 - self.p)
        if world() == 1 or not self.training:
            return super().forward(x)
        whole = torch.cat([torch.ones_like(x)] * world())  # in the layout of `x`: draws come in the order of memory
        return x * local_part(super().forward(whole))


def _hashed(number: int, x: Tensor) -> Tensor:
    """Return a number in 0..1 for each place of (N, C, H, W), as (C, H, W) in fp32; the same wherever it is computed.

    In integers below 2^62, which ONNX has as well, unlike bitwise operations on them.
    """
    prime = 2**31 - 1
    channel, row, column = (
        torch.arange(x.shape[axis], device=x.device, dtype=torch.int64) * factor
        for axis, factor in ((1, 73_856_093), (2, 19_349_663), (3, 83_492_791))
    )
    mixed = channel[:, None, None] + row[:, None] + column + 1_103_515_245 * (number + 1)
    for constant in (362_436_069, 521_288_629, 886_751_231):
        mixed = torch.remainder(mixed, prime)
        mixed = mixed * mixed + constant
    return torch.remainder(mixed, prime).float() / prime


def keep_dropout(network: nn.Module) -> None:
    """Let all dropout of a network go on in evaluation, as the noise of pix2pix (Isola et al. 2017, section 3.1)."""
    layers = [layer for layer in network.modules() if isinstance(layer, Dropout)]
    for number, layer in enumerate(layers):
        layer.stays = number
