"""`translate bench` and `translate doctor`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from translate.cli.options import Compile, Device, Json, Precision, Set
from translate.cli.terminal import lines_of, say_next, show
from translate.errors import SettingsError

if TYPE_CHECKING:
    from translate.bench import Steps


def bench(
    size: Annotated[int, typer.Option(help="Side of the pictures in pixels.")] = 256,
    repeats: Annotated[int, typer.Option(min=1, help="Steps that are timed.")] = 5,
    device: Device = "auto",
    precision: Precision = "auto",
    compile: Compile = "off",
    set_: Set = None,
    against: Annotated[
        Path | None, typer.Option(help="What --json wrote in an earlier run; its speeds are compared with.")
    ] = None,
    json_: Json = False,
) -> None:
    """Measure training and applying of the full-size CycleGAN, and what share of this machine's ceiling they reach."""
    from translate import devices
    from translate.bench import bench as measure
    from translate.bench import compared
    from translate.methods.base import settings_class
    from translate.settings import merge, read_word

    said = merge([{"method": {}}, *(read_word(word) for word in set_ or [])])
    if said.keys() != {"method"}:
        raise SettingsError(f"bench takes settings of method, such as method.generator.blocks=6; found {set_}.")
    settings = settings_class("cyclegan").parse(said["method"], under="method")
    before = None if against is None else _saved(against)
    result = measure(settings, devices.engine(device, precision, compile), size, repeats, _quick())
    shares = ("train_share", "apply_share", "quick_share")
    tree: dict[str, Any] = {**asdict(result), **{share: getattr(result, share) for share in shares}}
    lines = [
        f"{result.engine}, {result.threads} threads, {size} px, batch 1",
        f"train: {result.train_steps_s:.3f} steps/s, {result.train_gmac:.1f} GMAC each, "
        f"{result.train_share:.0%} of the ceiling",
        f"apply: {result.apply_images_s:.2f} images/s, {result.apply_gmac:.1f} GMAC each, "
        f"{result.apply_share:.0%} of the ceiling",
        f"with files: {result.files_images_s:.2f} images/s, of which the network takes {result.network_share:.0%}",
        f"ceiling: {result.ceiling_gmac_s:.0f} GMAC/s, the best of twenty 4096-square matrix products",
    ]
    if result.quick_steps_s:
        lines.append(
            f"quick: {result.quick_steps_s:.3f} steps/s, {result.quick_gmac:.1f} GMAC each, "
            f"{result.quick_share:.0%} of the ceiling"
        )
    if before is not None:
        tree["times_before"] = compared(tree, before)
        lines += [f"{name}: {ratio:.2f} times what it was" for name, ratio in tree["times_before"].items()]
    show(tree, lines, json_)
    say_next("translate train DATA --dry-run says what a run of yours would take", json_)


def _saved(path: Path) -> dict[str, Any]:
    """Read what `bench --json` wrote. Raises `SettingsError` where it is nothing of the kind."""
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(tree, dict):
            return tree
    except (OSError, ValueError):
        pass
    raise SettingsError(
        f"{path} is nothing that bench can compare with. Write it with: translate bench --json > {path}"
    )


def _quick() -> "Steps | None":
    """The steps of `--config quick`, where the extra `features` is installed."""
    from translate.bench import Steps
    from translate.features import has_lite0
    from translate.runs.options import PRESETS
    from translate.runs.recipe import Recipe
    from translate.settings import read_toml

    recipe = Recipe.parse(read_toml(PRESETS / "quick.toml"))
    return Steps(recipe.method, recipe.data.size, recipe.training.batch) if has_lite0() else None


def doctor(json_: Json = False) -> None:
    """Tell what this installation can do."""
    from translate.doctor import examine

    facts = examine()
    show(facts, lines_of(facts), json_)
    if any(fact.startswith("PROBLEM") for fact in facts.values()):
        raise typer.Exit(1)
    say_next("translate apply monet PHOTOS --out painted", json_)
