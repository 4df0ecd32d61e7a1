"""Filling holes (inpainting): what the network is shown of a picture with holes, and what is taken of its result.

In the holes the network sees the colour that marked them in training, and no other pixel is mixed with it: where a
picture is made smaller, each pixel is a mean of known ones alone, or a hole where fewer than half are known. Of the
result the holes are taken, and all else stays as it is, bit by bit.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from translate import images
from translate.data.damage import HOLE
from translate.errors import UnfitPicture
from translate.inference.sizes import mask_weights
from translate.tensors import Pixels, as_pixels, as_tensor

Holes = NDArray[np.bool_]  # (H, W)


def holes_in(size: tuple[int, int], mask: Pixels | None, alpha: Pixels | None) -> Holes:
    """Return the holes of a picture of `size` (H, W): where the mask is white, or without one all transparency.

    Where a picture is partly transparent it is a hole as well: what is stored there may be anything.

    Args:
        size: (H, W) of the picture.
        mask: (h, w) of uint8 in any size, on black.
        alpha: (H, W) of the picture, uint8 or uint16.
    """
    if mask is not None:
        return np.asarray(mask_weights(mask, *size).numpy() >= 0.5)
    if alpha is None:
        return np.zeros(size, np.bool_)
    return np.asarray(alpha < np.iinfo(alpha.dtype).max)


def check_holes(frames: Sequence[Holes], masked: bool) -> None:
    """Raise `UnfitPicture` where no frame of a picture has a hole, or one is nothing else."""
    if not any(holes.any() for holes in frames):
        raise UnfitPicture(
            "Its mask is white nowhere, so there is nothing to fill. Holes are white in a mask, on black."
            if masked
            else "Nothing in it is transparent, so there is nothing to fill. Erase what is to be filled, or give a mask"
            " that is white there."
        )
    if any(holes.all() for holes in frames):
        raise UnfitPicture("All of it is a hole, so there is nothing to fill it from.")


def marked(x: Tensor, small: Tensor, holes: Holes) -> Tensor:
    """Return what the network is shown of pictures with the same holes.

    Args:
        x: the pictures, (N, 3, H, W) of uint8 or uint16, or floats in [-1, 1].
        small: (N, 3, h, w), the same at the size in which they are seen; `x` itself where that is all of them.
        holes: (H, W).
    """
    seen, shown = small.clone(), torch.from_numpy(holes)
    if small.shape != x.shape:
        known, (height, width) = (~holes).astype(np.float32), small.shape[2:]
        share = images.resize_plane(known, height, width)
        shown = torch.from_numpy(share < 0.5)
        for plane, place in zip(x.flatten(0, 1), seen.flatten(0, 1), strict=True):
            total = images.resize_plane(plane.cpu().numpy().astype(np.float32) * known, height, width)
            mean = torch.from_numpy(total / np.maximum(share, 0.5))
            place.copy_(mean if x.is_floating_point() else mean.round().clamp(0, torch.iinfo(x.dtype).max))
    colour = torch.tensor(HOLE, dtype=torch.float32)
    colour = colour / 127.5 - 1 if x.is_floating_point() else colour * (torch.iinfo(x.dtype).max // 255)
    return torch.where(shown.to(seen.device), colour.to(seen)[:, None, None], seen)


def filled(x: Tensor, output: Tensor, holes: Holes) -> Tensor:
    """Return pictures (N, 3, H, W) with holes from what the network made of them, (N, 3, h, w); of integers N is 1."""
    height, width = x.shape[2:]
    if x.is_floating_point():
        made = output if output.shape == x.shape else interpolate(output, (height, width), mode="bicubic")
        made = made.clamp(-1, 1)
    else:
        made = output if output.shape == x.shape else as_tensor(images.resize(as_pixels(output), height, width))
    return torch.where(torch.from_numpy(holes).to(x.device), made.to(x.device), x)
