"""What a method is: its players and its step."""

import importlib
import math
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Protocol, Self

from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn

import translate.methods
from translate.diffaugment import Operation
from translate.errors import DataError, SettingsError
from translate.objectives import Objective
from translate.optimisers import Adam, Optimiser
from translate.schedules import Linear, Schedule
from translate.settings import Settings, merge, nearest
from translate.targets import Domains, Targets

Layer = Callable[[Tensor], Tensor]
Rate = Annotated[float, Field(gt=0)]

PRETRAINED = "single"  # what exports call a generator that was trained elsewhere


class Update(Protocol):
    """Moves players. Given by the training loop, called by a method's step.

    Names that are given the same loss share one backward pass: `update(G=L, F=L)`. Parameters that are frozen, or that
    a loss does not depend on, stay as they are. Where a batch is worked on in parts (`accumulate`), all players move
    when the step ends: a method that moves D before it computes the loss of G then computes that loss with D as it was.
    """

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
    trend: Literal["falls", "hovers", "free", "share"] = "falls"  # in a run that goes well; "free": it says nothing
    player: Literal["G", "D"] = "G"  # whose objective it belongs to
    equilibrium: float | None = None  # its value when D can only guess what is real: where it hovers, or of a share

    @classmethod
    def of_generator(cls, meaning: str, objective: Objective) -> "Term":
        """Return what a generator's term of an adversarial objective means: only a bounded one says who is winning."""
        return cls(meaning, "hovers", "G", objective.equilibrium) if objective.g_hovers else cls(meaning, "free")


class MethodSettings(Settings):
    """What the settings of every method have in common. Each method file has a class `Settings` made from this one."""

    batches: ClassVar[Literal["unpaired", "labelled", "paired"]] = "unpaired"  # what `Method.step` is given
    one_generator: ClassVar[bool] = False  # told nothing but the picture: that of another such method fits
    draws: ClassVar[bool] = False  # pictures from noise, instead of translating pictures
    labelled: ClassVar[bool] = False  # and is told what to draw: each folder is a label
    advice: ClassVar[Mapping[str, Any]] = {}  # settings of a run that it has unless something else is said
    brings_rates: ClassVar[Mapping[str, Sequence[str]]] = {}  # settings whose words bring learning rates of their own

    name: str
    optimiser: Optimiser = Adam()
    """Of every player."""
    optimisers: dict[str, Optimiser] = Field(default_factory=dict)
    """Of single players instead, by their names."""
    rates: dict[str, Rate] = Field(default_factory=dict)
    """Factors on players' learning rates (TTUR: Heusel et al. 2017)."""
    decay: Schedule = Linear()
    """Of all learning rates."""
    diffaugment: tuple[Operation, ...] = ()
    """Of all that discriminators see, for few pictures."""
    scale: Literal[1, 2, 4, 8] = 1
    """How many times as large as their pictures results are, for pairs; `data.made` fills it in."""

    @classmethod
    def parse(cls, tree: Mapping[str, Any], where: str = "", under: str = "") -> Self:
        """Check `tree` and build the settings; `ttur`, a number, is an older word for the rate of D alone."""
        ttur = tree.get("ttur")
        if isinstance(ttur, int | float):
            rates = {} if ttur == 1 else {"D": ttur}
            tree = merge([{"rates": rates}, {key: value for key, value in tree.items() if key != "ttur"}])
        return super().parse(tree, where, under)

    @field_validator("generator", "discriminator", mode="before", check_fields=False)
    @classmethod
    def _as_in_the_method(cls, value: Any, info: ValidationInfo) -> Any:
        """Let a table of the kind that the method has by default leave out what is as in the method."""
        default = cls.model_fields[str(info.field_name)].default
        own = default.model_dump(exclude_unset=True) if isinstance(default, Settings) else {}
        own |= {"kind": default.kind} if hasattr(default, "kind") else {}
        is_of_its_kind = isinstance(value, dict) and value.get("kind", own.get("kind")) == own.get("kind")
        return {**own, **value} if is_of_its_kind else value

    @field_validator("diffaugment", mode="before")
    @classmethod
    def _in_one_word(cls, value: Any) -> Any:
        """Take "colour,translation,cutout" as well as a list."""
        value = value.replace(",", " ").split() if isinstance(value, str) else value
        return tuple(value) if isinstance(value, list) else value

    @property
    def networks(self) -> tuple[Network, ...]:
        """The settings of all networks, first that of the generator: by default all fields that are such."""
        fields = (getattr(self, name) for name in type(self).model_fields)
        return tuple(field for field in fields if hasattr(field, "multiple") and hasattr(field, "smallest"))

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

    def check_length(self, steps: int) -> None:
        """Refuse a run that is over before the first phase of the method is. Raises `SettingsError`."""

    def for_targets(self, targets: Targets) -> Self:
        """Return these settings for a dataset that has `targets`.

        Raises:
            DataError: the method knows domains only, but its pictures have attributes.
        """
        if not isinstance(targets, Domains):
            raise DataError(
                f"{self.name} translates between two domains, but these pictures have attributes. Use --method stargan."
            )
        return self

    def target_of(self, targets: Targets) -> str:
        """Return the domain whose look is learned; of methods that go both ways the default, or else the last."""
        return targets.default or targets.names[-1]

    def for_crops(self, size: int, scale: int = 1) -> Self:
        """Return these settings for crops of `size` pixels, in pairs with squares of `scale` for pixels in the first.

        Raises:
            SettingsError: they say something else, or the method learns from no pairs.
        """
        if self.scale not in (1, scale) or (scale != 1 and self.batches != "paired"):
            why = f"results of these pairs are {scale} times as large as pictures"
            why = why if self.batches == "paired" else f"{self.name} learns from no pairs, and so not to enlarge"
            raise SettingsError(f"The setting method.scale is {self.scale}, but {why}. Leave it out.")
        return self.model_copy(update={"scale": scale})

    def check(self, domains: Sequence[str], size: int, batch: int) -> None:
        """Refuse what the method cannot be trained on.

        Raises:
            DataError: there are not as many domains as the method translates between.
            SettingsError: the size of the crops in pixels, or the batch, does not suit the method.
        """
        if len(domains) != 2:
            found = f"{self.name} translates between two domains; found {len(domains)}: {', '.join(domains)}."
            raise DataError(found + (" Use --method stargan for more." if len(domains) > 2 else ""))
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
    """The networks of a paper and its training step: all that training needs.

    Attributes:
        settings: what it was built from.
    """

    settings: MethodSettings

    def players(self) -> dict[str, list[nn.Module]]:
        """Return who is trained, by name. Player "G" are the generators, "D" the discriminators."""
        raise NotImplementedError

    def averaged(self) -> list[nn.Module]:
        """Return the networks whose average over the steps is the result: it is sampled and exported."""
        return self.players()["G"]

    def discriminators(self) -> list[nn.Module]:
        """Return the networks that judge pictures, which an export may carry along for further training."""
        return self.players().get("D", [])

    def terms(self) -> dict[str, Term]:
        """Say what the terms that `step` returns mean; those left out are shown without words."""
        return {}

    def step(self, batch: Mapping[str, Tensor], update: Update, n: int) -> dict[str, Tensor]:
        """Do training step `n`, which counts from 0.

        Args:
            batch: "unpaired": (N, 3, S, S) in [-1, 1] for each domain, by name.
                "labelled": "x", (N, 3, S, S) in [-1, 1], and "c", (N, labels) of 0 and 1.
                "paired": "x" and "y", (N, 3, S, S) in [-1, 1] each.
            update: moves the players.
            n: the step, for methods whose players take turns.

        Returns:
            every term of the objective, and how often discriminators are right, detached, for the log.
        """
        raise NotImplementedError


