"""`translate export`."""

from pathlib import Path
from typing import Annotated

import typer

from translate.cli.options import Model
from translate.cli.terminal import printable
from translate.errors import OutputError, SettingsError

SUFFIXES = (".safetensors",)  # of what can be written


def export(
    model: Model,
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="The file to write, by its suffix: .safetensors, our own format.")
    ],
    half: Annotated[bool, typer.Option("--half", help="Store numbers of 16 bits, in half of the space.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is already there.")] = False,
) -> None:
    """Write a model as one file, to keep, to give away, or for other programs."""
    suffix = out.suffix.lower()
    if suffix not in SUFFIXES:
        raise SettingsError(f"The suffix of {out} is none that export can write. Those are: {', '.join(SUFFIXES)}.")
    if out.exists() and not overwrite:
        raise OutputError(f"{out} is already there. Name another file, or replace this one with --overwrite.")
    from torch import nn

    from translate.inference.exports import find_export, read_export, write_export

    method, about = read_export(find_export(model))
    write_export(out, nn.ModuleList(method.shipped()), about, half)
    print(f"Wrote {printable(out)}, {out.stat().st_size / 1e6:.1f} MB.")
