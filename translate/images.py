"""Pictures between files and arrays; the only place that knows Pillow.

Whatever a file holds, a `Picture` is 8-bit sRGB, upright, with its alpha beside it. Deeper values are scaled to 0..255,
never wrapped:

    16-bit grey              0..65535, rounded
    16-bit colour            Pillow keeps the upper 8 bits
    32-bit integers, floats  0..1, 0..255 or 0..65535, the first that holds the largest finite value, else 0 to it;
                             below 0 and NaN are black, infinity is white

Of a file with several frames the first is read. What is written carries pixels and an sRGB profile, and nothing else.
"""

import contextlib
import io
import math
import re
import stat
import struct
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageDraw, ImageFile, ImageFont, UnidentifiedImageError

from translate.errors import ImageDecodeError, OutputError
from translate.files import atomic_file

Array = NDArray[np.uint8]

MAX_PIXELS = 64_000_000
MAX_BYTES = 1 << 30  # more than MAX_PIXELS of any format need; some decoders read the whole file before its header

# Content decides what a file is. EPS is not here because reading it would start Ghostscript.
_READ = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "PPM")  # Pillow reads MPO as part of JPEG

_FORMAT_OF = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".mpo": "JPEG",
    ".png": "PNG", ".apng": "PNG", ".webp": "WEBP", ".avif": "AVIF", ".tif": "TIFF", ".tiff": "TIFF",
    ".bmp": "BMP", ".gif": "GIF", ".ppm": "PPM", ".pgm": "PPM", ".pbm": "PPM", ".pnm": "PPM", ".pfm": "PPM",
}  # fmt: skip
SUFFIXES = frozenset(_FORMAT_OF)

_WRITE: dict[str, dict[str, Any]] = {
    "JPEG": {"subsampling": "4:4:4"},
    "PNG": {},
    "WEBP": {"exact": True},  # keep the colours under transparent pixels
    "TIFF": {"compression": "tiff_adobe_deflate"},
    "AVIF": {"subsampling": "4:4:4", "advanced": {"alpha:lossless": "1"}},
    "BMP": {},
    "PPM": {},
}
_LOSSY = frozenset({"JPEG", "WEBP", "AVIF"})
_HOLDS_ALPHA = frozenset({"PNG", "WEBP", "TIFF", "AVIF"})
_LONGEST = {"JPEG": 65_500, "WEBP": 16_383}  # pixels of a side
_SUFFIX_OF = {"JPEG": ".jpg", "MPO": ".jpg", "WEBP": ".webp", "TIFF": ".tif", "AVIF": ".avif"}

# ImageOps.exif_transpose would rewrite the whole EXIF block as well, and fail on odd ones.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip

# Pillow's own limit warns above 89 million pixels. Changing it around one call would race among threads, so it is set
# once, as a far bound behind ours, which is checked against the header before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = 2**31
_QUIET = ("ignore", None, Warning, re.compile(r"PIL\."), 0)  # a filter as `warnings` keeps it


def _srgb_bytes() -> bytes:
    """Return Pillow's sRGB profile with a fixed creation date, so that equal pictures are equal files."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]


_SRGB = _srgb_bytes()


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture.

    Attributes:
        rgb: (H, W, 3) sRGB, 0..255, orientation applied; not multiplied by alpha.
        alpha: (H, W), 0..255, or None when the format holds none.
        format: Pillow's name of the source format: "JPEG", "PNG", "MPO", ...
        notes: what was done to it that a user may want to know, as short phrases.
    """

    rgb: Array
    alpha: Array | None
    format: str
    notes: tuple[str, ...] = ()


def read(source: Path | bytes | BinaryIO, max_pixels: int = MAX_PIXELS) -> Picture:
    """Decode a picture from a regular file, from bytes, or from a stream, which is read to its end.

    Raises:
        ImageDecodeError: whatever is wrong with it; the sentence names the source and the reason.
    """
    notes: list[str] = []
    with _opened(source) as picture:
        pixels = picture.width * picture.height
        if pixels > max_pixels:
            raise ValueError(f"too many pixels, found {pixels}, limit {max_pixels}")
        named = _FORMAT_OF.get(source.suffix.lower()) if isinstance(source, Path) else None
        if named and named != picture.format and (named, picture.format) != ("JPEG", "MPO"):
            notes.append(f"its name says {named}, its content is {picture.format}")
        if getattr(picture, "is_animated", False) and picture.format != "MPO":  # MPO: one photo and its by-products
            notes.append("first of several frames")
        if picture.mode[0] in "IF" or re.search(r";16|\b65535\b", str(picture.tile)):
            notes.append("reduced to 8 bits a channel")
        picture.load()
        orientation = _orientation(picture)
        if orientation == 0:
            notes.append("unreadable EXIF orientation ignored")
        colour, alpha = _split(picture.transpose(_TURNS[orientation]) if orientation in _TURNS else picture)
        rgb = _to_srgb(colour, picture.info.get("icc_profile"), notes)
        return Picture(np.array(rgb), alpha, str(picture.format), tuple(notes))


