"""What settings there are, from the classes that define them: their keys, defaults and meanings."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from translate.settings import models_in


@dataclass(frozen=True)
class Setting:
    """One of them.

    Attributes:
        key: as in `--set KEY=VALUE`.
        default: its value unless something else is said.
        meaning: a sentence, with the unit.
        choices: all values that it may have, if these are words.
    """

    key: str
    default: Any
    meaning: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Settings that stand under one key.

    Attributes:
        key: that of all, such as "method.generator".
        kind: which of several kinds these are the settings of; empty where there is but one.
        is_default: whether it is the kind that is taken when none is named.
        meaning: what they are the settings of.
        settings: they themselves.
    """

    key: str
    kind: str
    is_default: bool
    meaning: str
    settings: list[Setting] = field(default_factory=list)


def groups(defaults: BaseModel, key: str) -> list[Group]:
    """List the settings of `defaults` and of everything in it, of all kinds that may stand there, under `key`."""
    return list(_groups(type(defaults), defaults, key, True, set()))


def _groups(
    model: type[BaseModel], defaults: BaseModel | None, key: str, is_default: bool, seen: set[type[BaseModel]]
) -> Iterator[Group]:
    seen.add(model)
    kind = model.model_fields.get("kind")
    group = Group(key, kind.default if kind else "", is_default, (inspect.getdoc(model) or "").split("\n\n")[0])
    below: list[tuple[type[BaseModel], BaseModel | None, str, bool]] = []
    for name, info in model.model_fields.items():
        value = getattr(defaults, name) if defaults else info.get_default(call_default_factory=True)
        models, place = models_in(info.annotation), f"{key}.{name}"
        kinds = [(one, value if isinstance(value, one) else None, place, isinstance(value, one)) for one in models]
        below += sorted(kinds, key=lambda row: not row[3])
        if not isinstance(value, BaseModel) and name not in ("kind", "name"):
            default = None if value is PydanticUndefined else value
            group.settings.append(Setting(place, default, info.description or "", _choices(info.annotation)))
    yield group
    for one, own, place, is_own in below:
        if one not in seen:
            yield from _groups(one, own, place, is_own, seen)


def _choices(annotation: Any) -> tuple[str, ...]:
    if get_origin(annotation) is Literal:
        return tuple(map(str, get_args(annotation)))
    return tuple(choice for part in get_args(annotation) for choice in _choices(part))
