"""A run is watched: alarms are raised, its page is written, and others are written for if that is wanted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from translate import images
from translate.data.batches import Batches
from translate.data.folders import Dataset
from translate.data.made import fills_holes
from translate.files import write_text
from translate.methods.base import Term, translation
from translate.models.about import versions
from translate.report.page import Curve, Grid, RunSummary, run_page
from translate.report.samples import beside_nearest
from translate.report.tracking import Board
from translate.run_folder import RunFolder
from translate.runs.shown import Shown, Use, columns_of, command_to_use, probes_of
from translate.tensors import Pixels
from translate.training import symptoms
from translate.training.alarms import Alarm, Alarms
from translate.training.loop import Report, Training
from translate.training.record import read_log

BESIDE = 8  # drawn pictures that are shown beside the nearest training picture
GRIDS = 20  # sample grids on the page, so that it stays small
WIDE, NARROW = 1600, 240  # pixels, of those


class Monitor:
    """Watches a run.

    Args:
        folder: of the run.
        dataset: what it learns from.
        batches: the training pictures.
        size: side of the training crops, in pixels.
        training: what learns, at the step the run starts or continues from.
        steps: the length of the run.
        tell: is told what the user should know, in sentences.
        boards: what to write for, besides.
    """

    def __init__(
        self, folder: RunFolder, dataset: Dataset, batches: Batches, size: int, training: Training, steps: int,
        tell: Callable[[str], None], boards: Sequence[Board] = (),
    ) -> None:  # fmt: skip
        def tell_alarm(alarm: Alarm) -> None:
            tell(f"Alarm at step {alarm.step}: {alarm.text}")

        self._folder, self._dataset, self._steps = folder, dataset, steps
        method, step = training.method, training.step
        self._terms, self._columns = method.terms(), columns_of(method, dataset)
        targets = dataset.targets if method.settings.draws else translation(method).targets
        use = Use(method.settings.draws, method.settings.scale, fills_holes(dataset))
        self._command = command_to_use(folder.path, targets.with_default(dataset.target), use)
        self._shown: dict[Path, Grid] = {}  # sample grids, as they are on the page
        self._log = [line for line in read_log(folder.log) if line["step"] <= step]
        self._alarms = Alarms(folder.alarms, step, steps, self._terms, tell_alarm)
        self._probes = probes_of(method, dataset, batches, size)
        self._nearest = b""  # a JPEG file of drawn pictures above the nearest training pictures
        self._boards = boards

    def losses(self, report: Report) -> None:
        """Look at a report that has losses."""
        self._log.append(asdict(report))
        self._alarms.look_at_losses(self._log)
        for board in self._boards:
            board.scalars({**report.losses, "learning rate": report.learning_rate}, report.step)

    def pictures(self, grid: Pixels, shown: Shown, step: int) -> None:
        """Look at a sample grid (H, W, 3) uint8, and at what else the generators make."""
        for probe in self._probes:
            made = np.stack(shown.make(probe))
            self._alarms.look_at_pictures(probe, made, step)
            if probe.drawn_from is not None and probe.seen is not None:
                places = symptoms.nearest_places(made[:BESIDE], probe.seen)
                beside = beside_nearest(list(made[:BESIDE]), list(probe.drawn_from[places]))
                self._nearest = _jpeg(beside, WIDE)
        for board in self._boards:
            board.grid(grid, step)

    def write_page(
        self,
        step: int,
        scores: Mapping[str, float],
        settings: Mapping[str, Any],
        engine: str,
        steps_to_next: int | None = None,
    ) -> None:
        """Write `report.html` for a run of which `step` steps are done, and which goes on if there will be a next."""
        names = dict.fromkeys(name for line in self._log for name in line["losses"])
        summary = RunSummary(
            title=f"{settings['method.name']} on {self._dataset.name}",
            step=step,
            steps=self._steps,
            scores=scores,
            alarms=[(alarm.step, alarm.text) for alarm in self._alarms.raised],
            judged_from=self._alarms.first,
            grids=self._grids(),
            columns=self._columns,
            losses={name: _curve(self._log, name, self._terms.get(name)) for name in names},
            learning_rate=[(line["step"], line["learning_rate"]) for line in self._log],
            facts=self._facts(step, engine),
            settings={name: str(value) for name, value in settings.items()},
            commands=[self._command],
            nearest=self._nearest,
            next_s=None if steps_to_next is None else steps_to_next * self._seconds_per_step(),
        )
        write_text(self._folder.report, run_page(summary))

    def close(self) -> None:
        """Close what is open."""
        for board in self._boards:
            board.close()

    def _seconds_per_step(self) -> float:
        return median(line["seconds_per_step"] for line in self._log) if self._log else 1.0

    def _grids(self) -> list[Grid]:
        """Return sample grids from all of the run so far, at most 20 and the newest."""
        paths = self._folder.grids()
        chosen = dict.fromkeys([*paths[:: max(-(-len(paths) // GRIDS), 1)], *paths[-1:]])
        for path in chosen:
            if path not in self._shown:
                rgb = images.read(path).rgb
                self._shown[path] = Grid(int(path.stem), _jpeg(rgb, WIDE), _jpeg(rgb, NARROW))
        return [self._shown[path] for path in chosen]

    def _facts(self, step: int, engine: str) -> dict[str, str]:
        counts = {domain: [f"{len(pictures):,} to train on"] for domain, pictures in self._dataset.train.items()}
        for domain, words in counts.items():
            if domain in self._dataset.held_out:
                words.append(f"{len(self._dataset.held_out[domain]):,} held out to choose a checkpoint on")
            words.append(f"{len(self._dataset.test.get(domain, ())):,} to test on")
        facts = {f"pictures of {domain}": ", ".join(words) for domain, words in counts.items()}
        if self._log:
            seconds = self._seconds_per_step()
            facts["speed"] = f"{1 / seconds:.1f} steps a second" if seconds < 1 else f"{seconds:.1f} seconds a step"
            facts["time for these steps"] = f"about {seconds * step / 60:,.1f} minutes"
            facts["steps skipped"] = f"{self._log[-1]['skipped']:,} (something was not finite)"
        made_with = ", ".join(f"{name} {version}" for name, version in versions().items())
        return {**facts, "made with": f"{made_with}, on {engine}"}


def _jpeg(rgb: Pixels, width: int) -> bytes:
    """Return the bytes of a JPEG file of a picture (H, W, 3) that is made as narrow as `width`, if it is wider."""
    height, before = rgb.shape[:2]
    if before > width:
        rgb = images.resize(rgb, max(round(height * width / before), 1), width)
    return images.encode(images.Picture(rgb, None, ""), images.Encoding("JPEG", quality=90))


def _curve(log: Sequence[Mapping[str, Any]], name: str, term: Term | None) -> Curve:
    points = [(line["step"], line["losses"][name]) for line in log if name in line["losses"]]
    return Curve(points, term.meaning, term.trend, term.equilibrium) if term else Curve(points, "", "free")
