"""Small copies of pictures, made once, in a hidden folder beside the page that shows them."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from translate import images
from translate.errors import TranslateError
from translate.files import write_bytes
from translate.images import Encoding, Limits

FOLDER = ".thumbnails"
SIDE = 640  # pixels, at most, of the longer side: twice what a page shows, for dense screens
AT_ONCE = 4  # pictures are decoded, each of which may take 300 MB


def thumbnails(pictures: Sequence[Path], folder: Path, limits: Limits) -> list[Path | None]:
    """Make the copies that are not in `folder` yet, which are JPEG files on white, and return where they lie.

    A copy belongs to a path, a size and a time, so that of an edited picture another one is made.

    Returns:
        a path for each picture; None where it cannot be read, is larger than `limits`, or cannot be written.
    """
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(lambda path: thumbnail(path, folder, limits), pictures))


def thumbnail(path: Path, folder: Path, limits: Limits, side: int = SIDE) -> Path | None:
    """Make the copy of one picture, whose longer side has at most `side` pixels; else as `thumbnails`."""
    try:
        facts = path.stat()
        key = b"\0".join([os.fsencode(path.absolute()), b"%d %d" % (facts.st_size, facts.st_mtime_ns)])
        key += b"" if side == SIDE else b" %d" % side
        place = folder / f"{hashlib.sha256(key).hexdigest()[:20]}.jpg"
        if not place.exists():
            picture = images.laid_on(images.read(path, limits), images.WHITE)
            height, width, _ = picture.rgb.shape
            share = min(1, side / max(height, width))
            small = images.resize(picture.rgb, max(1, round(share * height)), max(1, round(share * width)))
            write_bytes(place, images.encode(replace(picture, rgb=small), Encoding("JPEG", quality=85)))
    except (OSError, TranslateError):
        return None
    return place
