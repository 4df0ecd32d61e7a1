"""One picture from stdin, or to stdout: `-` on the command line."""

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from translate.errors import SettingsError

if TYPE_CHECKING:
    from translate.conversion.job import Job
    from translate.inference.translator import Translator

STREAM = "-"


def check_pipes(others: bool, job: "Job") -> None:
    """Refuse options that one picture without a name does not go with.

    Args:
        others: whether any of these was given.
        job: what was asked for.

    Raises:
        SettingsError: one was given, or the job has several targets.
    """
    if others or job.has_several_targets:
        raise SettingsError(
            "- is one picture without a name, and goes with none of --to all, --dry-run, --watch, --compare,"
            " --report, --failed, --json and --jsonl."
        )


def through_pipes(job: "Job", load: "Callable[[], Translator]") -> tuple[str, ...]:
    """Translate one picture from a file or from stdin to a file or to stdout.

    Returns:
        What was changed that a user may want to know, as short phrases.

    Raises:
        SettingsError: there are several inputs, the output is a folder, an option does not go with it, nothing says a
            format, or stdout is a terminal.
        ImageDecodeError: the input is no picture.
        OutputError: the output cannot be written.
    """
    from translate import images
    from translate.conversion.single import translate_bytes, translate_encoded
    from translate.files import as_output_error
    from translate.places import path_of

    inputs, out, (target,), settings = job.inputs, job.out, job.targets, job.settings
    assert out is not None
    if len(inputs) != 1:
        raise SettingsError(f"- stands for one picture; found {len(inputs)} inputs. Give one.")
    with contextlib.suppress(OSError):  # reading the mask will say why
        if settings.mask and settings.mask.is_dir():
            raise SettingsError("With - there is no folder of masks, because the picture has no name. Name one mask.")
    to_stdout = str(out) == STREAM
    with as_output_error(out):
        is_picture = not out.is_dir() and out.suffix.lower() in images.SUFFIXES
    if not to_stdout and not is_picture:
        raise SettingsError(f"--out {out} is no file name of a picture, which stdin does not give. Name a file or -.")
    if to_stdout and sys.stdout.isatty():
        raise SettingsError("A terminal cannot show pictures. Send stdout to a file or a program, or name a file.")
    if to_stdout and inputs[0] == STREAM and settings.encoding.format is None:
        raise SettingsError("Neither stdin nor stdout has a name that says a format. Choose one with --format.")
    source = _standard_input() if inputs[0] == STREAM else path_of(inputs[0])
    if to_stdout:
        encoded, notes = translate_bytes(load(), source, target, settings)
        sys.stdout.buffer.write(encoded)
        sys.stdout.buffer.flush()
        return notes
    result = translate_encoded(load(), source, target, settings)
    times = source if settings.preserve_times and isinstance(source, Path) else None
    return (*result.notes, *images.write(result, out, settings.encoding, times))


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise SettingsError("There is no stdin to read a picture from. Name a file.")
    return sys.stdin.buffer
