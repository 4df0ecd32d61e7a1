"""A run is watched: alarms are raised, its page is written, and others are written for if that is wanted."""

import importlib.metadata
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from translate import images
from translate.data.batches import Batches
from translate.data.folders import Dataset
from translate.data.made import held_out_squares, square
from translate.files import write_text
from translate.methods.base import Term, Translation, translation
from translate.report.page import Curve, Grid, RunSummary, run_page
from translate.report.samples import Translate
from translate.report.tracking import Board
from translate.run_folder import RunFolder
from translate.targets import Targets
from translate.tensors import Pixels
from translate.training import symptoms
from translate.training.alarms import Alarm, Alarms, Probe
from translate.training.loop import Report, Training
from translate.training.record import read_log

PROBES = 8  # held-out pictures of each domain that are judged
DIRECTIONS = 6  # at most, that are judged
SEEN = 500  # training pictures of each domain that results are compared with
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
        method, step = translation(training.method), training.step
        self._terms, self._targets = method.terms(), method.targets
        self._shown: dict[Path, Grid] = {}  # sample grids, as they are on the page
        self._log = [line for line in read_log(folder.log) if line["step"] <= step]
        self._alarms = Alarms(folder.alarms, step, steps, self._terms, tell_alarm)
        self._probes = _probes(dataset, batches, size, method)
        self._boards = boards

    def losses(self, report: Report) -> None:
        """Look at a report that has losses."""
        self._log.append(asdict(report))
        self._alarms.look_at_losses(self._log)
        for board in self._boards:
            board.scalars({**report.losses, "learning rate": report.learning_rate}, report.step)

    def pictures(self, grid: Pixels, translate: Translate, step: int) -> None:
        """Look at a sample grid (H, W, 3) uint8, and at what else the generators make."""
        for probe in self._probes:
            self._alarms.look_at_pictures(probe, np.stack(translate(list(probe.inputs), probe.target)), step)
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
            columns=self._columns(),
            losses={name: _curve(self._log, name, self._terms.get(name)) for name in names},
            learning_rate=[(line["step"], line["learning_rate"]) for line in self._log],
            facts=self._facts(step, engine),
            settings={name: str(value) for name, value in settings.items()},
            commands=[command_to_use(self._folder.path, self._targets.with_default(self._dataset.target))],
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

    def _columns(self) -> str:
        ways: list[str] = []
        for source in self._dataset.train:
            targets = self._targets.ways(source)
            back = {target: self._targets.back(source, target) for target in targets}
            ways += [
                f"{source}, translated to {target}, and back to {back[target]}" for target in targets if back[target]
            ]
            if alone := [target for target in targets if not back[target]]:
                ways.append(f"{source}, translated to {', to '.join(alone)}")
        if self._dataset.paired:
            ways = [f"{way}, and what it should have become" for way in ways]
        aim = "translations look like real pictures of what they are translated to and still show what the input shows"
        if any(" and back to " in way for way in ways):
            aim += ", and when the way back leads to the input"
        return f"In every row, from left to right: {'; '.join(ways)}. It goes well when {aim}."

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
        versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("image-translate", "torch"))
        return {**facts, "made with": f"{versions}, on {engine}"}


def _jpeg(rgb: Pixels, width: int) -> bytes:
    """Return the bytes of a JPEG file of a picture (H, W, 3) that is made as narrow as `width`, if it is wider."""
    height, before = rgb.shape[:2]
    if before > width:
        rgb = images.resize(rgb, max(round(height * width / before), 1), width)
    return images.encode(images.Picture(rgb, None, ""), images.Encoding("JPEG", quality=90))


def command_to_use(out: Path, targets: Targets) -> str:
    """Return the command that translates pictures with the result of a run, which can be asked for `targets`."""
    to = "" if targets.default else f" --to {targets.example}"
    return f"translate apply {shlex.quote(str(out))} PHOTOS{to} --out RESULTS"


def _curve(log: Sequence[Mapping[str, Any]], name: str, term: Term | None) -> Curve:
    points = [(line["step"], line["losses"][name]) for line in log if name in line["losses"]]
    return Curve(points, term.meaning, term.trend, term.equilibrium) if term else Curve(points, "", "free")


def _probes(dataset: Dataset, batches: Batches, size: int, method: Translation) -> list[Probe]:
    held = {domain: np.stack(held_out_squares(dataset, domain, PROBES, size)) for domain in dataset.train}
    ways = [
        (source, target, method.targets.like(source, target))
        for source, target in method.targets.probes(list(held))[:DIRECTIONS]
    ]
    seen = {  # results that should look like their own input are no copies of it
        domain: symptoms.thumbnails(np.stack([square(picture, size) for picture in batches.pictures(domain, SEEN)]))
        for domain in dict.fromkeys(like for source, _, like in ways if like != source)
    }
    return [Probe(source, target, held[source], held[like], seen.get(like)) for source, target, like in ways]
