"""Typed, frozen settings: TOML or `key=value` words in, JSON out, unknown keys refused with the nearest known one.

A settings object never changes after it was made. What a run was made with is exactly `settings.to_json()`, which
travels inside every checkpoint and export.
"""

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Discriminator, ValidationError

from translate.errors import SettingsError

Tree = dict[str, Any]  # settings before they are checked: nested dictionaries of TOML values


class Settings(BaseModel):
    """Base of all settings: frozen, strict about types, and without unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    @classmethod
    def parse(cls, tree: Mapping[str, Any], where: str = "", under: str = "") -> Self:
        """Check `tree` and build the settings.

        Args:
            tree: nested mappings of TOML or JSON values.
            where: where the tree came from, for messages.
            under: the key that the tree stands under, for messages.

        Raises:
            SettingsError: a key is unknown or a value is wrong; the sentence names the key and what was found.
        """
        try:
            return cls.model_validate_json(json.dumps(tree, default=str))
        except ValidationError as error:
            sentence, key = _sentence(cls, error, where, under)
            raise SettingsError(sentence, key) from error

    def to_json(self) -> str:
        """Return these settings as JSON with stable key order."""
        return self.model_dump_json(indent=2, serialize_as_any=True)


def read_toml(path: Path) -> Tree:
    """Read a TOML file.

    Raises:
        SettingsError: the file is missing or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise SettingsError(f"There is no settings file {path}.") from error
    except OSError as error:
        raise SettingsError(f"Cannot read the settings file {path}: {error}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"Cannot read the settings file {path}: {error}. Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error


def read_word(word: str) -> Tree:
    """Read one `--set` word such as `method.lambda_idt=0` into a tree. Values are TOML; anything else is a string.

    Raises:
        SettingsError: the word has no `=` or an empty key.
    """
    key, equals, text = word.partition("=")
    names = [name.strip() for name in key.split(".")]
    if not equals or not all(names):
        raise SettingsError(f"--set takes KEY=VALUE such as method.lambda_idt=0; found {word!r}.")
    try:
        tree = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        tree = {}
    value: Any = tree["value"] if set(tree) == {"value"} else text
    for name in reversed(names):
        value = {name: value}
    result: Tree = value
    return result


def merge(layers: Iterable[Mapping[str, Any]]) -> Tree:
    """Lay trees over each other; the later one wins, key by key. A table of another `kind` takes the whole place."""
    result: Tree = {}
    for layer in layers:
        for key, value in layer.items():
            old = result.get(key)
            if isinstance(old, Mapping) and isinstance(value, Mapping) and not _are_of_two_kinds(old, value):
                value = merge([old, value])
            result[key] = value
    return result


def _are_of_two_kinds(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return "kind" in one and "kind" in other and one["kind"] != other["kind"]


def kind_or(default: str) -> Discriminator:
    """The default `kind` of a tagged union: settings without one are of that kind."""

    def kind(value: Any) -> str:
        return str(value.get("kind", default) if isinstance(value, dict) else getattr(value, "kind", default))

    return Discriminator(kind)


def flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Return the values of a tree by their full keys, such as "method.generator.width"."""
    if not isinstance(tree, Mapping):
        return {prefix: tree}
    return {
        key: value
        for name, below in tree.items()
        for key, value in flat(below, f"{prefix}.{name}" if prefix else name).items()
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return what differs between two trees: the value before and now by its full key, None where there is none."""
    old, new = flat(before), flat(now)
    keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    return {key: (old.get(key), new.get(key)) for key in keys}


def is_plain(name: str) -> bool:
    """Whether a name may become that of a folder on every system: one part of a path, and not hidden."""
    return bool(name) and name.isprintable() and not name.startswith(".") and not set(name) & set('/\\:*?"<>|')


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean X?" for the closest of `known`, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean {close[0]}?" if close else ""


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """List the settings that a value of that type may hold, such as all kinds of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in models_in(part)]


def _sentence(cls: type[Settings], error: ValidationError, where: str, under: str) -> tuple[str, str]:
    """Return what is wrong, in a sentence, and the full key that it is about."""
    problem = error.errors(include_url=False)[0]
    path = [str(part) for part in problem["loc"]]
    spoken = [part for place, part in enumerate(path) if not _is_tag(cls, path[: place + 1])]
    name = ".".join([under, *spoken] if under else spoken)
    source = f" in {where}" if where else ""
    if problem["type"] == "extra_forbidden":
        known = sorted({field for model in _models_at(cls, path[:-1]) for field in model.model_fields})
        guess = nearest(path[-1], known)
        choices = f" Known keys: {', '.join(known)}." if known and not guess else ""
        return f"Unknown setting {name}{source}.{guess}{choices}", name
    wrong = problem["msg"].removeprefix("Value error, ")
    if not name:
        return f"The settings{source} are wrong: {wrong}.", name
    found = json.dumps(problem["input"], default=str)
    return f"The setting {name}{source} is wrong: {wrong}; found {found[:80]}.", name


def _models_at(cls: type[Settings], path: list[str]) -> list[type[BaseModel]]:
    """List what the settings at `path` may be; of a union, the one whose tag pydantic put into the path."""
    models: list[type[BaseModel]] = [cls]
    for part in path:
        below: list[type[BaseModel]] = []
        for model in models:
            if part in model.model_fields:
                below += models_in(model.model_fields[part].annotation)
        models = below or _tagged(models, part) or models
    return models


def _is_tag(cls: type[Settings], path: list[str]) -> bool:
    """Whether the last part of `path` is no key but the tag of a union."""
    models = _models_at(cls, path[:-1])
    return bool(_tagged(models, path[-1])) and not any(path[-1] in model.model_fields for model in models)


def _tagged(models: list[type[BaseModel]], tag: str) -> list[type[BaseModel]]:
    return [model for model in models if getattr(model.model_fields.get("kind"), "default", None) == tag]
