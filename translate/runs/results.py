"""What a run leaves in its folder besides checkpoints and log: exports, sample grids, an animation and curves."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from translate import images
from translate.data.batches import Batches
from translate.data.folders import Dataset, fingerprints
from translate.devices import Engine
from translate.files import write_bytes, write_text
from translate.methods.base import Method, Term, translation
from translate.methods.generation import Generation
from translate.models.about import About, versions
from translate.models.exports import read_about, write_export
from translate.report.curves import loss_curves
from translate.run_folder import RunFolder
from translate.runs.frozen_features import names_of_frozen, seen_before
from translate.runs.held_out_score import NAME, HeldOutScore
from translate.runs.recipe import Recipe
from translate.runs.shown import Shown, shown
from translate.tensors import Pixels
from translate.training.loop import Training
from translate.training.record import Record, read_log

FRAMES = 60  # at most, in the animation


class Results:
    """Writes into the folder of a run.

    Args:
        folder: of the run.
        recipe: the run's settings.
        dataset: its pictures.
        engine: how networks are run.
        model: the name and SHA-256 of the model that the run began from.

    Attributes:
        recipe: the run's settings, as exports state them.
    """

    def __init__(
        self, folder: RunFolder, recipe: Recipe, dataset: Dataset, engine: Engine, model: dict[str, str] | None
    ) -> None:
        self._folder, self.recipe, self._dataset, self._engine, self._model = folder, recipe, dataset, engine, model
        self._unreadable = 0  # pictures that are in unreadable.txt
        self._score: HeldOutScore | None = None  # opened when it is first needed

    def about(self) -> About | None:
        """Return what the newest export of the run says, or None before the first."""
        return read_about(self._folder.export) if self._folder.export.exists() else None

    def export(self, training: Training, planned: int, scores: Mapping[str, float]) -> None:
        """Write the export of the run; it is a finished one when all its `planned` steps are done."""
        write_export(self._folder.export, training.average.networks, self._about(training, planned, scores))

    def keep_the_best(self, training: Training, planned: int) -> None:
        """Write the export once more, beside the last one, where none before was as good on held-out pictures."""
        if not self._dataset.held_out:
            return
        if self._score is None:
            self._score = HeldOutScore(self._dataset, self._seen_by_critics(training), self.recipe.data.size)
        value = self.shown(training).distance(self._score)
        before = read_about(self._folder.best).scores.get(NAME) if self._folder.best.exists() else None
        if before is None or value < before:
            about = self._about(training, planned, {NAME: round(value, 4)})
            write_export(self._folder.best, training.average.networks, about)

    def keep_finished(self, step: int) -> None:
        """Keep the export of a run that was finished after `step` steps, and is lengthened, as one from on the way."""
        write_bytes(self._folder.milestone(step), self._folder.export.read_bytes())

    def milestone(self, training: Training, planned: int) -> None:
        """Write an export that is kept."""
        path = self._folder.milestone(training.step)
        write_export(path, training.average.networks, self._about(training, planned, {}))

    def shown(self, training: Training) -> Shown:
        """Return what the averaged generators make at the moment."""
        about = self._about(training, 0, {})
        return shown(training.average.method, about, self._engine, self._dataset, self.recipe.data.size)

    def has_grid(self, step: int) -> bool:
        """Whether there is a sample grid of a step."""
        return self._folder.grid(step).exists()

    def draw_grid(self, training: Training) -> Pixels:
        """Draw a sample grid (H, W, 3) uint8 on the fixed inputs, write it, and return it."""
        grid = self.shown(training).grid()
        images.write_pixels(grid, self._folder.grid(training.step))
        return grid

    def animate(self) -> None:
        """Make an animation of the sample grids."""
        grids = self._folder.grids()
        chosen = grids[:: -(-len(grids) // FRAMES)] if grids else []
        frames = [images.read(path).rgb for path in dict.fromkeys([*chosen, *grids[-1:]])]
        if frames:
            images.write_animation(frames, self._folder.animation)

    def draw_curves(self, terms: Mapping[str, Term]) -> None:
        """Draw what the log says of the losses, which are those of `terms` that are no shares."""
        log = read_log(self._folder.log)
        shares = [name for name, term in terms.items() if term.trend == "share"]
        names = dict.fromkeys(name for line in log for name in line["losses"] if name not in shares)
        curves = {
            name: [(line["step"], line["losses"][name]) for line in log if name in line["losses"]] for name in names
        }
        write_text(self._folder.curves, loss_curves(curves))

    def score(self, training: Training) -> dict[str, float]:
        """Score by rule where the pictures are drawn by a program, so that the right answer is known."""
        return self.shown(training).scores()

    def list_unreadable(self, batches: Batches) -> bool:
        """Write down which pictures cannot be read, if there are more than before: not all are held in memory."""
        more = len(batches.unreadable) > self._unreadable
        self._unreadable = len(batches.unreadable)
        if more:
            write_text(self._folder.unreadable, "\n".join(batches.unreadable) + "\n")
        return more

    def note_skipped(self, steps: Sequence[int], batches: Batches) -> None:
        """Write down what is needed to do these steps again: all they draw is a function of the seed and the step."""
        record = Record(self._folder.skipped, steps[0] - 1)
        for step in steps:
            record.write({"step": step, "seed": self.recipe.training.seed, "pictures": batches.names(step - 1)})

    def _does(self, method: Method) -> dict[str, Any]:
        """Return the fields of `About` that say what a method can be asked for."""
        if isinstance(method, Generation):
            drawn = {"noise": method.latent, "labelled": bool(method.labels)}
            return {"domains": list(method.names), "target": "", **drawn}
        return About.of_targets(translation(method).targets.with_default(self._dataset.target))

    def _seen_by_critics(self, training: Training) -> list[str]:
        return sorted({*names_of_frozen(training.method), *seen_before(self._model)})

    def _about(self, training: Training, planned: int, scores: Mapping[str, float]) -> About:
        return About(
            method=json.loads(training.method.settings.model_dump_json()),
            **self._does(training.average.method),
            size=self.recipe.data.size,
            steps=training.step,
            planned=planned,
            recipe=json.loads(self.recipe.to_json()),
            data=self._dataset.name,
            origin=self._model,
            critic_features=self._seen_by_critics(training),
            train={domain: len(pictures) for domain, pictures in self._dataset.train.items()},
            held_out=fingerprints(self._dataset.held_out),
            scores=dict(scores),
            versions=dict(versions()),
        )
