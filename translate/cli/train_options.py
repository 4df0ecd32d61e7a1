"""The options of `translate train`. What they mean in a run stands in `translate.runs.options` and `Execution`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from translate.cli.options import datasets

_DATA = "A dataset's name, or a folder with trainA and trainB, or A and B, or one for each domain; to draw, any folder."
Data = Annotated[str | None, typer.Argument(help=_DATA, autocompletion=datasets)]
Domain = Annotated[
    list[str] | None, typer.Option(help="NAME=FOLDER, twice or more (once for methods that draw), instead of DATA.")
]
_METHOD = "Of translate help methods, or generating; cyclegan unless the dataset's recipe differs."
Method = Annotated[str | None, typer.Option(help=_METHOD)]
Out = Annotated[Path | None, typer.Option(help="The run's folder; runs/NAME by default.")]
_STEPS = "Length in steps: of a rate that decays, the second half decays."
Steps = Annotated[int | None, typer.Option(help=_STEPS)]
Epochs = Annotated[int | None, typer.Option(help="Length in epochs; the same schedule, by epochs.")]
_TIME = "Length in time, such as 30m or 1h30m: counted in steps once."
Time = Annotated[str | None, typer.Option("--time", help=_TIME)]
_MORE = "Steps by which a run that is there becomes longer than it was first planned."
More = Annotated[int | None, typer.Option(min=1, help=_MORE)]
_SIZE = "Side of the training crops in pixels, a multiple of 4, at least 32."
Size = Annotated[int | None, typer.Option(help=_SIZE)]
_BATCH = "Pictures of each domain in a step; under torchrun, in each process. auto: what fits into memory."
Batch = Annotated[str | None, typer.Option(help=_BATCH)]
_ACCUMULATE = "Parts of the batch that are worked on one after the other: takes less memory."
Accumulate = Annotated[int | None, typer.Option(help=_ACCUMULATE)]
_FROM = "Begin with the networks of this model: a run, a file, or a name."
From = Annotated[str | None, typer.Option("--from", help=_FROM)]
Seed = Annotated[int | None, typer.Option(help="Of everything that is drawn at random.")]
_DETERMINISTIC = "On a GPU, too, compute the same bits every time; that is slower."
Deterministic = Annotated[bool, typer.Option("--deterministic", help=_DETERMINISTIC)]
_NAN = "When losses are not finite again and again: stop, or once go back and on with half the rate."
NanPolicy = Annotated[Literal["stop", "recover"] | None, typer.Option(help=_NAN, show_default="the recipe's, or stop")]
_BAD = "Pictures that cannot be read: skip up to a hundredth, and 100; or stop at the first."
Bad = Annotated[Literal["skip", "error"] | None, typer.Option(help=_BAD, show_default="the recipe's, or skip")]
Workers = Annotated[int, typer.Option(min=0, help="Threads that prepare batches ahead.")]
_GRACE = "End so long after a signal, such as 25s, even if the step is not done."
Grace = Annotated[str | None, typer.Option(help=_GRACE)]
_OURS = "cut, enlarge, fastcut, fill, painting, quick, quick-cyclegan, quick-pix2pix, restore, srgan, srresnet"
_CONFIG = f"A TOML file of settings, or one of ours: {_OURS}."
Config = Annotated[Path | None, typer.Option(help=_CONFIG)]
_DOWNLOAD = "Fetch a known dataset first if it is not here; see `translate data`."
Download = Annotated[bool, typer.Option("--download", help=_DOWNLOAD)]
_TRACK = "Write for tensorboard (extra track), wandb (extra wandb) or trackio too; may be said for each."
Track = Annotated[list[str] | None, typer.Option(help=_TRACK, metavar="tensorboard|trackio|wandb")]
_TENSORBOARD = "The same as --track tensorboard."
Tensorboard = Annotated[bool, typer.Option("--tensorboard", help=_TENSORBOARD)]
_DRY_RUN = "Print what would be done and what it would cost, and stop."
DryRun = Annotated[bool, typer.Option("--dry-run", help=_DRY_RUN)]
