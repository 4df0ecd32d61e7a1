"""What a run would cost, measured by a few steps on noise."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from translate.data.batches import batches_for
from translate.data.folders import Dataset
from translate.devices import Engine
from translate.memory import peak_memory
from translate.parallel import greatest, local_part
from translate.runs.building import build_training
from translate.runs.recipe import Recipe
from translate.training.loop import RunPlan, Training

STEPS = 5
TURN = 5  # steps in which every player moves


@dataclass(frozen=True)
class CostEstimate:
    """What a run would cost."""

    steps: int
    parameters: Mapping[str, int]  # of each player
    seconds_per_step: float
    memory_bytes: int | None  # peak of this process, where the system tells


def estimate_cost(recipe: Recipe, dataset: Dataset, engine: Engine) -> CostEstimate:
    """Do a few steps to see what a run would cost."""
    counts = [len(pictures) for pictures in dataset.train.values()]
    batches = -(-batches_for(recipe.method.batches, dataset).pictures_per_epoch(counts) // recipe.training.batch)
    plan = RunPlan.of(recipe.training, recipe.method, batches)
    training, seconds = measured(recipe, dataset, engine, plan, STEPS)
    parameters = {
        player: sum(parameter.numel() for network in networks for parameter in network.parameters())
        for player, networks in training.method.players().items()
    }
    return CostEstimate(plan.steps, parameters, seconds, peak_memory(engine.device))


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
