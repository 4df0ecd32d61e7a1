"""The sizes before and after the network: what it sees of a picture, and the result at the size of the picture.

Pictures are tensors of uint8 or uint16, or floats in [-1, 1]; what is returned is of the same kind.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from translate import images
from translate.inference.blending import UNBLENDED, Blending
from translate.inference.upsampling import Guide, Size, network_size
from translate.tensors import Pixels, as_pixels, as_tensor, levels, scaled

STRIP = 1 << 18  # pixels, whose values in between take about 30 MB


def network_input(x: Tensor, size: Size, training: int) -> Tensor:
    """Return what the network sees of pictures (N, 3, H, W), which is (N, 3, h, w); see `network_size`."""
    height, width = network_size(x.shape[2], x.shape[3], size, training)
    if (height, width) == x.shape[2:]:
        return x
    if x.is_floating_point():
        return functional.interpolate(x, (height, width), mode="bicubic", antialias=True).clamp(-1, 1)
    return torch.cat([as_tensor(images.resize(as_pixels(picture), height, width)) for picture in torch.split(x, 1)])


@torch.inference_mode()
def full_size(
    x: Tensor, small: Tensor, output: Tensor, blending: Blending = UNBLENDED, mask: Pixels | None = None
) -> Tensor:
    """Return results at full size, blended with their pictures.

    Args:
        x: the pictures, (N, 3, H, W).
        small: (N, 3, h, w), what the network saw; `x` itself where it saw all of it.
        output: (N, 3, h, w), what it made of it.
        blending: how much of the result to take.
        mask: see `mask_weights`; None for all of it.
    """
    if output.shape == x.shape and blending == UNBLENDED and mask is None:
        return output.clamp(-1, 1) if output.is_floating_point() else output
    weights = None if mask is None else mask_weights(mask, x.shape[2], x.shape[3]).to(x.device)
    result = torch.empty_like(x)
    for picture, input_of_it, output_of_it, place in zip(x, small, output, result, strict=True):
        _write_full_size(picture, input_of_it, output_of_it, place, blending, weights)
    return result


def _write_full_size(
    x: Tensor, small: Tensor, output: Tensor, result: Tensor, blending: Blending, weights: Tensor | None
) -> None:
    """Write the result (3, H, W) of one picture (3, H, W) into `result`, strip by strip."""
    height, width = x.shape[1:]
    guide = None if output.shape == x.shape else Guide(scaled(small), scaled(output), height, width)
    count = max(1, STRIP // width)
    for top in range(0, height, count):
        rows = slice(top, top + count)
        before = scaled(x[:, rows])
        after = guide.rows(before, top) if guide else scaled(output[:, rows])
        y = blending(before, after, None if weights is None else weights[rows])
        result[:, rows] = y.clamp(-1, 1) if x.is_floating_point() else levels(y, x.dtype)


def mask_weights(mask: Pixels, height: int, width: int) -> Tensor:
    """Turn a mask (h, w) of any size, 255 where the result is to be, 0 where the picture stays, into (H, W) in 0..1."""
    if mask.dtype != np.uint8 or mask.ndim != 2:
        raise ValueError(f"A mask is an (H, W) array of uint8; found {mask.shape} of {mask.dtype}.")
    if mask.shape != (height, width):
        mask = images.resize(mask[..., None].repeat(3, axis=2), height, width)[..., 0]
    return torch.from_numpy(mask) / 255


def padded(x: Tensor, multiple: int, smallest: int) -> Tensor:
    """Pad (N, C, H, W) at the right and bottom to multiples of `multiple`, at least `smallest`, by reflection."""
    for axis in (-2, -1):
        length = x.shape[axis]
        required = max(-(-length // multiple) * multiple, smallest)
        if required > length:
            # A reflection that runs to and fro also serves pictures narrower than the padding.
            places = torch.arange(required, device=x.device) % max(2 * length - 2, 1)
            x = x.index_select(axis, torch.where(places < length, places, 2 * length - 2 - places))
    return x
