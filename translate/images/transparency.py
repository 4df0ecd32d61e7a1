"""What stands behind transparency: where it cannot be written, and where the stored colours are never seen."""

from dataclasses import replace

import numpy as np
from PIL import ImageColor

from translate.errors import SettingsError
from translate.images.picture import Array, Colour, Picture

_BAND = 1 << 18  # pixels mixed at a time, because floats need much more memory than samples


def read_colour(word: str) -> Colour:
    """Read a colour such as "white", "#fff" or "#ffffff" as red, green and blue in 0..255.

    Raises:
        SettingsError: it is none.
    """
    try:
        red, green, blue, *_ = ImageColor.getrgb(word)
    except ValueError as error:
        raise SettingsError(f"A colour is written like white or #ffffff; found {word!r}.") from error
    return red, green, blue


def laid_on(picture: Picture, background: Colour) -> Picture:
    """Return a picture without alpha: laid on a background."""
    if picture.alpha is None:
        return picture
    rgb, largest, ground = np.empty_like(picture.rgb), np.iinfo(picture.rgb.dtype).max, _like(picture, background)
    count = max(1, _BAND // rgb.shape[1])
    for top in range(0, len(rgb), count):
        rows = slice(top, top + count)
        share = picture.alpha[rows, :, None] / np.float32(largest)
        rgb[rows] = np.rint(picture.rgb[rows] * share + ground * (1 - share))
    return replace(picture, rgb=rgb, alpha=None)


def visible(picture: Picture, background: Colour) -> Array:
    """Return the colours (H, W, 3) of a picture, and the background where full transparency hides them.

    What is stored there is arbitrary, often black. Under partial transparency the stored colours are those of the
    thing itself; mixed with a background they would leave a fringe around it.
    """
    if picture.alpha is None or picture.alpha.all():
        return picture.rgb
    return np.where(picture.alpha[..., None] == 0, _like(picture, background), picture.rgb)


def _like(picture: Picture, background: Colour) -> Array:
    return np.array(background, picture.rgb.dtype) * (257 if picture.rgb.dtype == np.uint16 else 1)
