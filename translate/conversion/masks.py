"""Masks: which picture says where another one is to be translated."""

from pathlib import Path

import numpy as np

from translate import images
from translate.conversion.inputs import is_picture
from translate.conversion.isolation import ReadCall, read_here
from translate.conversion.planning import Item
from translate.errors import ImageDecodeError
from translate.tensors import Pixels


def find_mask(mask: Path, item: Item) -> Path:
    """Return the mask of a picture: `mask` itself, or in a folder the picture that has the same place and stem.

    Raises:
        ImageDecodeError: there is none.
    """
    try:
        if not mask.is_dir():
            return mask
    except OSError:  # the error comes again when it is read
        return mask
    place = mask / item.relative
    candidates = sorted(path for path in place.parent.glob("*") if path.stem == place.stem and is_picture(path))
    if not candidates:
        raise ImageDecodeError(f"{item.source} has no mask: there is no picture {place.stem} in {place.parent}.")
    return place if place in candidates else candidates[0]


def read_mask(path: Path, limits: images.Limits, call: ReadCall = read_here) -> Pixels:
    """Read a mask (H, W) of uint8: how light a picture is. Raises `ImageDecodeError`."""
    lightness: Pixels = call(images.read, path, limits).rgb.mean(axis=2).astype(np.uint8)
    return lightness
