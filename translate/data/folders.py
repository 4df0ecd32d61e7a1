"""Pictures in folders, and datasets: pictures by domain or with attributes."""

import contextlib
import hashlib
import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from translate import images
from translate.errors import DataError, ImageDecodeError, SettingsError
from translate.files import walk
from translate.targets import Attributes, Domains, Targets
from translate.tensors import Pixels

Split = Literal["train", "test", "held-out"]


class Pictures(Protocol):
    """A sequence of pictures with names."""

    def __len__(self) -> int:
        """Count the pictures."""

    def __getitem__(self, index: int) -> Pixels:
        """Return picture `index`, (H, W, 3) uint8 RGB. Raises `ImageDecodeError` when it is broken."""

    def name(self, index: int) -> str:
        """Return a name that stays the same when the dataset is moved."""

    def fingerprint(self) -> str:
        """Return a short text to tell these pictures from others."""


@dataclass(frozen=True)
class Reading:
    """How the files of pictures are read.

    Attributes:
        background: what is seen where full transparency hides the colours, as when pictures are converted.
        limits: larger files are refused.
    """

    background: images.Colour = images.WHITE
    limits: images.Limits = images.LIMITS

    @classmethod
    def of(cls, background: str, max_pixels: int) -> "Reading":
        """Read a colour, and let files be as large as so many pixels need. Raises `SettingsError`: it is no colour."""
        return cls(images.read_colour(background), images.LIMITS.with_pixels(max_pixels))


@dataclass(frozen=True)
class Files:
    """The pictures of one folder and of the folders in it.

    Attributes:
        folder: where they are.
        paths: of the pictures, in the order of their names.
        ignored: how many other files are there.
        passed_over: how many folders of a system are there, which are not entered.
        reading: how they are read.
    """

    folder: Path
    paths: tuple[Path, ...]
    ignored: int
    passed_over: int = 0
    reading: Reading = Reading()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Pixels:
        """Return a picture as networks see it when it is converted: hidden colours have no influence."""
        return images.visible(images.read(self.paths[index], self.reading.limits), self.reading.background)

    def name(self, index: int) -> str:
        """Return the path below the folder."""
        return self.paths[index].relative_to(self.folder).as_posix()

    def fingerprint(self) -> str:
        """Hash the names and sizes of all files."""
        listing = "\n".join(f"{self.name(i)} {_bytes(path)}" for i, path in enumerate(self.paths))
        return hashlib.sha256(os.fsencode(listing)).hexdigest()[:16]

    def parted(self, count: int, key: Callable[[str], str] = str) -> tuple["Files", "Files"]:
        """Return all but `count` pictures, and these: those whose names, or `key` of them, have the smallest hashes."""

        def hashed(index: int) -> bytes:
            return hashlib.sha256(os.fsencode(key(self.name(index)))).digest()

        taken = set(sorted(range(len(self)), key=hashed)[:count])
        rest, part = (
            tuple(path for index, path in enumerate(self.paths) if (index in taken) is wanted)
            for wanted in (False, True)
        )
        return replace(self, paths=rest), replace(self, paths=part)