def probe(path: Path) -> tuple[int, int, str]:
    """Return the upright height and width in pixels and Pillow's mode, without decoding pixels.

    Raises:
        ImageDecodeError: the file is not a picture, or its header is damaged.
    """
    with _opened(path) as picture:
        turned = _orientation(picture) in (5, 6, 7, 8)
        width, height = picture.size[::-1] if turned else picture.size
        return height, width, picture.mode


def encode(picture: Picture, format: str, quality: int = 95) -> bytes:
    """Return the bytes of a file: the pixels, an sRGB profile where the format holds one, and no other metadata.

    Args:
        picture: what to encode. Its alpha is kept exactly, or dropped where the format holds none. WebP and AVIF leave
            out an alpha of 255 everywhere, which means the same.
        format: Pillow's name of the format.
        quality: 0..100, for the lossy formats JPEG, WebP and AVIF.

    Raises:
        OutputError: the format cannot be written or cannot hold a picture of this size.
    """
    if format not in _WRITE:
        raise OutputError(f"Pictures cannot be written as {format!r}. Choose one of {', '.join(_WRITE)}.")
    longest = max(picture.rgb.shape[:2])
    if longest > _LONGEST.get(format, longest):
        raise OutputError(f"{format} holds {_LONGEST[format]} pixels a side; found {longest}. Choose PNG instead.")
    image = Image.fromarray(picture.rgb)
    if picture.alpha is not None and format in _HOLDS_ALPHA:
        image.putalpha(Image.fromarray(picture.alpha))
    stream = io.BytesIO()
    lossy = {"quality": quality} if format in _LOSSY else {}
    image.save(stream, format, icc_profile=_SRGB, **lossy, **_WRITE[format])  # BMP and PPM ignore the profile
    return stream.getvalue()


def write(picture: Picture, path: Path, format: str | None = None, quality: int = 95) -> None:
    """Write what `encode` returns, whole or not at all. Without `format` the suffix of `path` decides.

    Raises:
        OutputError: as `encode`, or the place cannot be written or the disk is full.
    """
    known = _FORMAT_OF.get(path.suffix.lower(), path.suffix)
    with atomic_file(path) as temporary:
        temporary.write_bytes(encode(picture, format or known, quality))


def write_pixels(rgb: Array, path: Path) -> None:
    """Write (H, W, 3) in the format of the path's suffix, whole or not at all. Raises `OutputError`."""
    write(Picture(rgb, None, ""), path)


def output_suffix(picture_format: str, has_alpha: bool) -> str:
    """Return the suffix for the result of a picture: the family it came from if that can hold it, else ".png"."""
    suffix = _SUFFIX_OF.get(picture_format, ".png")
    return suffix if not has_alpha or _FORMAT_OF[suffix] in _HOLDS_ALPHA else ".png"


def resize(rgb: Array, height: int, width: int) -> Array:
    """Resize (H, W, 3) to (height, width, 3) pixels: bicubic, antialiased when shrinking."""
    return np.array(Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC))


