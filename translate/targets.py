"""What a model can be asked for: one of its domains, its only direction, or changes of attributes.

A method, a dataset and an export each hold one of these. Words come from users: "zebra", "Blond_Hair=1,Young=0", "all".
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from translate.errors import DataError, SettingsError
from translate.settings import nearest

ALL = "all"


@dataclass(frozen=True)
class Targets(ABC):
    """What may be chosen.

    Attributes:
        names: the domains, or the attributes, in the order of the labels.
        default: the target when none is named; empty: one must be named.
    """

    names: tuple[str, ...]
    default: str = ""

    def with_default(self, default: str) -> Self:
        """Return the same targets, of which `default` is meant when none is named."""
        return replace(self, default=default)

    @abstractmethod
    def choose(self, word: str | None = None) -> str:
        """Return the target called `word`, or the default.

        Raises:
            SettingsError: there is no such target, or no default.
        """

    @abstractmethod
    def all(self) -> list[str]:
        """Return the targets that "all" means."""

    def several(self, word: str | None = None) -> list[str]:
        """Return the several targets that `word` means, if it is "all"; nothing if it means a single one.

        Raises:
            SettingsError: as `choose`.
        """
        if word == ALL and ALL not in self.names and len(targets := self.all()) > 1:
            return targets
        self.choose(word)
        return []

    @abstractmethod
    def shown(self) -> list[str]:
        """Return the targets worth looking at."""

    @abstractmethod
    def ways(self, source: str) -> list[str]:
        """Return the targets worth looking at for pictures of the domain, or the collection, `source`."""

    def probes(self, sources: Sequence[str]) -> list[tuple[str, str]]:
        """Return (source, target) pairs that together show how a run goes, of which it may have many more."""
        return [(source, target) for source in sources for target in self.ways(source)]

    @abstractmethod
    def back(self, source: str, target: str) -> str | None:
        """Return the target that leads from `target` back to the domain `source`, or None if there is no way back."""

    @abstractmethod
    def like(self, source: str, target: str) -> str:
        """Return the domain, or the collection, whose pictures translations from `source` should look like."""

    @abstractmethod
    def change(self, c: Tensor, target: str) -> Tensor:
        """Return the labels (N, names), 0 or 1, that pictures with labels `c` have once translated to `target`."""

    @abstractmethod
    def asked(self, target: str) -> list[str]:
        """Return the names that `target` says something of; those of all others shall stay as they are."""

    @property
    def directions(self) -> list[tuple[str, str]]:
        """All (source, target) pairs of different domains; none where pictures have attributes."""
        return [(source, target) for target in self.shown() for source in self.names if source != target]

    @property
    def are_sets(self) -> bool:
        """Whether each target has pictures of its own, with which results can be compared as a set."""
        return bool(self.directions)

    @property
    @abstractmethod
    def example(self) -> str:
        """A target to show in a command."""

    @property
    @abstractmethod
    def summary(self) -> str:
        """Return in words what a model with these targets does with pictures."""


@dataclass(frozen=True)
class Domains(Targets):
    """Any of the domains, from any other."""

    def choose(self, word: str | None = None) -> str:  # noqa: D102
        known = ", ".join(self.names)
        if word is None and not self.default:
            raise SettingsError(f"The model knows the domains {known}; name one with --to.")
        if word is not None and word not in self.names:
            raise SettingsError(f"The model has no domain {word!r}.{nearest(word, self.names)} It knows {known}.")
        return word or self.default

    def all(self) -> list[str]:  # noqa: D102
        return list(self.names)

    def shown(self) -> list[str]:  # noqa: D102
        return list(self.names)

    def ways(self, source: str) -> list[str]:  # noqa: D102
        return [name for name in self.names if name != source]

    def probes(self, sources: Sequence[str]) -> list[tuple[str, str]]:
        """Return a way from each domain to the next, and from the last to the first."""
        return list(zip(sources, [*sources[1:], sources[0]], strict=True))

    def back(self, source: str, target: str) -> str | None:  # noqa: D102
        return source

    def like(self, source: str, target: str) -> str:  # noqa: D102
        return target

    def change(self, c: Tensor, target: str) -> Tensor:  # noqa: D102
        return _one_hot(c, self.names.index(target))

    def asked(self, target: str) -> list[str]:  # noqa: D102
        return list(self.names)

    @property
    def example(self) -> str:  # noqa: D102
        return self.names[0]

    @property
    def summary(self) -> str:  # noqa: D102
        ways = [f"{source} to {target}" for source, target in self.directions]
        default = f" The default is to {self.default}." if self.default and len(ways) > 1 else ""
        return f"Translates pictures from {', from '.join(ways)}.{default}"


@dataclass(frozen=True)
class OneWay(Targets):
    """The default and nothing else: one of two domains, or what a file was exported for.

    Attributes:
        otherwise: how to have another target, as a sentence with {} in its place; empty where there is no way.
    """

    otherwise: str = ""

    @classmethod
    def among(cls, domains: Sequence[str], target: str | None, keep: str | None = None) -> Self:
        """Return the way to `target`, by default the second, of two domains beside `keep`. Raises `DataError`."""
        names = tuple(name for name in domains if name != keep)
        if target not in (None, *names):
            raise DataError(f"There is no domain {target!r} to translate to. The domains: {', '.join(names)}.")
        return cls(names, target or names[-1])

    @property
    def source(self) -> str:
        """The other one of two domains."""
        return next(name for name in self.names if name != self.default)

    def with_default(self, default: str) -> Self:
        """Return the same: there is one target alone."""
        return self

    def choose(self, word: str | None = None) -> str:  # noqa: D102
        if word not in (None, self.default):
            known = word in self.names or not self.directions  # a domain, or perhaps a change of attributes
            advice = f" {self.otherwise.format(word)}" if self.otherwise and known else ""
            raise SettingsError(f"The model translates to {self.default} alone.{advice}")
        return self.default

    def all(self) -> list[str]:  # noqa: D102
        return [self.default]

    def several(self, word: str | None = None) -> list[str]:
        """Return nothing: "all" is no word for a single target. Raises `SettingsError` as `choose`."""
        self.choose(word)
        return []

    def shown(self) -> list[str]:  # noqa: D102
        return [self.default]

    def ways(self, source: str) -> list[str]:  # noqa: D102
        return [self.default] if source != self.default else []

    def probes(self, sources: Sequence[str]) -> list[tuple[str, str]]:
        """Return the way from each source; where some are its domains, from these alone."""
        return super().probes([source for source in sources if source in self.names] or sources)

    def back(self, source: str, target: str) -> str | None:  # noqa: D102
        return None

    def like(self, source: str, target: str) -> str:  # noqa: D102
        return target

    def change(self, c: Tensor, target: str) -> Tensor:  # noqa: D102
        return _one_hot(c, self.names.index(target))

    def asked(self, target: str) -> list[str]:  # noqa: D102
        return list(self.names)

    @property
    def directions(self) -> list[tuple[str, str]]:  # noqa: D102
        ways = [(source, self.default) for source in self.names if source != self.default]
        return ways if len(ways) < len(self.names) else []  # changes of attributes lead from no domain to another

    @property
    def example(self) -> str:  # noqa: D102
        return self.default

    @property
    def summary(self) -> str:  # noqa: D102
        sources = " from ".join(["", *(source for source, _ in self.directions)])
        return f"Translates pictures{sources} to {self.default}."


@dataclass(frozen=True)
class Attributes(Targets):
    """Changes of attributes, of which a picture may have several, such as "Blond_Hair=1,Young=0".

    Attributes:
        exclusive: groups of attributes of which a picture has one: where one is switched on, the others are off.
    """

    exclusive: tuple[tuple[str, ...], ...] = ()

    def choose(self, word: str | None = None) -> str:  # noqa: D102
        if word is None:
            raise SettingsError(
                f"The model changes the attributes {', '.join(self.names)}; say how, as in --to {self.example}."
            )
        read_changes(word, self.names)
        return word

    def all(self) -> list[str]:
        """Return every attribute, switched on."""
        return list(self.names)

    def shown(self) -> list[str]:
        """Return every attribute switched on, and off where no other takes its place."""
        alone = [name for name in self.names if not any(name in group for group in self.exclusive)]
        return [f"{name}=1" for name in self.names] + [f"{name}=0" for name in alone]

    def ways(self, source: str) -> list[str]:  # noqa: D102
        return self.shown()

    def back(self, source: str, target: str) -> str | None:  # noqa: D102
        return None

    def like(self, source: str, target: str) -> str:  # noqa: D102
        return source

    def change(self, c: Tensor, target: str) -> Tensor:  # noqa: D102
        c = c.clone()
        for name, value in read_changes(target, self.names).items():
            groups = [group for group in self.exclusive if name in group and value]
            for place, other in enumerate(self.names):
                if any(other in group for group in groups):
                    c[:, place] = 0
            c[:, self.names.index(name)] = value
        return c

    def asked(self, target: str) -> list[str]:  # noqa: D102
        return list(read_changes(target, self.names))

    @property
    def directions(self) -> list[tuple[str, str]]:  # noqa: D102
        return []

    @property
    def example(self) -> str:  # noqa: D102
        return f"{self.names[0]}=1"

    @property
    def summary(self) -> str:  # noqa: D102
        return f"Changes the attributes {', '.join(self.names)} of pictures."


def _one_hot(c: Tensor, place: int) -> Tensor:
    return torch.zeros_like(c).index_fill_(1, torch.tensor([place], device=c.device), 1)


def read_changes(words: str, known: Sequence[str]) -> dict[str, int]:
    """Read the attributes to change and what they become; a name alone means 1.

    Raises:
        SettingsError: an attribute is not among the `known` ones, is named twice, or is to become something else than
            0 or 1.
    """
    changes: dict[str, int] = {}
    for word in words.split(","):
        name, _, value = (part.strip() for part in word.partition("="))
        if name not in known:
            raise SettingsError(f"There is no attribute {name!r}.{nearest(name, known)} Known: {', '.join(known)}.")
        if value not in ("", "0", "1") or word.rstrip().endswith("="):
            raise SettingsError(f"An attribute becomes 0 or 1, as in {name}=1; found {word.strip()!r}.")
        if name in changes:
            raise SettingsError(f"The attribute {name} is named twice in {words!r}.")
        changes[name] = int(value or 1)
    return changes
