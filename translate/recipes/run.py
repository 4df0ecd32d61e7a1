"""A run. It lives in one folder:

settings.json       what it was made with
log.jsonl           losses over the steps
losses.svg          the same as curves
alarms.jsonl        what went wrong, in words
report.html         all of it on one page, renewed with every checkpoint
samples/            grids on fixed inputs: input | translated | cycled
progress.gif        the grids as an animation
checkpoints/        to continue from
model.safetensors   the export, renewed with every checkpoint
milestones/         exports from on the way, which are kept
"""

import contextlib
import importlib.metadata
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from translate import images
from translate.data.batches import Batches, LabelledBatches, Store, UnpairedBatches
from translate.data.folders import Dataset, held_out
from translate.data.truth import Drawn
from translate.devices import Engine
from translate.errors import DataError, OutputError, SettingsError
from translate.evaluation.drawn import drawn_scores
from translate.files import alone, sweep, write_text, written_to
from translate.inference.exports import About, build_without_memory, read_about, write_export
from translate.inference.translator import Translator
from translate.parallel import alike, greatest, part, rank, wait, world
from translate.recipes.beginning import Beginning
from translate.recipes.recipe import Recipe
from translate.recipes.watch import Watch
from translate.report.curves import loss_curves
from translate.report.samples import attribute_grid, sample_grid, square
from translate.settings import differences, flat
from translate.tensors import Pixels
from translate.training.checkpoint import Checkpoints
from translate.training.loop import Plan, Report, Training
from translate.training.record import Record, read_log
from translate.training.stop import StopSignals

_BATCHES: dict[str, type[Batches]] = {"unpaired": UnpairedBatches, "labelled": LabelledBatches}

SAMPLES = 4  # fixed inputs of each domain in a sample grid
FRAMES = 60  # at most, in the animation
MEASURED = 15  # steps, before a run whose time is given: whole turns of players that move in every third or fifth

# Settings that cannot change the result; a run may continue with other ones.
_FREE = frozenset(
    {"ranks"}
    | {f"training.{key}" for key in ("log_every", "sample_every", "checkpoint_every", "keep", "milestone_every")}
)


