"""How fast this machine trains and applies, and what share of its matrix-product ceiling that is."""

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from translate.conversion.throughput import throughput
from translate.devices import Engine
from translate.errors import SettingsError
from translate.features import find_weights
from translate.inference.translator import Translator
from translate.methods.base import MethodSettings, translation
from translate.models.about import About
from translate.models.costs import gmac_of
from translate.networks.frozen import frozen_in
from translate.networks.memoryless import without_memory
from translate.training.loop import Training, TrainingSettings

DOMAINS = ["A", "B"]
SIDE = 4096  # of the matrices whose product is the ceiling
FILES = 4  # that are converted for each repeat


@dataclass(frozen=True)
class Bench:
    """What was measured. All figures are medians, but for the ceiling, which is the best of all products.

    Those of quick are of the settings `--config quick`; they are 0 where the extra `features` is not installed.
    """

    engine: str
    threads: int
    size: int  # pixels
    ceiling_gmac_s: float  # of products of two matrices, best of ten before and ten after
    train_steps_s: float  # batch 1
    train_gmac: float  # multiply-accumulates of one training step, in units of 10^9
    apply_images_s: float
    apply_gmac: float  # of one picture
    quick_steps_s: float = 0.0
    quick_gmac: float = 0.0
    files_images_s: float = 0.0  # with decoding and encoding; the mean of all
    network_share: float = 0.0  # 0..1, of the wall time with files; the rest is spent waiting for these

    @property
    def train_share(self) -> float:
        """The share of the ceiling that training reaches, 0..1."""
        return self.train_steps_s * self.train_gmac / self.ceiling_gmac_s

    @property
    def apply_share(self) -> float:
        """The share of the ceiling that applying reaches, 0..1."""
        return self.apply_images_s * self.apply_gmac / self.ceiling_gmac_s

    @property
    def quick_share(self) -> float:
        """The share of the ceiling that steps of quick reach, 0..1."""
        return self.quick_steps_s * self.quick_gmac / self.ceiling_gmac_s


@dataclass(frozen=True)
class Steps:
    """Training steps to be timed: of which method, on so many pictures of each domain, of so many pixels a side."""

    settings: MethodSettings
    size: int
    batch: int = 1


def bench(
    settings: MethodSettings, engine: Engine, size: int = 256, repeats: int = 5, quick: Steps | None = None
) -> Bench:
    """Measure `repeats` training steps and translations of one picture of `size` x `size` pixels, and steps of quick.

    Raises:
        SettingsError: the size does not suit the networks.
        WeightsError: those of a frozen network are damaged.
    """
    settings.check_size(size)
    ceiling = _ceiling(engine)
    training, train_s, train_gmac = _steps(Steps(settings, size), engine, repeats)
    about = About(method=settings.model_dump(), domains=DOMAINS, target="B", size=size, steps=0, planned=0)
    translator = Translator(translation(training.average.method), about, engine)
    picture = torch.randint(256, (size, size, 3), dtype=torch.uint8).numpy()
    translator.learning = True  # so that all products are counted as they are written
    apply_gmac = gmac_of(lambda: translator(picture))
    translator.learning = False
    apply_s = _median(lambda: translator(picture), engine, repeats)
    _, quick_s, quick_gmac = _steps(quick, engine, repeats) if quick else (None, math.inf, 0.0)
    files = throughput(translator, FILES * repeats, size)
    ceiling = max(ceiling, _ceiling(engine))
    return Bench(
        str(engine), torch.get_num_threads(), size, ceiling, 1 / train_s, train_gmac, 1 / apply_s, apply_gmac,
        1 / quick_s, quick_gmac, files.pictures_s, files.network_share,
    )  # fmt: skip


def compared(now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, float]:
    """Return how many times each speed of one run, the fields of `Bench`, is that of another one.

    Raises:
        SettingsError: they did not measure the same, or the other is not what `Bench` holds.
    """
    for name in ("engine", "threads", "size", "train_gmac"):
        if now[name] != before.get(name):
            raise SettingsError(
                f"The two runs of bench cannot be compared: {name} is {now[name]}, and was {before.get(name)}."
            )
    speeds = [name for name in now if name.endswith("_s") and isinstance(before.get(name), int | float)]
    return {name: now[name] / before[name] for name in speeds if before[name]}


def _steps(steps: Steps, engine: Engine, repeats: int) -> tuple[Training, float, float]:
    """Return a training, and of one of its steps the seconds and the multiply-accumulates in units of 10^9."""
    method = steps.settings.build(DOMAINS, steps.size)
    for frozen in frozen_in(method):
        found = find_weights(frozen.network.word)
        frozen.fill(found.tensors, found.sha256)
    with without_memory():
        shadow = steps.settings.build(DOMAINS, steps.size)
    training = Training(method, shadow, engine, TrainingSettings())
    shape = (steps.batch, 3, steps.size, steps.size)
    batch = {domain: torch.randint(256, shape, dtype=torch.uint8) for domain in DOMAINS}
    gmac = gmac_of(lambda: training.train_step(batch))
    return training, _median(lambda: training.train_step(batch), engine, repeats), gmac


def _ceiling(engine: Engine) -> float:
    a, b = (torch.randn(SIDE, SIDE, device=engine.device, dtype=engine.dtype) for _ in range(2))
    return SIDE**3 / 1e9 / min(_times(lambda: a @ b, engine, 10))


def _median(work: Callable[[], object], engine: Engine, repeats: int) -> float:
    return statistics.median(_times(work, engine, repeats))


def _times(work: Callable[[], object], engine: Engine, repeats: int) -> list[float]:
    """Time `work` in seconds, after one run that is not counted."""
    times = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        work()
        if engine.device.type != "cpu":
            torch.accelerator.synchronize(engine.device)
        times.append(time.perf_counter() - started)
    return times[1:]
