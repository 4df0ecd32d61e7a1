"""A run: a method is trained on the pictures of a dataset, and everything about it lies in one folder.

What happens, in this order: `start` reads the pictures and claims the folder, `_retried` tries again what may be tried
again, `_train` does the steps, `_recorded` leaves what is due after each of them, and `_finish` what is due after the
last. `RunFolder` lists what lies in the folder.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median

from translate.data.batches import Batches
from translate.data.folders import Dataset
from translate.devices import Engine
from translate.errors import Diverged, OutOfMemory, OutputError
from translate.memory import release_memory
from translate.methods.base import Term
from translate.models.about import About
from translate.parallel import rank, wait, world
from translate.progress import Tell, silent
from translate.report.tracking import Session, open_boards
from translate.run_folder import RunFolder
from translate.runs.building import Attempt, build_training, read_batches, refuse_other_pictures
from translate.runs.claim import claimed, leave_word, refuse_a_file
from translate.runs.cost_estimate import CostEstimate, estimate_cost, seconds_left
from translate.runs.execution import Execution
from translate.runs.fitting import pause_of, refitted
from translate.runs.identity import identity_of, refuse_another_run, write_identity
from translate.runs.initialisation import PretrainedStart
from translate.runs.monitor import Monitor
from translate.runs.recipe import Recipe
from translate.runs.results import Results
from translate.settings import flat
from translate.training.checkpoint import Checkpoints
from translate.training.loop import Report, RunPlan, Training
from translate.training.record import Record
from translate.training.stop import StopSignals


class Run:
    """A run whose settings and dataset are checked. Nothing is written before `start`.

    Args:
        recipe: its settings.
        dataset: its pictures.
        folder: where everything about it lies.
        engine: how networks are run.
        execution: how it is carried out.
        pretrained: the model to begin from.
    """

    def __init__(
        self,
        recipe: Recipe,
        dataset: Dataset,
        folder: RunFolder,
        engine: Engine,
        execution: Execution,
        pretrained: PretrainedStart | None = None,
    ) -> None:
        self.recipe = recipe
        self.dataset = dataset
        self.folder = folder
        self.engine = engine
        self.step, self.steps, self.steps_per_epoch = 0, 0, 0  # done, and in all; known once the pictures are read
        self.terms: Mapping[str, Term] = {}  # what losses mean; known then, too
        self.interrupted: int | None = None  # the signal that stopped the run
        self.notes = [engine.note] if engine.note else []  # what the user should know; see `take_notes`
        self._execution = execution
        self._pretrained = pretrained
        self._could_not_write = False  # and said so
        self._recovered = False  # whether the rate was halved because losses were not finite
        model = pretrained.origin if pretrained else None
        self._identity = identity_of(recipe, dataset, folder, model)
        # Sample grids and scores are too few pictures, in too many shapes, to repay compiling.
        self._results = Results(folder, recipe, dataset, replace(engine, compiled=False), model)
        refuse_a_file(folder)
        refuse_another_run(folder, self._identity)

    @property
    def out(self) -> Path:
        """The path of its folder."""
        return self.folder.path

    @property
    def finished(self) -> bool:
        """Whether the run already did all its steps and left everything."""
        about = self.about()
        return about is not None and about.is_finished and about.steps_added == self.recipe.training.more

    def about(self) -> About | None:
        """Return what the newest export of the run says, or None before the first."""
        return self._results.about()

    def take_notes(self) -> list[str]:
        """Return the notes that were not taken yet, and forget them."""
        notes = list(self.notes)
        self.notes.clear()
        return notes

    def estimate_cost(self) -> CostEstimate:
        """Do a few steps on noise to see what the run would cost."""
        return estimate_cost(self.recipe, self.dataset, self.engine)

    def seconds_left(self) -> float | None:
        """Tell about how long `start` will take, as `cost_estimate.seconds_left`. All ranks ask together."""
        about = self.about()
        return seconds_left(self.recipe, self.dataset, self.engine, about.steps if about else 0)

    def start(self, tell: Tell = silent) -> Iterator[Report]:
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
        with StopSignals(self._execution.grace_s) as stop:
            batches = stop.drop(lambda: read_batches(self.recipe, self.dataset, tell, self.notes.append))
            wait()
            if not stop.agreed() and batches is not None:
                with claimed(self.folder) if rank() == 0 else contextlib.nullcontext():
                    if rank() == 0:
                        self._open(batches)
                    yield from self._retried(batches, stop)
            finished = self.finished if rank() == 0 else 0 < self.steps == self.step
            self.interrupted = None if finished else stop.received
            if rank() == 0 and self.interrupted not in (None, signal.SIGINT):
                with self._going_on_without():
                    leave_word(self.folder, self.interrupted, self.step, self.steps)

    def _open(self, batches: Batches) -> None:
        """Bring the folder up to date before the first step."""
        self._results.list_unreadable(batches)
        self.folder.preempted.unlink(missing_ok=True)
        if (restarts := os.environ.get("SLURM_RESTART_COUNT", "0")) != "0":
            self.notes.append(f"Restarts of this job by SLURM so far: {restarts}.")

    def _retried(self, batches: Batches, stop: StopSignals) -> Iterator[Report]:
        """Train; where there is not enough memory for a step, free all of it and continue once, as after a kill.

        Memory may be short because others took it, or because of gaps in it, and be enough the second time. Of several
        ranks one cannot do so alone: the others wait for it in the middle of a step. Losses that are not finite are so
        for all ranks; with the policy "recover" the run goes on from the newest checkpoint once, at half the rate.
        """
        short, diverged = False, False
        while True:
            try:
                while True:
                    yield from self._train(batches, stop, slower=diverged)
                    if stop.agreed() or self.step == self.steps:
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
                way = "goes on from there" if self.folder.checkpoints.exists() else "begins again"
                note = f"{error} The run {way} with half the learning rate."
            self.notes.append(note)
            release_memory()

    def _train(self, batches: Batches, stop: StopSignals, slower: bool) -> Iterator[Report]:
        """Do the steps that are left, and finish after the last."""
        plan = RunPlan.of(self.recipe.training, self.recipe.method, batches.steps_per_epoch)
        checkpoints = Checkpoints(self.folder.checkpoints, self._identity, self.recipe.training.keep)
        training = self._continued(plan, checkpoints, slower)
        plan = replace(plan, pause=pause_of(self.recipe, training.step))
        self.step, self.steps, self.steps_per_epoch = training.step, plan.steps, batches.steps_per_epoch
        self.terms = training.method.terms()
        wait()
        refuse_other_pictures(training, plan, batches)
        reports = training.run(
            plan, batches.stream(training.step, plan.steps, self._execution.workers), checkpoints, stop
        )
        attempt = None
        if rank() == 0:
            attempt = Attempt(training, plan, batches, self._monitor(training, plan, batches), stop)
            reports = self._recorded(reports, attempt)
        speeds: list[float] = []
        for report in reports:
            self.step = report.step
            speeds += [report.seconds_per_step] if report.losses or report.saved else []
            yield report
        if attempt and self.step == self.steps:
            stop.drop(lambda: self._finish(attempt))
        if self.step == plan.pause:
            self._fit_again(median(speeds))

    def _fit_again(self, seconds_per_step: float) -> None:
        """Plan a run of a given time anew, and write down how: whoever continues it does so with that."""
        before, self.recipe = self.recipe, refitted(self.recipe, self.step, seconds_per_step)
        if self.recipe is before:
            return
        self._identity["training"]["steps"] = self.recipe.training.steps
        self._results.recipe = self.recipe
        if rank() == 0:
            write_identity(self.folder, self._identity)
        self.notes.append(
            f"A step takes {seconds_per_step:.2g} seconds, as the first {self.step} show: the run has"
            f" {self.recipe.training.steps:,} steps instead of {before.training.steps:,}, to end in its time."
        )

    def _continued(self, plan: RunPlan, checkpoints: Checkpoints, slower: bool) -> Training:
        """Build what trains, as the newest checkpoint left it."""
        newest, damaged = checkpoints.newest()
        self.notes += damaged
        training = build_training(self.recipe, self.dataset, self.engine, plan, None if newest else self._pretrained)
        if newest:
            training.restore(newest)
        if slower and not training.halved:
            training.halve_rate()
        self._recovered = training.halved > 0
        if rank() == 0:
            checkpoints.refuse_full_disk(training.checkpoint_bytes())
        return training

    def _monitor(self, training: Training, plan: RunPlan, batches: Batches) -> Monitor:
        session = Session(self.folder, training.step, flat(self._identity))
        boards = open_boards(self._execution.trackers, session, self.notes.append)
        size = self.recipe.data.size
        return Monitor(self.folder, self.dataset, batches, size, training, plan.steps, self.notes.append, boards)

    def _recorded(self, reports: Iterator[Report], attempt: Attempt) -> Iterator[Report]:
        """Pass on the reports, and leave in the run's folder what is due after each of them."""
        training, plan = attempt.training, attempt.plan
        self._say_if_longer(training.step, plan)
        write_identity(self.folder, self._identity)
        log = Record(self.folder.log, training.step)
        if training.step and training.step % plan.sample_every == 0 and not self._results.has_grid(training.step):
            attempt.stop.drop(lambda: self._show(attempt))  # it was dropped when the run was stopped
        started = time.perf_counter()
        for report in reports:
            with self._going_on_without():
                if report.skipped_steps:
                    self._results.note_skipped(report.skipped_steps, attempt.batches)
                if report.losses:
                    line = {key: value for key, value in asdict(report).items() if key != "skipped_steps"}
                    log.write({**line, "elapsed_s": round(time.perf_counter() - started, 3)})
                    attempt.monitor.losses(report)
                if report.milestone:
                    self._results.milestone(training, plan.steps)
                    self._results.keep_the_best(training, plan.steps)
                if report.saved and self._results.list_unreadable(attempt.batches):
                    self.notes.append("More pictures turned out to be unreadable. All are in unreadable.txt.")
                if report.saved and report.step < plan.steps:
                    self._results.export(training, plan.steps, {})
                    self._results.draw_curves(self.terms)
                if report.sample:
                    attempt.stop.drop(lambda: self._show(attempt))
                if (report.saved or report.sample) and report.step < plan.steps:
                    self._write_page(attempt, report.step)
            yield report

    def _write_page(self, attempt: Attempt, step: int) -> None:
        """Renew the page of a run that is not finished, and let it look for the next one unless the run stops here."""
        settings = self.recipe.training
        often = min(settings.checkpoint_every, attempt.plan.sample_every)
        goes_on = attempt.stop.received is None
        attempt.monitor.write_page(step, {}, flat(self._identity), str(self.engine), often if goes_on else None)

    def _say_if_longer(self, step: int, plan: RunPlan) -> None:
        """Keep the result of a finished run that is lengthened now, and say what becomes of the learning rate."""
        about = self.about()
        if about is None or not about.is_finished or not about.steps == step < plan.steps:
            return
        with self._going_on_without():
            self._results.keep_finished(step)
        first, last = (f"{plan.learning_rate_factor(n):.1%}" for n in (step, plan.steps - 1))
        self.notes.append(
            f"The run is lengthened from {step:,} to {plan.steps:,} steps. In these the learning rate does its schedule"
            f" again, from {first} of the full one to {last}. The result so far is kept: {self.folder.milestone(step)}."
        )

    def _show(self, attempt: Attempt) -> None:
        grid = self._results.draw_grid(attempt.training)
        attempt.monitor.pictures(grid, self._results.shown(attempt.training), attempt.training.step)

    def _finish(self, attempt: Attempt) -> None:
        self._results.draw_curves(self.terms)
        self._results.animate()
        scores = self._results.score(attempt.training)
        attempt.monitor.write_page(self.step, scores, flat(self._identity), str(self.engine))
        attempt.monitor.close()
        self._results.keep_the_best(attempt.training, attempt.plan.steps)
        # The last thing written: it makes the run a finished one.
        self._results.export(attempt.training, attempt.plan.steps, scores)

    @contextlib.contextmanager
    def _going_on_without(self) -> Iterator[None]:
        """Let the run go on when something else than a checkpoint cannot be written; say so the first time."""
        try:
            yield
        except OutputError as error:
            if not self._could_not_write:
                self.notes.append(f"{error} The run goes on without it.")
            self._could_not_write = True
