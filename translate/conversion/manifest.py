"""What the results in a folder were made with, so that those of another model or of other settings are made again.

A hidden file in the folder has a line of JSON for each result: its path, and a fingerprint of model and settings. Of
several lines for a path the last counts. Lines are only added, because several runs may share a folder; one that was
torn counts as none, and a result without any counts as made with anything.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

from translate.conversion.pipeline import Result
from translate.conversion.planning import Item
from translate.conversion.settings import ConversionSettings
from translate.errors import DiskFull, DiskReadOnly, OutputError
from translate.files import as_output_error
from translate.models.about import About

NAME = ".translate.jsonl"


def fingerprint(about: About, target: str, settings: ConversionSettings) -> str:
    """Return a hash of all that changes a result: the model, the target, and some of the settings."""
    options = {
        "size": settings.size,
        "blending": asdict(settings.blending),
        "mask": settings.mask,
        "encoding": asdict(settings.encoding),
    }
    text = json.dumps({"model": about.sha256, "to": target, **options}, default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_fingerprints(folder: Path) -> dict[Path, str]:
    """Return the fingerprints of the results in a folder by their paths."""
    try:
        lines = (folder / NAME).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # there is none yet, or it is closed to us
        return {}
    fingerprints: dict[Path, str] = {}
    for line in lines:
        try:
            path, written = json.loads(line)
            fingerprints[folder / path] = str(written)
        except (ValueError, TypeError):
            continue
    return fingerprints


def outdated(folder: Path | None, about: About, settings: ConversionSettings) -> Callable[[Item], bool]:
    """Return a predicate: was this item's result made with another model or other settings?

    A result that is not recorded in `folder` is not outdated. Arguments are those of `recorded`.
    """
    known = read_fingerprints(folder) if folder else {}
    return lambda item: item.output in known and known[item.output] != fingerprint(about, item.target, settings)


def recorded(
    results: Iterable[Result], folder: Path | None, about: About, settings: ConversionSettings
) -> Iterator[Result]:
    """Pass results on, and add a line for each that was done in `folder`.

    Args:
        results: from `convert`.
        folder: where they are. Nothing is written if it is itself the only result, or None: results are in the places
            of their pictures.
        about: the model.
        settings: those of `convert`.

    A result says so where the file cannot be written.

    Raises:
        OutputError: the disk is full or read-only.
    """
    for result in results:
        if folder and result.status == "done" and result.output and result.output != folder:
            line = [result.output.relative_to(folder).as_posix(), fingerprint(about, result.target, settings)]
            try:
                with as_output_error(folder / NAME), (folder / NAME).open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(line) + "\n")
            except (DiskFull, DiskReadOnly):
                raise
            except OutputError:
                result = replace(
                    result, notes=(*result.notes, f"{NAME} cannot be written, so what made it is forgotten")
                )
        yield result
