"""Options that several commands share."""

from typing import Annotated, Literal

import typer

Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
Precision = Annotated[
    Literal["auto", "fp32", "bf16", "fp16"],
    typer.Option(help="Of convolutions; auto is bf16 where the device multiplies it natively, else fp32."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else there.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE, such as method.lambda_idt=0.")]
Model = Annotated[str, typer.Argument(help="A run's folder, an export file, or a name in weights.")]

SIGNAL_EXIT = 128  # plus the number of the signal: 130 for Ctrl-C, 143 for SIGTERM
