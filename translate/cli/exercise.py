"""`translate exercise`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from translate.cli.options import Quiet
from translate.cli.terminal import printable, progress, say_next

Name = Annotated[
    Literal["gaussian", "ring", "grid"],
    typer.Argument(help="A Gaussian on a line, a ring of eight in the plane, or a grid of twenty-five."),
]
Objective = Annotated[
    Literal["vanilla", "saturating", "lsgan", "chi2", "hinge", "wgan", "wgan-gp"],
    typer.Option(help="What the players minimise; see translate help generating."),
]
Minibatch = Annotated[
    bool, typer.Option("--minibatch", help="Let D compare the points of a batch, so that it sees a collapse.")
]
Steps = Annotated[int, typer.Option(min=1, help="Of the generator.")]
Seed = Annotated[int, typer.Option(min=0, help="Of everything that is drawn at random.")]
Out = Annotated[Path | None, typer.Option(help="The folder to write into; exercises/NAME by default.")]


def exercise(
    name: Name,
    objective: Objective = "vanilla",
    minibatch: Minibatch = False,
    steps: Steps = 3000,
    seed: Seed = 0,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """Watch a GAN of points learn, in a minute: its densities, its discriminator, and modes that collapse."""
    import torch

    from translate.exercises.points import MIXTURES
    from translate.exercises.report import run
    from translate.exercises.training import Exercise

    place = out or Path("exercises") / name
    torch.set_num_threads(1)  # networks so small only get slower with more
    with progress(quiet) as advance:
        found = run(
            name,
            Exercise(MIXTURES[name], objective, minibatch, steps, seed),
            place,
            lambda what, done, total: advance(what, done, total, ""),
        )
    if "W1" in found:
        words = f"W1 to the truth {found['W1']:.3f}; mean {found['mean']:.2f}, deviation {found['deviation']:.2f}"
    else:
        words = f"{found['modes']:.0f} of {found['of']:.0f} modes; {found['near']:.0%} of what is drawn is near one"
    print(f"{words}.\nWrote {printable(place / 'report.html')}, with progress.gif and figure.png beside it.")
    others = "" if minibatch else " --minibatch"
    say_next(f"translate exercise {name}{others or ' --objective wgan-gp'} --out {place}-2", quiet)
