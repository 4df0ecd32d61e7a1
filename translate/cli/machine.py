"""`translate bench` and `translate doctor`."""

from dataclasses import asdict
from typing import Annotated

import typer

from translate.cli.options import Compile, Device, Json, Precision, Set
from translate.cli.terminal import lines_of, say_next, show
from translate.errors import SettingsError


def bench(
    size: Annotated[int, typer.Option(help="Side of the pictures in pixels.")] = 256,
    repeats: Annotated[int, typer.Option(min=1, help="Steps that are timed.")] = 5,
    device: Device = "auto",
    precision: Precision = "auto",
    compile: Compile = "off",
    set_: Set = None,
    json_: Json = False,
) -> None:
    """Measure training and applying of the full-size CycleGAN, and what share of this machine's ceiling they reach."""
    from translate import devices
    from translate.bench import bench as measure
    from translate.methods.base import settings_class
    from translate.settings import merge, read_word

    said = merge([{"method": {}}, *(read_word(word) for word in set_ or [])])
    if said.keys() != {"method"}:
        raise SettingsError(f"bench takes settings of method, such as method.generator.blocks=6; found {set_}.")
    settings = settings_class("cyclegan").parse(said["method"], under="method")
    result = measure(settings, devices.engine(device, precision, compile), size, repeats)
    tree = {**asdict(result), "train_share": result.train_share, "apply_share": result.apply_share}
    lines = [
        f"{result.engine}, {result.threads} threads, {size} px, batch 1",
        f"train: {result.train_steps_s:.3f} steps/s, {result.train_gmac:.1f} GMAC each, "
        f"{result.train_share:.0%} of the ceiling",
        f"apply: {result.apply_images_s:.2f} images/s, {result.apply_gmac:.1f} GMAC each, "
        f"{result.apply_share:.0%} of the ceiling",
        f"ceiling: {result.ceiling_gmac_s:.0f} GMAC/s, the best of twenty 4096-square matrix products",
    ]
    show(tree, lines, json_)
    say_next("translate train DATA --dry-run says what a run of yours would take", json_)


def doctor(json_: Json = False) -> None:
    """Tell what this installation can do."""
    from translate.doctor import examine

    facts = examine()
    show(facts, lines_of(facts), json_)
    if any(fact.startswith("PROBLEM") for fact in facts.values()):
        raise typer.Exit(1)
    say_next("translate apply monet PHOTOS --out painted", json_)
