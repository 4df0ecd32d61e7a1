"""Pictures on pages."""

from translate import images
from translate.images import Encoding, Picture
from translate.metrics.results import Example
from translate.tensors import Pixels

SHOWN = 6  # pictures of a kind
LARGEST = 512  # pixels: larger pictures are shrunk for a page, after they were translated


def png(picture: Pixels) -> bytes:
    """Encode a picture (H, W, 3), shrunk to at most 512 pixels a side."""
    height, width = picture.shape[:2]
    if (scale := LARGEST / max(height, width)) < 1:
        picture = images.resize(picture, max(round(height * scale), 1), max(round(width * scale), 1))
    return images.encode(Picture(picture, None, "PNG"), Encoding("PNG"))


class Samples:
    """Some pictures with what became of them: those with the lowest keys, so that names and order do not matter."""

    def __init__(self) -> None:
        self._rows: list[tuple[bytes, Example]] = []

    def offer(self, key: bytes, pictures: tuple[Pixels, ...], words: str) -> None:
        """Take the pictures if they are to be shown."""
        if len(self._rows) < SHOWN or key < self._rows[-1][0]:
            self._rows.append((key, Example(tuple(map(png, pictures)), words)))
            self._rows = sorted(self._rows, key=lambda row: row[0])[:SHOWN]

    def examples(self) -> list[Example]:
        """Return what was taken, by keys."""
        return [example for _, example in self._rows]
