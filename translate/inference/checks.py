"""What is refused: images of a wrong kind, and results that show that a model is broken."""

import numpy as np
from torch import Tensor

from translate.errors import WeightsError
from translate.tensors import Pixels


def check_array(picture: Pixels) -> None:
    """Raise `ValueError` unless a picture is an (H, W, 3) array of uint8 or uint16."""
    if picture.dtype not in (np.uint8, np.uint16) or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(
            f"A picture is an (H, W, 3) array of uint8 or uint16 in RGB; found {picture.shape} of {picture.dtype}."
        )


def check_tensor(image: Tensor) -> None:
    """Raise `ValueError` unless an image is a (3, H, W) or (N, 3, H, W) tensor of floats."""
    if not image.is_floating_point() or image.ndim not in (3, 4) or image.shape[-3] != 3:
        raise ValueError(
            f"An image tensor is (3, H, W) or (N, 3, H, W) in floats; found {tuple(image.shape)} of {image.dtype}."
        )


def check_finite(y: Tensor) -> None:
    """Raise `WeightsError` if a result holds values that are not finite."""
    if not y.isfinite().all():
        raise WeightsError("The model produced values that are not finite. Try --precision fp32 or another model.")


def check_alive(before: Tensor, after: Tensor) -> None:
    """Raise `WeightsError` if a result (3, H, W) of uint8 or uint16 has one colour, and its picture is far from it."""
    pixels: Pixels = after.permute(1, 2, 0).numpy()
    few = pixels[::16, ::16]
    if pixels.size < 3 * 256 or (few != few[0, 0]).any() or (np.ptp(pixels, axis=(0, 1)) > 0).any():
        return
    some = before[:, ::16, ::16].float()  # in which torch knows the largest of 16 bits
    if some.max() - some.min() > np.iinfo(pixels.dtype).max / 4:
        raise WeightsError("The model made one colour of the whole picture. Try another model, or an earlier one.")
