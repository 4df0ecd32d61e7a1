"""`translate export`."""

from pathlib import Path
from typing import Annotated

import typer

from translate.cli.options import Model
from translate.cli.terminal import printable
from translate.errors import OutputError, SettingsError, WeightsError

SUFFIXES = (".safetensors", ".onnx")  # of what can be written


def export(
    model: Model,
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="The file to write, by its suffix: .safetensors, our own format, or .onnx, one direction as a graph.",
        ),
    ],
    to: Annotated[
        str | None,
        typer.Option(help=".onnx: what it translates to, as for apply; may be left out where the model has a default."),
    ] = None,
    half: Annotated[bool, typer.Option("--half", help=".safetensors: 16-bit numbers, half the size.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is already there.")] = False,
) -> None:
    """Write a model as one file, to keep, to give away, or for other programs."""
    suffix = out.suffix.lower()
    if suffix not in SUFFIXES:
        raise SettingsError(f"The suffix of {out} is none that export can write. Those are: {', '.join(SUFFIXES)}.")
    if out.exists() and not overwrite:
        raise OutputError(f"{out} is already there. Name another file, or replace this one with --overwrite.")
    if (suffix != ".onnx" and to) or (suffix == ".onnx" and half):
        raise SettingsError("--to is for .onnx, and --half for .safetensors, which holds all directions.")
    from torch import nn

    from translate.inference.exports import find_export, read_export, write_export, write_graph
    from translate.inference.onnx import OPSET

    path = find_export(model)
    if path.suffix.lower() == ".onnx":
        raise WeightsError(f"{path} is ONNX already, which only onnxruntime runs. Name the model that it was made of.")
    method, about = read_export(path)
    if suffix == ".onnx":
        difference = write_graph(out, method, about, to)
        print(f"Largest difference between onnxruntime and torch: {difference:.1e} of [-1, 1]. Opset {OPSET}.")
    else:
        write_export(out, nn.ModuleList(method.shipped()), about, half)
    print(f"Wrote {printable(out)}, {out.stat().st_size / 1e6:.1f} MB.")
