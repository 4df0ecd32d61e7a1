"""`translate sample`."""

from pathlib import Path
from typing import Annotated

import typer

from translate.cli.options import Device, Model, Precision, Quiet
from translate.cli.terminal import printable, progress, say
from translate.errors import OutputError, SettingsError

FRAMES = 16  # of the way between two seeds, both ends included
COLUMNS = 8  # of a sheet

Count = Annotated[int, typer.Option(min=1, help="How many pictures.")]
Out = Annotated[Path | None, typer.Option(help="The folder for them: 00000.png and so on.")]
Seed = Annotated[int, typer.Option(min=0, help="Of their noise: picture i of a seed is always the same.")]
Label = Annotated[str | None, typer.Option(help="What to draw, of a model that is told; else all in turns.")]
GridFile = Annotated[Path | None, typer.Option("--grid", help="A file for all of them side by side, such as all.png.")]
Between = Annotated[
    str | None, typer.Option(help="Two seeds as A,B: the way from one to the other, as a strip and a GIF in --out.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Draw again what is already there.")]


def sample(
    model: Model,
    out: Out = None,
    count: Count = 64,
    seed: Seed = 0,
    label: Label = None,
    grid: GridFile = None,
    between: Between = None,
    overwrite: Overwrite = False,
    device: Device = "auto",
    precision: Precision = "auto",
    quiet: Quiet = False,
) -> None:
    """Draw pictures from noise, with a model of a method that draws."""
    seeds = None if between is None else _two_seeds(between)
    if out is None and (grid is None or seeds):
        raise SettingsError("Drawn pictures need a place; name a folder with --out, or a file with --grid.")
    places = [out / f"{number:05d}.png" for number in range(count)] if out and not seeds else []
    strip = None if seeds is None or out is None else out / f"between-{seeds[0]}-{seeds[1]}.png"
    for place in [*places, *([grid] if grid else []), *([strip] if strip else [])]:
        if place.exists() and not overwrite:
            raise OutputError(f"{place} is already there. Choose another place, or draw it again with --overwrite.")
    from translate import images
    from translate.inference.sampler import Sampler
    from translate.report.samples import drawn_grid

    sampler = Sampler.load(model, device, precision)
    if not quiet:
        say(f"{sampler.about.summary} Running on {sampler.engine}.")
    if seeds and strip:
        frames = sampler.between(*seeds, FRAMES, label)
        images.write_pixels(drawn_grid(frames, FRAMES), strip)
        images.write_animation(
            [drawn_grid([frame], 1) for frame in [*frames, *frames[-2:0:-1]]], strip.with_suffix(".gif")
        )
        print(f"Wrote {printable(strip)} and {printable(strip.with_suffix('.gif').name)}.")
        return
    shown = []
    with progress(quiet) as advance:
        for number, picture in enumerate(sampler(count, seed, label)):
            if places:
                images.write_pixels(picture, places[number])
            if grid:
                shown.append(picture)
            advance("drawing", number + 1, count, "")
    if grid:
        images.write_pixels(drawn_grid(shown, min(COLUMNS, count)), grid)
        print(f"Wrote {printable(grid)}.")
    if out:
        print(f"Wrote {count} pictures of seed {seed} into {printable(out)}.")


def _two_seeds(words: str) -> tuple[int, int]:
    seeds = words.split(",")
    if len(seeds) != 2 or not all(seed.strip().isdecimal() for seed in seeds):
        raise SettingsError(f"--between takes two seeds, such as 1,2; found {words!r}.")
    return int(seeds[0]), int(seeds[1])
