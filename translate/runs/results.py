"""What a run leaves in its folder besides checkpoints and log: exports, sample grids, an animation and curves."""

import importlib.metadata
import json
from collections.abc import Mapping
from pathlib import Path

from translate import images
from translate.data.folders import Dataset, fingerprints, held_out
from translate.devices import Engine
from translate.files import write_text
from translate.inference.translator import Translator
from translate.methods.base import Term
from translate.models.exports import About, read_about, write_export
from translate.report.curves import loss_curves
from translate.report.samples import attribute_grid, sample_grid, square
from translate.runs.recipe import Recipe
from translate.tensors import Pixels
from translate.toys.catalogue import drawn_scores
from translate.toys.drawn import Drawn
from translate.training.loop import Training
from translate.training.record import read_log

SAMPLES = 4  # fixed inputs of each domain in a sample grid
FRAMES = 60  # at most, in the animation


class Results:
    """Writes into the folder `out` of a run.

    Args:
        out: the folder.
        recipe: the run's settings.
        dataset: its pictures.
        engine: how networks are run.
        model: the name and SHA-256 of the model that the run began from.
    """

    def __init__(
        self, out: Path, recipe: Recipe, dataset: Dataset, engine: Engine, model: dict[str, str] | None
    ) -> None:
        self._out, self._recipe, self._dataset, self._engine, self._model = out, recipe, dataset, engine, model

    def about(self) -> About | None:
        """Return what the newest export of the run says, or None before the first."""
        path = self._out / "model.safetensors"
        return read_about(path) if path.exists() else None

    def export(self, training: Training, planned: int, scores: Mapping[str, float]) -> None:
        """Write the export of the run; it is a finished one when all its `planned` steps are done."""
        write_export(self._out / "model.safetensors", training.average.networks, self._about(training, planned, scores))

    def milestone(self, training: Training, planned: int) -> None:
        """Write an export that is kept."""
        path = self._out / "milestones" / f"{training.step:08d}.safetensors"
        write_export(path, training.average.networks, self._about(training, planned, {}))

    def translator(self, training: Training) -> Translator:
        """Return the averaged generators as a translator."""
        return Translator(training.average.method, self._about(training, 0, {}), self._engine)

    def has_grid(self, step: int) -> bool:
        """Whether there is a sample grid of a step."""
        return self._grid(step).exists()

    def draw_grid(self, training: Training) -> Pixels:
        """Draw a sample grid (H, W, 3) uint8 on the fixed inputs, write it, and return it."""
        side = self._recipe.data.size
        inputs = {
            domain: [square(picture, side) for picture in held_out(self._dataset, domain, SAMPLES)]
            for domain in self._dataset.train
        }
        translate = self.translator(training).batch
        if self._dataset.attributes:
            grid = attribute_grid(translate, next(iter(inputs.values())), training.method.showcase())
        else:
            grid = sample_grid(translate, inputs)
        images.write_pixels(grid, self._grid(training.step))
        return grid

    def animate(self) -> None:
        """Make an animation of the sample grids."""
        grids = sorted((self._out / "samples").glob("*.png"))
        chosen = grids[:: -(-len(grids) // FRAMES)] if grids else []
        frames = [images.read(path).rgb for path in dict.fromkeys([*chosen, *grids[-1:]])]
        if frames:
            images.write_animation(frames, self._out / "progress.gif")

    def draw_curves(self, terms: Mapping[str, Term]) -> None:
        """Draw what the log says of the losses, which are those of `terms` that are no shares."""
        log = read_log(self._out / "log.jsonl")
        shares = [name for name, term in terms.items() if term.course == "share"]
        names = dict.fromkeys(name for line in log for name in line["losses"] if name not in shares)
        curves = {
            name: [(line["step"], line["losses"][name]) for line in log if name in line["losses"]] for name in names
        }
        write_text(self._out / "losses.svg", loss_curves(curves))

    def score(self, training: Training) -> dict[str, float]:
        """Score by rule where the pictures are drawn, so that the right answer is known."""
        if not all(isinstance(pictures, Drawn) for pictures in self._dataset.train.values()):
            return {}
        return drawn_scores(self._dataset.name, self.translator(training).batch, self._recipe.data.size)

    def _grid(self, step: int) -> Path:
        return self._out / "samples" / f"{step:08d}.png"

    def _about(self, training: Training, planned: int, scores: Mapping[str, float]) -> About:
        return About(
            method=json.loads(training.method.settings.model_dump_json()),
            domains=list(self._dataset.domains),
            attributes=bool(self._dataset.attributes),
            target=self._dataset.target,
            size=self._recipe.data.size,
            steps=training.step,
            planned=planned,
            recipe=json.loads(self._recipe.to_json()),
            data=self._dataset.name,
            origin=self._model,
            train={domain: len(pictures) for domain, pictures in self._dataset.train.items()},
            held_out=fingerprints(self._dataset.held_out),
            scores=dict(scores),
            versions={name: importlib.metadata.version(name) for name in ("image-translate", "torch")},
        )