@dataclass(frozen=True)
class Prospect:
    """What a run would be, and what it would cost."""

    recipe: Recipe
    dataset: Dataset
    out: Path
    steps: int
    parameters: Mapping[str, int]  # of each player
    seconds_per_step: float
    memory_bytes: int | None  # peak of this process, where the system tells


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
        self.step, self.steps = 0, 0  # done, and in all; known once the pictures are read
        self.interrupted: int | None = None  # the signal that stopped the run
        self.notes: list[str] = []  # what the user should know
        self._spared = False  # whether something could not be written
        self._workers = workers
        self._tensorboard = tensorboard
        self._grace_s = grace_s
        self._beginning = beginning
        self._origin = {
            **json.loads(recipe.to_json()),
            "dataset": {"name": dataset.name, "target": dataset.target, "domains": dataset.fingerprint()},
            "ranks": (batch_of_run(out) or (0, world()))[1],  # when the run began
            "from": beginning.origin if beginning else None,
        }
        self._refuse_a_file()
        self._refuse_another_run()

    def prospect(self) -> Prospect:
        """Do a few steps on noise to see what the run would cost."""
        counts = [len(pictures) for pictures in self.dataset.train.values()]
        kind = _BATCHES[self.recipe.method.batches]
        batches = -(-kind.pictures_per_epoch(counts) // self.recipe.training.batch)
        plan = Plan.of(self.recipe.training, self.recipe.method, batches)
        training, seconds = self._measured(plan, 5)
        parameters = {
            player: sum(parameter.numel() for network in networks for parameter in network.parameters())
            for player, networks in training.method.players().items()
        }
        return Prospect(self.recipe, self.dataset, self.out, plan.steps, parameters, seconds, _peak_memory(self.engine))

    def steps_within(self, seconds: float) -> int:
        """Count the steps that fit into so many seconds, from the speed of a few on noise.

        A tenth of the time is left for reading pictures, samples and checkpoints.
        """
        plan = Plan.of(self.recipe.training.model_copy(update={"steps": MEASURED}), self.recipe.method, 1)
        _, seconds_per_step = self._measured(plan, MEASURED)
        return max(int(0.9 * seconds / seconds_per_step), 1)

    def start(self, tell: Callable[[str, int, int], None] = lambda *_: None) -> Iterator[Report]:
        """Read the pictures and train, continuing from the newest checkpoint; yield reports on the way.

        Args:
            tell: is told the domain, how many of its pictures have been read, and how many it has.

        Raises:
            DataError: too many pictures cannot be read.
            Diverged: losses were not finite in three steps in a row.
            OutputError: the disk is full, the place cannot be written, or the run is going on in another process.
            ProcessLost: another rank has ended.
        """
        with StopSignals(self._grace_s) as stop:
            batches = stop.drop(lambda: self._batches(tell))
            wait()
            if not stop.agreed() and batches is not None:
                yield from self._alone(batches, stop) if rank() == 0 else self._start(batches, stop)
            finished = self.finished if rank() == 0 else 0 < self.steps == self.step
            self.interrupted = None if finished else stop.received

    def _alone(self, batches: Batches, stop: StopSignals) -> Iterator[Report]:
        with written_to(self.out):
            self.out.mkdir(parents=True, exist_ok=True)
        refusal = f"Another process is training in {self.out}. Wait until it has ended, or choose another --out."
        with alone(self.out, refusal):
            for folder in (self.out, self.out / "samples", self.out / "milestones"):
                sweep(folder)  # what a run left here that was killed while it wrote
            yield from self._start(batches, stop)

    def _start(self, batches: Batches, stop: StopSignals) -> Iterator[Report]:
        plan = Plan.of(self.recipe.training, self.recipe.method, batches.steps_per_epoch)
        checkpoints = Checkpoints(self.out / "checkpoints", self._origin, self.recipe.training.keep)
        newest, damaged = checkpoints.newest()
        self.notes += damaged
        training = self._training(plan, None if newest else self._beginning)
        if newest:
            training.restore(newest)
        if rank() == 0:
            checkpoints.refuse_full_disk(training.checkpoint_bytes())
        self.step, self.steps = training.step, plan.steps
        wait()
        if not alike(training.step, plan.steps, *batches.counts):
            raise DataError(
                f"The processes of this run see different pictures or checkpoints: this one, {batches.counts} pictures"
                f" and a run of {training.step} steps. All of them need the same folders, on a disk that they share."
            )
        watch = self._watch(batches, training, plan) if rank() == 0 else None
        stream = batches.stream(training.step, plan.steps, self._workers)
        reports = training.run(plan, stream, checkpoints, stop)
        for report in self._written(reports, training, plan, watch, stop) if watch else reports:
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
        self, reports: Iterator[Report], training: Training, plan: Plan, watch: Watch, stop: StopSignals
    ) -> Iterator[Report]:
        """Pass on the reports, and leave in the run's folder what each is the time for."""
        write_text(self.out / "settings.json", json.dumps(self._origin, indent=2) + "\n")
        record = Record(self.out / "log.jsonl", training.step)
        if training.step and training.step % plan.sample_every == 0 and not self._grid(training.step).exists():
            stop.drop(lambda: self._show(training, watch))  # it was dropped when the run was stopped
        started = time.perf_counter()
        for report in reports:
            with self._sparing():
                if report.losses:
                    record.write({**asdict(report), "elapsed_s": round(time.perf_counter() - started, 3)})
                    watch.losses(report)
                if report.milestone:
                    self._export(training, plan, {}, self.out / "milestones" / f"{report.step:08d}.safetensors")
                if report.saved and report.step < plan.steps:
                    self._export(training, plan, {})
                    self._draw_curves()
                    watch.write_page(report.step, {}, flat(self._origin), str(self.engine))
                if report.sample:
                    stop.drop(lambda: self._show(training, watch))
            yield report

    def _show(self, training: Training, watch: Watch) -> None:
        watch.pictures(self._sample(training), self._translator(training).batch, training.step)

    def _finish(self, training: Training, plan: Plan, watch: Watch) -> None:
        self._draw_curves()
        self._animate()
        scores = self._score(training)
        watch.write_page(self.step, scores, flat(self._origin), str(self.engine))
        watch.close()
        self._export(training, plan, scores)  # the last thing written: it makes the run a finished one

    @contextlib.contextmanager
    def _sparing(self) -> Iterator[None]:
        """Let the run go on when something else than a checkpoint cannot be written; say so the first time."""
        try:
            yield
        except OutputError as error:
            if not self._spared:
                self.notes.append(f"{error} The run goes on without it.")
            self._spared = True

    @property
    def finished(self) -> bool:
        """Whether the run already did all its steps and left everything."""
        about = self.about()
        return about is not None and about.steps == about.planned

    def about(self) -> About | None:
        """Return what the newest export of the run says, or None before the first."""
        path = self.out / "model.safetensors"
        return read_about(path) if path.exists() else None

    def _training(self, plan: Plan, beginning: Beginning | None = None) -> Training:
        settings, domains, size = self.recipe.method.for_run(plan.steps), self.dataset.domains, self.recipe.data.size
        torch.manual_seed(self.recipe.training.seed)
        method = settings.build(domains, size)
        if beginning:
            beginning.load(method)
        return Training(method, build_without_memory(settings, domains, size), self.engine, self.recipe.training)

    def _measured(self, plan: Plan, steps: int) -> tuple[Training, float]:
        """Train on noise; return the training and its seconds per step."""
        kind = _BATCHES[self.recipe.method.batches]
        batch = len(part(range(self.recipe.training.batch)))
        noise = kind.noise(self.dataset.domains, batch, self.recipe.data.size)
        training = self._training(plan)
        training.train_step(noise)  # the first is slower
        started = time.perf_counter()
        for _ in range(steps):
            training.train_step(noise)
        elapsed_ns = greatest(int(1e9 * (time.perf_counter() - started)))  # so all ranks count the same steps
        return training, elapsed_ns / 1e9 / steps

    def _batches(self, tell: Callable[[str, int, int], None]) -> Batches:
        stores: dict[str, Store] = {}
        for domain, pictures in self.dataset.train.items():
            store = Store(domain, pictures, self.recipe.data, tell, self.dataset.labels(domain))
            if store.census.unreadable:
                first = store.census.unreadable[0]
                self.notes.append(f"{len(store.census.unreadable)} pictures of {domain} cannot be read, as {first}")
            if store.census.enlarged:
                self.notes.append(
                    f"{store.census.enlarged} pictures of {domain} are smaller than the crop and were enlarged."
                )
            stores[domain] = store
        training = self.recipe.training
        return _BATCHES[self.recipe.method.batches](stores, self.recipe.data, training.batch, training.seed)

    def _translator(self, training: Training) -> Translator:
        return Translator(training.average.method, self._about(training, 0, {}), self.engine)

    def _about(self, training: Training, planned: int, scores: Mapping[str, float]) -> About:
        return About(
            method=json.loads(training.method.settings.model_dump_json()),
            domains=list(self.dataset.domains),
            attributes=bool(self.dataset.attributes),
            target=self.dataset.target,
            size=self.recipe.data.size,
            steps=training.step,
            planned=planned,
            recipe=json.loads(self.recipe.to_json()),
            data=self.dataset.name,
            origin=self._origin["from"],
            train={domain: len(pictures) for domain, pictures in self.dataset.train.items()},
            scores=dict(scores),
            versions={name: importlib.metadata.version(name) for name in ("image-translate", "torch")},
        )

    def _export(self, training: Training, plan: Plan, scores: Mapping[str, float], path: Path | None = None) -> None:
        about = self._about(training, plan.steps, scores)
        write_export(path or self.out / "model.safetensors", training.average.networks, about)

    def _sample(self, training: Training) -> Pixels:
        side = self.recipe.data.size
        inputs = {
            domain: [square(picture, side) for picture in held_out(self.dataset, domain, SAMPLES)]
            for domain in self.dataset.train
        }
        translate = self._translator(training).batch
        if self.dataset.attributes:
            grid = attribute_grid(translate, next(iter(inputs.values())), training.method.showcase())
        else:
            grid = sample_grid(translate, inputs)
        images.write_pixels(grid, self._grid(training.step))
        return grid

    def _grid(self, step: int) -> Path:
        return self.out / "samples" / f"{step:08d}.png"

    def _animate(self) -> None:
        grids = sorted((self.out / "samples").glob("*.png"))
        chosen = grids[:: -(-len(grids) // FRAMES)] if grids else []
        frames = [images.read(path).rgb for path in dict.fromkeys([*chosen, *grids[-1:]])]
        if frames:
            images.write_animation(frames, self.out / "progress.gif")

    def _draw_curves(self) -> None:
        log = read_log(self.out / "log.jsonl")
        names = dict.fromkeys(name for line in log for name in line["losses"])
        curves = {
            name: [(line["step"], line["losses"][name]) for line in log if name in line["losses"]] for name in names
        }
        write_text(self.out / "losses.svg", loss_curves(curves))

    def _score(self, training: Training) -> dict[str, float]:
        """Score by rule where the pictures are drawn, so that the right answer is known."""
        if not all(isinstance(pictures, Drawn) for pictures in self.dataset.train.values()):
            return {}
        return drawn_scores(self.dataset.name, self._translator(training).batch, self.recipe.data.size)

    def _refuse_a_file(self) -> None:
        """Refuse a folder that cannot be made, before pictures are read."""
        there = next(place for place in (self.out, *self.out.absolute().parents) if place.exists())
        if not there.is_dir():
            raise OutputError(f"Cannot write {self.out}: {there} is a file. Choose another --out, or move the file.")

    def _refuse_another_run(self) -> None:
        path = self.out / "settings.json"
        if not path.exists():
            return
        try:
            before = dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise SettingsError(f"{path} is damaged: {error}. Restore it, or choose another --out.") from error
        changed = differences(_filled(before), self._origin)
        found = {key: values for key, values in changed.items() if key not in _FREE}
        if found:
            changes = "; ".join(f"{key} was {was!r:.80}, now {now!r:.80}" for key, (was, now) in found.items())
            raise SettingsError(
                f"{self.out} holds a run with other settings: {changes}."
                " Repeat its command to continue it, or choose another --out."
            )


def _filled(origin: Mapping[str, Any]) -> dict[str, Any]:
    """Give settings that are newer than a run their defaults: that is what it was made with."""
    filled = {"ranks": 1, **origin}
    with contextlib.suppress(KeyError, SettingsError):  # then what differs is shown as it stands there
        recipe = Recipe.parse({layer: origin[layer] for layer in ("method", "data", "training")})
        filled |= json.loads(recipe.to_json())
    return filled


def steps_of_run(folder: Path) -> int | None:
    """Return the length of the run in `folder`, if there is one and its settings can be read."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        steps: int | None = json.loads((folder / "settings.json").read_text(encoding="utf-8"))["training"]["steps"]
        return steps
    return None


def batch_of_run(folder: Path) -> tuple[int, int] | None:
    """Return the batch of the run in `folder`, of all ranks together, and with how many ranks it began."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        origin = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
        return origin["training"]["batch"], origin["ranks"]
    return None


def _peak_memory(engine: Engine) -> int | None:
    if engine.device.type == "cuda":
        return torch.cuda.max_memory_allocated(engine.device)
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
