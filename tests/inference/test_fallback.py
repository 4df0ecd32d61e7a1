"""Where memory runs out, less is taken step by step, and the result stays the same."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from translate import images
from translate.devices import Engine, engine
from translate.errors import OutOfMemory
from translate.inference import fallback, large, strips
from translate.inference import translator as translator_module
from translate.inference.fallback import ALONE, NARROWER, ON_CPU, SMALLER
from translate.inference.translator import Translator
from translate.methods.cyclegan import Settings
from translate.models.about import About
from translate.models.exports import write_export
from translate.networks.discriminators import PatchGAN
from translate.networks.resnet import Resnet
from translate.tensors import enter

TINY = Settings(generator=Resnet(width=3, blocks=2), discriminator=PatchGAN(width=2, layers=1))
ABOUT = About(method=TINY.model_dump(), domains=["a", "b"], target="b", size=64, steps=1, planned=1)


def made(memory: int = 1 << 40) -> Translator:
    torch.manual_seed(0)
    method = TINY.build(ABOUT.domains, ABOUT.size).eval().requires_grad_(False)
    return Translator(method, ABOUT, engine("cpu", "fp32"), memory)


TRANSLATOR = made()


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def floats(height: int, width: int) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0)).mul(2).sub(1)


@dataclass(frozen=True)
class Pretended(Engine):
    """An engine that says it is a GPU, and computes on the CPU."""

    def ready(self, networks: Any) -> None:
        pass

    def autocast(self) -> torch.autocast:
        return torch.autocast("cpu", self.dtype, enabled=self.dtype != torch.float32)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], Translator]:
    """Load a model, with or without a fallback, for a pretended GPU that computes in fp32 because that is its own."""
    write_export(tmp_path / "model.safetensors", nn.ModuleList(made().method.averaged()), ABOUT)
    gpu = Pretended(torch.device("cuda"), torch.float32, torch.contiguous_format, narrower=torch.bfloat16)
    cpu = engine("cpu", "fp32")
    monkeypatch.setattr(translator_module, "engine", lambda device, *words: gpu if device == "cuda" else cpu)
    for module in (translator_module, large):
        monkeypatch.setattr(module, "enter", lambda x, engine: enter(x, cpu))
    monkeypatch.setattr(fallback, "LEAST", 1000)
    return lambda allowed: Translator.load(tmp_path, "cuda", memory=1 << 40, allow_cpu_fallback=allowed)


def failing(translator: Translator, failures: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let so many tries of a translator run out of memory; return what will be tried."""
    tries: list[str] = []
    whole, in_strips = translator._whole, strips.translate

    def tried(what: str) -> None:
        tries.append(f"{what} in {translator.engine.precision}")
        if len(tries) <= failures:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(translator, "_whole", lambda x, to: tried(str(len(x))) or whole(x, to))
    monkeypatch.setattr(strips, "translate", lambda *words: tried("strips") or in_strips(*words))
    return tries


