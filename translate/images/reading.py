"""Decoding: any file of the known formats becomes upright sRGB; whatever is wrong with it is one kind of error."""

import contextlib
import io
import re
import stat
import warnings
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageFile, PngImagePlugin, UnidentifiedImageError

from translate.errors import ImageDecodeError
from translate.images.colour import scaled, split, to_srgb, widened
from translate.images.deep import is_deep, read_deep
from translate.images.formats import FORMATS, SUFFIXES
from translate.images.limits import LIMITS, Limits
from translate.images.metadata import metadata_of
from translate.images.picture import Array, Depth, Encoding, Picture, to_depth
from translate.images.profiles import wide_to_srgb
from translate.images.stated_colours import as_srgb, stated
from translate.places import RemotePath

# Content decides what a file is. EPS is not here because reading it would start Ghostscript.
_READ = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "PPM")  # Pillow reads MPO as part of JPEG
_MAGIC = re.compile(
    rb"(?P<JPEG>\xff\xd8\xff)|(?P<WEBP>RIFF....WEBP)|(?P<AVIF>....ftypavi[fs])|(?P<TIFF>II[*+]\0|MM\0[*+])"
    rb"|(?P<GIF>GIF8)|(?P<HEIF>....ftyp(?:he[iv]|mif1|msf1))",  # an AVIF may start with the last two as well
    re.DOTALL,
)

