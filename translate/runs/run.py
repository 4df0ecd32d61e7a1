"""A run. It lives in one folder:

settings.json       what it was made with
log.jsonl           losses over the steps
skipped.jsonl       in which steps something was not finite, and what they were done on, if there are some
losses.svg          the same as curves
unreadable.txt      which pictures cannot be read, if there are some
running             which process trains here, while one does
preempted.json      which signal of a batch system stopped it, until it goes on
alarms.jsonl        what went wrong, in words
report.html         all of it on one page, renewed with every checkpoint
samples/            grids on fixed inputs: input | translated | cycled
progress.gif        the grids as an animation
checkpoints/        to continue from
model.safetensors   the export, renewed with every checkpoint
milestones/         exports from on the way, which are kept
"""

import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from translate.data.batches import Batches
from translate.data.folders import Dataset
from translate.devices import Engine, release_memory
from translate.errors import DataError, Diverged, OutOfMemory, OutputError, exit_code_of
from translate.files import alone, sweep, write_text, written_to
from translate.methods.base import Term
from translate.models.exports import About
from translate.parallel import alike, rank, wait, world
from translate.runs.building import build_training, read_batches
from translate.runs.cost_estimate import Prospect, prospect_of
from translate.runs.identity import FILE, identity_of, refuse_another_run
from translate.runs.initialisation import Beginning
from translate.runs.monitor import Watch
from translate.runs.recipe import Recipe
from translate.runs.results import Results
from translate.settings import flat
from translate.training.checkpoint import Checkpoints
from translate.training.loop import Plan, Report, Training
from translate.training.record import Record
from translate.training.stop import StopSignals

PREEMPTED = "preempted.json"


