"""Before and after the network: what it sees of a picture, and the result at full size, in strips of bounded memory."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from translate import images
from translate.inference.blending import WHOLLY, Blending
from translate.inference.upsampling import Guide, Size, seen_size
from translate.tensors import Pixels, leave, scaled

STRIP = 1 << 18  # pixels, whose values in between take about 30 MB


def seen(picture: Pixels, size: Size, training: int) -> Pixels:
    """Return what the network sees of a picture (H, W, 3); see `seen_size`."""
    height, width = seen_size(picture.shape[0], picture.shape[1], size, training)
    return picture if (height, width) == picture.shape[:2] else images.resize(picture, height, width)


def finished(
    picture: Pixels, small: Pixels, made: Pixels, blending: Blending = WHOLLY, mask: Pixels | None = None
) -> Pixels:
    """Return the result at full size, blended with its picture.

    Args:
        picture: (H, W, 3).
        small: (h, w, 3), what the network saw; `picture` itself where it saw all of it.
        made: (h, w, 3), what it made of it.
        blending: how much of the result to take.
        mask: see `mask_weights`; None for all of it.
    """
    height, width = picture.shape[:2]
    whole = made.shape == picture.shape
    if whole and blending == WHOLLY and mask is None:
        return made
    weights = None if mask is None else mask_weights(mask, height, width)
    guide = None if whole else Guide(scaled(small), scaled(made), height, width)
    dtype = torch.uint8 if picture.dtype == np.uint8 else torch.uint16
    result, count = np.empty_like(picture), max(1, STRIP // width)
    with torch.inference_mode():
        for top in range(0, height, count):
            rows = slice(top, top + count)
            x = scaled(picture[rows])
            y = guide.rows(x, top) if guide else scaled(made[rows])
            result[rows] = leave(blending(x, y, None if weights is None else weights[rows])[None], dtype)[0]
    return result


def seen_tensor(x: Tensor, size: Size, training: int) -> Tensor:
    """Return what the network sees of (N, 3, H, W) in [-1, 1]; see `seen_size`."""
    height, width = seen_size(x.shape[2], x.shape[3], size, training)
    if (height, width) == x.shape[2:]:
        return x
    return functional.interpolate(x, (height, width), mode="bicubic", antialias=True).clamp(-1, 1)


def finished_tensor(x: Tensor, small: Tensor, made: Tensor, blending: Blending, mask: Pixels | None) -> Tensor:
    """Return the results at full size, blended: as `finished`, for (N, 3, H, W) and (N, 3, h, w) in [-1, 1]."""
    height, width = x.shape[2:]
    weights = None if mask is None else mask_weights(mask, height, width).to(x.device)

    def one(x: Tensor, small: Tensor, made: Tensor) -> Tensor:
        y = made if made.shape == x.shape else Guide(small, made, height, width).rows(x, 0)
        return blending(x, y, weights).clamp(-1, 1)

    return torch.stack([one(*each) for each in zip(x, small, made, strict=True)])


def mask_weights(mask: Pixels, height: int, width: int) -> Tensor:
    """Turn a mask (h, w) of any size, 255 where the result is to be, 0 where the picture stays, into (H, W) in 0..1."""
    if mask.dtype != np.uint8 or mask.ndim != 2:
        raise ValueError(f"A mask is an (H, W) array of uint8; found {mask.shape} of {mask.dtype}.")
    if mask.shape != (height, width):
        mask = images.resize(mask[..., None].repeat(3, axis=2), height, width)[..., 0]
    return torch.from_numpy(mask) / 255
