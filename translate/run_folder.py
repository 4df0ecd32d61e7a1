"""What lies in the folder of a run, by name. Nothing here reads or writes.

settings.json       what the run was made with
command.json        the folders it learns from, if the page in the browser began it
log.jsonl           losses over the steps
skipped.jsonl       steps in which something was not finite, and what they were done on, if there are some
losses.svg          the losses as curves
unreadable.txt      pictures that cannot be read, if there are some
running             which process trains here, while one does
preempted.json      which signal of a batch system stopped the run, until it goes on
alarms.jsonl        what went wrong, in words
report.html         all of it on one page, renewed with every checkpoint and every sample grid
samples/            grids on fixed inputs: input | translated | cycled
progress.gif        the grids as an animation
checkpoints/        to continue from
model.safetensors   the export, renewed with every checkpoint
best.safetensors    the export that was best on held-out pictures, if some are held out
milestones/         exports from on the way, which are kept
tensorboard/        event files, if they are wanted; wandb/ likewise
evaluation.html     what `translate eval --report` measured, if it was asked
"""

from pathlib import Path

EXPORT = "model.safetensors"


class RunFolder:
    """The paths of a run's folder.

    Args:
        path: the folder, which need not exist.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.settings = self.path / "settings.json"
        self.command = self.path / "command.json"
        self.log = self.path / "log.jsonl"
        self.skipped = self.path / "skipped.jsonl"
        self.curves = self.path / "losses.svg"
        self.unreadable = self.path / "unreadable.txt"
        self.running = self.path / "running"
        self.preempted = self.path / "preempted.json"
        self.alarms = self.path / "alarms.jsonl"
        self.report = self.path / "report.html"
        self.samples = self.path / "samples"
        self.animation = self.path / "progress.gif"
        self.checkpoints = self.path / "checkpoints"
        self.export = self.path / EXPORT
        self.best = self.path / "best.safetensors"
        self.milestones = self.path / "milestones"
        self.tensorboard = self.path / "tensorboard"
        self.evaluation = self.path / "evaluation.html"

    def __str__(self) -> str:
        return str(self.path)

    def grid(self, step: int) -> Path:
        """Return where the sample grid after `step` steps lies."""
        return self.samples / f"{step:08d}.png"

    def grids(self) -> list[Path]:
        """List the sample grids that are there, oldest first; other pictures beside them are left out."""
        return sorted(path for path in self.samples.glob("*.png") if path.stem.isdecimal())

    def milestone(self, step: int) -> Path:
        """Return where the export after `step` steps lies that is kept."""
        return self.milestones / f"{step:08d}.safetensors"

    def all_milestones(self) -> list[Path]:
        """List the exports from on the way that are there, oldest first."""
        return sorted(self.milestones.glob("*.safetensors"))