@pytest.mark.parametrize("failures", range(5))
@pytest.mark.fault("I-19")
def test_the_ladder_is_one_picture_then_bf16_then_strips(
    load: Callable[[bool], Translator], failures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    translator, pictures = load(True), [noise(20, 24), noise(20, 24, 1)]
    tries = failing(translator, failures, monkeypatch)
    results = translator.batch(pictures)
    rungs = ["2 in fp32", "1 in fp32", "1 in bf16", "strips in bf16", "strips in bf16"]
    assert tries[: failures + 1] == rungs[: failures + 1]
    assert translator.budget.fallbacks == [ALONE, NARROWER, SMALLER, SMALLER][:failures]
    for picture, result in zip(pictures, results, strict=True):
        difference = np.abs(result.astype(int) - TRANSLATOR(picture, size="native"))
        assert difference.mean() < (2 if failures > 1 else 0.01)


@pytest.mark.fault("I-19")
def test_the_last_rung_is_the_cpu_where_that_is_allowed(
    load: Callable[[bool], Translator], monkeypatch: pytest.MonkeyPatch
) -> None:
    translator = load(False)
    failing(translator, 99, monkeypatch)
    with pytest.raises(OutOfMemory, match="not even in small parts"):
        translator(noise(20, 24))
    assert translator.budget.fallbacks_since(0) == (NARROWER, SMALLER)


@pytest.mark.fault("I-19")
def test_on_the_cpu_a_picture_becomes_the_same_and_says_so(
    load: Callable[[bool], Translator], monkeypatch: pytest.MonkeyPatch
) -> None:
    translator = load(True)
    failing(translator, 99, monkeypatch)
    for seed, notes in ((0, (NARROWER, SMALLER, ON_CPU)), (1, (ON_CPU,))):
        result = translator.picture(images.Picture(noise(20, 24, seed), None, ""))
        assert np.array_equal(result.rgb, TRANSLATOR(noise(20, 24, seed)))
        assert result.notes == notes


FULL = """
import resource
from pathlib import Path
import numpy as np
import torch
from translate.devices import engine
from translate.inference import fallback, translator
from translate.models.about import About
from translate.methods.cyclegan import Settings
from translate.networks.discriminators import PatchGAN
from translate.networks.resnet import Resnet

def limit(more):  # let this process take only so many more bytes than it has
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, resource.RLIM_INFINITY))

torch.manual_seed(0)
settings = Settings(generator=Resnet(width=8, blocks=0), discriminator=PatchGAN(width=2, layers=1))
method = settings.build(["a", "b"], 64).eval().requires_grad_(False)
about = About(method=settings.model_dump(), domains=["a", "b"], target="b", size=64, steps=1, planned=1)
picture = np.random.default_rng(0).integers(0, 256, (1500, 1000, 3), np.uint8)  # 48 MB a layer
fallback.LEAST = 1 << 24
strips = translator.Translator(method, about, engine("cpu", "fp32"), memory=1 << 24)
(expected,) = strips.batch([picture])  # all libraries have what they need
strips.budget.memory = 1 << 30
limit(80 << 20)
(found,) = strips.batch([picture])
memory = strips.budget.memory
assert 1 << 24 < memory < 3 * 48_000_000, memory
assert np.array_equal(strips.batch([picture])[0], found)  # the next is done so at once
assert strips.budget.memory == memory
limit(1 << 32)
assert np.abs(found.astype(int) - expected).max() <= 1
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is not limited like this here")
@pytest.mark.fault("I-19")
def test_where_memory_really_runs_out_smaller_parts_make_the_same() -> None:
    # In a process of its own: one that has freed memory, as after other tests, may go on without asking for more.
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}  # several threads wait for each other where others use the cores
    done = subprocess.run([sys.executable, "-c", FULL], capture_output=True, text=True, env=alone, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
@pytest.mark.fault("I-19")
def test_every_rung_takes_half_of_the_memory_and_the_last_is_a_sentence(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    translator, budgets = made(), []
    monkeypatch.setattr(fallback, "LEAST", 1000)
    monkeypatch.setattr(translator, "_whole", lambda x, target: fail())

    def fail(*arguments: Any) -> None:
        budgets.append(arguments[-1] if arguments else "whole")
        raise error

    monkeypatch.setattr(strips, "translate", fail)
    x, needed = floats(20, 24), 3 * 3 * 20 * 24 * 4  # bytes
    with pytest.raises(OutOfMemory, match="not even in small parts") as caught:
        translator(x)
    assert caught.value.exit_code == 6
    assert budgets == ["whole", needed // 2, needed // 4, needed // 8, needed // 16, needed // 32]
    assert translator.budget.memory == needed // 32 < 1000


@pytest.mark.parametrize(("device", "expected"), [("cpu", [1] * 5), ("cuda", [2, 2, 1])])
@pytest.mark.fault("I-19")
def test_a_pass_gets_as_many_pictures_as_the_memory_holds(
    device: str, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = 3 * 3 * 20 * 24 * 4  # bytes
    translator, passes = made(3 * one - 1), []
    translator.budget.engine = replace(translator.engine, device=torch.device(device))
    monkeypatch.setattr(translator, "_whole", lambda x, target: passes.append(len(x)) or x)
    monkeypatch.setattr(translator_module, "enter", lambda x, engine: x)
    x = torch.cat([floats(20, 24)] * 5)
    assert torch.equal(translator.tensor(x, "b"), x)
    assert passes == expected


@pytest.mark.fault("I-19")
def test_other_errors_are_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    translator, passes = made(), []

    def fail(x: Tensor, target: str) -> Tensor:
        passes.append(x)
        raise RuntimeError("Sizes of tensors must match")

    monkeypatch.setattr(translator, "_whole", fail)
    with pytest.raises(RuntimeError, match="Sizes of tensors must match"):
        translator(floats(20, 24))
    assert len(passes) == 1
