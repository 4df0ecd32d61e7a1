"""`translate export`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from translate.cli.options import Model
from translate.cli.terminal import printable, say_next
from translate.errors import OutputError, SettingsError, WeightsError
from translate.files import as_output_error

SUFFIXES = (".safetensors", ".onnx", ".pth")  # of what can be written


def export(
    model: Model,
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="The file to write, by its suffix: .safetensors, our own format; .onnx, one direction as a graph; or"
            " .pth with --format.",
        ),
    ],
    to: Annotated[
        str | None,
        typer.Option(
            help=".onnx and .pth: what it translates to, as for apply; may be left out where the model has a default."
        ),
    ] = None,
    half: Annotated[bool, typer.Option("--half", help=".safetensors: 16-bit numbers, half the size.")] = False,
    with_discriminators: Annotated[
        bool,
        typer.Option("--with-discriminators", help=".safetensors: with those of a run, to train further."),
    ] = False,
    format: Annotated[
        Literal["junyanz"] | None, typer.Option(help=".pth: for the test.py of the official CycleGAN code.")
    ] = None,
    licence: Annotated[str | None, typer.Option(help=".safetensors: what others may do with it.")] = None,
    citation: Annotated[str | None, typer.Option(help=".safetensors: how it is to be cited.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is already there.")] = False,
) -> None:
    """Write a model as one file, to keep, to give away, or for other programs."""
    suffix = out.suffix.lower()
    if suffix not in SUFFIXES:
        raise SettingsError(f"The suffix of {out} is none that export can write. Those are: {', '.join(SUFFIXES)}.")
    if (suffix == ".pth") is not (format is not None):
        raise SettingsError(f"A .pth file is written with --format junyanz, and no other; found {out}.")
    with as_output_error(out):  # its name may be too long, a folder above it closed to us
        taken = out.exists() and not overwrite
    if taken:
        raise OutputError(f"{out} is already there. Name another file, or replace this one with --overwrite.")
    ours = half or with_discriminators or licence is not None or citation is not None
    if (suffix == ".safetensors" and to) or (suffix != ".safetensors" and ours):
        raise SettingsError(
            "--to is for .onnx and .pth; --half, --with-discriminators, --licence and --citation are for .safetensors,"
            " which holds all directions."
        )
    from torch import nn

    from translate.exchange.exporting import discriminators_of, write_official
    from translate.methods.base import translation
    from translate.models.exports import read_any_export, write_export, write_graph
    from translate.models.finding import find_export
    from translate.models.onnx import OPSET

    path = find_export(model)
    if path.suffix.lower() == ".onnx":
        raise WeightsError(f"{path} is ONNX already, which only onnxruntime runs. Name the model that it was made of.")
    method, about = read_any_export(path)
    if suffix == ".onnx":
        difference = write_graph(out, translation(method), about, to)
        print(f"Largest difference between onnxruntime and torch: {difference:.1e} of [-1, 1]. Opset {OPSET}.")
    elif suffix == ".pth":
        options = write_official(out, translation(method), about.targets.choose(to))
        print(f"As checkpoints/NAME/latest_net_G.pth it is used by: python test.py --name NAME {options}")
    else:
        said = {"licence": licence, "citation": citation}
        about = about.model_copy(update={name: value for name, value in said.items() if value is not None})
        judges = discriminators_of(Path(model), about) if with_discriminators else []
        write_export(out, nn.ModuleList(method.averaged()), about, half, judges)
    print(f"Wrote {printable(out)}, {out.stat().st_size / 1e6:.1f} MB.")
    use = f"sample {out} --out DRAWN" if about.noise else f"apply {out} PHOTOS --out RESULTS"
    say_next(f"translate {use}", unwanted=suffix == ".pth")  # which other programs use
