"""What a run would cost, measured by a few steps on noise."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from translate.data.batches import batches_for
from translate.data.folders import Dataset
from translate.data.store import held_bytes
from translate.devices import Engine
from translate.errors import OutOfMemory
from translate.memory import enough_memory, peak_memory, release_memory, reset_peak_memory
from translate.parallel import greatest, local_part, world
from translate.runs.building import build_training
from translate.runs.recipe import Recipe
from translate.training.loop import RunPlan, Training

STEPS = 5
TURN = 5  # steps in which every player moves
SHARE = 0.9  # of a run's time that goes into steps; the rest reads pictures, and leaves samples and checkpoints
WORTH_MEASURING = 100  # steps: of fewer, those that are done to measure them would be a part


@dataclass(frozen=True)
class CostEstimate:
    """What a run would cost."""

    steps: int
    parameters: Mapping[str, int]  # of each player
    seconds_per_step: float
    memory_bytes: int | None  # peak of this process with its pictures, or of the GPU, where the system tells

    @property
    def seconds(self) -> float:
        """How long the whole run would take."""
        return self.steps * self.seconds_per_step / SHARE


def estimate_cost(recipe: Recipe, dataset: Dataset, engine: Engine) -> CostEstimate:
    """Do a few steps to see what a run would cost."""
    plan = _plan(recipe, dataset)
    training, seconds = measured(recipe, dataset, engine, plan, STEPS)
    parameters = {
        player: sum(parameter.numel() for network in networks for parameter in network.parameters())
        for player, networks in training.method.players().items()
    }
    peak = peak_memory(engine.device)
    if peak and engine.device.type == "cpu":
        peak += sum(held_bytes(name, len(pictures), recipe.data) for name, pictures in dataset.train.items())
    return CostEstimate(plan.steps, parameters, seconds, peak)


def seconds_left(recipe: Recipe, dataset: Dataset, engine: Engine, done: int) -> float | None:
    """Tell how long a run will take after `done` steps: what it was given, or else what a few steps say.

    Compiling is left out, because it would be waited for twice; without it steps take a little longer.

    Returns:
        seconds; None where too few steps are left to be measured, or there is not enough memory for one.
    """
    plan = _plan(recipe, dataset)
    left = plan.steps - done
    if left < WORTH_MEASURING:
        return None
    if recipe.training.seconds:
        return recipe.training.seconds * left / plan.first_steps
    try:
        with enough_memory("There is not enough memory for a step."):
            _, seconds = measured(recipe, dataset, replace(engine, compiled=False), plan, STEPS)
    except OutOfMemory:
        if world() > 1:
            raise  # the others wait for this one
        return None
    finally:
        release_memory()
        reset_peak_memory(engine.device)
    return left * seconds / SHARE


def _plan(recipe: Recipe, dataset: Dataset) -> RunPlan:
    counts = [len(pictures) for pictures in dataset.train.values()]
    batches = -(-batches_for(recipe.method.batches, dataset).pictures_per_epoch(counts) // recipe.training.batch)
    return RunPlan.of(recipe.training, recipe.method, batches)


def measured(recipe: Recipe, dataset: Dataset, engine: Engine, plan: RunPlan, steps: int) -> tuple[Training, float]:
    """Do steps on noise, and return the training and its seconds per step.

    The first step is slower and does not count; of compiled networks all steps until every player has moved.
    """
    batch = len(local_part(range(recipe.training.batch)))
    noise = batches_for(recipe.method.batches, dataset).noise(dataset.domains, batch, recipe.data.size)
    training = build_training(recipe, dataset, engine, plan)
    for _ in range(TURN if engine.compiled else 1):
        training.train_step(noise)
    started = time.perf_counter()
    for _ in range(steps):
        training.train_step(noise)
    elapsed_ns = greatest(int(1e9 * (time.perf_counter() - started)))  # so all ranks count the same steps
    return training, elapsed_ns / 1e9 / steps
