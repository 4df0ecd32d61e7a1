"""Masks: which picture says where another one is to be translated."""

import unicodedata
from collections import defaultdict
from pathlib import Path

import numpy as np

from translate import images
from translate.conversion.inputs import is_picture
from translate.conversion.isolation import ReadCall, read_here
from translate.conversion.planning import Item
from translate.errors import ImageDecodeError
from translate.files import walk
from translate.tensors import Pixels

BLACK = (0, 0, 0)
DARK = 16  # levels: a mask with nothing lighter hardly translates anything


class Masks:
    """The masks of pictures: one for all, or a folder with one for each, which is listed once.

    Args:
        place: a picture, or a folder that mirrors the inputs.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._found: dict[str, list[Path]] | None = None
        try:
            if place.is_dir():
                self._found = defaultdict(list)
                for path in filter(is_picture, walk(place)):
                    self._found[_key(path.relative_to(place))].append(path)
        except OSError:  # the error comes again when it is read
            pass

    def find(self, item: Item) -> Path:
        """Return the mask of a picture: in a folder the one at the same place with the same stem.

        Names are the same that look the same; of several the one with the same bytes, or else suffix, is meant.

        Raises:
            ImageDecodeError: there is none.
        """
        if self._found is None:
            return self._place
        place = self._place / item.relative
        candidates = self._found.get(_key(item.relative), [])
        if not candidates:
            raise ImageDecodeError(f"{item.source} has no mask: there is no picture {place.stem} in {place.parent}.")
        return min(candidates, key=lambda path: (path != place, path.with_suffix("") != place.with_suffix(""), path))


def _key(relative: Path) -> str:
    return unicodedata.normalize("NFC", relative.with_suffix("").as_posix()).casefold()


def read_mask(path: Path, limits: images.Limits, call: ReadCall = read_here) -> Pixels:
    """Read a mask (H, W) of uint8: how light a picture is, on black. Raises `ImageDecodeError`."""
    picture = images.laid_on(call(images.read, path, limits), BLACK)
    lightness: Pixels = picture.rgb.mean(axis=2).astype(np.uint8)
    return lightness


def mask_notes(mask: Pixels, height: int, width: int) -> tuple[str, ...]:
    """Return what a user may want to know of the mask of a picture of this size, as short phrases."""
    rows, columns = mask.shape
    stretched = abs(columns - rows * width / height) > 1 and abs(rows - columns * height / width) > 1
    notes = ["its mask has another aspect ratio and is stretched"] if stretched else []
    if mask.max() < DARK:
        notes.append(f"its mask has no place lighter than {mask.max()} of 255, so the picture stays as it is")
    return tuple(notes)
