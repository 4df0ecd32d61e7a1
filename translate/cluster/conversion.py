"""Pictures converted by the actors of a Ray cluster: planned once here, reported once each, recorded here."""

import math
import pickle
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from translate.cluster.connection import connected
from translate.conversion.isolation import Readers
from translate.conversion.job import Job
from translate.conversion.manifest import Manifest
from translate.conversion.pipeline import Result, convert, without_work
from translate.conversion.planning import EMPTY, ConversionPlan, Item
from translate.conversion.settings import ConversionSettings
from translate.devices import Compile, Precision
from translate.errors import TranslateError
from translate.inference.translator import Translator
from translate.models.finding import find_export

TOGETHER = 16  # pictures in a task: so many are done again where an actor is lost
NOT_RETURNED = "its worker was lost, so that it is not known what became of it; the same command tries it again"


@dataclass(frozen=True)
class Cluster:
    """How much of which cluster is used.

    Attributes:
        address: see `connection.connected`.
        workers: how many load the model and convert; None: one for each GPU that is asked for, else one for two cores.
        gpus: how many each of them gets; a part of one, such as 0.5, lets two share it. 0: they run on the CPU.
    """

    address: str | None = None
    workers: int | None = None
    gpus: float = 0.0


@dataclass(frozen=True)
class Loading:
    """How each worker loads the model; see `Translator.load`."""

    precision: Precision = "auto"
    memory: int | None = None
    tile_approx: bool = False
    compile: Compile = "auto"


def convert_on_ray(
    job: Job, plan: ConversionPlan, model: str | Path, cluster: Cluster, loading: Loading | None = None
) -> Iterator[Result]:
    """Convert what is planned on a cluster.

    Results come in any order, one for each picture of the plan. What a lost worker was at is done again by another;
    what does not come back all the same counts as failed. Pictures are decoded in processes of their own, so that one
    that crashes its decoder fails alone.

    Args:
        job: what was planned. Its pictures and results lie where all machines see them: in an object store, or on a
            disk that they share.
        plan: of the job, or a part of it.
        model: as for `Translator.load`; its weights are sent to the workers.
        cluster: where it is done.
        loading: how the model is loaded there.

    Raises:
        SettingsError: Ray is not installed.
        DeviceError: the cluster is not there, or has other versions.
        WeightsError: there is no such model.
        OutputError: what made results cannot be recorded, because the disk is full.
    """
    settings = replace(job.settings, isolate=True)
    results = _results(job, plan, settings, find_export(model).read_bytes(), cluster, loading or Loading())
    return Manifest(job.out, job.about, job.settings).recorded(results)


def _results(
    job: Job, plan: ConversionPlan, settings: ConversionSettings, weights: bytes, cluster: Cluster, loading: Loading
) -> Iterator[Result]:
    yield from without_work(plan.missing, plan.existing)
    if not plan.items:
        return
    waiting = dict(enumerate(plan.items))
    with connected(cluster.address) as ray:
        for number, result in _rows(ray, plan.items, settings, weights, cluster, loading):
            if waiting.pop(number, None) is not None:  # what a lost worker had done may come twice
                yield result
    for item in waiting.values():
        yield _failed(item, NOT_RETURNED)


def _rows(
    ray: Any, items: tuple[Item, ...], settings: ConversionSettings, weights: bytes, cluster: Cluster, loading: Loading
) -> Iterator[tuple[int, Result]]:
    """Yield results with the numbers of their items, in any order; fewer where workers are lost again and again."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # a task that fails again and again takes its pictures with it, and no others
    resources = ray.cluster_resources()
    gpus, cores = cluster.gpus, int(resources.get("CPU", 1))
    count = cluster.workers or max(1, int(resources.get("GPU", 0) / gpus) if gpus else cores // 2)
    cpus = max(1, min(2, cores // count))
    rows = [{"number": number, "item": pickle.dumps(item)} for number, item in enumerate(items)]
    dataset = ray.data.from_items(rows, override_num_blocks=math.ceil(len(rows) / TOGETHER)).map_batches(
        Worker,
        fn_constructor_args=([ray.put(weights)], settings, loading, gpus, cpus),
        compute=ray.data.ActorPoolStrategy(size=count),
        batch_size=TOGETHER,
        num_gpus=gpus,
        num_cpus=cpus,
        zero_copy_batch=True,
    )
    for row in dataset.iter_rows():
        yield int(row["number"]), pickle.loads(row["result"])  # noqa: S301 (our own workers wrote it)


class Worker:
    """An actor: loads the model once, and converts what it gets."""

    def __init__(
        self, weights: list[Any], settings: ConversionSettings, loading: Loading, gpus: float, cpus: int
    ) -> None:
        import ray
        import torch

        torch.set_num_threads(cpus)
        with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
            Path(file.name).write_bytes(ray.get(weights[0]))
            self._translator = Translator.load(
                file.name, "auto" if gpus else "cpu", loading.precision, loading.memory, loading.tile_approx,
                loading.compile, pictures=TOGETHER,
            )  # fmt: skip
        self._settings = settings
        self._readers = Readers()

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """Convert items; return results by the numbers of these."""
        numbers, items = batch["number"].tolist(), [pickle.loads(item) for item in batch["item"]]  # noqa: S301
        results: list[Result] = []
        try:
            for result in convert(self._translator, replace(EMPTY, items=tuple(items)), self._settings, self._readers):
                results.append(result)
        except TranslateError as error:  # the disk or the memory of this machine: others may do better
            results += [_failed(item, str(error)) for item in items[len(results) :]]
        return {"number": numbers, "result": [pickle.dumps(result) for result in results]}


def _failed(item: Item, reason: str) -> Result:
    return Result(item.source, item.word, None, "failed", reason, target=item.target)
