"""What fits: as many steps as into a given time, as many pictures as into memory. Both are tried out on noise."""

from dataclasses import replace

from translate.data.batches import batches_for
from translate.data.folders import Dataset
from translate.devices import Engine
from translate.errors import OutOfMemory, SettingsError
from translate.memory import (
    available_memory,
    enough_memory,
    peak_memory,
    release_memory,
    reserving_memory,
    reset_peak_memory,
)
from translate.parallel import greatest, neighbours, single_process, world
from translate.runs.cost_estimate import SHARE, TURN, measured
from translate.runs.recipe import Recipe
from translate.training.loop import RunPlan

STEPS = 15  # to measure the speed: whole turns of players that move in every third or fifth
LARGEST = 16  # pictures, on a CPU: StarGAN's batch; more of them only take longer together
RESERVE = 0.1  # of a GPU's memory: for what comes later, and for gaps in it


def steps_within(recipe: Recipe, dataset: Dataset, engine: Engine, seconds: float) -> int:
    """Count the steps that fit into so many seconds, from the speed of a few.

    A tenth of the time is left for reading pictures, samples and checkpoints.
    """
    return max(int(SHARE * seconds / _seconds_per_step(recipe, dataset, engine, STEPS)), 1)


def pause_of(recipe: Recipe, step: int) -> int | None:
    """Return the step after which a run that goes on from `step` is fitted into its time once more.

    The speed that was measured before it began may have been that of a busy machine.

    Returns:
        a tenth of the run; None where that is past, or the length of the run was said in steps.
    """
    steps = recipe.training.steps or 0
    pause = max(steps // 10, STEPS)
    return pause if recipe.training.seconds and step < pause < steps else None


def refitted(recipe: Recipe, step: int, seconds_per_step: float) -> Recipe:
    """Return the recipe with as many steps as fit into its time at the speed of the first `step` steps.

    All ranks return the same. A run whose length was right to a twentieth stays as it is.
    """
    slowest = greatest(int(1e9 * seconds_per_step)) / 1e9
    steps = max(int(SHARE * (recipe.training.seconds or 0) / max(slowest, 1e-9)), step + 1)
    before = recipe.training.steps or 0
    return recipe if abs(steps - before) <= before / 20 else recipe.with_training(steps=steps)


def largest_batch(recipe: Recipe, dataset: Dataset, engine: Engine) -> int:
    """Return the largest batch of a rank that fits into the memory of every rank, at most that of an epoch.

    It is the smallest valid batch, doubled while it fits. A GPU refuses what does not fit, so batches are tried there.
    On a CPU the system would end the process instead, so there the memory of a batch is estimated.

    Raises:
        DataError: the method cannot be trained on the dataset.
        SettingsError: nor at this size; or the system does not say how much memory is free.
    """
    engine = replace(engine, compiled=False)  # that takes longer to try, and no more memory in the run
    sharing = neighbours()
    counts = [len(pictures) for pictures in dataset.train.values()]
    most = batches_for(recipe.method.batches, dataset).pictures_per_epoch(counts) // world()
    fewest = recipe.training.accumulate * _fewest(recipe, dataset)
    with single_process(), reserving_memory(RESERVE, engine.device):
        if engine.device.type == "cuda":
            largest = _tried(recipe, dataset, engine, fewest, most)
        else:
            largest = _estimated(recipe, dataset, engine, fewest, min(most, LARGEST), sharing)
    reset_peak_memory(engine.device)  # trial runs do not count as the run's peak
    return -greatest(-largest)


def _tried(recipe: Recipe, dataset: Dataset, engine: Engine, fewest: int, most: int) -> int:
    batch = fewest
    while 2 * batch <= most and _fits(recipe, dataset, engine, 2 * batch):
        batch *= 2
    return batch


def _estimated(recipe: Recipe, dataset: Dataset, engine: Engine, fewest: int, most: int, sharing: int) -> int:
    """Extrapolate from two small batches; twice as much as the process would take must be free."""
    free = available_memory()
    if free is None:
        raise SettingsError(
            "The system does not say how much memory is free on this machine. Give a number as --batch."
        )
    taken: list[int] = []
    for batch in (fewest, 2 * fewest):
        reset_peak_memory(engine.device)
        if not _fits(recipe, dataset, engine, batch):
            return fewest
        taken.append(peak_memory(engine.device) or 0)
    each = (taken[1] - taken[0]) / fewest  # bytes, of another picture
    batch = fewest
    while 2 * batch <= most and taken[0] + each * (2 * batch - fewest) <= free / 2 / sharing:
        batch *= 2
    return batch


def _fewest(recipe: Recipe, dataset: Dataset) -> int:
    """Return how few pictures at a time the method can be trained with: one, or two where it mixes them."""
    try:
        recipe.method.check(dataset.domains, recipe.data.size, 1)
    except SettingsError:
        recipe.method.check(dataset.domains, recipe.data.size, 2)
        return 2
    return 1


def _fits(recipe: Recipe, dataset: Dataset, engine: Engine, batch: int) -> bool:
    try:
        with enough_memory("This batch does not fit."):
            _seconds_per_step(recipe.with_training(batch=batch), dataset, engine, TURN - 1)
    except OutOfMemory:
        return False
    finally:
        release_memory()
    return True


def _seconds_per_step(recipe: Recipe, dataset: Dataset, engine: Engine, steps: int) -> float:
    plan = RunPlan.of(recipe.with_training(steps=steps).training, recipe.method, 1)
    return measured(recipe, dataset, engine, plan, steps)[1]
