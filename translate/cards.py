"""Cards: one TOML file for each dataset in `datasets/` and for each published model in `weights/`.

In a clone the two folders stand beside the package, in a wheel inside it; both are found the same way.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from translate.errors import SettingsError
from translate.settings import Settings, nearest, read_toml

Shelf = Literal["datasets", "weights"]


class DatasetCard(Settings):
    """What is known about a dataset.

    The recipe is a tree of run settings; it lies over the defaults and under everything the user says.
    """

    name: str
    title: str
    drawn: bool = False  # generated from seeds instead of stored
    domains: list[str]
    target: str  # what pictures are translated to unless the user says otherwise
    licence: str = ""
    recipe: dict[str, Any] = Field(default_factory=dict)
    train: int = 0  # drawn: pictures of each domain
    test: int = 0


def shelf(kind: Shelf) -> Path:
    """Return the folder of the cards of a kind."""
    package = Path(__file__).parent
    inside = package / kind
    return inside if inside.is_dir() else package.parent / kind


def names(kind: Shelf) -> list[str]:
    """List the names of all cards of a kind."""
    return sorted(path.stem for path in shelf(kind).glob("*.toml"))


def dataset(name: str) -> DatasetCard:
    """Read a dataset's card.

    Raises:
        SettingsError: there is no such card; the sentence names the nearest.
    """
    if name not in names("datasets"):
        known = names("datasets")
        raise SettingsError(f"There is no dataset {name!r}.{nearest(name, known)} Known: {', '.join(known)}.")
    path = shelf("datasets") / f"{name}.toml"
    return DatasetCard.parse({"name": name, **read_toml(path)}, str(path.name))
