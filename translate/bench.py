"""How fast this machine trains and applies, and what share of its matrix-product ceiling that is."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from translate.devices import Engine
from translate.inference.translator import Translator
from translate.methods.base import MethodSettings, translation
from translate.models.about import About
from translate.models.costs import gmac_of
from translate.networks.memoryless import without_memory
from translate.training.loop import Training, TrainingSettings

SIDE = 4096  # of the matrices whose product is the ceiling


@dataclass(frozen=True)
class Bench:
    """What was measured. All figures are medians, but for the ceiling, which is the best of all products."""

    engine: str
    threads: int
    size: int  # pixels
    ceiling_gmac_s: float  # of products of two matrices, best of ten before and ten after
    train_steps_s: float  # batch 1
    train_gmac: float  # multiply-accumulates of one training step, in units of 10^9
    apply_images_s: float
    apply_gmac: float  # of one picture

    @property
    def train_share(self) -> float:
        """The share of the ceiling that training reaches, 0..1."""
        return self.train_steps_s * self.train_gmac / self.ceiling_gmac_s

    @property
    def apply_share(self) -> float:
        """The share of the ceiling that applying reaches, 0..1."""
        return self.apply_images_s * self.apply_gmac / self.ceiling_gmac_s


def bench(settings: MethodSettings, engine: Engine, size: int = 256, repeats: int = 5) -> Bench:
    """Measure `repeats` training steps and translations of one picture of `size` x `size` pixels.

    Raises:
        SettingsError: the size does not suit the networks.
    """
    settings.check_size(size)
    ceiling = _ceiling(engine)
    domains = ["A", "B"]
    method = settings.build(domains, size)
    with without_memory():
        shadow = settings.build(domains, size)
    training = Training(method, shadow, engine, TrainingSettings())
    batch = {domain: torch.randint(256, (1, 3, size, size), dtype=torch.uint8) for domain in domains}
    train_gmac = gmac_of(lambda: training.train_step(batch))
    train_s = _median(lambda: training.train_step(batch), engine, repeats)
    about = About(method=settings.model_dump(), domains=domains, target="B", size=size, steps=0, planned=0)
    translator = Translator(translation(training.average.method), about, engine)
    picture = batch["A"][0].permute(1, 2, 0).contiguous().numpy()
    apply_gmac = gmac_of(lambda: translator(picture))
    apply_s = _median(lambda: translator(picture), engine, repeats)
    ceiling = max(ceiling, _ceiling(engine))
    return Bench(str(engine), torch.get_num_threads(), size, ceiling, 1 / train_s, train_gmac, 1 / apply_s, apply_gmac)


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
