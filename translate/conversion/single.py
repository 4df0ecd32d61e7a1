"""Converting one picture that is no file, for pipes and pages."""

from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from translate import images
from translate.conversion.masks import mask_notes, read_mask
from translate.conversion.settings import DEFAULT, ConversionSettings
from translate.images import Picture
from translate.inference.translator import Translator


def translate_encoded(
    translator: Translator,
    source: Path | bytes | BinaryIO,
    to: str | None = None,
    settings: ConversionSettings = DEFAULT,
) -> Picture:
    """Decode a picture and translate it; of several frames the first is taken.

    Args:
        translator: the model.
        source: a file, or what one holds.
        to: as for `Translator.picture`.
        settings: how; a mask is one picture, no folder. What is left out here are `batch`, `compare`, `isolate` and
            what `encoding` says of the result.

    Raises:
        ImageDecodeError: the source or the mask is no picture, or larger than the limits.
        UnfitPicture: what is asked for cannot be made of it.
        SettingsError, WeightsError, OutOfMemory, DeviceError: as `Translator.picture`.
    """
    picture = images.read(source, settings.limits, settings.encoding.depth)
    settings.check_result(*picture.rgb.shape[:2])
    mask = read_mask(settings.mask, settings.limits) if settings.mask else None
    if mask is not None:
        picture = replace(picture, notes=(*picture.notes, *mask_notes(mask, *picture.rgb.shape[:2])))
    return translator.picture(picture, to, settings.treatment, mask)


def translate_bytes(
    translator: Translator,
    source: Path | bytes | BinaryIO,
    to: str | None = None,
    settings: ConversionSettings = DEFAULT,
) -> tuple[bytes, tuple[str, ...]]:
    """Translate an encoded picture into an encoded picture.

    Arguments and errors are those of `translate_encoded`. Without a format in `settings.encoding` the result has that
    of its picture, or PNG where that is not written or has fewer bits.

    Returns:
        the file's bytes, and what was changed that a user may want to know, as short phrases.
    """
    result = translate_encoded(translator, source, to, settings)
    is_kept = result.format in images.FORMATS and settings.encoding.depth == 8
    format = settings.encoding.format or (result.format if is_kept else "PNG")
    return images.encode(result, replace(settings.encoding, format=format)), result.notes
