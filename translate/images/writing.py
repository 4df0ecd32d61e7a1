"""Encoding: pixels, an sRGB profile, and as much of the rest as `Encoding` asks for."""

import io
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from translate.errors import OutputError
from translate.files import as_output_error, atomic_file
from translate.images.colour import SRGB
from translate.images.deep import encode_png, encode_tiff
from translate.images.formats import FORMATS, format_of, holds_frames
from translate.images.metadata import left_out, save_options
from translate.images.picture import WHITE, Array, Depth, Encoding, Picture, to_depth
from translate.images.transparency import laid_on
from translate.places import RemotePath

_AS_IT_IS = Encoding()
_MOST = 65_535  # milliseconds of a frame, and plays, that all formats can count


def encode(picture: Picture | Sequence[Picture], encoding: Encoding) -> bytes:
    """Return the bytes of a file: the pixels, an sRGB profile where the format holds one, and the metadata asked for.

    Args:
        picture: what to encode; several are the frames of an animation, of which a format without any holds the first.
            Alpha is kept exactly, but laid on the background where the format holds none, and rounded to all or nothing
            in GIF. WebP and AVIF leave out an alpha of 255 everywhere, which means the same. Equal neighbours in an
            animation become one longer frame.
        encoding: how, with its format.

    Raises:
        OutputError: the format is not written here, or cannot hold the depth or a picture of this size.
    """
    format = format_of(Path(), encoding)
    kind = FORMATS[format]
    frames = [picture] if isinstance(picture, Picture) else list(picture)
    frames = frames if holds_frames(Path(), encoding) else frames[:1]
    check_fits(frames[0], format)
    if encoding.alpha == "drop" or not kind.alpha:
        frames = [laid_on(frame, encoding.background) for frame in frames]
    options = {**kind.options, **save_options(frames[0].metadata, format, encoding)}
    if format == "TIFF":
        return encode_tiff(_channels(frames[0], encoding.depth), options)
    if encoding.depth == 16:
        return encode_png(_channels(frames[0], 16), options)
    if kind.lossy:
        options["quality"] = encoding.quality
    if len(frames) > 1:
        options |= _timing(frames, format)
        frames = _alike(frames)
    first, *rest = [_image(frame, format) for frame in frames]
    stream = io.BytesIO()
    more = {"save_all": True, "append_images": rest} if rest else {}
    first.save(stream, format, icc_profile=SRGB, **more, **options)  # BMP, GIF and PPM ignore the profile
    return stream.getvalue()


def write(
    picture: Picture | Sequence[Picture], path: Path, encoding: Encoding = _AS_IT_IS, times_of: Path | None = None
) -> tuple[str, ...]:
    """Write what `encode` returns, whole or not at all. Without a format the suffix of `path` decides.

    With `times_of` the file gets the times of that other file, when it was last read and changed.

    Returns:
        What the format does not hold, as short phrases.

    Raises:
        OutputError: as `encode`, or the place cannot be written or the disk is full.
    """
    format = format_of(path, encoding)
    encoded = partial(encode, picture, replace(encoding, format=format))
    if isinstance(path, RemotePath):
        with as_output_error(path):
            path.write_bytes(encoded())
    else:
        with atomic_file(path) as temporary:
            temporary.write_bytes(encoded())
            if times_of:
                status = times_of.stat()
                os.utime(temporary, ns=(status.st_atime_ns, status.st_mtime_ns))
    frames = [picture] if isinstance(picture, Picture) else picture
    lost = _lost(frames, format, encoding, holds_frames(path, encoding))
    return (*lost, *left_out(frames[0].metadata, format, encoding))


def write_pixels(rgb: Array, path: Path) -> None:
    """Write (H, W, 3) in the format of the path's suffix, whole or not at all. Raises `OutputError`."""
    write(Picture(rgb, None, ""), path)


def to_pillow(picture: Picture) -> Image.Image:
    """Return a picture of Pillow in mode RGB, or RGBA where there is an alpha."""
    return Image.fromarray(_channels(picture, 8))


def check_fits(picture: Picture, format: str) -> None:
    """Refuse a picture with more pixels a side than `format` holds.

    Raises:
        OutputError: it has.
    """
    longest = max(picture.rgb.shape[:2])
    if longest > FORMATS[format].longest:
        raise OutputError(
            f"{format} holds {FORMATS[format].longest} pixels a side; found {longest}. Choose PNG instead."
        )


def _lost(frames: Sequence[Picture], format: str, encoding: Encoding, several: bool) -> tuple[str, ...]:
    notes: list[str] = []
    if len(frames) > 1 and not several:
        notes.append("first of several frames")
    alphas = [frame.alpha for frame in (frames if several else frames[:1]) if frame.alpha is not None]
    if encoding.alpha == "drop":
        return tuple(notes)
    if not FORMATS[format].alpha and any(alpha.min() < np.iinfo(alpha.dtype).max for alpha in alphas):
        colour = "white" if encoding.background == WHITE else "the background"
        notes.append(f"transparency laid on {colour}, {format} holds none")
    if format == "GIF" and any(((alpha > 0) & (alpha < np.iinfo(alpha.dtype).max)).any() for alpha in alphas):
        notes.append("soft transparency made all or nothing, GIF holds no other")
    return tuple(notes)


def _channels(picture: Picture, depth: Depth) -> Array:
    """Return (H, W, 3), or (H, W, 4) with alpha."""
    rgb = to_depth(picture.rgb, depth)
    return rgb if picture.alpha is None else np.dstack([rgb, to_depth(picture.alpha, depth)])


def _image(picture: Picture, format: str) -> Image.Image:
    if picture.alpha is None:
        image = Image.fromarray(to_depth(picture.rgb, 8))
        return image.quantize(256) if format == "GIF" else image
    image = Image.fromarray(_channels(picture, 8))
    return _with_transparent_index(image) if format == "GIF" else image


def _with_transparent_index(image: Image.Image) -> Image.Image:
    """Turn RGBA into a palette of 255 colours and, as the last, transparent."""
    colours = image.convert("RGB").quantize(255)
    colours.paste(255, mask=image.getchannel("A").point(lambda level: 255 * (level < 128)))
    colours.info["transparency"] = 255
    return colours


def _alike(frames: Sequence[Picture]) -> list[Picture]:
    """Give all frames an alpha if one has it, because they are stored in one mode."""
    if all(frame.alpha is None for frame in frames):
        return list(frames)
    opaque = np.full(frames[0].rgb.shape[:2], 255, np.uint8)
    return [frame if frame.alpha is not None else replace(frame, alpha=opaque) for frame in frames]


def _timing(frames: Sequence[Picture], format: str) -> dict[str, Any]:
    """Return how long each frame is shown and how often all are, as Pillow wants it."""
    plays = min(frames[0].plays, _MOST)
    options: dict[str, Any] = {"duration": [min(round(frame.shown_ms), _MOST) for frame in frames]}
    if format == "GIF":  # which counts repetitions, and stores none as nothing
        return options | {"disposal": 2} | ({"loop": max(plays - 1, 0)} if plays != 1 else {})
    return options | ({} if format == "AVIF" else {"loop": plays})  # an AVIF is always repeated