def sheet(rows: Sequence[Sequence[Array]], gap: int = 2, captions: Sequence[str] = (), scale: int = 0) -> Array:
    """Lay equally sized pictures out in a grid on white.

    Args:
        rows: pictures (H, W, 3); rows may differ in length.
        gap: pixels between neighbours.
        captions: one text above each column, cut at the column's width.
        scale: the side of the square each pixel becomes. 0: wide enough for captions, or 1 without any.

    Returns:
        (caption + rows * (H * scale + gap) - gap, columns * (W * scale + gap) - gap, 3), the caption 20 pixels or none.

    Raises:
        ValueError: there are no pictures, or their sizes differ.
    """
    height, width = _one_size([picture for row in rows for picture in row])
    scale = scale or (math.ceil(128 / width) if captions else 1)
    height, width, columns, top = height * scale, width * scale, max(map(len, rows)), 20 if captions else 0
    canvas = np.full((top + len(rows) * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            y, x = top + row * (height + gap), column * (width + gap)
            canvas[y : y + height, x : x + width] = picture.repeat(scale, axis=0).repeat(scale, axis=1)
    for column, caption in enumerate(captions[:columns]):
        strip = Image.new("RGB", (width, top), "white")
        ImageDraw.Draw(strip).text((2, 2), caption, fill="black", font=ImageFont.load_default(14))
        canvas[:top, column * (width + gap) :][:, :width] = np.asarray(strip)
    return canvas


def write_animation(frames: Sequence[Array], path: Path, frame_ms: int = 200) -> None:
    """Write a GIF that loops for ever and shows its last frame ten times longer; whole or not at all.

    Args:
        frames: pictures (H, W, 3); they share one adaptive palette. Equal neighbours become one longer frame.
        path: the file to write.
        frame_ms: how long a frame is shown, in milliseconds; GIF counts in steps of 10.

    Raises:
        ValueError: there are no frames, or their sizes differ.
        OutputError: the place cannot be written or the disk is full.
    """
    height, width = _one_size(frames)
    step = 1 + math.isqrt(len(frames) * height * width >> 20)  # about a million pixels are enough for a palette
    palette = Image.fromarray(np.concatenate([frame[::step, ::step] for frame in frames])).quantize(256)
    first, *rest = [Image.fromarray(frame).quantize(palette=palette) for frame in frames]
    duration = [frame_ms] * len(rest) + [10 * frame_ms]
    with atomic_file(path) as temporary:
        first.save(temporary, "GIF", save_all=True, append_images=rest, duration=duration, loop=0, optimize=False)


def _one_size(pictures: Sequence[Array]) -> tuple[int, int]:
    shapes = {picture.shape for picture in pictures}
    if len(shapes) != 1:
        raise ValueError(f"Expected pictures of one size; found {sorted(shapes) or 'none'}.")
    height, width, _ = shapes.pop()
    return height, width


@contextlib.contextmanager
def _opened(source: Path | bytes | BinaryIO) -> Iterator[ImageFile.ImageFile]:
    """Open `source` without decoding; whatever this and decoding in the block raise becomes `ImageDecodeError`."""
    # Pillow warns of odd but readable files. `catch_warnings` is not safe among threads; one filter that stays is.
    if warnings.filters[:1] != [_QUIET]:
        warnings.filterwarnings("ignore", module=_QUIET[3].pattern)
    try:
        with _stream(source) as stream, Image.open(stream, formats=_READ) as picture:
            yield picture
    except Exception as error:
        reason = str(getattr(error, "strerror", None) or error) or type(error).__name__
        if isinstance(error, UnidentifiedImageError):
            reason = f"it is none of {', '.join(_READ)}, or its header is damaged"
        name = source if isinstance(source, Path) else getattr(source, "name", "The picture")
        raise ImageDecodeError(f"{name} cannot be decoded: {' '.join(reason.split())[:300]}.") from error


def _stream(source: Path | bytes | BinaryIO) -> BinaryIO:
    if isinstance(source, Path):
        status = source.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is not a regular file")
        if not 0 < status.st_size <= MAX_BYTES:
            raise ValueError(f"the file has {status.st_size} bytes, expected 1 to {MAX_BYTES}")
        return source.open("rb")
    data = source if isinstance(source, bytes) else source.read()
    if not data:
        raise ValueError("there are no bytes")
    return io.BytesIO(data)


def _orientation(picture: ImageFile.ImageFile) -> int:
    """Return how the stored pixels must still be turned, 1..8, or 0 when that is unreadable."""
    if picture.format == "TIFF":  # Pillow turns these itself, size included
        return 1
    try:
        # Not `picture.getexif`: for PNG it decodes the pixels to look behind them.
        value = Image.Image.getexif(picture).get(ExifTags.Base.Orientation, 1)
    except Exception:
        return 0
    return value if value in range(1, 9) else 0


def _split(picture: Image.Image) -> tuple[Image.Image, Array | None]:
    """Part a picture of any mode into its colours, as L, RGB, CMYK or LAB of 8 bits, and its alpha (H, W)."""
    if picture.mode[0] in "IF":
        values, transparent = np.asarray(picture), picture.info.get("transparency")
        known_depth = picture.mode.startswith("I;16") or (picture.mode == "I" and picture.format == "PPM")
        colour = Image.fromarray(_to_8_bits(values, (65535,) if known_depth else (1, 255, 65535)))
        return colour, None if transparent is None else (values != transparent) * np.uint8(255)
    kept = {"1": "L", "L": "L", "LA": "L", "La": "L", "CMYK": "CMYK", "LAB": "LAB"}.get(picture.mode, "RGB")
    if not picture.has_transparency_data:
        return picture.convert(kept), None
    if picture.mode == "La":
        picture = picture.convert("LA")
    picture = picture.convert("RGBA")
    return picture.convert(kept), np.array(picture.getchannel("A"))


def _to_8_bits(values: NDArray[Any], ranges: Sequence[int]) -> Array:
    """Scale integers or floats of any range to 0..255; see the head of this file."""
    finite = np.nan_to_num(values.astype(np.float32), nan=0, posinf=np.inf, neginf=0)
    largest = float(finite.max(initial=0, where=np.isfinite(finite)))
    white = next((end for end in ranges if largest <= end), largest)
    return np.array(np.rint(np.clip(finite, 0, white) * np.float32(255 / white)), np.uint8)


def _to_srgb(colour: Image.Image, profile: bytes | None, notes: list[str]) -> Image.Image:
    """Convert mode L, RGB, CMYK or LAB to RGB in sRGB. A profile that cannot be used is noted and ignored."""
    if profile and profile != _SRGB:
        try:
            # Made anew for each picture: profile handles are not for two threads at a time.
            own, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
            return ImageCms.buildTransform(own, srgb, colour.mode, "RGB").apply(colour)
        except Exception:
            notes.append(f"colour profile ignored: it is damaged or not for {colour.mode} pictures")
    elif colour.mode == "CMYK":
        notes.append("CMYK without a colour profile, colours are approximate")
    return colour.convert("RGB")
