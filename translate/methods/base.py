"""What a method is: its players and its step."""

import importlib
import math
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

import translate.methods
from translate.diffaugment import Operation
from translate.errors import DataError, SettingsError
from translate.settings import Settings, nearest

Layer = Callable[[Tensor], Tensor]

PRETRAINED = "single"  # what exports call a generator that was trained elsewhere


class Update(Protocol):
    """Moves players. Given by the training loop, called by a method's step."""

    def __call__(self, **losses: Tensor) -> None:
        """Take each loss's gradient with respect to its player's parameters only, then move all named players."""


class Network(Protocol):
    """What the settings of every network say."""

    @property
    def multiple(self) -> int:
        """Sides of its pictures must be a multiple of this, in pixels."""

    @property
    def smallest(self) -> int:
        """The smallest side of its pictures, in pixels."""


@dataclass(frozen=True)
class Term:
    """What a term of an objective means, for people who watch it."""

    meaning: str
    course: Literal["falls", "hovers", "free", "share"] = "falls"  # in a run that goes well; "free": it says nothing
    player: Literal["G", "D"] = "G"  # whose objective it belongs to
    balance: float | None = None  # its value when D can only guess what is real: where it hovers, or of a share


class Adam(Settings):
    """The optimiser of every player."""

    lr: float = Field(2e-4, gt=0)
    beta1: float = Field(0.5, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0)  # L2, inside the gradient

    def build(self, parameters: Sequence[nn.Parameter]) -> torch.optim.Adam:
        """Build the optimiser over `parameters`."""
        return torch.optim.Adam(
            parameters, self.lr, (self.beta1, self.beta2), weight_decay=self.weight_decay, fused=True
        )


class MethodSettings(Settings):
    """What the settings of every method have in common. Each method file has a class `Settings` made from this one."""

    batches: ClassVar[Literal["unpaired", "labelled"]] = "unpaired"  # what `Method.step` is given

    name: str
    optimiser: Adam = Adam()
    decay: Literal["linear", "none"] = "linear"  # of the learning rate, over the second half of the run
    ttur: float = Field(1.0, gt=0)  # rate of discriminators over that of generators (Heusel et al. 2017, 1706.08500)
    diffaugment: tuple[Operation, ...] = ()  # of all that discriminators see, for few pictures

    @field_validator("diffaugment", mode="before")
    @classmethod
    def _in_one_word(cls, value: Any) -> Any:
        """Take "colour,translation,cutout" as well as a list."""
        value = value.replace(",", " ").split() if isinstance(value, str) else value
        return tuple(value) if isinstance(value, list) else value

    @property
    def networks(self) -> tuple[Network, Network]:
        """The settings of the generator and of the discriminator."""
        raise NotImplementedError

    @property
    def multiple(self) -> int:
        """Sides of pictures to translate must be a multiple of this, in pixels."""
        return self.networks[0].multiple

    @property
    def smallest(self) -> int:
        """The smallest side of pictures to translate, in pixels."""
        return self.networks[0].smallest

    def for_run(self, steps: int) -> "MethodSettings":
        """Return these settings with everything filled in that by default depends on the length of the run."""
        return self

    def for_labels(self, attributes: bool) -> "MethodSettings":
        """Return these settings for pictures that have a domain or, if so said, attributes.

        Raises:
            DataError: the method knows domains only.
        """
        if attributes:
            raise DataError(
                f"{self.name} translates between two domains, but these pictures have attributes. Use --method stargan."
            )
        return self

    def check(self, domains: Sequence[str], size: int, batch: int) -> None:
        """Refuse what the method cannot be trained on.

        Raises:
            DataError: there are not as many domains as the method translates between.
            SettingsError: the size of the crops in pixels, or the batch, does not suit the method.
        """
        if len(domains) != 2:
            raise DataError(f"{self.name} translates between two domains; found {len(domains)}: {', '.join(domains)}.")
        self.check_size(size)

    def check_size(self, size: int) -> None:
        """Refuse a size of training crops, in pixels, that the networks cannot take. Raises `SettingsError`."""
        multiple = math.lcm(*(network.multiple for network in self.networks))
        smallest = max(network.smallest for network in self.networks)
        if size % multiple or size < smallest:
            raise SettingsError(
                f"Size {size} does not suit {self.name} with these networks: it must be a multiple of {multiple} and at"
                f" least {smallest} pixels."
            )

    def build(self, domains: Sequence[str], size: int) -> "Method":
        """Build the method for pictures of `domains` at `size` x `size` pixels."""
        raise NotImplementedError


class Method(nn.Module):
    """The networks of a paper and its training step.

    Attributes:
        settings: what it was built from.
        domains: the names of the picture domains, in the order it was built with.
    """

    settings: MethodSettings
    domains: tuple[str, ...]

    def players(self) -> dict[str, list[nn.Module]]:
        """Return who is trained, by name. Player "G" are the generators."""
        raise NotImplementedError

    def shipped(self) -> list[nn.Module]:
        """Return the networks that `translate` calls: they are averaged and exported, the others are not."""
        return self.players()["G"]

    def showcase(self) -> list[str]:
        """Return the targets worth looking at."""
        return list(self.domains)

    def becomes(self, c: Tensor, target: str) -> Tensor:
        """Return the labels (N, labels), 0 or 1, that pictures with labels `c` have once translated to `target`."""
        return torch.zeros_like(c).index_fill_(1, torch.tensor([self.domains.index(target)], device=c.device), 1)

    def terms(self) -> dict[str, Term]:
        """Say what the terms that `step` returns mean; those left out are shown without words."""
        return {}

    def step(self, batch: Mapping[str, Tensor], update: Update, n: int) -> dict[str, Tensor]:
        """Do training step `n`, which counts from 0.

        Args:
            batch: "unpaired": (N, 3, S, S) in [-1, 1] for each domain, by name.
                "labelled": "x", (N, 3, S, S) in [-1, 1], and "c", (N, labels) of 0 and 1.
            update: moves the players.
            n: the step, for methods whose players take turns.

        Returns:
            every term of the objective, and how often discriminators are right, detached, for the log.
        """
        raise NotImplementedError

    def translate(self, x: Tensor, target: str) -> Tensor:
        """Translate (N, 3, H, W) in [-1, 1], whose sides are multiples of the settings' `multiple`.

        Args:
            x: the pictures.
            target: a domain, or changes of attributes such as "Blond_Hair=1,Young=0".
        """
        raise NotImplementedError

    def layers(self, x: Tensor, target: str) -> Sequence[Layer] | None:
        """Return what `translate` does to one picture, layer after layer: pictures larger than memory need this.

        Args:
            x: (1, 3, H, W) in [-1, 1], the whole picture, for methods that look at it first.
            target: as for `translate`.

        Returns:
            modules, and functions that work on every pixel alone. None: `translate` is nothing of the kind.
        """
        return None


def available() -> list[str]:
    """List the names of all methods that can be trained: the files of this folder."""
    modules = (module.name for module in pkgutil.iter_modules(translate.methods.__path__))
    return sorted(name for name in modules if name not in ("base", "pretrained"))


def settings_class(name: str) -> type[MethodSettings]:
    """Find a method by its file name and return its settings class.

    Raises:
        SettingsError: there is no such method.
    """
    if name not in (*available(), PRETRAINED):
        raise SettingsError(
            f"There is no method {name!r}.{nearest(name, available())} Methods: {', '.join(available())}."
        )
    module = importlib.import_module(f"translate.methods.{'pretrained' if name == PRETRAINED else name}")
    settings: type[MethodSettings] = module.Settings
    return settings
