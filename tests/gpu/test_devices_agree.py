"""What branches on CUDA, run there; where the same makes sense on a CPU, the same test runs there as well."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from translate.bench import bench
from translate.data.batches import KINDS
from translate.devices import Precision, engine
from translate.inference.fallback import SMALLER
from translate.inference.translator import Translator
from translate.methods.base import settings_class
from translate.models.about import About
from translate.networks.memoryless import without_memory
from translate.training.loop import Training, TrainingSettings

DOMAINS = ["a", "b"]
TREES: dict[str, dict[str, Any]] = {
    "cyclegan": {"generator": {"width": 4, "blocks": 1}, "discriminator": {"width": 2, "layers": 1}, "pool": 3},
    "cut": {"generator": {"width": 4, "blocks": 1}, "taps": ["down1"], "discriminator": {"width": 2, "layers": 1}},
    "pix2pix": {"generator": {"width": 4, "depth": 6}, "discriminator": {"width": 2, "layers": 1}},
    "discogan": {"generator": {"width": 4}, "discriminator": {"width": 4}},
    "stargan": {"generator": {"width": 4, "blocks": 1}, "discriminator": {"width": 4, "layers": 4}},
}
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


def trained(name: str, device: str, precision: Precision, compile: Any = "off", **changes: Any) -> Training:
    """A method after three steps on noise."""
    settings, found = settings_class(name).parse(TREES[name]), engine(device, precision, compile)
    torch.manual_seed(0)
    with without_memory():
        shadow = settings.build(DOMAINS, 64)
    training = Training(settings.build(DOMAINS, 64), shadow, replace(found, **changes), TrainingSettings())
    for _ in range(3):
        training.train_step(noise(name))
    return training


def noise(name: str) -> dict[str, Tensor]:
    return KINDS[settings_class(name).parse(TREES[name]).batches].noise(DOMAINS, 2, 64)


def translator(device: str, memory: int | None = None) -> Translator:
    settings = settings_class("cyclegan").parse({**TREES["cyclegan"], "generator": {"width": 8, "blocks": 1}})
    torch.manual_seed(0)
    method = settings.build(DOMAINS, 64).eval().requires_grad_(False)
    about = About(method=settings.model_dump(), domains=DOMAINS, target="b", size=64, steps=1, planned=1)
    return Translator(method, about, engine(device, "fp32"), memory)  # type: ignore[arg-type]


def pictures(count: int, height: int, width: int) -> list[Any]:
    return list(np.random.default_rng(0).integers(0, 256, (count, height, width, 3), np.uint8))


def levels_between(found: list[Any], expected: list[Any]) -> int:
    return int(np.abs(np.stack(found).astype(int) - np.stack(expected)).max())


@pytest.fixture
def little_memory() -> Iterator[None]:
    """At most 300 MB of the GPU for this process."""
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(3e8 / torch.cuda.get_device_properties(0).total_memory)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("name", TREES)
@pytest.mark.gpu
def test_every_method_trains_on_a_gpu(name: str, precision: Precision) -> None:
    training = trained(name, "cuda", precision)
    assert all(x.isfinite().all() for x in training.method.state_dict().values())
    assert int(training.players.skipped) <= (3 if precision == "fp16" else 0)  # its scale may have to be found first


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=["contiguous", "channels-last"])
@pytest.mark.parametrize("device", DEVICES)
def test_layouts_of_memory_train_the_same(device: str, layout: torch.memory_format) -> None:
    first = trained("cyclegan", device, "fp32", memory_format=layout).method.state_dict()
    second = trained("cyclegan", "cpu", "fp32").method.state_dict()
    for name, tensor in second.items():
        torch.testing.assert_close(first[name].cpu(), tensor, rtol=0, atol=5e-3)  # three steps of Adam at 2e-4


@pytest.mark.gpu
def test_compiled_generators_train_on_a_gpu() -> None:
    training = trained("cyclegan", "cuda", "bf16", "on")
    assert int(training.players.skipped) == 0


@pytest.mark.parametrize("device", DEVICES)
def test_a_run_goes_on_where_another_device_stopped(device: str) -> None:
    first = trained("cyclegan", "cpu", "fp32")
    there = trained("cyclegan", device, "fp32")
    there.restore(first.checkpoint())
    there.train_step(noise("cyclegan"))
    back = trained("cyclegan", "cpu", "fp32")
    back.restore(there.checkpoint())
    for name, tensor in there.method.state_dict().items():
        assert torch.equal(tensor.cpu(), back.method.state_dict()[name])
    back.train_step(noise("cyclegan"))
    assert int(back.players.skipped) == 0


@pytest.mark.parametrize("device", DEVICES)
def test_several_pictures_a_pass_and_strips_make_the_same(device: str) -> None:
    some, expected = pictures(3, 45, 62), translator("cpu").batch(pictures(3, 45, 62))
    assert levels_between(translator(device).batch(some), expected) <= 1
    assert levels_between(translator(device, memory=100_000).batch(some), expected) <= 1


@pytest.mark.gpu
@pytest.mark.fault("I-19")
@pytest.mark.usefixtures("little_memory")
def test_where_the_memory_of_a_gpu_really_runs_out_smaller_parts_make_the_same() -> None:
    there = translator("cuda", memory=1 << 40)
    picture = pictures(1, 2000, 3000)
    found = there.batch(picture)
    assert SMALLER in there.budget.fallbacks
    assert levels_between(found, translator("cpu", memory=1 << 26).batch(picture)) <= 1


@pytest.mark.parametrize("device", DEVICES)
def test_bench_measures(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("translate.bench.SIDE", 64)
    found = bench(settings_class("cyclegan").parse(TREES["cyclegan"]), engine(device, "fp32"), 32, 1)
    assert min(found.train_steps_s, found.apply_images_s, found.ceiling_gmac_s) > 0
