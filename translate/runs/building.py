"""From settings to what trains: the networks of a run, the batches of its pictures, and all that one go at it needs."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import torch

from translate.data.batches import Batches, batches_for
from translate.data.few_labels import FewLabelsBatches
from translate.data.folders import Dataset
from translate.data.made import Made, MadePairs
from translate.data.store import Store
from translate.devices import Engine
from translate.errors import DataError
from translate.networks.memoryless import without_memory
from translate.parallel import same_on_all_ranks
from translate.progress import Tell
from translate.runs.frozen_features import fill_frozen
from translate.runs.initialisation import PretrainedStart
from translate.runs.monitor import Monitor
from translate.runs.recipe import Recipe
from translate.training.loop import RunPlan, Training
from translate.training.stop import StopSignals


@dataclass(frozen=True)
class Attempt:
    """One go at the steps of a run, from its newest checkpoint or from the beginning, on the first of the ranks."""

    training: Training
    plan: RunPlan
    batches: Batches
    monitor: Monitor
    stop: StopSignals


def build_training(
    recipe: Recipe, dataset: Dataset, engine: Engine, plan: RunPlan, pretrained: PretrainedStart | None = None
) -> Training:
    """Build what moves in a run, before its first step.

    Raises:
        WeightsError: the networks of `pretrained` are damaged, or do not fit.
    """
    settings, domains, size = recipe.method.for_run(plan.first_steps), dataset.domains, recipe.data.size
    torch.manual_seed(recipe.training.seed)
    method = settings.build(domains, size)
    fill_frozen(method)
    if pretrained:
        pretrained.load(method)
    with without_memory():
        shadow = settings.build(domains, size)
    return Training(method, shadow, engine, recipe.training)


def read_batches(recipe: Recipe, dataset: Dataset, tell: Tell, note: Callable[[str], None]) -> Batches:
    """Read the training pictures.

    Args:
        recipe: what is done to them.
        dataset: where they are.
        tell: is told the domain, how many of its pictures have been read, and how many it has.
        note: is told in sentences which pictures cannot be read, are small, or stand in two domains.

    Raises:
        DataError: too many pictures cannot be read, or there are no batches of them such as the method needs.
    """
    kind, stores = batches_for(recipe.method.batches, dataset), dict[str, Store]()
    kind = MadePairs if recipe.data.made else kind
    batch, seed, each = recipe.training.batch, recipe.training.seed, recipe.data.labels_each
    for domain, pictures in dataset.train.items():
        if isinstance(pictures, Made):
            continue  # made of those of the other domain when they are drawn
        store = Store(domain, pictures, recipe.data, tell, dataset.labels(domain), strict=recipe.data.bad == "error")
        if store.census.unreadable:
            count, first = len(store.census.unreadable), next(iter(store.census.unreadable.values()))
            note(f"{count} pictures of {domain} cannot be read, as {first} All are in unreadable.txt.")
        if store.census.enlarged:
            note(f"{store.census.enlarged} pictures of {domain} are smaller than the crop and were enlarged.")
        stores[domain] = store
    contents = {domain: store.contents() for domain, store in stores.items()}
    for one, other in combinations(contents, 2):
        if shared := len(contents[one] & contents[other]):
            note(f"{shared} pictures are in {one} and in {other}, too; `translate data check` says which.")
    if each:
        return FewLabelsBatches(stores, recipe.data, batch, seed, each)
    return kind(stores, recipe.data, batch, seed)


def refuse_other_pictures(training: Training, plan: RunPlan, batches: Batches) -> None:
    """Refuse ranks that see different pictures or checkpoints. Raises `DataError`."""
    if not same_on_all_ranks(training.step, plan.steps, *batches.counts):
        raise DataError(
            f"The processes of this run see different pictures or checkpoints: this one, {batches.counts} pictures"
            f" and a run of {training.step} steps. All of them need the same folders, on a disk that they share."
        )
