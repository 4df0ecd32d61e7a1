"""`translate eval`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from translate.cli.options import Device, Json, Model, Precision
from translate.cli.terminal import progress, say, show

if TYPE_CHECKING:
    from translate.recipes.evaluation import Evaluation, Figure


def evaluate(
    model: Model,
    data: Annotated[str, typer.Argument(help="A dataset's name, or a folder, with the model's domains.")],
    to: Annotated[str | None, typer.Option(help="The domain to translate to, unless the model has a default.")] = None,
    protocol: Annotated[
        str,
        typer.Option(help="cut: test pictures against test pictures; clean-fid: smoothed resizing; train+test reals."),
    ] = "cut",
    features: Annotated[
        str, typer.Option(help="random, which ships with translate, or a file with the weights of SqueezeNet 1.1.")
    ] = "random",
    lpips: Annotated[Path | None, typer.Option(help="A file with the linear head of LPIPS for the features.")] = None,
    split: Annotated[
        Literal["test", "train"], typer.Option(help="Measure on training pictures where there are no others.")
    ] = "test",
    seed: Annotated[int, typer.Option(help="Of bootstraps, subsets and halves.")] = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    json_: Json = False,
) -> None:
    """Measure a model: distances to real pictures, structure, cycles, diversity, and truth where it is known."""
    from translate.recipes.evaluation import evaluate as measure

    with progress(json_) as advance:
        result = measure(
            model, data, to, protocol=protocol, features=features, lpips=lpips, split=split, seed=seed,
            device=device, precision=precision, tell=lambda what, done, total: advance(what, done, total, ""),
        )  # fmt: skip
    for note in result.notes:
        say(f"Note: {note}")
    tree = asdict(result)
    for figure in tree["figures"]:
        figure |= {"protocol": result.protocol, "seed": result.seed}
    show(tree, _lines(result), json_)


def _lines(result: "Evaluation") -> list[str]:
    head = f"{result.data} to {result.to}, model {result.model}, {result.split} pictures"
    lines = [f"{head}, protocol {result.protocol}, seed {result.seed}; in brackets 95 % intervals"]
    width = max((len(figure.name) for figure in result.figures), default=0)
    for figure in result.figures:
        interval = "" if figure.low is None else f"[{figure.low:.4g}, {figure.high:.4g}]"
        lines.append(f"{figure.name:<{width}}  {figure.value:>9.4g}  {interval:<22}  {_words(figure)}".rstrip())
    return lines


def _words(figure: "Figure") -> str:
    counts = f"n = {figure.count}" + (f" against {figure.against}" if figure.against else "")
    features = f"features {figure.features}" if figure.features else ""
    return "; ".join(part for part in (counts, features, figure.remark) if part)