_HEAD = 1 << 16  # bytes, in which HEIF tells of its parts, and with these words that one of them is the alpha
_ALPHA = (b"urn:mpeg:hevc:2015:auxid:1\0", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")

# ImageOps.exif_transpose would rewrite the whole EXIF block as well, and fail on odd ones.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip

# Pillow's own limit warns above 89 million pixels. Changing it around one call would race among threads, so it is set
# once, as a far bound behind ours, which is checked against the header before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = 2**31
PngImagePlugin.MAX_TEXT_CHUNK = 1 << 24  # counts for colour profiles, too, which may have megabytes
_AS_IT_IS = Encoding()
_QUIET = ("ignore", None, Warning, re.compile(r"PIL\."), 0)  # a filter as `warnings` keeps it


def read(source: Path | bytes | BinaryIO, limits: Limits = LIMITS, depth: Depth = 8) -> Picture:
    """Decode a picture from a regular file, from bytes, or from a stream, which is read to its end.

    Args:
        source: where the bytes are. Of an animation or of several pages the first is read.
        limits: larger files are refused; by their header, where that tells it.
        depth: bits of the samples that are returned.

    Raises:
        ImageDecodeError: whatever is wrong with it; the sentence names the source and the reason.
    """
    with _opened(source, limits) as (file, stream):
        limits.check_pixels(file.height, file.width)
        notes = _notes(source, file)
        if _is_animation(file):
            notes.append("first of several frames")
        return _decoded(file, stream, depth, notes)


def read_frames(source: Path | bytes | BinaryIO, limits: Limits = LIMITS, depth: Depth = 8) -> list[Picture]:
    """Decode all frames of an animation, each complete as it is seen; anything else is a list of one.

    Arguments and errors are those of `read`.
    """
    with _opened(source, limits) as (file, stream):
        limits.check_pixels(file.height, file.width)
        notes = _notes(source, file)
        pictures = [_decoded(file, stream, depth, notes)]
        if not _is_animation(file):
            return pictures
        if file.info.get("default_image"):  # an APNG's picture for those who cannot play it
            pictures.clear()
        for number in count(1):
            try:
                file.seek(number)
            except EOFError:
                break
            limits.check_frames(len(pictures) + 1)
            limits.check_pixels(file.height, file.width, len(pictures) + 1)
            pictures.append(_decoded(file, stream, depth, []))
        return pictures


def from_pillow(image: object) -> Picture:
    """Take a picture of Pillow, of any mode, as `read` takes one from a file: upright, in sRGB and 8 bits.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(image, Image.Image):
        raise ValueError(
            f"An image is a path, an array, a tensor, or a picture of Pillow; found {type(image).__name__}."
        )
    return _decoded(image, None, 8, [])


def probe(path: Path, limits: Limits = LIMITS) -> tuple[int, int, str]:
    """Return the upright height and width in pixels and Pillow's mode, without decoding pixels.

    Raises:
        ImageDecodeError: the file is not a picture, its header is damaged, or it has more bytes than `limits`.
    """
    with _opened(path, limits) as (file, _):
        turned = _orientation(file) in (5, 6, 7, 8)
        width, height = file.size[::-1] if turned else file.size
        return height, width, file.mode


def count_frames(path: Path, limits: Limits = LIMITS) -> int:
    """Return how many frames `read_frames` would return. Arguments and errors are those of `probe`."""
    with _opened(path, limits) as (file, _):
        still = file.info.get("default_image", False)  # no frame, see `read_frames`
        return int(getattr(file, "n_frames", 1)) - still if _is_animation(file) else 1


def output_suffix(source: Path, encoding: Encoding = _AS_IT_IS) -> str:
    """Return the suffix of what `source` becomes: what is asked for, else its own family if that holds it, else ".png".

    Its first bytes decide, because names lie; in an object store its name, because each look there is a question. Only
    JPEG lacks transparency, read or written. No decoder that could crash is started, but Pillow's for GIF, which up to
    the pixels is written in Python.
    """
    if encoding.format:
        return FORMATS[encoding.format].suffix
    if isinstance(source, RemotePath):
        return _named_suffix(source, encoding)
    try:
        with source.open("rb") if source.is_file() else io.BytesIO() as stream:  # opening a pipe would wait
            head = stream.read(_HEAD)
    except OSError:
        head = b""  # it stays in the plan, and fails with its reason when it is decoded
    family = _family(head)
    if encoding.depth == 16:
        return ".tif" if family == "TIFF" else ".png"
    if family == "GIF":  # 256 colours hold no translated photo, but GIF animates
        family = ""
        with contextlib.suppress(ImageDecodeError), _opened(source) as (file, _):
            family = "GIF" if _is_animation(file) and encoding.frames == "all" else ""
    elif family == "HEIF":
        transparent = encoding.alpha != "drop" and any(urn in head for urn in _ALPHA)
        brands = head[8 : int.from_bytes(head[:4])]
        family = "AVIF" if b"avi" in brands else "" if transparent else "JPEG"
    return FORMATS[family].suffix if family else ".png"


def _named_suffix(source: Path, encoding: Encoding) -> str:
    """Return what `output_suffix` does for a file that is what its name says, moves if it can, and has no alpha."""
    family = SUFFIXES.get(source.suffix.lower(), "")
    if encoding.depth == 16:
        return ".tif" if family == "TIFF" else ".png"
    if family == "GIF" and encoding.frames != "all":
        return ".png"
    kept = {"HEIF": ".jpg", **{name: FORMATS[name].suffix for name in ("JPEG", "WEBP", "AVIF", "TIFF", "GIF")}}
    return kept.get(family, ".png")


def _family(head: bytes) -> str:
    match = _MAGIC.match(head)
    return match.lastgroup or "" if match else ""


def _notes(source: Path | bytes | BinaryIO, file: ImageFile.ImageFile) -> list[str]:
    notes: list[str] = []
    named = SUFFIXES.get(source.suffix.lower()) if isinstance(source, Path) else None
    if named and named != file.format and (named, file.format) != ("JPEG", "MPO"):
        notes.append(f"its name says {named}, its content is {file.format}")
    if file.format == "TIFF" and getattr(file, "is_animated", False):
        notes.append("first of several pages")
    return notes


def _is_animation(file: ImageFile.ImageFile) -> bool:
    # Further pictures in MPO and HEIC are by-products of one photo.
    return file.format in ("GIF", "PNG", "WEBP", "AVIF") and getattr(file, "is_animated", False)


def _decoded(file: Image.Image, stream: BinaryIO | None, depth: Depth, notes: list[str]) -> Picture:
    """Decode the frame that `file`, opened from `stream` if from any, stands at."""
    deep = stream is not None and is_deep(file)
    said = stated(file, stream)
    file.load()
    orientation, profile = _orientation(file), said.profile
    notes += [said.note] if said.note else []
    if orientation == 0:
        notes.append("unreadable EXIF orientation ignored")
    turn = _TURNS.get(orientation)
    wide = read_deep(stream, file) if deep and stream else scaled(file, notes) if file.mode[0] in "IF" else None
    if deep and wide is not None:
        wide = widened(wide, notes)
    rgb: Array | None = None
    if wide is None:
        colour, alpha = split(file.transpose(turn) if turn is not None else file)
        deep = deep or file.info.get("bit_depth", 8) > 8  # of HEIC
    else:
        wide = wide if turn is None else _turned(wide, turn)
        levels, alpha = (wide[..., :-1], wide[..., -1]) if wide.shape[2] in (2, 4) else (wide, None)
        rgb = wide_to_srgb(levels, profile) if depth == 16 else None
        colour = Image.fromarray(to_depth(levels[..., 0] if levels.shape[2] == 1 else levels, 8))
        deep = rgb is None
    if deep:
        notes.append("reduced to 8 bits a channel")
    if rgb is None:
        rgb = to_depth(np.array(to_srgb(colour, profile, notes)), depth)
    if said.gamma:
        rgb = as_srgb(rgb, said.gamma)
    alpha = None if alpha is None else to_depth(alpha, depth)
    shown_ms, plays = file.info.get("duration") or 0, file.info.get("loop", 0)
    if file.format == "GIF":  # which counts repetitions
        plays = file.info["loop"] and file.info["loop"] + 1 if "loop" in file.info else 1
    return Picture(rgb, alpha, str(file.format), tuple(notes), metadata_of(file), shown_ms, plays)


def _turned(samples: Array, turn: Image.Transpose) -> Array:
    """Turn (H, W, C) uint16."""
    channels = [Image.fromarray(samples[..., n]).transpose(turn) for n in range(samples.shape[2])]
    return np.dstack([np.asarray(channel) for channel in channels])


@contextlib.contextmanager
def _opened(source: Path | bytes | BinaryIO, limits: Limits = LIMITS) -> Iterator[tuple[ImageFile.ImageFile, BinaryIO]]:
    """Open `source` without decoding; whatever this and decoding in the block raise becomes `ImageDecodeError`.

    Yields:
        The opened picture, and the stream that it is read from.
    """
    # Pillow warns of odd but readable files. `catch_warnings` is not safe among threads; one filter that stays is.
    if warnings.filters[:1] != [_QUIET]:
        warnings.filterwarnings("ignore", module=_QUIET[3].pattern)
    heif = False
    try:
        with _stream(source, limits) as stream:
            heif = _family(stream.read(12)) == "HEIF"
            stream.seek(0)
            formats = (*_READ, "HEIF") if heif and _reads_heif() else _READ
            with Image.open(stream, formats=formats) as file:
                yield file, stream
    except Exception as error:
        reason = str(getattr(error, "strerror", None) or error) or type(error).__name__
        if isinstance(error, UnidentifiedImageError):
            reason = f"it is none of {', '.join(_READ)}, or its header is damaged"
            if heif and not _reads_heif():
                reason = "it is HEIC, which needs one more package: pip install 'image-translate[heic]'"
        name = source if isinstance(source, Path) else getattr(source, "name", "The picture")
        raise ImageDecodeError(f"{name} cannot be decoded: {' '.join(reason.split())[:300]}.") from error


@cache
def _reads_heif() -> bool:
    """Teach Pillow HEIC if the extra is installed."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def _stream(source: Path | bytes | BinaryIO, limits: Limits) -> BinaryIO:
    if isinstance(source, RemotePath):
        source = source.read_bytes(limits.bytes + 1)
    if isinstance(source, Path):
        status = source.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is not a regular file")
        limits.check_bytes(status.st_size)  # some decoders read the whole file before its header
        return source.open("rb")
    data = source if isinstance(source, bytes) else source.read(limits.bytes + 1)
    limits.check_bytes(len(data))
    return io.BytesIO(data)


def _orientation(file: Image.Image) -> int:
    """Return how the stored pixels must still be turned, 1..8, or 0 when that is unreadable."""
    if file.format == "TIFF":  # Pillow turns these itself, size included
        return 1
    try:
        # Not `file.getexif`: for PNG it decodes the pixels to look behind them.
        value = Image.Image.getexif(file).get(ExifTags.Base.Orientation, 1)
    except Exception:
        return 0
    return value if value in range(1, 9) else 0
