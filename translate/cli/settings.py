"""`translate settings`."""

import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from translate.cli.options import Json
from translate.cli.terminal import say_next, show

if TYPE_CHECKING:
    from translate.settings_reference import Group, Setting

WIDTH = 120  # columns


def settings(
    method: Annotated[str, typer.Argument(help="Whose settings are listed, with those of all runs.")] = "cyclegan",
    json_: Json = False,
) -> None:
    """List every setting of a run, with its default and its meaning, for --set KEY=VALUE or a file for --config."""
    from translate.methods.base import settings_class
    from translate.runs.recipe import DataSettings
    from translate.settings_reference import groups
    from translate.training.loop import TrainingSettings

    parts = {"method": settings_class(method)(name=method), "data": DataSettings(), "training": TrainingSettings()}
    found = [group for key, defaults in parts.items() for group in groups(defaults, key)]
    show([asdict(group) for group in found], [line for group in found for line in _lines(group)], json_)
    say_next(f"translate train DATA --method {method} --set KEY=VALUE", json_)


def _lines(group: "Group") -> list[str]:
    kind = f" = {group.kind}" if group.kind else ""
    other = "" if group.is_default or not kind else " (another kind)"
    return ["", f"{group.key}{kind}{other}: {group.meaning}", *(_line(setting) for setting in group.settings)]


def _line(setting: "Setting") -> str:
    default = "" if setting.default in (None, {}, ()) else str(setting.default)
    words = f"one of {', '.join(setting.choices)}" if setting.choices else ""
    text = " ".join(filter(None, [setting.meaning, f"({words})" if words else ""]))
    head = f"  {setting.key:<44} {default:<12} "
    return textwrap.fill(head + text, WIDTH, subsequent_indent=" " * len(head))
