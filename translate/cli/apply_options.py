"""The options of `translate apply`, by the panels of its --help."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from translate.cli.options import models
from translate.places import path_of

_look = partial(typer.Option, rich_help_panel="What results look like")
_files = partial(typer.Option, rich_help_panel="How they are written")
_places = partial(typer.Option, rich_help_panel="Where they are written")
_beside = partial(typer.Option, rich_help_panel="What is written beside them")
_work = partial(typer.Option, rich_help_panel="Much work, and large pictures")

_INPUTS = (
    "Pictures, folders (with all below them), globs, @FILE with one of these a line, or - for stdin. Also addresses in"
    " object stores, such as s3://bucket/folder; or films."
)
Inputs = Annotated[list[str] | None, typer.Argument(metavar="INPUT...", help=_INPUTS)]
MaybeModel = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        help="A run's folder, an export file, or a name of weights (hf:OWNER/REPOSITORY); without, a list.",
        autocompletion=models,
    ),
]
_OUT = "A folder, here or in an object store; for a single picture also a file, or - for stdout; or a film."
Out = Annotated[Path | None, typer.Option(parser=path_of, metavar="PATH", help=_OUT)]
_TO = (
    "The domain to translate to, changes of attributes such as Blond_Hair=1,Young=0, or all of them, each into a folder"
    " of its name; may be left out where the model has a default."
)
To = Annotated[str | None, typer.Option(help=_TO)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Do results again that are already there.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and stop.")]
_JSONL = "Print each result on stdout as a line of JSON, as soon as it is there."
Jsonl = Annotated[bool, typer.Option("--jsonl", help=_JSONL)]

_SIZE = (
    "What the network sees: auto (a short side of twice the training size, of large pictures a quarter), native (all"
    " of it), or the short side in pixels. Results have the size of their pictures, and their detail."
)
Size = Annotated[str, _look(help=_SIZE)]
Strength = Annotated[float, _look(help="0 keeps the picture, 1 takes the result.")]
_STRENGTHS = (
    "Such as 0.3,0.6,1: write one sheet of the pictures at these strengths into the file --out, to choose from."
)
Strengths = Annotated[str | None, _look(help=_STRENGTHS)]
KeepColour = Annotated[bool, _look("--keep-colour", help="Take only the lightness of the result.")]
ColourOnly = Annotated[bool, _look("--colour-only", help="Take only the colour of the result.")]
_MASK = "A picture, white where to translate, or a folder that mirrors the inputs with one for each."
Mask = Annotated[Path | None, _look(parser=path_of, metavar="PATH", help=_MASK)]
_FILL = "Fill holes, which are transparent, or white in --mask; all else stays. Needs a model that learned it."
Fill = Annotated[bool, _look("--fill", help=_FILL)]
_BACKGROUND = (
    "What the network sees where full transparency hides the colours, and what transparency is laid on where it is not"
    " kept: a name, or #ffffff."
)
_ENLARGE = "Make results so many times as large as their pictures. Needs a model that learned it."
Enlarge = Annotated[int, _look(min=1, help=_ENLARGE)]
Background = Annotated[str, _look(help=_BACKGROUND)]
_PASSES = "Take the mean of so many passes, shifted by a few pixels: fewer dots, and so many times the work."
Passes = Annotated[int, _look(min=1, max=4, help=_PASSES)]
_STEADY = "Of films and animations: how much of a frame is carried over from the one before; 0 is frame by frame."
Steady = Annotated[float, _look(help=_STEADY)]

Format = Annotated[
    Literal["auto", "jpg", "png", "webp", "tif", "avif", "gif", "bmp", "ppm"],
    _files(help="auto is the picture's own if that can hold the result, else png."),
]
Quality = Annotated[int, _files(min=1, max=100, help="Of jpg, webp and avif.")]
_DEPTH = "Bits a channel, read, translated and written; 16 in png and tif."
Depth = Annotated[Literal["8", "16"], _files(help=_DEPTH)]
Alpha = Annotated[Literal["keep", "drop"], _files(help="What becomes of transparency.")]
Frames = Annotated[Literal["all", "first"], _files(help="Of animations: first makes a still.")]
_FPS = "Frames a second, of a film that is made of pictures: 25, 23.976, 30000/1001."
Fps = Annotated[str | None, _files(help=_FPS, show_default="25")]
_METADATA = "safe: date, camera, resolution, author and copyright. all: also places, serial numbers, comments."
KeepMetadata = Annotated[Literal["none", "date", "safe", "all"], _files(help=_METADATA)]
Note = Annotated[bool, _files("--note", help="Record model and version in the metadata.")]
PreserveTimes = Annotated[bool, _files("--preserve-times", help="Give files the times of their pictures.")]

Flat = Annotated[bool, _places("--flat", help="In one folder, without those of the pictures.")]
_COLLISION = (
    "Where a.jpg and a.png would become one file: refuse, or keep the suffix where another follows, as in a.jpg.png."
)
OnCollision = Annotated[Literal["error", "suffix"], _places(help=_COLLISION)]
_IN_PLACE = "Instead of --out: replace the pictures, which are kept in .originals. Needs --yes."
InPlace = Annotated[bool, _places("--in-place", help=_IN_PLACE)]
Yes = Annotated[bool, _places("--yes", help="Confirm that pictures are replaced.")]

_COMPARE = "Before and after: in NAME.compare.png, in turns in NAME.compare.gif, or all in one grid.compare.png."
Compare = Annotated[Literal["side", "split", "grid", "gif"] | None, _beside(help=_COMPARE)]
Report = Annotated[bool, _beside("--report", help="report.html: before and after, with sliders.")]
Failed = Annotated[Path | None, _beside(help="Write what failed to this file, an input again as @FILE.")]

_BATCH = "Pictures of equal size translated together."
Batch = Annotated[int | None, _work(min=1, help=_BATCH, show_default="by device")]
_MEMORY = (
    "GiB that networks may take for a picture: half of what is free on a GPU; on a CPU 1, or 0.25 for generators"
    " without normalisation. Larger pictures are translated strip by strip, with the same result."
)
Memory = Annotated[float | None, _work(min=0.01, help=_MEMORY)]
_TILES = (
    "Where a model cannot be run strip by strip, translate larger pictures in overlapping tiles. Each has statistics of"
    " its own, so they may differ in colour."
)
TileApprox = Annotated[bool, _work("--tile-approx", help=_TILES)]
_FALLBACK = "Translate on the CPU, slowly, what is too large for a GPU even strip by strip."
AllowCpuFallback = Annotated[bool, _work("--allow-cpu-fallback", help=_FALLBACK)]
_ISOLATE = "Decode in processes of their own: a crashing decoder fails its file alone."
Isolate = Annotated[bool, _work("--isolate", help=_ISOLATE)]
_SHARD = "Do the I-th of N parts, for several machines or processes."
Shard = Annotated[str, _work(metavar="I/N", help=_SHARD)]
_ENGINE = "local: this machine. ray: a cluster of many, with pip install 'image-translate\\[ray]'."
Engine = Annotated[Literal["local", "ray"], _work(help=_ENGINE)]
_ADDRESS = "Of --engine ray: auto, or that of a head node; without it a cluster of this machine alone is started."
Address = Annotated[str | None, _work(help=_ADDRESS)]
_WORKERS = "Of --engine ray: how many load the model."
Workers = Annotated[int | None, _work(min=1, help=_WORKERS, show_default="by the cluster's GPUs or cores")]
_GPUS = "Of --engine ray: how many each worker gets; 0.5 lets two share one."
Gpus = Annotated[float, _work(min=0, help=_GPUS)]
Watch = Annotated[bool, _work("--watch", help="Go on with pictures that appear, until Ctrl-C.")]
_PIXELS = "The most pixels a picture may have, all frames of an animation together, such as 120M."
MaxPixels = Annotated[str, _work(help=_PIXELS)]
MaxFrames = Annotated[int, _work(min=1, help="The most frames an animation may have.")]
MaxFileMb = Annotated[int, _work(min=1, help="The most MiB the file of a picture may have.")]
