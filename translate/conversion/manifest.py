"""What the results in a folder were made with, so that those of another model or of other settings are made again.

A hidden file in the folder has a line of JSON for each result: its path, and a fingerprint of model and settings. Of
several lines for a path the last counts. Lines are only added, because several runs may share a folder; one that was
torn counts as none, and a result without any counts as made with anything.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from translate.conversion.pipeline import Conversion, Result
from translate.conversion.planning import Item
from translate.files import written_to
from translate.models.exports import About

NAME = ".translate.jsonl"


def fingerprint(about: About, to: str, how: Conversion) -> str:
    """Return what is equal where results are: of model, target and all settings that change a result."""
    said = {"size": how.size, "blending": asdict(how.blending), "mask": how.mask, "encoding": asdict(how.encoding)}
    text = json.dumps({"model": about.sha256, "to": to, **said}, default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_made(folder: Path) -> dict[Path, str]:
    """Return the fingerprints of the results in a folder by their paths."""
    try:
        lines = (folder / NAME).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # there is none yet, or it is closed to us
        return {}
    made: dict[Path, str] = {}
    for line in lines:
        try:
            path, found = json.loads(line)
            made[folder / path] = str(found)
        except (ValueError, TypeError):
            continue
    return made


def outdated(folder: Path | None, about: About, to: str, how: Conversion) -> Callable[[Item], bool]:
    """Return what tells, for `planning.plan`, whether an item's result is known to be made with something else.

    Arguments are those of `recorded`.
    """
    made = read_made(folder) if folder else {}
    return lambda item: item.output in made and made[item.output] != fingerprint(about, item.target or to, how)


def recorded(
    results: Iterable[Result], folder: Path | None, about: About, to: str, how: Conversion
) -> Iterator[Result]:
    """Pass results on, and add a line for each that was done in `folder`.

    Args:
        results: from `convert`.
        folder: where they are. Nothing is written if it is itself the only result, or None: the places of the pictures.
        about: the model.
        to: the target of results that do not say theirs.
        how: the settings.

    Raises:
        OutputError: the file cannot be written.
    """
    for result in results:
        if folder and result.status == "done" and result.output and result.output != folder:
            path, found = result.output.relative_to(folder).as_posix(), fingerprint(about, result.target or to, how)
            with written_to(folder / NAME), (folder / NAME).open("a", encoding="utf-8") as stream:
                stream.write(json.dumps([path, found]) + "\n")
        yield result
