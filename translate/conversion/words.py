"""The words of `translate apply` as settings: the same on the command line and in Python."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Literal

from translate import images
from translate.conversion.settings import ConversionSettings
from translate.errors import SettingsError
from translate.images import LIMITS, Encoding, Limits
from translate.inference.blending import Blending
from translate.places import RemotePath, path_of
from translate.settings import nearest

BLENDING = ("strength", "keep_colour", "colour_only")
ENCODING = ("format", "quality", "depth", "alpha", "background", "frame", "keep_metadata")
LIMITING = ("max_pixels", "max_frames", "max_file_mb")
WHOLE = tuple(
    field.name for field in fields(ConversionSettings)
)  # settings of which words are parts, or that are words
WORDS = (*WHOLE, *BLENDING, *ENCODING, *LIMITING)


def settings_of(words: Mapping[str, Any]) -> ConversionSettings:
    """Return the settings that words mean, which are those of `translate apply` with _ for -, or whole settings.

    Args:
        words: any of `WORDS`; of formats the names are suffixes, such as "jpg", or Pillow's.

    Raises:
        TypeError: there is no such word.
        SettingsError: a value is wrong.
    """
    refuse_unknown(words, WORDS)
    given = {name: words[name] for name in WHOLE if name in words}
    if parts := {name: words[name] for name in BLENDING if name in words}:
        given["blending"] = blending_of(parts)
    if any(name in words for name in ENCODING):
        given["encoding"] = _encoding(words, given.get("encoding", Encoding()))
    if any(name in words for name in LIMITING):
        limits: Limits = given.get("limits", LIMITS)
        given["limits"] = Limits(
            words.get("max_pixels", limits.pixels), words.get("max_frames", limits.frames),
            words.get("max_file_mb", limits.mebibytes),
        )  # fmt: skip
    if isinstance(given.get("mask"), str):
        given["mask"] = path_of(given["mask"])
    if isinstance(given.get("mask"), RemotePath):
        raise SettingsError(f"Masks lie on this machine; found {given['mask']}. Copy them here.")
    return ConversionSettings(**given)


def blending_of(words: Mapping[str, Any]) -> Blending:
    """Return what `BLENDING` words mean. Raises `SettingsError` where they exclude each other."""
    keep, only = words.get("keep_colour", False), words.get("colour_only", False)
    if keep and only:
        raise SettingsError("--keep-colour and --colour-only exclude each other. Give one of them.")
    take: Literal["all", "lightness", "colour"] = "lightness" if keep else "colour" if only else "all"
    return Blending(words.get("strength", 1.0), take)


def refuse_unknown(words: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Raise `TypeError`, as Python does for an argument that there is not, with the nearest one that there is."""
    for word in words:
        if word not in known:
            raise TypeError(f"There is no option {word}.{nearest(word, known)} Known: {', '.join(sorted(known))}.")


def _encoding(words: Mapping[str, Any], encoding: Encoding) -> Encoding:
    given = {name: words[name] for name in ("quality", "alpha", "keep_metadata") if name in words}
    if "format" in words:
        name = str(words["format"])
        given["format"] = None if name == "auto" else images.SUFFIXES.get(f".{name.lower()}", name)
    if "depth" in words:
        given["depth"] = 16 if str(words["depth"]) == "16" else 8
    if "background" in words:
        colour = words["background"]
        given["background"] = images.read_colour(colour) if isinstance(colour, str) else tuple(colour)
    if "frame" in words:
        given["frames"] = words["frame"]
    return replace(encoding, **given)
