"""Containers: how films are called, what is written, and by which encoder. Known without PyAV."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from translate.errors import OutputError, SettingsError

MISSING = "Films need one more package: pip install 'image-translate[video]'"


@dataclass(frozen=True)
class Container:
    """A kind of file that is written.

    Attributes:
        name: FFmpeg's.
        shallow: encoders for 8 bits a channel, the preferred first.
        deep: the same for more bits.
        alpha: the same for transparency; empty: it holds none.
    """

    name: str
    shallow: tuple[str, ...]
    deep: tuple[str, ...]
    alpha: tuple[str, ...] = ()


_H264 = ("libx264", "libopenh264", "h264_videotoolbox", "mpeg4")
_H265 = ("libx265", "libsvtav1", "libaom-av1")
_VP9 = ("libvpx-vp9", "libsvtav1", "libaom-av1")
WRITTEN = {  # by suffix
    ".mp4": Container("mp4", _H264, _H265),
    ".m4v": Container("mp4", _H264, _H265),
    ".mov": Container("mov", _H264, _H265),
    ".mkv": Container("matroska", _H264, _H265, ("libvpx-vp9",)),
    ".webm": Container("webm", _VP9, ("libsvtav1", "libaom-av1", "libvpx-vp9"), ("libvpx-vp9",)),
}
_ONLY_READ = (".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".flv", ".3gp", ".ogv")
# Demuxers that read no other files. Playlists and the like, which do, are not among them, whatever a file is called.
DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,asf,flv,ogg"


def check_installed() -> None:
    """Raise `SettingsError` where the extra `video` is not installed."""
    if importlib.util.find_spec("av") is None:
        raise SettingsError(MISSING)


def is_film(path: Path) -> bool:
    """Tell by its suffix whether a file is a film."""
    return path.suffix.lower() in (*WRITTEN, *_ONLY_READ)


def is_written(path: Path) -> bool:
    """Tell by its suffix whether a film of this kind is written."""
    return path.suffix.lower() in WRITTEN


def suffix_of(film: Path) -> str:
    """Return the suffix of the result of a film: its own where such films are written, else .mp4."""
    return film.suffix if is_written(film) else ".mp4"


def container_of(path: Path) -> Container:
    """Return what a film called so is written as. Raises `OutputError` where such films are not written."""
    if not is_written(path):
        raise OutputError(
            f"Films are not written as {path.suffix}. Name one of {', '.join(WRITTEN)}, or a folder for frames, with"
            " --format png."
        )
    return WRITTEN[path.suffix.lower()]
