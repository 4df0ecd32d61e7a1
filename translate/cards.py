"""Cards: one TOML file for each dataset in `datasets/` and for each published model in `weights/`.

In a clone the two folders stand beside the package, in a wheel inside it; both are found the same way. Weights on the
Hugging Face Hub need no card: their name says where they are.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, model_validator

from translate.errors import SettingsError
from translate.home import homes, in_home
from translate.settings import Settings, is_plain, nearest, read_toml

Shelf = Literal["datasets", "weights"]
Card = TypeVar("Card")


class Archive(Settings):
    """An archive of pictures on the network: .zip or .tar.gz.

    Where nobody has published its SHA-256, which the card then says is empty, that of the first download is recorded,
    and expected from then on.
    """

    url: str = Field(pattern="^https?://")
    mirrors: list[Annotated[str, Field(pattern="^https?://")]] = Field(default_factory=list)  # the same bytes elsewhere
    bytes: int | None = Field(None, gt=0)
    sha256: str = Field(pattern="^([0-9a-f]{64})?$")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.sha256 and self.bytes is None:
            raise ValueError("where the SHA-256 is known, so are the bytes")
        return self


class DatasetCard(Settings):
    """What is known about a dataset.

    Its pictures are drawn, or fetched as an archive, or put into `folder(name)` by hand. The recipe is a tree of run
    settings; it lies over the defaults and under everything the user says.
    """

    name: str
    title: str
    drawn: bool = False  # generated from seeds instead of stored
    domains: list[str]  # in the order of the folders A, B, ... where the pictures lie in such
    target: str  # what pictures are translated to unless the user says otherwise
    licence: str = ""
    citation: str = ""
    archive: Archive | None = None
    files: list[Archive] = Field(default_factory=list)  # in place of an archive: kept as they are, such as MNIST's
    recipe: dict[str, Any] = Field(default_factory=dict)
    paired: bool = False  # whether there are pairs, for methods that learn from such
    methods: dict[str, dict[str, Any]] = Field(default_factory=dict)  # the same of other methods than the recipe's
    train: int = 0  # drawn: pictures of each domain
    test: int = 0

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if len(set(self.domains)) < len(self.domains) or not all(map(is_plain, self.domains)):
            raise ValueError(f"domains must be different names that folders may have; found {self.domains}")
        if self.target and self.target not in self.domains:
            raise ValueError(f"the target {self.target!r} is not among the domains {self.domains}")
        return self


class ImportSettings(Settings):
    """How the file of a card becomes an export, where it is none: what `weights import` would have to be told."""

    size: int = 256  # pixels: the side of the pictures it was trained on
    statistics: Literal["picture", "running"] = "picture"
    skips: Literal["first", "last"] | None = None


class WeightsCard(Settings):
    """What is known about published weights.

    Their file lies beside the card as `NAME.safetensors`, or it is fetched. Where bytes and SHA-256 are not known,
    those of the first download are recorded, and expected from then on.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    title: str
    picture: str = Field("", pattern=r"^([a-z0-9][a-z0-9._-]{0,63}\.(jpg|png))?$")  # a file beside the card
    features: bool = False  # whether it is a feature network for `translate eval` instead of a model
    domains: list[str] = Field(default_factory=list)  # from the first to the second, for a model of one direction
    urls: list[Annotated[str, Field(pattern="^https?://")]] = Field(default_factory=list)  # of the same bytes
    bytes: int | None = Field(None, gt=0)
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    sha256_begins: str = Field("", pattern="^([0-9a-f]{8,63})?$")  # where no more of it is published
    conversion: ImportSettings | None = None  # None: the file is an export, or is kept as it is
    licence: str = ""
    citation: str = ""
    data: str = ""  # what it was trained on
    command: str = ""  # that trained it
    steps: int = 0
    device: str = ""  # that trained it
    scores: dict[str, float] = Field(default_factory=dict)
    figures: dict[str, float | str] = Field(default_factory=dict)  # hours, GMAC, pictures a second: by their names
    failures: str = ""  # what it is known to do wrong

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if (self.bytes is None) is not (self.sha256 is None):
            raise ValueError("bytes and sha256 are both known or both unknown")
        if self.features is bool(self.domains):
            raise ValueError("a model has domains, a feature network has none")
        return self


ON_HUB = "hf:"  # in front of the names of weights on the Hugging Face Hub

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"  # of such a name: it cannot lead out of a folder
_HUB_NAME = re.compile(rf"{ON_HUB}({_PART}/{_PART})(?:@({_PART}))?(?::({_PART}\.safetensors))?")


