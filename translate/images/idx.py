"""Arrays in IDX files, as those of MNIST (LeCun et al. 1998) are called, packed by gzip or not."""

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from translate.errors import DataError

LARGEST = 1 << 30  # bytes that a file unpacks to


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read a file of unsigned bytes, in any number of dimensions.

    Raises:
        DataError: it is damaged, or holds something else.
    """
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
            content = unpacker.decompress(content, LARGEST)
            if not unpacker.eof:
                raise gzip.BadGzipFile("it is cut off, or unpacks to more than a gigabyte")
    except (OSError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}. Fetch it again.") from error
    dimensions = content[3] if content[:3] == b"\x00\x00\x08" and len(content) > 3 else 0
    shape = [int(side) for side in np.frombuffer(content[4 : 4 + 4 * dimensions], ">u4")]
    if not dimensions or len(shape) < dimensions or len(content) != 4 + 4 * dimensions + prod(shape):
        raise DataError(f"{path} is no whole IDX file of bytes. Fetch it again.")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
