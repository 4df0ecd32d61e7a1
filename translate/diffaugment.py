"""Differentiable augmentation of all that a discriminator sees.

Zhao, Liu, Lin, Zhu, Han: Differentiable Augmentation for Data-Efficient GAN Training. NeurIPS 2020, arXiv 2006.10738.
Of few pictures a discriminator learns each by heart. Augmenting the real ones alone would teach the generators to make
augmented pictures; so T is applied to real and generated pictures alike, when the discriminators move and when the
generators move, whose gradients go through T. Strengths are those of the official code.

Translation is kornia's. Its saturation and contrast weigh the channels and clamp to [0, 1], which stops gradients, and
its erased rectangles keep inside the picture; those of the paper do not, and are written out here.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from translate.parallel import count, local_part

Operation = Literal["colour", "translation", "cutout"]


def diffaugment(x: Tensor, operations: Sequence[Operation], black: float = -1.0) -> Tensor:
    """T of the paper: each picture is augmented by its own draws, which come from torch's global CPU generator.

    Half-precision pictures are widened to fp32 first. Without operations nothing is done and nothing is drawn.

    Args:
        x: (N, 3, H, W) in [black, 1]; results may lie outside. (N, 6, H, W) is a pair, to both of which the same is
            done.
        operations: what is done, in this order.
        black: the value of black; white is 1.
    """
    if not operations:
        return x
    grey, half = (1 + black) / 2, (1 - black) / 2
    with torch.autocast(x.device.type, enabled=False):  # kornia's coordinates would be pixels off
        y = (x.to(torch.promote_types(x.dtype, torch.float32)) - grey) / half
        for operation in operations:
            y = OPERATIONS[operation](y)
        return grey + half * y


def colour(x: Tensor) -> Tensor:
    """Add up to 0.5 to all values or take it away, scale saturation by 0 to 2 and contrast by 0.5 to 1.5, unclamped.

    Saturation is the distance of a pixel's channels from their mean, contrast that of all values from theirs.
    """
    brightness, saturation, contrast = (_like(x, torch.rand(count(x), 1, 1, 1)) for _ in range(3))
    several = []
    for rgb in torch.split(x + (brightness - 0.5), 3, dim=1):
        saturated = torch.lerp(rgb.mean(1, keepdim=True), rgb, 2 * saturation)
        several.append(torch.lerp(saturated.mean((1, 2, 3), keepdim=True), saturated, contrast + 0.5))
    return torch.cat(several, dim=1)


def translation(x: Tensor) -> Tensor:
    """Shift by up to an eighth of each side, in whole pixels; what comes in from outside is 0, a middle grey."""
    from kornia.geometry.transform import translate  # importing it takes most of a second

    height, width = x.shape[-2:]
    right, down = (torch.randint(-reach, reach + 1, (count(x),)) for reach in ((width + 4) // 8, (height + 4) // 8))
    shifted: Tensor = translate(x, _like(x, torch.stack([right, down], dim=1)), mode="nearest")
    return shifted


def cutout(x: Tensor) -> Tensor:
    """Set a rectangle of half of each side, whose centre is anywhere in the picture, to 0, a middle grey."""
    rows, columns = (_half_of(side, count(x)) for side in x.shape[-2:])
    return x * _like(x, ~(rows[:, None, :, None] & columns[:, None, None, :]))


OPERATIONS: dict[Operation, Callable[[Tensor], Tensor]] = {
    "colour": colour,
    "translation": translation,
    "cutout": cutout,
}


def _half_of(side: int, number: int) -> Tensor:
    """Draw intervals, half as long as `side`, as bool (number, side); those over an edge are cut off."""
    length = side // 2
    start = torch.randint(-(length // 2), side - length // 2 + 1, (number, 1))
    place = torch.arange(side)
    return (start <= place) & (place < start + length)


def _like(x: Tensor, drawn: Tensor) -> Tensor:
    """Return the draws for the pictures of `x` out of those for the whole batch."""
    return local_part(drawn).to(x.device, x.dtype)
