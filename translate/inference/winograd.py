"""3 x 3 convolutions with a quarter of the multiplications: F(4 x 4, 3 x 3) of Lavin and Gray (2016, arXiv:1509.09308).

A square d of 6 x 6 pixels becomes one of 4 x 4 by y = A^T ((G g G^T) * (B^T d B)) A, where * multiplies entry by entry
and is summed over channels: 36 products of matrices for all squares of a picture. Neighbouring squares share two rows
and columns. With c channels, 36 c multiplications take the place of 144 c for each channel of the result, and what the
transforms add does not grow with their number: it repays from `FEWEST` channels on.

In fp32 results of size 1 are off by 5e-5 at most, where those of the sum as it is written are off by 6e-6. There is no
use for it in narrower formats.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

FEWEST = 64  # channels before and behind: with 48 it is no faster, with 96 it takes 0.7 of the time, with 256 0.4
AT_ONCE = 1 << 22  # bytes of the transformed squares that are held, which caches can keep
G = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)


def suits(layer: nn.Conv2d) -> bool:
    """Whether a convolution can be computed so, and sooner."""
    is_plain = layer.stride == layer.dilation == (1, 1) and layer.groups == 1 and layer.padding_mode == "zeros"
    return is_plain and layer.kernel_size == (3, 3) and min(layer.in_channels, layer.out_channels) >= FEWEST


class Winograd(nn.Conv2d):
    """What a convolution of size 3 and stride 1 computes, from its weights at the moment.

    Args:
        layer: the convolution.
    """

    transformed: Tensor  # (36, channels before, channels behind)

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__(layer.in_channels, layer.out_channels, 3, device="meta")
        self.padding = layer.padding
        self.weight, self.bias = layer.weight, layer.bias
        g = torch.tensor(G, dtype=torch.float64, device=layer.weight.device)
        transformed = torch.einsum("ij,ocjk,lk->ilco", g, layer.weight.double(), g).flatten(0, 1)
        self.register_buffer("transformed", transformed.to(layer.weight.dtype), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', H, W) with a padding of 1 pixel, or 2 pixels less without."""
        rows, columns = int(self.padding[0]), int(self.padding[1])
        return self.valid(pad(x, (columns, columns, rows, rows)) if rows or columns else x)

    def valid(self, x: Tensor) -> Tensor:
        """(N, C, H + 2, W + 2) -> (N, C', H, W), channels-last: without the padding of the layer."""
        height, width = x.shape[2] - 2, x.shape[3] - 2
        if height % 4 or width % 4:
            x = pad(x, (0, -width % 4, 0, -height % 4))  # what becomes of it is cut off
        pictures = [self._of_squares(one)[None, :height, :width] for one in x.permute(0, 2, 3, 1)]
        return (pictures[0] if len(pictures) == 1 else torch.cat(pictures)).permute(0, 3, 1, 2)

    def _of_squares(self, x: Tensor) -> Tensor:
        """(H + 2, W + 2, C) -> (H, W, C'), whose sides are multiples of 4, some rows of squares at a time."""
        height, width = x.shape[0] - 2, x.shape[1] - 2
        across, down = width // 4, height // 4
        result = x.new_empty(down, 4, across, 4, self.out_channels)
        most = max(1, AT_ONCE // (36 * across * max(self.in_channels, self.out_channels) * x.element_size()))
        for first in range(0, down, most):
            count = min(most, down - first)
            rows = x[4 * first :]
            v = x.new_empty(6, count, width + 2, self.in_channels)
            _into_squares([rows[i : i + 4 * count - 3 : 4] for i in range(6)], v.unbind(0))
            d = x.new_empty(6, 6, count, across, self.in_channels)
            _into_squares([v[:, :, j : j + width - 3 : 4] for j in range(6)], d.unbind(1))
            m = torch.bmm(d.view(36, count * across, -1), self.transformed).view(6, 6, count, across, -1)
            q = x.new_empty(6, count, across, 4, self.out_channels)
            _out_of_squares(m.unbind(1), q.unbind(3))
            _out_of_squares(q.unbind(0), result[first : first + count].unbind(1))
        result = result.view(height, width, -1)
        return result if self.bias is None else result.add_(self.bias)


def _into_squares(d: Sequence[Tensor], v: Sequence[Tensor]) -> None:
    """Write B^T d, the 6 tensors of one direction, into v.

    B^T = ((4, 0, -5, 0, 1, 0), (0, -4, -4, 1, 1, 0), (0, 4, -4, -1, 1, 0), (0, -2, -1, 2, 1, 0), (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1)).
    """
    even, odd = torch.sub(d[4], d[2], out=v[3]), torch.sub(d[3], d[1], out=v[4])
    torch.add(even, torch.sub(d[0], d[2], out=v[0]), alpha=4, out=v[0])
    torch.sub(torch.sub(d[5], d[3], out=v[5]), odd, alpha=4, out=v[5])
    torch.add(even, odd, alpha=2, out=v[3])
    torch.sub(v[3], odd, alpha=4, out=v[4])
    torch.sub(d[4], d[2], alpha=4, out=v[1])
    torch.sub(d[3], d[1], alpha=4, out=v[2])
    v[1].add_(v[2])
    torch.sub(v[1], v[2], alpha=2, out=v[2])


def _out_of_squares(m: Sequence[Tensor], y: Sequence[Tensor]) -> None:
    """Write A^T m, of the 6 tensors of one direction, into y.

    A^T = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1)).
    """
    inner_sum, inner = m[1] + m[2], m[1] - m[2]
    outer_sum, outer = m[3] + m[4], m[3] - m[4]
    torch.add(m[0], inner_sum, out=y[0]).add_(outer_sum)
    torch.add(inner, outer, alpha=2, out=y[1])
    torch.add(inner_sum, outer_sum, alpha=4, out=y[2])
    torch.add(m[5], inner, out=y[3]).add_(outer, alpha=8)
