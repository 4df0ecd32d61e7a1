"""Damaged files: only our own error escapes, and memory stays bounded.

500 of them run with the suite, 10,000 with `pytest -m slow tests/images/test_fuzz.py`.
"""

import io
import random
import resource
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from translate.errors import ImageDecodeError
from translate.images import LIMITS, Encoding, Limits, Picture, encode, read, read_frames
from translate.images.colour import SRGB

MODES = {
    "JPEG": ["L", "RGB", "CMYK"],
    "PNG": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    "WEBP": ["RGB", "RGBA"],
    "TIFF": ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB", "I;16", "I", "F"],
    "BMP": ["1", "L", "P", "RGB"],
    "GIF": ["L", "P"],
    "AVIF": ["RGB", "RGBA"],
    "PPM": ["1", "L", "RGB", "I;16", "F"],
    "MPO": ["RGB"],
}
ANIMATED = ["GIF", "PNG", "WEBP", "AVIF"]


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def corpus() -> list[bytes]:
    """Return a small file of each format, mode, depth and compression, with metadata, profiles and frames."""
    pixels = np.random.default_rng(3).integers(0, 65536, (9, 12, 4), dtype=np.uint16)
    rgba = Image.fromarray((pixels >> 8).astype(np.uint8))
    exif, texts = Image.Exif(), PngImagePlugin.PngInfo()
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.LensModel] = "lens"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (1.0, 2.0, 3.0)
    texts.add_itxt("Comment", "text", zip=True)
    of_mode = {
        "RGBA": rgba,
        "I;16": Image.fromarray(pixels[..., 0]),
        "F": Image.fromarray(pixels[..., 0] / np.float32(9)),
    }
    files = [
        saved(of_mode.get(mode) or rgba.convert("RGB" if mode in ("CMYK", "LAB") else mode).convert(mode), format)
        for format, modes in MODES.items()
        for mode in modes
    ]
    rich: dict[str, Any] = {"exif": exif, "icc_profile": SRGB[:-1], "xmp": b"<x>tiff:Orientation='3'</x>"}
    files += [saved(rgba.convert("RGB"), format, **rich) for format in ("JPEG", "WEBP", "TIFF", "AVIF")]
    files += [saved(rgba, "PNG", **rich, pnginfo=texts)]
    files += [saved(rgba.convert("RGB"), "TIFF", compression=kind) for kind in ("tiff_lzw", "packbits", "jpeg")]
    frames = [Picture(pixels[..., (n, 1, 2)], pixels[..., 3], "", shown_ms=50) for n in range(3)]
    files += [encode(frames, Encoding(format)) for format in ANIMATED]
    files += [encode(frame, Encoding(format, depth=16)) for frame in frames[:1] for format in ("PNG", "TIFF")]
    try:
        import pillow_heif
    except ImportError:
        return files
    pillow_heif.register_heif_opener()
    return [*files, saved(rgba, "HEIF", exif=exif.tobytes())]


def mutated(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Damage a file: bytes, numbers, a hole, a repetition, the tail of another file, or the end cut off."""
    result = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        if not result:
            break
        place, kind = chance.randrange(min(len(result), chance.choice((60, 10**6)))), chance.randrange(12)
        if kind < 6:
            result[place] = chance.randrange(256)
        elif kind < 8:
            result[place : place + 4] = chance.choice(
                (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\x40\0")
            )
        elif kind == 8:
            del result[place : place + chance.randrange(1, 9)]
        elif kind == 9:
            result[place:place] = result[place : place + chance.randrange(1, 60)]
        elif kind == 10:
            result[place:] = chance.choice(others)[place:]
        else:
            del result[max(1, place) :]
    return bytes(result)


@pytest.mark.parametrize(
    ("count", "limits"),
    [(500, Limits(10**6)), pytest.param(10_000, LIMITS, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])],
)
@pytest.mark.fault("I-4")
def test_damaged_files_raise_nothing_else_in_bounded_memory(count: int, limits: Limits) -> None:
    chance, files, decoded = random.Random(7), corpus(), 0
    for data in files:
        assert read_frames(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for turn in range(count):
        data = mutated(files[turn % len(files)], files, chance)
        try:
            pictures = read_frames(data, limits, depth=16) if turn % 2 else [read(data, limits)]
        except ImageDecodeError:
            continue
        decoded += 1
        for picture in pictures:
            assert picture.rgb.shape[2] == 3
            assert picture.alpha is None or picture.alpha.shape == picture.rgb.shape[:2]
        for keep in ("safe", "all"):
            if pictures[0].rgb.size < 10**5:
                encode(pictures, Encoding("PNG", keep_metadata=keep, note="note"))
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print("grew by", kibibytes >> 10, "MiB,", decoded, "of", count, "decoded")
    assert kibibytes < 1 << 20
    assert count / 10 < decoded < count * 9 / 10