class Run:
    """A run whose settings and dataset are checked. Nothing is written before `start`.

    Args:
        recipe: its settings.
        dataset: its pictures.
        out: its folder.
        engine: how networks are run.
        workers: threads that prepare batches ahead.
        tensorboard: whether to write for TensorBoard.
        grace_s: as of `StopSignals`.
        beginning: the model to begin from.
    """

    def __init__(
        self, recipe: Recipe, dataset: Dataset, out: Path, engine: Engine, workers: int = 0,
        tensorboard: bool = False, grace_s: float | None = None, beginning: Beginning | None = None,
    ) -> None:  # fmt: skip
        self.recipe = recipe
        self.dataset = dataset
        self.out = out
        self.engine = engine
        self.step, self.steps, self.steps_per_epoch = 0, 0, 0  # done, and in all; known once the pictures are read
        self.terms: Mapping[str, Term] = {}  # what losses mean; known then, too
        self.interrupted: int | None = None  # the signal that stopped the run
        self.notes = [engine.note] if engine.note else []  # what the user should know
        self._unreadable = 0  # pictures that are in unreadable.txt
        self._spared = False  # whether something could not be written
        self._recovered = False  # whether the rate was halved because losses were not finite
        self._workers = workers
        self._tensorboard = tensorboard
        self._grace_s = grace_s
        self._beginning = beginning
        model = beginning.origin if beginning else None
        self._identity = identity_of(recipe, dataset, out, model)
        # Sample grids and scores are too few pictures, in too many shapes, to repay compiling.
        self._results = Results(out, recipe, dataset, replace(engine, compiled=False), model)
        self._refuse_a_file()
        refuse_another_run(out, self._identity)

    @property
    def finished(self) -> bool:
        """Whether the run already did all its steps and left everything."""
        about = self.about()
        return about is not None and about.steps == about.planned

    def about(self) -> About | None:
        """Return what the newest export of the run says, or None before the first."""
        return self._results.about()

    def prospect(self) -> Prospect:
        """Do a few steps on noise to see what the run would cost."""
        return prospect_of(self.recipe, self.dataset, self.out, self.engine)

    def start(self, tell: Callable[[str, int, int], None] = lambda *_: None) -> Iterator[Report]:
        """Read the pictures and train, continuing from the newest checkpoint; yield reports on the way.

        Args:
            tell: is told the domain, how many of its pictures have been read, and how many it has.

        Raises:
            DataError: too many pictures cannot be read.
            Diverged: losses were not finite in three steps in a row, or in a tenth of all; with the policy "recover",
                also after the rate was halved.
            OutOfMemory: there is not enough memory for a step, also when it is tried again.
            OutputError: the disk is full, the place cannot be written, or the run is going on in another process.
            ProcessLost: another rank has ended.
        """
        with StopSignals(self._grace_s) as stop:
            batches = stop.drop(lambda: read_batches(self.recipe, self.dataset, tell, self.notes.append))
            wait()
            if not stop.agreed() and batches is not None:
                yield from self._alone(batches, stop) if rank() == 0 else self._start(batches, stop)
            finished = self.finished if rank() == 0 else 0 < self.steps == self.step
            self.interrupted = None if finished else stop.received
            if rank() == 0 and self.interrupted not in (None, signal.SIGINT):
                self._leave_word(signal.Signals(self.interrupted))

    def _alone(self, batches: Batches, stop: StopSignals) -> Iterator[Report]:
        with written_to(self.out):
            self.out.mkdir(parents=True, exist_ok=True)
        running, who = self.out / "running", "Another process"
        with contextlib.suppress(OSError):  # nobody is, or who was has just ended
            who = running.read_text(encoding="utf-8")
        refusal = f"{who} is training in {self.out}. Wait until it has ended, or choose another --out."
        with alone(self.out, refusal):
            for folder in (self.out, self.out / "samples", self.out / "milestones"):
                sweep(folder)  # what a run left here that was killed while it wrote
            self._list_unreadable(batches)
            (self.out / PREEMPTED).unlink(missing_ok=True)
            if (restarts := os.environ.get("SLURM_RESTART_COUNT", "0")) != "0":
                self.notes.append(f"Restarts of this job by SLURM so far: {restarts}.")
            write_text(running, f"Process {os.getpid()} on {socket.gethostname()}")
            try:
                yield from self._start(batches, stop)
            finally:
                running.unlink(missing_ok=True)

    def _start(self, batches: Batches, stop: StopSignals) -> Iterator[Report]:
        """Train; where there is not enough memory for a step, free all of it and continue once, as after a kill.

        Memory may be short because others took it, or because of gaps in it, and be enough the second time. Of several
        ranks one cannot do so alone: the others wait for it in the middle of a step. Losses that are not finite are so
        for all ranks; with the policy "recover" the run goes on from the newest checkpoint once, at half the rate.
        """
        short, diverged = False, False
        while True:
            try:
                yield from self._train(batches, stop, slower=diverged)
                return
            except OutOfMemory:
                if short or world() > 1:
                    raise
                short = True
                note = "There was not enough memory for a step. It is tried once more from the newest checkpoint."
            except Diverged as error:
                if self._recovered or self.recipe.training.nan_policy == "stop":
                    raise
                diverged = True
                way = "goes on from there" if (self.out / "checkpoints").exists() else "begins again"
                note = f"{error} The run {way} with half the learning rate."
            self.notes.append(note)
            release_memory()

    def _train(self, batches: Batches, stop: StopSignals, slower: bool) -> Iterator[Report]:
        plan = Plan.of(self.recipe.training, self.recipe.method, batches.steps_per_epoch)
        checkpoints = Checkpoints(self.out / "checkpoints", self._identity, self.recipe.training.keep)
        newest, damaged = checkpoints.newest()
        self.notes += damaged
        training = build_training(self.recipe, self.dataset, self.engine, plan, None if newest else self._beginning)
        if newest:
            training.restore(newest)
        if slower and not training.halved:
            training.halve_rate()
        self._recovered = training.halved > 0
        if rank() == 0:
            checkpoints.refuse_full_disk(training.checkpoint_bytes())
        self.step, self.steps, self.steps_per_epoch = training.step, plan.steps, batches.steps_per_epoch
        self.terms = training.method.terms()
        wait()
        if not alike(training.step, plan.steps, *batches.counts):
            raise DataError(
                f"The processes of this run see different pictures or checkpoints: this one, {batches.counts} pictures"
                f" and a run of {training.step} steps. All of them need the same folders, on a disk that they share."
            )
        watch = self._watch(batches, training, plan) if rank() == 0 else None
        stream = batches.stream(training.step, plan.steps, self._workers)
        reports = training.run(plan, stream, checkpoints, stop)
        for report in self._written(reports, training, plan, batches, watch, stop) if watch else reports:
            self.step = report.step
            yield report
        if watch and self.step == self.steps:
            stop.drop(lambda: self._finish(training, plan, watch))

    def _watch(self, batches: Batches, training: Training, plan: Plan) -> Watch:
        return Watch(
            self.out, self.dataset, batches, self.recipe.data.size, training.method, training.step, plan.steps,
            self.notes.append, self._tensorboard,
        )  # fmt: skip

    def _written(
        self, reports: Iterator[Report], training: Training, plan: Plan, batches: Batches, watch: Watch,
        stop: StopSignals,
    ) -> Iterator[Report]:  # fmt: skip
        """Pass on the reports, and leave in the run's folder what each is the time for."""
        write_text(self.out / FILE, json.dumps(self._identity, indent=2) + "\n")
        record = Record(self.out / "log.jsonl", training.step)
        if training.step and training.step % plan.sample_every == 0 and not self._results.has_grid(training.step):
            stop.drop(lambda: self._show(training, watch))  # it was dropped when the run was stopped
        started = time.perf_counter()
        for report in reports:
            with self._sparing():
                if report.skipped_steps:
                    self._note_skipped(report.skipped_steps, batches)
                if report.losses:
                    line = {key: value for key, value in asdict(report).items() if key != "skipped_steps"}
                    record.write({**line, "elapsed_s": round(time.perf_counter() - started, 3)})
                    watch.losses(report)
                if report.milestone:
                    self._results.milestone(training, plan.steps)
                if report.saved and self._list_unreadable(batches):
                    self.notes.append("More pictures turned out to be unreadable. All are in unreadable.txt.")
                if report.saved and report.step < plan.steps:
                    self._results.export(training, plan.steps, {})
                    self._results.draw_curves(self.terms)
                    watch.write_page(report.step, {}, flat(self._identity), str(self.engine))
                if report.sample:
                    stop.drop(lambda: self._show(training, watch))
            yield report

    def _list_unreadable(self, batches: Batches) -> bool:
        """Write down which pictures cannot be read, if there are more than before: not all are held in memory."""
        more = len(batches.unreadable) > self._unreadable
        self._unreadable = len(batches.unreadable)
        if more:
            write_text(self.out / "unreadable.txt", "\n".join(batches.unreadable) + "\n")
        return more

    def _note_skipped(self, steps: Sequence[int], batches: Batches) -> None:
        """Write down what is needed to do these steps again: all they draw is a function of the seed and the step."""
        record = Record(self.out / "skipped.jsonl", steps[0] - 1)
        for step in steps:
            record.write({"step": step, "seed": self.recipe.training.seed, "pictures": batches.names(step - 1)})

    def _show(self, training: Training, watch: Watch) -> None:
        grid = self._results.draw_grid(training)
        watch.pictures(grid, self._results.translator(training).batch, training.step)

    def _finish(self, training: Training, plan: Plan, watch: Watch) -> None:
        self._results.draw_curves(self.terms)
        self._results.animate()
        scores = self._results.score(training)
        watch.write_page(self.step, scores, flat(self._identity), str(self.engine))
        watch.close()
        self._results.export(training, plan.steps, scores)  # the last thing written: it makes the run a finished one

    def _leave_word(self, number: signal.Signals) -> None:
        """Let scripts know that the run was stopped: torchrun ends with 1 then, whatever its processes end with."""
        step = self.step if self.steps else None  # it was stopped before one was known
        said = {"signal": number.name, "exit_code": exit_code_of(number), "step": step, "steps": self.steps or None}
        with self._sparing():
            write_text(self.out / PREEMPTED, json.dumps(said) + "\n")

    @contextlib.contextmanager
    def _sparing(self) -> Iterator[None]:
        """Let the run go on when something else than a checkpoint cannot be written; say so the first time."""
        try:
            yield
        except OutputError as error:
            if not self._spared:
                self.notes.append(f"{error} The run goes on without it.")
            self._spared = True

    def _refuse_a_file(self) -> None:
        """Refuse a folder that cannot be made, before pictures are read."""
        there = next(place for place in (self.out, *self.out.absolute().parents) if place.exists())
        if not there.is_dir():
            raise OutputError(f"Cannot write {self.out}: {there} is a file. Choose another --out, or move the file.")
