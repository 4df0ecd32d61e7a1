"""Options that several commands share."""

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from translate.errors import SettingsError
from translate.places import path_of
from translate.run_folder import EXPORT

Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
_PRECISION = "Of convolutions; auto is bf16 where the device multiplies it natively, else fp32."
Precision = Annotated[Literal["auto", "fp32", "bf16", "fp16"], typer.Option(help=_PRECISION)]
MaybePrecision = Annotated[
    Literal["auto", "fp32", "bf16", "fp16"] | None, typer.Option(help=_PRECISION, show_default="the recipe's, or auto")
]
Compile = Annotated[
    Literal["auto", "on", "off"],
    typer.Option(help="Compile the networks first: auto does where that is repaid by the planned work."),
]
MaybeCompile = Annotated[
    Literal["auto", "on", "off"] | None,
    typer.Option(help="Compile the generators first: auto does on CUDA GPUs.", show_default="the recipe's, or auto"),
]
_PIXELS = "The most pixels a picture may have, such as 120M; larger ones cannot be read."
MaybeMaxPixels = Annotated[str | None, typer.Option("--max-pixels", help=_PIXELS, show_default="64M")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else there.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print no progress, only the result.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE, such as method.lambda_idt=0.")]


def models(begun: str) -> list[str]:
    """List what completes the name of a model: runs, and weights that are here. Without torch: a shell is waiting."""
    from translate import cards

    runs = [path.parent.as_posix() for path in sorted(Path("runs").glob(f"*/{EXPORT}"))]
    return [name for name in (*runs, *sorted(cards.weights_here())) if name.startswith(begun)]


def datasets(begun: str) -> list[str]:
    """List what completes the name of a known dataset."""
    from translate import cards

    return [name for name in cards.names("datasets") if name.startswith(begun)]


Model = Annotated[
    str,
    typer.Argument(
        help="A run's folder, an export file, or a name of weights (hf:OWNER/REPOSITORY).", autocompletion=models
    ),
]


def count_of(word: str, option: str) -> int:
    """Read a count such as 5000, 64M or 1.5G.

    Raises:
        SettingsError: it is no positive count.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kMG]?)", word)
    count = int(float(match[1]) * {"": 1, "k": 1_000, "M": 1_000_000, "G": 1_000_000_000}[match[2]]) if match else 0
    if count < 1:
        raise SettingsError(f"{option} takes a number such as 5000, 64M or 1.5G; found {word!r}.")
    return count


def count_or_none(word: str | None, option: str) -> int | None:
    """Read a count as `count_of`, if there is one."""
    return None if word is None else count_of(word, option)


def read_domains(words: list[str]) -> dict[str, Path]:
    """Read the folders of domains, each written NAME=FOLDER.

    Raises:
        SettingsError: one is not, or a name is there twice.
    """
    domains: dict[str, Path] = {}
    for word in words:
        name, equals, folder = word.partition("=")
        if not (name and equals and folder):
            raise SettingsError(f"--domain takes NAME=FOLDER; found {word!r}.")
        if name in domains:
            raise SettingsError(f"--domain {name} was given twice, for {domains[name]} and {folder}. Name each once.")
        domains[name] = path_of(folder)
    return domains
