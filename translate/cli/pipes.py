"""One picture from stdin, or to stdout: `-` on the command line."""

import contextlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from translate.errors import SettingsError

if TYPE_CHECKING:
    from translate.conversion.pipeline import Conversion
    from translate.inference.translator import Translator

STREAM = "-"


def through_pipes(
    inputs: Sequence[str], out: Path, load: "Callable[[], Translator]", target: str, how: "Conversion"
) -> tuple[str, ...]:
    """Translate one picture from a file or from stdin to a file or to stdout.

    Returns:
        What was changed that a user may want to know, as short phrases.

    Raises:
        SettingsError: there are several inputs, `out` is a folder, a word does not go with it, nothing says a format,
            or stdout is a terminal.
        ImageDecodeError: the input is no picture.
        OutputError: `out` cannot be written.
    """
    from translate import images
    from translate.conversion.masks import read_mask
    from translate.files import written_to

    if len(inputs) != 1:
        raise SettingsError(f"- stands for one picture; found {len(inputs)} inputs. Give one.")
    with contextlib.suppress(OSError):  # reading the mask will say why
        if how.mask and how.mask.is_dir():
            raise SettingsError("With - there is no folder of masks, because the picture has no name. Name one mask.")
    to_stdout = str(out) == STREAM
    with written_to(out):
        is_picture = not out.is_dir() and out.suffix.lower() in images.SUFFIXES
    if not to_stdout and not is_picture:
        raise SettingsError(f"--out {out} is no file name of a picture, which stdin does not give. Name a file or -.")
    if to_stdout and sys.stdout.isatty():
        raise SettingsError("A terminal cannot show pictures. Send stdout to a file or a program, or name a file.")
    if to_stdout and inputs[0] == STREAM and how.encoding.format is None:
        raise SettingsError("Neither stdin nor stdout has a name that says a format. Choose one with --format.")
    source = _standard_input() if inputs[0] == STREAM else Path(inputs[0])
    picture = images.read(source, how.limits, how.encoding.depth)
    mask = read_mask(how.mask, how.limits) if how.mask else None
    result = load().picture(picture, target, how.size, how.blending, mask, how.encoding.background)
    if to_stdout:
        own = picture.format if picture.format in images.FORMATS and how.encoding.depth == 8 else "PNG"
        encoding = replace(how.encoding, format=how.encoding.format or own)
        sys.stdout.buffer.write(images.encode(result, encoding))
        sys.stdout.buffer.flush()
        return result.notes
    times = source if how.preserve_times and isinstance(source, Path) else None
    return (*result.notes, *images.write(result, out, how.encoding, times))


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise SettingsError("There is no stdin to read a picture from. Name a file.")
    return sys.stdin.buffer
