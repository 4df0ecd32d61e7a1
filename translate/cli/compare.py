"""`translate compare`."""

from pathlib import Path
from typing import Annotated

import typer

from translate.cli.options import Device, MaybeMaxPixels, Precision, count_or_none, read_domains
from translate.cli.terminal import printable, progress
from translate.errors import SettingsError


def compare(
    models: Annotated[list[str], typer.Argument(help="Two or more: runs' folders, export files, names in weights.")],
    out: Annotated[Path, typer.Option(help="The HTML file to write.")],
    data: Annotated[
        str | None,
        typer.Option(help="A dataset's name, or a folder; by default the known dataset that the first was trained on."),
    ] = None,
    domain: Annotated[list[str] | None, typer.Option(help="NAME=FOLDER of pictures, twice, instead of --data.")] = None,
    to: Annotated[
        str | None,
        typer.Option(
            help="The domain to translate to, unless the models have a default; one for each as A,B; or attributes."
        ),
    ] = None,
    pictures: Annotated[int, typer.Option(min=1, help="How many of each other domain are shown.")] = 12,
    protocol: Annotated[str, typer.Option(help="Of the scores; see `translate eval`.")] = "cut",
    features: Annotated[str | None, typer.Option(help="Of the scores; see `translate eval`.")] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Use features that a model's critics have seen; figures are marked.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of subsets and halves.")] = 0,
    max_pixels: MaybeMaxPixels = None,
    device: Device = "auto",
    precision: Precision = "auto",
) -> None:
    """Write one page with what several models make of the same pictures; vote on it without knowing which is which."""
    from translate.data.layouts import open_tests
    from translate.evaluation.comparison import compare as write_comparison

    if data is not None and domain:
        raise SettingsError("Give --data or --domain NAME=FOLDER, not both.")
    where = open_tests(read_domains(domain)) if domain else data
    with progress() as advance:
        write_comparison(
            models, out, where, to, pictures=pictures, protocol=protocol, features=features, anyway=anyway, seed=seed,
            max_pixels=count_or_none(max_pixels, "--max-pixels"), device=device, precision=precision,
            tell=lambda what, done, total: advance(what, done, total, ""),
        )  # fmt: skip
    print(f"Wrote {printable(out)}, {out.stat().st_size / 1e6:.1f} MB. Open it in a browser.")