class Translation(Method):
    """A method from pictures to pictures: all that models and inference need.

    Attributes:
        targets: what it can be asked for.
        cpu_only: the kind of models, such as "ONNX models", that run on the CPU in fp32 only; or nothing.
    """

    cpu_only: ClassVar[str] = ""

    targets: Targets

    @property
    def domains(self) -> tuple[str, ...]:
        """The names of the picture domains, or of the attributes, in the order it was built with."""
        return self.targets.names

    def generators(self) -> list[nn.Module]:
        """Return the networks that `translate` runs: their layers tell how much memory and work a picture takes."""
        return self.averaged()

    def translate(self, x: Tensor, target: str) -> Tensor:
        """Translate (N, 3, H, W) in [-1, 1], whose sides are multiples of the settings' `multiple`.

        Args:
            x: the pictures.
            target: as `targets.choose` returns it.
        """
        raise NotImplementedError

    def layers(self, picture: Callable[[], Tensor], target: str) -> Sequence[Layer] | None:
        """Return what `translate` does to one picture, layer after layer: pictures larger than memory need this.

        Args:
            picture: returns the whole picture, (1, 3, H, W) in [-1, 1], for methods that look at it first.
            target: as for `translate`.

        Returns:
            modules, and functions that work on every pixel alone. None: `translate` is nothing of the kind.
        """
        return None


def translation(method: Method) -> Translation:
    """Return a method that is known to translate. Raises `SettingsError` where it draws pictures from noise."""
    if not isinstance(method, Translation):
        raise SettingsError(f"{method.settings.name} draws pictures from noise; it translates none.")
    return method


def available() -> list[str]:
    """List the names of all methods that can be trained: the files of this folder."""
    modules = (module.name for module in pkgutil.iter_modules(translate.methods.__path__))
    return sorted(name for name in modules if name not in ("base", "generation", "pretrained"))


def settings_class(name: str) -> type[MethodSettings]:
    """Find a method by its file name and return its settings class.

    Raises:
        SettingsError: there is no such method.
    """
    if name not in (*available(), PRETRAINED):
        raise SettingsError(
            f"There is no method {name!r}.{nearest(name, available())} Methods: {', '.join(available())}. They are the"
            f" files in {translate.methods.__path__[0]}."
        )
    module = importlib.import_module(f"translate.methods.{'pretrained' if name == PRETRAINED else name}")
    settings: type[MethodSettings] = module.Settings
    return settings
