"""What an export says of itself: the fields of the one entry of its metadata."""

import importlib.metadata
from functools import cache
from html import escape
from typing import Any, Literal, Self

from pydantic import Field, field_validator

from translate.errors import SettingsError
from translate.settings import Settings, is_plain, nearest
from translate.targets import Attributes, Domains, OneWay, Targets

FORMAT = 1


@cache
def versions() -> dict[str, str]:
    """Return the versions of what makes an export. Metadata of torch takes ten milliseconds to read."""
    return {name: importlib.metadata.version(name) for name in ("image-translate", "torch")}


class About(Settings):
    """What an export says of itself."""

    format: int = FORMAT
    method: dict[str, Any]  # the method's settings
    domains: list[str]  # or the names of attributes
    attributes: bool = False  # whether pictures have attributes instead of a domain
    target: str  # what pictures are translated to by default; empty: it must be said
    only: str = ""  # the one target that the file can translate to; empty: all
    noise: int = 0  # numbers that it draws a picture from; 0: it translates pictures
    labelled: bool = False  # whether the domains are labels, one of which it can be told to draw
    size: int  # pixels: the side of the training crops
    steps: int  # training steps done
    planned: int  # training steps of the whole run
    recipe: dict[str, Any] = Field(default_factory=dict)  # all settings of the run
    values: tuple[float, float] = (-1.0, 1.0)  # black and white in the tensors that the networks take and return
    channels: Literal["RGB"] = "RGB"  # in this order
    data: str = ""  # the dataset's name
    train: dict[str, int] = Field(default_factory=dict)  # training pictures of each domain
    held_out: dict[str, str] = Field(default_factory=dict)  # fingerprints of what was held out of these
    origin: dict[str, str] | None = None  # name and SHA-256 of the model that training began from
    critic_features: list[str] = Field(default_factory=list)  # SHA-256 of those that critics saw, or words for them
    scores: dict[str, float] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    source: str = ""  # where networks that were trained elsewhere come from
    notes: list[str] = Field(default_factory=list)  # what was chosen when they were converted
    licence: str = ""
    citation: str = ""
    sha256: str = ""  # of the tensors as they are stored

    @field_validator("domains")
    @classmethod
    def _become_folders(cls, domains: list[str]) -> list[str]:
        for domain in domains:
            if not is_plain(domain):
                raise ValueError(f"{domain!r} cannot be the name of a folder")
        return domains

    @property
    def targets(self) -> Targets:
        """What the model can be asked for."""
        names = tuple(self.domains)
        if self.only:
            otherwise = "For {0}, export its run again with --to {0}, or train that direction."
            if "target" in self.method:  # what is trained translates one way
                otherwise = "For {0}, train another one with --set method.target={0}."
            return OneWay(names, self.only, "" if self.source else otherwise)
        return Attributes(names) if self.attributes else Domains(names, self.target)

    @property
    def made(self) -> str:
        """What damage the model has learned to undo, as `data.made` calls it; empty: none, or one of the user's own."""
        made = self.recipe.get("data", {}).get("made")
        return made if isinstance(made, str) else ""

    @property
    def scale(self) -> int:
        """How many times as large as its picture a result can be."""
        scale: int = self.method.get("scale", 1)
        return scale

    @property
    def summary(self) -> str:
        """What the model does, as a sentence."""
        if not self.noise:
            return self.targets.summary
        which = f", each of one of the labels {', '.join(self.domains)}" if self.labelled else ""
        what = self.domains[0] if len(self.domains) == 1 else self.data
        return f"Draws pictures of {what} from {self.noise} numbers{which}."

    def translating(self, model: object) -> Self:
        """Return it, if it is of a model that translates pictures.

        Raises:
            SettingsError: `model`, as the user calls it, draws them from noise.
        """
        if self.noise:
            raise SettingsError(
                f"{model} draws pictures from noise and translates none. Use: translate sample {model} --out DRAWN"
            )
        return self

    def drawing(self, model: object) -> Self:
        """Return it, if it is of a model that draws pictures from noise.

        Raises:
            SettingsError: `model`, as the user calls it, translates pictures.
        """
        if not self.noise:
            raise SettingsError(
                f"{model} translates pictures and draws none from noise. Use: translate apply {model} PHOTOS --out"
                " RESULTS"
            )
        return self

    def label(self, word: str | None) -> int | None:
        """Return the number of the label called `word`, or None for no word.

        Raises:
            SettingsError: the model has no such label, or is told none.
        """
        if word is None:
            return None
        if not self.labelled:
            raise SettingsError(f"The model is not told what to draw: it draws {', '.join(self.domains)}.")
        if word not in self.domains:
            raise SettingsError(
                f"The model has no label {word!r}.{nearest(word, self.domains)} It knows {', '.join(self.domains)}."
            )
        return self.domains.index(word)

    def _repr_html_(self) -> str:
        """Show it in a notebook: what it does, what made it, and its scores."""
        trained = {domain: f"{count:,} pictures" for domain, count in self.train.items()}
        facts = {"method": str(self.method.get("name", "")), "trained on": self.data, **trained}
        facts |= {"size": f"{self.size} pixels", "steps": f"{self.steps:,} of {self.planned:,}"}
        facts |= {name: f"{value:g}" for name, value in self.scores.items()}
        facts |= {"source": self.source, "licence": self.licence}
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{escape(words)}</td></tr>" for name, words in facts.items() if words
        )
        return f"<p>{escape(self.summary)}</p><table>{rows}</table>"

    @property
    def is_finished(self) -> bool:
        """Whether the file was written after the last of the steps that were planned then."""
        return self.steps == self.planned

    @property
    def steps_added(self) -> int:
        """By how many of these steps the run was lengthened."""
        more: int = self.recipe.get("training", {}).get("more", 0)
        return more

    @staticmethod
    def of_targets(targets: Targets) -> dict[str, Any]:
        """Return the fields that say what a model can be asked for, the inverse of `targets`."""
        return {
            "domains": list(targets.names),
            "attributes": isinstance(targets, Attributes),
            "target": targets.default,
            "only": targets.default if isinstance(targets, OneWay) else "",
        }
