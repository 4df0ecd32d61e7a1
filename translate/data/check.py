"""Looking a dataset over before it is trained on: what would surprise or spoil a training."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from translate import images
from translate.data.folders import Dataset, Files
from translate.errors import ImageDecodeError


@dataclass(frozen=True)
class Finding:
    """One kind of wart and the files that have it."""

    what: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class _Look:
    path: Path
    problem: str = ""
    grey: bool = False
    side: int = 0  # pixels: the shorter one
    digest: str = ""  # of the decoded pixels


def check(dataset: Dataset) -> list[Finding]:
    """Decode every picture of a dataset and report what is unusual, most serious first.

    Reported are pictures that cannot be read, exact duplicates within and between folders (by decoded pixels), training
    pictures that are also test pictures, pictures without colour among coloured ones, and pictures smaller than 256 pixels.
    """
    folders = {f"{split} {domain}": pictures for split, domains in (("train", dataset.train), ("test", dataset.test))
               for domain, pictures in domains.items() if isinstance(pictures, Files)}  # fmt: skip
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        looks = {place: list(threads.map(_look, files.paths)) for place, files in folders.items()}
    findings: list[Finding] = []
    places: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for place, all_looks in looks.items():
        for look in all_looks:
            if look.digest:
                places[look.digest][place].append(look.path)
        unreadable = [look for look in all_looks if look.problem]
        grey = [look.path for look in all_looks if look.grey]
        small = [look.path for look in all_looks if 0 < look.side < 256]
        findings.append(Finding(f"{place}: cannot be read", tuple(look.problem for look in unreadable)))
        findings.append(Finding(f"{place}: without colour", _names(grey) if len(grey) < len(all_looks) else ()))
        findings.append(Finding(f"{place}: shorter side below 256 px", _names(small)))
    for place in looks:
        groups = [found[place] for found in places.values() if len(found[place]) > 1]
        findings.append(Finding(f"{place}: exact duplicates", tuple(" = ".join(_names(group)) for group in groups)))
    shared: dict[str, list[str]] = defaultdict(list)
    for found in places.values():
        present = [place for place in looks if found[place]]
        for first, *others in (present[i:] for i in range(len(present))):
            for other in others:
                shared[f"{first} and {other}: the same picture"].append(
                    f"{found[first][0].name} = {found[other][0].name}"
                )
    findings += [Finding(what, tuple(files)) for what, files in shared.items()]
    return [finding for finding in findings if finding.files]


def _look(path: Path) -> _Look:
    try:
        pixels = images.read(path).rgb
    except ImageDecodeError as error:
        return _Look(path, problem=str(error))
    grey = bool(np.array_equal(pixels[..., 0], pixels[..., 1]) and np.array_equal(pixels[..., 1], pixels[..., 2]))
    digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
    return _Look(path, grey=grey, side=min(pixels.shape[:2]), digest=digest)


def _names(paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(path.name for path in paths)
