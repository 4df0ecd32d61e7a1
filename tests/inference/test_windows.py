"""Rows that several layers read, or one reads again, are computed once."""

import pytest
import torch
from torch import Tensor

from translate.devices import engine
from translate.inference import large, strips
from translate.inference.activations import InputRows
from translate.inference.fallback import MemoryBudget
from translate.inference.translator import Translator
from translate.inference.windows import Window
from translate.methods.base import MethodSettings
from translate.methods.cyclegan import Settings as CycleGAN
from translate.models.about import About
from translate.networks.discriminators import PatchGAN
from translate.networks.resnet import Resnet
from translate.networks.skip_resnet import SkipResnet
from translate.tensors import enter

CPU = engine("cpu", "fp32")
SKIP = CycleGAN(generator=SkipResnet(width=2, blocks=2), discriminator=PatchGAN(width=2, layers=1))
NORMAL = CycleGAN(generator=Resnet(width=2, blocks=1), discriminator=PatchGAN(width=2, layers=1))


class Source:
    """A picture of 20 x 3 pixels that counts how often each row is computed."""

    def __init__(self) -> None:
        self.x = torch.arange(60.0).reshape(1, 1, 20, 3)
        self.counts = [0] * 20

    def __call__(self, top: int, bottom: int) -> Tensor:
        for row in range(top, bottom):
            self.counts[row] += 1
        return self.x[:, :, top:bottom].clone()


def test_two_readers_at_different_rows_and_one_that_reads_again_take_each_row_once() -> None:
    source = Source()
    window = Window(InputRows(1, 20, 3, source))
    ahead, behind = window.reader(again=4), window.reader()
    for top in range(0, 16, 4):
        torch.testing.assert_close(ahead.rows(max(top - 2, 0), top + 6), source.x[:, :, max(top - 2, 0) : top + 6])
        torch.testing.assert_close(behind.rows(top, top + 4), source.x[:, :, top : top + 4])
    assert source.counts == [1] * 18 + [0] * 2


def test_rows_that_are_gone_are_computed_again() -> None:
    source = Source()
    reader = Window(InputRows(1, 20, 3, source)).reader(again=1)
    reader.rows(0, 10)
    torch.testing.assert_close(reader.rows(5, 12), source.x[:, :, 5:12])
    torch.testing.assert_close(reader.rows(9, 12), source.x[:, :, 9:12])
    assert source.counts == [1] * 5 + [2] * 5 + [2] * 2 + [0] * 8


def test_layers_may_write_into_what_they_get() -> None:
    source = Source()
    reader = Window(InputRows(1, 20, 3, source)).reader(again=3)
    for top in range(0, 20, 5):
        rows = reader.rows(max(top - 3, 0), top + 5)
        torch.testing.assert_close(rows, source.x[:, :, max(top - 3, 0) : top + 5])
        rows.zero_()


def built(settings: MethodSettings) -> Translator:
    method = settings.build(["a", "b"], 64).eval()
    about = About(method=settings.model_dump(), domains=["a", "b"], target="b", size=64, steps=1, planned=1)
    return Translator(method, about, CPU, memory=1)


def test_without_normalisation_a_picture_is_read_once_and_never_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    translator, read = built(SKIP), list[int]()

    def counting(x: Tensor, engine: object) -> Tensor:
        read.append(x.shape[2])
        return enter(x, CPU)

    monkeypatch.setattr(large, "enter", counting)
    translator.tensor(torch.randint(256, (1, 3, 400, 8), dtype=torch.uint8))
    assert max(read) < 100
    assert sum(read) < 3 * 400  # the first layer, with the rows that it reads again, and the sum of input and change


def test_on_a_cpu_networks_of_one_pass_take_what_a_cache_can_use() -> None:
    fast, exact = (built(settings).method.generators() for settings in (SKIP, NORMAL))
    assert strips.is_one_pass(fast)
    assert not strips.is_one_pass(exact)
    assert MemoryBudget(CPU, None, fast).memory <= 1 << 28
    assert MemoryBudget(CPU, None, exact).memory > 1 << 28
