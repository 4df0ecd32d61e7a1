"""The training loop. Nothing here knows what a CycleGAN is.

The loop is a generator: it does the work and yields a report whenever there is something to see. Before each step
torch's generator is seeded from (seed, step), so what a step draws is a pure function of these two.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from translate.devices import Compile, Engine, Precision, deterministic
from translate.errors import Diverged
from translate.memory import enough_memory
from translate.methods.base import Method, MethodSettings
from translate.networks.blocks import mixes_pictures
from translate.parallel import mean_detached, rank, wait, world
from translate.pool import Pool
from translate.schedules import Schedule
from translate.settings import Settings
from translate.tensors import enter
from translate.training.checkpoint import Checkpoint, Checkpoints
from translate.training.loss_scale import LossScale
from translate.training.players import Average, Players
from translate.training.stop import StopSignals
from translate.training.transfer import transferred

PATIENCE = 3  # so many steps in a row that were skipped, because something was not finite, stop the run
SHARE, MOST = 0.1, 10  # and so do more than this share of all steps so far, or this many if that is more
TOO_LARGE = (
    "There is not enough memory for a step. Start again with --accumulate 2 or more, which works on a batch in parts, a"
    " smaller --batch or --size, or --set method.generator.width=32; with more memory the same command continues."
)


class TrainingSettings(Settings):
    """How long and how a method is trained."""

    steps: int | None = Field(None, ge=1)
    """Length of the run; decides over `epochs` when given."""
    seconds: float | None = Field(None, gt=0)
    """The time that `steps` are fitted to, when a run begins and again after a tenth of them."""
    epochs: int = Field(200, ge=1)
    """Length of the run in passes over the larger domain."""
    more: int = Field(0, ge=0)
    """Steps after these, by which a finished run is lengthened; the learning rate does its schedule again in them."""
    batch: int = Field(1, ge=1)
    """Pictures of each domain in a step, of all ranks together."""
    accumulate: int = Field(1, ge=1)
    """Parts of the batch that are worked on one after the other, in less memory."""
    seed: int = Field(0, ge=0, lt=2**31)
    """Of everything that is drawn at random."""
    precision: Precision = "auto"
    """Of convolutions; auto is bf16 where the device multiplies it natively, else fp32."""
    compile: Compile = "auto"
    """Whether generators are compiled, which changes rounding; auto does it on CUDA GPUs."""
    deterministic: bool = False
    """Whether a GPU, too, computes the same bits every time; CPUs do."""
    nan_policy: Literal["stop", "recover"] = "stop"
    """When losses are not finite again and again: stop, or once go back and on with half the rate."""
    average: float = Field(0.999, ge=0, lt=1)
    """Decay of the averaged networks, per step; the average is what is exported."""
    log_every: int = Field(50, ge=1)
    """Steps between two lines of the log."""
    sample_every: int | None = Field(None, ge=1)
    """Steps between two grids of samples; by default a fortieth of the run, at least 25."""
    checkpoint_every: int = Field(500, ge=1)
    """Steps between two checkpoints."""
    keep: int = Field(2, ge=1)
    """How many of the last checkpoints are kept."""
    milestone_every: int | None = Field(None, ge=1)
    """Steps between two exports that stay; by default a tenth of the run, at least 25."""


@dataclass(frozen=True)
class RunPlan:
    """The length of a run and its learning rate, worked out from the settings and the size of the dataset."""

    steps: int
    sample_every: int
    milestone_every: int
    steps_per_unit: int  # the learning rate changes once a unit: after every step, or after every epoch
    decay: Schedule  # of the learning rate, over these units
    more: int = 0  # the last steps, by which the run was lengthened
    pause: int | None = None  # a step after which all is saved and training stops, to be planned anew

    @classmethod
    def of(cls, settings: TrainingSettings, method: MethodSettings, steps_per_epoch: int) -> "RunPlan":
        """Work out the plan for a run on a dataset of `steps_per_epoch` batches."""
        unit = 1 if settings.steps else steps_per_epoch
        steps = settings.steps or settings.epochs * steps_per_epoch
        sample_every = settings.sample_every or max(steps // 40, 25)
        milestone_every = settings.milestone_every or max(-(-steps // 10), 25)
        return cls(steps + settings.more, sample_every, milestone_every, unit, method.decay, settings.more)

    @property
    def first_steps(self) -> int:
        """The length of the run before it was lengthened."""
        return self.steps - self.more

    def learning_rate_factor(self, n: int) -> float:
        """Return the factor on the learning rate in step `n`, which counts from 0.

        Steps by which a run is lengthened are a warm restart (Loshchilov and Hutter, 2017): they have the rates of a
        run of so many steps. Those before keep theirs, so that any checkpoint can be continued from.
        """
        if n >= self.first_steps:
            return self.decay.factor(n - self.first_steps + 1, self.more)
        return self.decay.factor(n // self.steps_per_unit + 1, self.first_steps // self.steps_per_unit)


@dataclass(frozen=True)
class Report:
    """The state of a run after `step` steps.

    Attributes:
        step: steps done.
        losses: every term, averaged over the steps since the last logged report that were not skipped; empty between
            logged reports, and when all were skipped.
        learning_rate: of the last step.
        skipped: steps in which something was not finite.
        skipped_steps: which of the steps since the last report these are, counted from 1.
        seconds_per_step: over the steps since the last report, in seconds.
        sample: whether a sample grid is due.
        milestone: whether an export is due that is kept. After the last step none is: the run's own export is it.
        saved: whether a checkpoint was just written.
    """

    step: int
    losses: Mapping[str, float]
    learning_rate: float
    skipped: int
    skipped_steps: Sequence[int]
    seconds_per_step: float
    sample: bool
    milestone: bool
    saved: bool


class Training:
    """A method in training: its networks, their average and their optimisers, how they are saved and restored."""

    def __init__(self, method: Method, shadow: Method, engine: Engine, settings: TrainingSettings) -> None:
        self.method = method.to(engine.device).to(memory_format=engine.memory_format)
        scale = LossScale(engine.device) if engine.dtype == torch.float16 else None
        self.players = Players(method, settings.accumulate, scale)
        self.average = Average(method, shadow, settings.average)
        kept = [module for module in method.modules() if not isinstance(module, Pool)]  # pools look for themselves
        self._buffers = [buffer for module in kept for buffer in module.buffers(recurse=False)]
        # Generators are nearly all of the work. Discriminators may have a penalty on gradients, and a gradient of
        # gradients cannot be compiled; nor can the messages in layers that mix the pictures of several ranks.
        engine.ready_to_train(
            G
            for G in method.players()["G"]
            if not getattr(G, "grows", False) and (world() == 1 or not mixes_pictures(G))
        )
        self.step = 0
        self.halved = 0  # how often the learning rate was halved
        self._engine = engine
        self._settings = settings
        self._sums: dict[str, Tensor] = {}  # (2,): sum of each loss since the last logged report, and of how many
        self._skipped = 0  # steps up to the last report
        self._skips: list[Tensor] = []  # the same after each step since then

    def run(
        self, plan: RunPlan, batches: Iterable[Mapping[str, Tensor]], checkpoints: Checkpoints, stop: StopSignals
    ) -> Iterator[Report]:
        """Train to the end of the plan, to its pause, or until a signal; then the last report is a saved one.

        All ranks yield the same reports, and go on when rank 0 has done what it does with them. Only rank 0 saves.

        Args:
            plan: the length of the run and its learning rates.
            batches: as for `train_step`, from step `self.step` on.
            checkpoints: where to save.
            stop: polled after every step.

        Raises:
            Diverged: losses were not finite in three steps in a row, or in a tenth of all.
            OutputError: a checkpoint could not be written.
            OutOfMemory: there is not enough memory for a step.
            SettingsError: a step that should be deterministic is not.
        """
        started, counted_from = time.perf_counter(), self.step
        rate = 0.0
        if self.step == 0:
            yield self._report(rate, 0.0, sample=True)
            wait()
            if stop.agreed():
                return
        with enough_memory(TOO_LARGE):  # also for those who prepare batches
            for batch in transferred(batches, self._engine.device):
                rate = self.players.set_learning_rate(plan.learning_rate_factor(self.step) / 2**self.halved)
                self.train_step(batch)
                log = self.step % self._settings.log_every == 0 or self.step == plan.steps
                sample = self.step % plan.sample_every == 0 or self.step == plan.steps
                milestone = self.step % plan.milestone_every == 0 and self.step < plan.steps
                seconds = (time.perf_counter() - started) / (self.step - counted_from)
                cheap = log or self._engine.device.type == "cpu"  # reading a counter makes a GPU wait
                if cheap and (diverged := self._divergence(checkpoints)):
                    yield self._report(rate, seconds)  # of the steps that were skipped
                    wait()
                    raise diverged
                if log or sample or milestone:
                    yield self._report(rate, seconds, sample, milestone, log=log)
                    wait()
                    started, counted_from = time.perf_counter(), self.step
                # A signal may have come while the report was looked at.
                last = stop.agreed() or self.step in (plan.pause, plan.steps)
                due = self.step % self._settings.checkpoint_every == 0
                # Not while steps are skipped: from there it would only go on so. After the report, so that what a
                # checkpoint has behind it is in the log, even after a kill.
                if last or (due and not int(self.players.in_a_row)):
                    if rank() == 0:
                        checkpoints.save(self.checkpoint())
                    else:
                        checkpoints.refuse_what_is_not_finite(self.checkpoint())
                    yield self._report(rate, seconds, saved=True)
                    wait()
                if last:
                    return

    def train_step(self, batch: Mapping[str, Tensor]) -> None:
        """Do one step on the batch of `Method.step`, with pictures (N, 3, S, S) of uint8 in 0..255."""
        # Mixed, because on a CPU torch looks at the lower 32 bits of a seed only.
        mixed = np.random.SeedSequence([self._settings.seed, self.step]).generate_state(1, np.uint64)
        torch.manual_seed(int(mixed[0]))
        device = self._engine.device
        prepared = {
            name: enter(values, self._engine) if values.dtype == torch.uint8 else values.to(device)
            for name, values in batch.items()
        }
        before = [buffer.clone() for buffer in self._buffers]
        with deterministic(self._settings.deterministic), self._engine.autocast():
            parts = [self.method.step(part, self.players, self.step) for part in self._parts(prepared)]
        self.players.end_step()
        self._skips.append(self.players.skipped.clone())
        moved = self.players.moved
        for buffer, old in zip(self._buffers, before, strict=True):  # running statistics of a skipped step may be NaN
            buffer.copy_(torch.where(moved, buffer, old))
        self.average.update(self.step)
        losses = {name: torch.stack([part[name] for part in parts]).mean(0) for name in parts[0]}
        for name, loss in zip(losses, mean_detached(list(losses.values())), strict=True):
            self._sums[name] = self._sums.get(name, 0) + torch.stack([torch.where(moved, loss, 0), moved.to(loss)])
        self.step += 1

    def halve_rate(self) -> None:
        """Go on with half the learning rate to the end of the run, which its checkpoints remember."""
        self.halved += 1

    def _parts(self, batch: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
        """Split a batch into as many equal parts as the settings say."""
        split = {name: values.chunk(self._settings.accumulate) for name, values in batch.items()}
        return [{name: parts[k] for name, parts in split.items()} for k in range(self._settings.accumulate)]

    def checkpoint(self) -> Checkpoint:
        """Return everything the rest of the run depends on."""
        state = {**self.players.state(), "sums": self._sums, "halved": self.halved}
        return Checkpoint(self.step, self.method.state_dict(), self.average.networks.state_dict(), state)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Continue from a checkpoint."""
        self.step = checkpoint.step
        self.method.load_state_dict(checkpoint.weights)
        self.average.networks.load_state_dict(checkpoint.average)
        self.players.load(dict(checkpoint.state))
        self.halved = checkpoint.state.get("halved", 0)  # older runs could not
        self._skipped = int(self.players.skipped)
        self._sums = {name: value.to(self._engine.device) for name, value in checkpoint.state["sums"].items()}

    def checkpoint_bytes(self) -> int:
        """Return how large a checkpoint is: weights and buffers, averages, and two moments of each parameter."""
        tensors = [*self.method.state_dict().values(), *self.average.networks.state_dict().values()]
        tensors += 2 * list(self.method.parameters())
        return sum(int(tensor.nbytes) for tensor in tensors)

    def _report(
        self,
        rate: float,
        seconds: float,
        sample: bool = False,
        milestone: bool = False,
        saved: bool = False,
        log: bool = False,
    ) -> Report:
        losses: dict[str, float] = {}
        if log:
            sums = {name: pair.tolist() for name, pair in self._sums.items()}
            losses = {name: total / count for name, (total, count) in sums.items() if count}
            self._sums = {}
        counts = [self._skipped, *(int(count) for count in self._skips)]
        first = self.step - len(self._skips) + 1
        lost = [first + k for k, (before, after) in enumerate(pairwise(counts)) if after > before]
        self._skipped, self._skips = counts[-1], []
        return Report(self.step, losses, rate, counts[-1], lost, seconds, sample, milestone, saved)

    def _divergence(self, checkpoints: Checkpoints) -> Diverged | None:
        """Return the reason to stop, if too many steps were skipped."""
        failed = int(self.players.failed)
        if int(self.players.in_a_row) >= PATIENCE:
            seen = f"{PATIENCE} steps in a row, up to step {self.step}"
        elif failed > max(SHARE * self.step, MOST):
            seen = f"{failed} of {self.step} steps"
        else:
            return None
        places = checkpoints.places()
        kept = f"The last good checkpoint is kept in {places[-1]}" if places else "No checkpoint was written yet"
        return Diverged(
            f"The losses were not finite in {seen}. {kept}."
            " Try --precision fp32 or a lower rate (method.optimiser.lr)."
            + (" --nan-policy recover halves it and goes on." if self._settings.nan_policy == "stop" else "")
        )
