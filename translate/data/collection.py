"""Pictures for methods that draw: one collection, or a folder for each label."""

from dataclasses import dataclass, replace
from pathlib import Path

from translate import images
from translate.data.folders import Dataset, Pictures
from translate.data.layouts import open_folder, open_single
from translate.errors import DataError, SettingsError
from translate.settings import is_plain, nearest
from translate.tensors import Pixels

ALL = "all"


@dataclass(frozen=True)
class Joined:
    """The pictures of several domains, one after the other.

    Attributes:
        parts: by domain.
    """

    parts: tuple[tuple[str, Pictures], ...]

    def __len__(self) -> int:
        return sum(len(pictures) for _, pictures in self.parts)

    def __getitem__(self, index: int) -> Pixels:
        _, pictures, place = self._at(index)
        return pictures[place]

    def name(self, index: int) -> str:
        """Return the domain and the name in it."""
        domain, pictures, place = self._at(index)
        return f"{domain}/{pictures.name(place)}"

    def fingerprint(self) -> str:
        """Return those of all parts."""
        return "; ".join(f"{domain}: {pictures.fingerprint()}" for domain, pictures in self.parts)

    def _at(self, index: int) -> tuple[str, Pictures, int]:
        for domain, pictures in self.parts:
            if index < len(pictures):
                return domain, pictures, index
            index -= len(pictures)
        raise IndexError(f"There are {len(self)} pictures.")


def open_collection(root: Path, exclude: Path | None = None) -> Dataset:
    """Open a folder of pictures: one with a folder for each of several domains, or else all that lies in it as one.

    Raises:
        DataError: the folder is missing or holds no pictures.
    """
    loose = root.is_dir() and any(path.suffix.lower() in images.SUFFIXES for path in root.iterdir())
    if not loose:
        try:
            return open_folder(root, exclude)
        except DataError:
            pass  # it has no domains
    name = root.resolve().name
    return open_single(root, name if is_plain(name) else "pictures", exclude)


def one_collection(dataset: Dataset, only: str | None, method: str) -> Dataset:
    """Return the one domain of a dataset that a method shall draw, or all of them as one.

    Args:
        dataset: what was found; attributes are left out.
        only: the domain, or "all"; None where there is but one.
        method: its name, for messages.

    Raises:
        DataError: there are several, and none is named.
        SettingsError: there is none of that name.
    """
    names = tuple(dataset.train)
    if only is None and len(names) > 1:
        shown = f"{', '.join(names[:12])}{' ...' if len(names) > 12 else ''}"
        raise DataError(
            f"{method} draws pictures of one kind; {dataset.name} has {shown}. Name one with --set"
            f" data.only={names[0]}, take all as one kind with --set data.only=all, or let --method acgan tell them"
            " apart."
        )
    if only not in (None, ALL, *names):
        raise SettingsError(
            f"There is no domain {only!r} in {dataset.name}.{nearest(str(only), names)} Found: {', '.join(names)}.",
            "data.only",
        )
    plain = replace(dataset, target="", attributes=(), has=None, test_has=None, paired=False)
    if only == ALL and len(names) > 1:
        parts = [
            {dataset.name: Joined(tuple(found.items()))} if any(map(len, found.values())) else {}
            for found in (dataset.train, dataset.test, dataset.held_out)
        ]
        return replace(plain, train=parts[0], test=parts[1], held_out=parts[2])
    chosen = names[0] if only in (None, ALL) else str(only)
    train, test, held = (
        {chosen: found[chosen]} if chosen in found else {} for found in (dataset.train, dataset.test, dataset.held_out)
    )
    return replace(plain, train=train, test=test, held_out=held)
