"""PNG and TIFF with 16-bit colours, of which Pillow reads the upper 8 bits only and writes none.

These files are read by OpenCV, which albumentations has brought along already, and only after Pillow has read the same
file without complaint; where the two do not agree on the upper bits, Pillow's are used alone.
"""

import io
import re
import struct
import zlib
from collections.abc import Mapping
from itertools import accumulate
from typing import Any, BinaryIO

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

from translate.images.colour import SRGB
from translate.images.picture import Array

Tag = ExifTags.Base

_ROWS = 256  # compared at a time
_STRIP = 1 << 20  # bytes of a TIFF that are compressed together


def is_deep(file: Image.Image) -> bool:
    """Tell, before it is decoded, whether a file has colours of 16 bits.

    Raises:
        ValueError: it is a TIFF that stores each channel by itself, which Pillow and OpenCV both misread.
    """
    if isinstance(file, TiffImagePlugin.TiffImageFile):
        deep = file.mode[0] not in "IF" and max(file.tag_v2.get(Tag.BitsPerSample, (8,))) > 8
        if deep and file.tag_v2.get(Tag.PlanarConfiguration) == 2:
            raise ValueError("16-bit channels are stored apart; save it with interleaved channels")
        return deep
    return file.mode[0] not in "IF" and bool(re.search(r";16|\b65535\b", str(getattr(file, "tile", ""))))


def read_deep(stream: BinaryIO, picture: Image.Image) -> Array | None:
    """Return the 16-bit RGB (H, W, 3) or RGBA (H, W, 4) of an encoded file, as it is stored but for a TIFF's rotation.

    Args:
        stream: the file.
        picture: what Pillow has decoded from it.

    Returns:
        uint16, or None if OpenCV cannot read it or sees another picture.
    """
    import cv2

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # odd files are our notes' concern
    stream.seek(0)
    try:
        pixels = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if pixels is None or pixels.dtype != np.uint16 or pixels.shape[:2] != picture.size[::-1] or pixels.ndim != 3:
        return None
    channels = 4 if picture.has_transparency_data else 3
    if pixels.shape[2] < channels:
        return None
    rgba: Array = pixels[..., [2, 1, 0, 3][:channels]]
    # Of a PNG whose transparency is one colour, Pillow does not find that colour once it is reduced.
    upper = np.asarray(picture.convert("RGBA" if "A" in picture.mode else "RGB"))
    compared = upper.shape[2]
    for top in range(0, len(rgba), _ROWS):
        own = (rgba[top : top + _ROWS, :, :compared] >> 8).astype(np.int16)
        if np.abs(own - upper[top : top + _ROWS]).max() > 1:  # 1: Pillow rounds those of PPM
            return None
    return rgba


def encode_png(samples: Array, options: Mapping[str, Any]) -> bytes:
    """Encode uint16 RGB (H, W, 3) or RGBA (H, W, 4) as PNG, with the metadata that Pillow would be given."""
    import cv2

    _, encoded = cv2.imencode(".png", samples[..., [2, 1, 0, 3][: samples.shape[2]]])
    data, texts = encoded.tobytes(), options.get("pnginfo", PngImagePlugin.PngInfo())
    extra = [(b"iCCP", b"sRGB\0\0" + zlib.compress(SRGB)), *((name, body) for name, body, *_ in texts.chunks)]
    if "dpi" in options:
        per_metre = (round(value / 0.0254) for value in options["dpi"])
        extra.append((b"pHYs", struct.pack(">IIB", *per_metre, 1)))
    if "exif" in options:
        extra.append((b"eXIf", options["exif"].removeprefix(b"Exif\0\0")))
    header = 8 + 25  # the signature, and the chunk IHDR
    return data[:header] + b"".join(map(_chunk, extra)) + data[header:]


def _chunk(chunk: tuple[bytes, bytes]) -> bytes:
    name, body = chunk
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def encode_tiff(samples: Array, options: Mapping[str, Any]) -> bytes:
    """Encode RGB (H, W, 3) or RGBA (H, W, 4), uint8 or uint16, as deflated TIFF with metadata.

    Those of 8 bits as well, because Pillow cannot write EXIF into compressed ones.
    """
    height, width, channels = samples.shape
    rows = max(1, _STRIP // samples[0].nbytes)
    # Horizontal differences, modulo the range, are what deflating needs and the predictor tag names (TIFF 6.0, 14).
    differences = np.diff(samples, axis=1, prepend=samples.dtype.type(0)).astype(samples.dtype.newbyteorder("<"))
    strips = [zlib.compress(differences[top : top + rows].tobytes()) for top in range(0, height, rows)]
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    directory.update(options.get("tiffinfo", {}))
    directory.update(
        {
            Tag.ImageWidth: width,
            Tag.ImageLength: height,
            Tag.BitsPerSample: (8 * samples.dtype.itemsize,) * channels,
            Tag.Compression: 8,  # deflate
            Tag.PhotometricInterpretation: 2,  # RGB
            # Pillow adds the length of what comes before them.
            Tag.StripOffsets: tuple(accumulate(map(len, strips[:-1]), initial=0)),
            Tag.SamplesPerPixel: channels,
            Tag.RowsPerStrip: rows,
            Tag.StripByteCounts: tuple(map(len, strips)),
            Tag.PlanarConfiguration: 1,  # the channels of a pixel lie together
            Tag.Predictor: 2,  # horizontal differences
            Tag.InterColorProfile: SRGB,
        }
    )
    if channels == 4:
        directory[Tag.ExtraSamples] = 2  # the last channel is alpha, and the others are not multiplied by it
    stream = io.BytesIO()
    stream.write(b"II*\0\x08\0\0\0")
    directory.save(stream)
    return b"".join([stream.getvalue(), *strips])
