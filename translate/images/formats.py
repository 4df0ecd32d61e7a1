"""File formats: how they are called, and what they can hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from translate.errors import OutputError
from translate.images.picture import Encoding


@dataclass(frozen=True)
class Format:
    """What a format that is written can hold."""

    suffix: str
    alpha: bool = False
    frames: bool = False
    deep: bool = False  # 16 bits a sample
    lossy: bool = False
    longest: int = 2**31 - 1  # pixels of a side
    options: Mapping[str, Any] = field(default_factory=dict)  # for Pillow


FORMATS = {  # by Pillow's names
    "JPEG": Format(".jpg", lossy=True, longest=65_500, options={"subsampling": "4:4:4"}),
    "PNG": Format(".png", alpha=True, frames=True, deep=True),
    # exact: keep the colours under transparent pixels
    "WEBP": Format(".webp", alpha=True, frames=True, lossy=True, longest=16_383, options={"exact": True}),
    "TIFF": Format(".tif", alpha=True, deep=True),
    "AVIF": Format(
        ".avif",
        alpha=True,
        frames=True,
        lossy=True,
        longest=65_536,
        options={"subsampling": "4:4:4", "advanced": {"alpha:lossless": "1"}},
    ),
    "GIF": Format(".gif", alpha=True, frames=True, longest=65_535),
    "BMP": Format(".bmp"),
    "PPM": Format(".ppm"),
}
SUFFIXES = {  # Pillow's names, of all that is read
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".mpo": "JPEG",
    ".png": "PNG", ".apng": "PNG", ".webp": "WEBP", ".avif": "AVIF", ".tif": "TIFF", ".tiff": "TIFF",
    ".bmp": "BMP", ".gif": "GIF", ".ppm": "PPM", ".pgm": "PPM", ".pbm": "PPM", ".pnm": "PPM", ".pfm": "PPM",
    ".heic": "HEIF", ".heif": "HEIF", ".hif": "HEIF",
}  # fmt: skip


def format_of(path: Path, encoding: Encoding) -> str:
    """Return Pillow's name of the format that `path` is written in.

    Raises:
        OutputError: the format is not written here, is not that of the suffix, or holds less than is asked for.
    """
    named = SUFFIXES.get(path.suffix.lower(), path.suffix)
    name = encoding.format or named
    if path.suffix.lower() in SUFFIXES and name != named:
        raise OutputError(f"The name {path.name} says {named}, asked for {name}. Change one of them.")
    if name not in FORMATS:
        raise OutputError(f"Pictures cannot be written as {name!r}. Choose one of {', '.join(FORMATS)}.")
    if encoding.depth > 8 and not FORMATS[name].deep:
        raise OutputError(f"{name} holds 8 bits a channel, asked for {encoding.depth}. Choose PNG or TIFF instead.")
    return name


def holds_frames(path: Path, encoding: Encoding) -> bool:
    """Tell whether all frames of an animation are to be written to `path`. Errors are those of `format_of`."""
    return FORMATS[format_of(path, encoding)].frames and encoding.depth == 8 and encoding.frames == "all"
