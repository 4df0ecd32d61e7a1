"""Painting what was uploaded, one picture at a time, exactly as `translate apply` does it."""

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, get_args

from translate import images
from translate.conversion.job import Job
from translate.conversion.planning import MIRRORED
from translate.conversion.settings import ConversionSettings
from translate.conversion.words import settings_of
from translate.errors import SettingsError, UnfitPicture
from translate.images import Limits
from translate.images.picture import Keep
from translate.serve.albums import Album, Painted
from translate.serve.choices import Choice, Models

NAME = "picture"  # of every upload on the disk
SHOWN = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP")  # that browsers show


@dataclass(frozen=True)
class Upload:
    """A picture that was uploaded.

    Attributes:
        label: what the user calls it, with its folders.
        number: in its album.
        file: where it lies.
    """

    label: PurePosixPath
    number: str
    file: Path


class Painter:
    """Paints uploads, one after the other, for all who have the page open.

    Args:
        models: what can be chosen.
        limits: of pictures.
    """

    def __init__(self, models: Models, limits: Limits = images.LIMITS) -> None:
        self.models, self.limits = models, limits
        self._turn = threading.Lock()

    def paint(self, album: Album, upload: Upload, words: Mapping[str, str]) -> dict[str, Any]:
        """Translate an upload and keep the result in its album.

        Args:
            album: of the upload, and of its mask.
            upload: the picture.
            words: the model, and the options of `translate apply` by their names.

        Returns:
            what the page shows of it.

        Raises:
            SettingsError: an option is wrong.
            Refused: the album was cleared in the meantime.
            UnfitPicture: the picture cannot be read, or that cannot be made of it; the sentence says why.
            WeightsError, DeviceError, OutputError: as `Job.run`.
        """
        choice = self.models.choice(words.get("model", ""))
        settings = read_options(words, choice, album, self.limits)
        job = Job(choice.about, (upload.file,), upload.file.parent / "result", words.get("to") or None, settings)
        _ = job.targets, settings.treatment.of(choice.about)  # refused before it is waited for
        with self._turn:
            album.refuse_cleared()
            started = time.perf_counter()
            (result,) = job.run(self.models.translator(choice))
            took = time.perf_counter() - started
        album.refuse_cleared()
        if result.output is None:
            raise UnfitPicture(f"{upload.label}: {result.reason.removesuffix('.')}.")
        label = PurePosixPath(MIRRORED(Path(upload.label), result.target, result.output.suffix).as_posix())
        album.painted[upload.number] = Painted(label, upload.file, result.output)
        return {
            "number": upload.number,
            "name": str(label),
            "size": result.size,
            "notes": result.notes,
            "seconds": round(took, 2),
            "shown": images.SUFFIXES[result.output.suffix] in SHOWN,
        }

    def wait(self, seconds: float) -> None:
        """Wait until nothing is painted, but no longer than so; nothing is painted afterwards."""
        self._turn.acquire(timeout=seconds)


def read_options(words: Mapping[str, str], choice: Choice, album: Album, limits: Limits) -> ConversionSettings:
    """Return the settings that the options of a request mean; a mask is the number of one in the album.

    Raises:
        SettingsError: one of them is wrong.
    """
    size, take, keep = words.get("size", "auto"), words.get("take", "all"), words.get("metadata", "date")
    if take not in ("all", "lightness", "colour"):
        raise SettingsError(f"What is taken of a result is all, lightness or colour; found {take!r}.")
    if keep not in get_args(Keep):
        raise SettingsError(f"What is kept of metadata is one of {', '.join(get_args(Keep))}; found {keep!r}.")
    if not re.fullmatch("auto|native|[1-9][0-9]{0,4}", size):
        raise SettingsError(f"The size is auto, native or a number of pixels; found {size!r}.")
    given: dict[str, Any] = {
        "size": size if size in ("auto", "native") else int(size),
        "strength": _number(words.get("strength", "1")),
        "keep_colour": take == "lightness",
        "colour_only": take == "colour",
        "keep_metadata": keep,
        "fill": words.get("fill") == "1",
        "enlarge": choice.about.scale if words.get("enlarge") == "1" else 1,
        "limits": limits,
    }
    if mask := words.get("mask"):
        if mask not in album.masks:
            raise SettingsError("The mask is not here any more. Choose it again.")
        given["mask"] = album.masks[mask]
    return settings_of(given)


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise SettingsError(f"The strength is a number from 0 to 1; found {word!r}.") from None
