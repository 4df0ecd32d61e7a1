"""Folders of pictures, and the layouts by which they are recognised as domains.

Layouts, in the order they are tried:

1. `trainA`, `trainB` and, if there, `testA`, `testB`: the official CycleGAN archives
2. `A`, `B`
"""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from translate import images
from translate.errors import DataError
from translate.tensors import Pixels


class Pictures(Protocol):
    """A sequence of pictures with names."""

    def __len__(self) -> int:
        """Count the pictures."""

    def __getitem__(self, index: int) -> Pixels:
        """Return picture `index`, (H, W, 3) uint8 RGB. Raises `ImageDecodeError` when it is broken."""

    def name(self, index: int) -> str:
        """Return a name that stays the same when the dataset is moved."""

    def fingerprint(self) -> str:
        """Return a short text that differs when the pictures differ."""


@dataclass(frozen=True)
class Files:
    """The pictures of one folder and of the folders in it.

    Attributes:
        folder: where they are.
        paths: of the pictures, in the order of their names.
        ignored: how many other files are there.
    """

    folder: Path
    paths: tuple[Path, ...]
    ignored: int

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Pixels:
        return images.read(self.paths[index]).rgb

    def name(self, index: int) -> str:
        """Return the path below the folder."""
        return self.paths[index].relative_to(self.folder).as_posix()

    def fingerprint(self) -> str:
        """Hash the names and sizes of all files."""
        listing = "\n".join(f"{self.name(i)} {path.stat().st_size}" for i, path in enumerate(self.paths))
        return hashlib.sha256(os.fsencode(listing)).hexdigest()[:16]


@dataclass(frozen=True)
class Dataset:
    """Pictures by domain.

    Attributes:
        name: what a run on it is called.
        train: the training pictures of each domain, in the order of the domains.
        test: the held-out pictures of each domain; empty where the dataset has none.
        target: the domain that pictures are translated to by default.
    """

    name: str
    train: Mapping[str, Pictures]
    test: Mapping[str, Pictures] = field(default_factory=dict)
    target: str = ""

    @property
    def domains(self) -> tuple[str, ...]:
        """The names of the domains."""
        return tuple(self.train)

    def fingerprint(self) -> dict[str, str]:
        """Return a text for each domain that differs when its training pictures differ."""
        return {
            domain: f"{len(pictures)} pictures, {pictures.fingerprint()}" for domain, pictures in self.train.items()
        }


def scan(folder: Path) -> Files:
    """Find the pictures in `folder` and below it, by suffix, sorted by name. Hidden files count as ignored."""
    paths: list[Path] = []
    ignored = 0
    for path in _walk(folder):
        if path.suffix.lower() in images.SUFFIXES and not path.name.startswith("."):
            paths.append(path)
        else:
            ignored += 1
    return Files(folder, tuple(sorted(paths, key=os.fsencode)), ignored)


def open_folder(root: Path) -> Dataset:
    """Recognise the layout of `root`.

    Raises:
        DataError: the folder is missing, has no known layout, or a domain is empty.
    """
    if not root.is_dir():
        raise DataError(f"There is no dataset folder {root}. {_WANTED}")
    inside = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    for train, test in (("train", "test"), ("", "")):
        if f"{train}A" in inside and f"{train}B" in inside:
            folders = {domain: root / f"{train}{domain}" for domain in ("A", "B")}
            tests = {domain: root / f"{test}{domain}" for domain in ("A", "B") if test and f"{test}{domain}" in inside}
            return _dataset(root.resolve().name, folders, tests)
    loose = len([path for path in root.iterdir() if path.suffix.lower() in images.SUFFIXES])
    found = f"Found the folders {', '.join(inside) or 'none'} and {loose} pictures beside them."
    raise DataError(f"{root} is not a dataset with two domains. {_WANTED} {found}")


def open_domains(folders: Mapping[str, Path]) -> Dataset:
    """Take one folder for each domain, as named by the user.

    Raises:
        DataError: fewer than two domains, or a folder is missing or empty.
    """
    if len(folders) < 2:
        raise DataError(
            f"Training needs two domains; found only {', '.join(folders)}. Add another --domain NAME=FOLDER."
        )
    for domain, folder in folders.items():
        if not folder.is_dir():
            raise DataError(f"There is no folder {folder} for domain {domain}.")
    return _dataset("2".join(folders), folders, {})


_WANTED = "Wanted are the folders trainA and trainB (testA and testB as well, if you like), or A and B."


def _dataset(name: str, folders: Mapping[str, Path], tests: Mapping[str, Path]) -> Dataset:
    train = {domain: scan(folder) for domain, folder in folders.items()}
    for domain, files in train.items():
        if not files.paths:
            raise DataError(
                f"Domain {domain} is empty: {files.folder} holds no pictures, but {files.ignored} other files."
                f" Pictures end in {', '.join(sorted(images.SUFFIXES))}."
            )
    test = {domain: scan(folder) for domain, folder in tests.items()}
    return Dataset(name, train, {domain: files for domain, files in test.items() if files.paths}, list(folders)[-1])


def _walk(folder: Path) -> Iterator[Path]:
    seen: set[Path] = set()  # a linked folder may contain itself
    for parent, subfolders, names in os.walk(folder, followlinks=True):
        here = Path(parent).resolve()
        if here in seen:
            subfolders.clear()
            continue
        seen.add(here)
        subfolders[:] = sorted(name for name in subfolders if not name.startswith(".") and name != "__MACOSX")
        yield from (Path(parent) / name for name in names)


def held_out(dataset: Dataset, domain: str, count: int) -> Sequence[Pixels]:
    """Return up to `count` pictures of a domain to show progress on: test pictures, or training pictures if none."""
    pictures = dataset.test.get(domain, dataset.train[domain])
    return [pictures[index] for index in range(min(count, len(pictures)))]
