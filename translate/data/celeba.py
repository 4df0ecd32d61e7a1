"""Pictures with attributes: a list in CelebA's format beside the folder that holds the pictures.

The folder is called `images` or `img_align_celeba`, or is the only one there.

The first line counts the pictures, the second names the attributes, every other line is a picture's path in the folder
and, for each attribute, 1 if the picture has it and -1 if not.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from translate.errors import DataError, SettingsError
from translate.files import decoded, write_text
from translate.settings import nearest

LIST = "list_attr_celeba.txt"
FOLDERS = ("images", "img_align_celeba")
CHOSEN = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")  # of CelebA's 40, by StarGAN
TEST = 1999  # pictures held out, at most: the official code means 2000 and is off by one


@dataclass(frozen=True)
class Listed:
    """Pictures and which of the chosen attributes they have."""

    names: tuple[str, ...]  # paths in the folder of the pictures
    labels: NDArray[np.float32]  # (pictures, attributes) of 0 and 1


def read_list(path: Path, chosen: Sequence[str] | None = None) -> tuple[tuple[str, ...], Listed]:
    """Read a list of attributes.

    Args:
        path: the list.
        chosen: the attributes wanted, in their order; by default StarGAN's five if the list has them, else all.

    Returns:
        the names of the chosen attributes, and the pictures.

    Raises:
        SettingsError: the list has no such attribute, or one is chosen twice.
        DataError: the file is no such list.
    """
    try:
        lines = decoded(path.read_bytes()).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"Cannot read the list of attributes {path}: {error}. It must be text in UTF-8.") from error
    if len(lines) < 3 or not lines[0].strip().isdecimal() or not lines[1].strip():
        raise DataError(f"{path} is no list of attributes: wanted are a line with the count and one with their names.")
    known = lines[1].split()
    if chosen is None:
        chosen = CHOSEN if set(CHOSEN) <= set(known) else known
    for name in chosen:
        if name not in known:
            raise SettingsError(f"{path} has no attribute {name!r}.{nearest(name, known)} Known: {', '.join(known)}.")
    if len(set(chosen)) < len(chosen) or not chosen:
        raise SettingsError(f"data.attributes must name each attribute once and at least one; found {list(chosen)}.")
    columns = [known.index(name) for name in chosen]
    names: list[str] = []
    labels: list[list[int]] = []
    for number, line in enumerate(lines[2:], start=3):
        name, *values = line.split()[-len(known) - 1 :] if line.strip() else ("",)
        if not name:
            continue
        if len(values) != len(known) or not set(values) <= {"1", "-1"}:
            raise DataError(
                f"Line {number} of {path} is not a name and {len(known)} values of 1 or -1; found {line[:80]!r}."
            )
        names.append(name)
        labels.append([int(values[column] == "1") for column in columns])
    if len(names) != int(lines[0]):
        raise DataError(f"{path} promises {int(lines[0])} pictures and lists {len(names)}. Get the whole file.")
    return tuple(chosen), Listed(tuple(names), np.array(labels, np.float32))


def write_list(path: Path, has: Mapping[str, Mapping[str, int]]) -> None:
    """Write the list of pictures by name, each with 1 for the attributes that it has and -1 for the others.

    Raises:
        OutputError: the file cannot be written.
    """
    names = list(next(iter(has.values())))
    lines = [" ".join([picture, *("1" if of[name] else "-1" for name in names)]) for picture, of in has.items()]
    write_text(path, "\n".join([str(len(has)), " ".join(names), *lines]) + "\n")


def split(listed: Listed) -> tuple[Listed, Listed]:
    """Split into training and test pictures as the official StarGAN code does; of few pictures a tenth is held out."""
    order = list(range(len(listed.names)))
    random.Random(1234).shuffle(order)  # noqa: S311 (the official split, no secret)
    held = min(TEST, len(order) // 10)

    def part(places: Sequence[int]) -> Listed:
        return Listed(tuple(listed.names[place] for place in places), listed.labels[list(places)])

    return part(order[held:]), part(order[:held])