@dataclass(frozen=True)
class Dataset:
    """Pictures by domain, or one collection of pictures with attributes.

    Attributes:
        name: what a run on it is called.
        train: the training pictures of each domain, in the order of the domains.
        test: the test pictures of each domain; empty where the dataset has none.
        target: the domain that pictures are translated to by default; empty where the user must name one.
        attributes: their names; empty where pictures have a domain instead.
        has: which attributes each training picture has, (pictures, attributes) of 0 and 1.
        test_has: the same of the test pictures.
        held_out: what a run took out of the training pictures of each domain, to choose a checkpoint on.
        paired: whether picture n of one domain belongs to picture n of the other.
        notes: what was decided about its folders that a user may want to know, as sentences.
    """

    name: str
    train: Mapping[str, Pictures]
    test: Mapping[str, Pictures] = field(default_factory=dict)
    target: str = ""
    attributes: tuple[str, ...] = ()
    has: NDArray[np.float32] | None = None
    test_has: NDArray[np.float32] | None = None
    held_out: Mapping[str, Pictures] = field(default_factory=dict)
    paired: bool = False
    notes: tuple[str, ...] = ()

    @property
    def targets(self) -> Targets:
        """What a model that learns from these pictures can be asked for."""
        return Attributes(self.attributes) if self.attributes else Domains(tuple(self.train), self.target)

    @property
    def domains(self) -> tuple[str, ...]:
        """The names of the domains, or of the attributes."""
        return self.targets.names

    def pictures(self, split: Split) -> Mapping[str, Pictures]:
        """Return the pictures of each domain in `split`; a domain without any may be missing."""
        return {"train": self.train, "test": self.test, "held-out": self.held_out}[split]

    def read_with(self, reading: Reading) -> "Dataset":
        """Return the same dataset, whose files are read in this way."""

        def changed(pictures: Mapping[str, Pictures]) -> dict[str, Pictures]:
            return {
                domain: replace(files, reading=reading) if isinstance(files, Files) else files
                for domain, files in pictures.items()
            }

        return replace(self, train=changed(self.train), test=changed(self.test), held_out=changed(self.held_out))

    def holding_out(self, count: int) -> "Dataset":
        """Take `count` pictures of each domain out of training, by their names: always the same ones.

        Raises:
            SettingsError: the pictures lie in no folders, have attributes, or are pairs.
            DataError: fewer than two would be left to train on.
        """
        if not count:
            return self
        parts: dict[str, tuple[Files, Files]] = {}
        for domain, pictures in self.train.items():
            if not isinstance(pictures, Files) or self.paired or self.attributes:
                why = "are drawn, and others are drawn to choose on"
                if self.paired or self.attributes:
                    why = "are pairs" if self.paired else "have attributes"
                raise SettingsError(
                    f"The setting data.held_out is for pictures that lie in a folder for each domain; those of"
                    f" {self.name} {why}. Leave it out."
                )
            if len(pictures) < count + 2:
                raise DataError(
                    f"Domain {domain} has {len(pictures)} training pictures, and data.held_out takes {count} of them;"
                    " 2 or more must be left. Hold out fewer."
                )
            parts[domain] = pictures.parted(count)
        train, held_out = ({domain: part[place] for domain, part in parts.items()} for place in (0, 1))
        return replace(self, train=train, held_out=held_out)

    def labels(self, collection: str, split: Split = "train") -> NDArray[np.float32]:
        """Return the labels (pictures, domains) of a domain's pictures: one-hot, or their attributes."""
        has = self.has if split == "train" else self.test_has
        if has is not None:
            return has
        one_hot = np.eye(len(self.train), dtype=np.float32)[list(self.train).index(collection)]
        return np.broadcast_to(one_hot, (len(self.pictures(split)[collection]), len(self.train)))

    def places(self) -> dict[str, Pictures]:
        """Return the pictures by split and domain, such as "train A"."""
        splits = {"train": self.train, "test": self.test}
        return {f"{split} {name}": pictures for split, domains in splits.items() for name, pictures in domains.items()}

    def fingerprint(self) -> dict[str, str]:
        """Return a text for each domain that differs when its training pictures differ."""
        found = fingerprints(self.train)
        if self.has is not None:
            found["attributes"] = f"{', '.join(self.attributes)}, {hashlib.sha256(self.has.tobytes()).hexdigest()[:16]}"
        return found


def fingerprints(sets: Mapping[str, Pictures]) -> dict[str, str]:
    """Return a text for each domain that differs when its pictures differ."""
    return {domain: f"{len(pictures)} pictures, {pictures.fingerprint()}" for domain, pictures in sets.items()}


def scan(folder: Path, exclude: Path | None = None) -> Files:
    """Find the pictures in `folder` and below it, by suffix, sorted by the bytes of their names.

    Hidden files count as ignored; hidden folders, those of a system and the folder `exclude` are not entered.

    Raises:
        DataError: a folder cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise DataError(f"Cannot look into {error.filename}: {error.strerror}.") from error

    passed: list[Path] = []
    files = list(walk(folder, refuse, exclude, passed.append))
    paths = [path for path in files if path.suffix.lower() in images.SUFFIXES and not path.name.startswith(".")]
    paths.sort(key=lambda path: os.fsencode(path.as_posix()))
    return Files(folder, tuple(paths), len(files) - len(paths), len(passed))


def halves(files: Files) -> tuple[Files, Files]:
    """Part pictures into two halves of different ones, always the same whatever the files are called.

    They are put into an order by what they show, and go to either half in turns; equal ones go to the same half. Those
    that cannot be read go to the second.
    """
    order: dict[str, list[Path]] = {}
    broken: list[Path] = []
    for index, path in enumerate(files.paths):
        try:
            order.setdefault(hashlib.sha256(files[index].tobytes()).hexdigest(), []).append(path)
        except ImageDecodeError:
            broken.append(path)
    groups = [order[key] for key in sorted(order)]
    first, second = (tuple(path for group in groups[start::2] for path in group) for start in (0, 1))
    return replace(files, paths=first), replace(files, paths=(*second, *broken))


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # a link to nowhere: it counts as a picture that cannot be read
        return -1


def held_out(dataset: Dataset, domain: str, count: int) -> Sequence[Pixels]:
    """Return the first `count` readable pictures of a domain to show progress on.

    They are test pictures, or those that the run holds out, or else training pictures; fewer where there are not as
    many.

    Raises:
        DataError: no picture of the domain can be read.
    """
    for pictures in (dataset.test.get(domain), dataset.held_out.get(domain), dataset.train[domain]):
        shown = readable(pictures, count) if pictures is not None else []
        if shown:
            return shown
    raise DataError(f"No picture of domain {domain} can be read.")


def readable(pictures: Pictures | tuple[()], count: int) -> list[Pixels]:
    """Return the first `count` pictures that can be read, or fewer."""
    return list(itertools.islice(_readable(pictures), count))


def _readable(pictures: Pictures | tuple[()]) -> Iterator[Pixels]:
    for index in range(len(pictures)):
        with contextlib.suppress(ImageDecodeError):
            yield pictures[index]