def on_hub(word: str) -> str:
    """Return hf:OWNER/REPOSITORY for OWNER/REPOSITORY, as others call it, and any other word as it is."""
    return f"{ON_HUB}{word}" if re.fullmatch(f"{_PART}/{_PART}", word) else word


@dataclass(frozen=True)
class HubWeights:
    """Weights on the Hugging Face Hub, called `hf:OWNER/REPOSITORY@REVISION:FILE`; the last two may be left out.

    Attributes:
        repository: its owner and its name.
        revision: a branch, tag or commit; empty: the newest at the time of the first download, and that from then on.
        file: an export.
    """

    repository: str
    revision: str = ""
    file: str = "model.safetensors"

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read a name. Raises `SettingsError` where it is none."""
        match = _HUB_NAME.fullmatch(name)
        if not match:
            raise SettingsError(
                f"{name!r} is no name on the Hugging Face Hub. Such names are like hf:owner/repository or"
                " hf:owner/repository@revision:file.safetensors."
            )
        return cls(match[1], match[2] or "", match[3] or cls.file)

    @property
    def name(self) -> str:
        """The shortest name that means these weights."""
        at, file = f"@{self.revision}" if self.revision else "", "" if self.file == HubWeights.file else f":{self.file}"
        return f"{ON_HUB}{self.repository}{at}{file}"

    @property
    def place(self) -> Path:
        """Where they are kept once they are fetched."""
        at = f"@{self.revision}" if self.revision else ""
        return in_home(f"weights/hf/{self.repository}{at}/{self.file}")


def shelf(kind: Shelf) -> Path:
    """Return the folder of the cards of a kind."""
    package = Path(__file__).parent
    inside = package / kind
    return inside if inside.is_dir() else package.parent / kind


def folder(name: str) -> Path:
    """Return where the pictures of a dataset are, or where they belong if they are nowhere yet.

    That is beside the card in a clone. It is in the home where the cards lie inside an installed package, or where
    nothing can be written beside them.

    Raises:
        OutputError: as `in_home`.
    """
    beside = shelf("datasets") / name
    for place in (beside, *(place / "datasets" / name for place in homes())):
        if is_filled(place):
            return place
    installed = shelf("datasets").parent == Path(__file__).parent
    return in_home(f"datasets/{name}") if installed or not os.access(beside.parent, os.W_OK) else beside


def is_filled(place: Path) -> bool:
    """Whether there is a folder with something in it."""
    return place.is_dir() and any(place.iterdir())


def names(kind: Shelf) -> list[str]:
    """List the names of all cards of a kind."""
    return sorted(path.stem for path in shelf(kind).glob("*.toml"))


def weights_here() -> dict[str, Path]:
    """Return the files of all weights that are here by name: those beside their cards, and those in the home.

    Models are .safetensors; a .pth is a feature network, as it was published.
    """
    kept = [place / "weights" for place in reversed(homes())]  # of two with one name the later one counts
    files = [file for place in (*kept, shelf("weights")) for file in sorted(place.glob("*.safetensors"))]
    files += [file for place in kept for file in sorted(place.glob("*.pth")) if file.stem in names("weights")]
    here = {file.stem: file for file in files}
    for file in (file for place in kept for file in sorted((place / "hf").glob("*/*/*.safetensors"))):
        name = f"{ON_HUB}{file.parent.parent.name}/{file.parent.name}:{file.name}"
        if _HUB_NAME.fullmatch(name):
            here[HubWeights.parse(name).name] = file
    return here


def weights(name: str) -> WeightsCard:
    """Read the card of published weights.

    Raises:
        SettingsError: there is no such card, it is wrong, or its picture is not beside it.
    """
    if name not in names("weights"):
        known = names("weights")
        raise SettingsError(f"There are no weights {name!r}.{nearest(name, known)} Known: {', '.join(known)}.")
    path = shelf("weights") / f"{name}.toml"
    card = WeightsCard.parse({"name": name, **read_toml(path)}, str(path.name))
    if card.picture and not (path.parent / card.picture).is_file():
        raise SettingsError(f"{path.name} names the picture {card.picture}, which is not beside it. Put it there.")
    return card


def ships(file: Path) -> bool:
    """Whether a file of weights came with the toolkit: it lies beside the cards."""
    return file.parent == shelf("weights")


def all_of(read: Callable[[str], Card], kind: Shelf) -> tuple[list[Card], list[str]]:
    """Read all cards of a kind; return those that can be read, and a sentence about each of the others."""
    good: list[Card] = []
    complaints: list[str] = []
    for name in names(kind):
        try:
            good.append(read(name))
        except SettingsError as error:
            complaints.append(str(error))
    return good, complaints


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
