"""Strip by strip a picture becomes what it becomes as a whole; what that takes in memory and on the disk is bounded."""

import gc
import itertools
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from translate.devices import engine
from translate.errors import OutOfMemory, OutputError, WeightsError
from translate.inference import scratch, strips
from translate.inference.scratch import FileBuffer, MemoryBuffer
from translate.inference.translator import Translator
from translate.methods import cut
from translate.methods.base import MethodSettings
from translate.methods.cyclegan import Settings as CycleGAN
from translate.methods.discogan import Settings as DiscoGAN
from translate.methods.pix2pix import Settings as Pix2Pix
from translate.methods.stargan import Settings as StarGAN
from translate.models.about import About
from translate.networks.discriminators import Critic, PatchGAN
from translate.networks.encoder_decoder import EncoderDecoder
from translate.networks.label_resnet import LabelResnet
from translate.networks.resnet import Resnet
from translate.networks.skip_resnet import SkipResnet
from translate.networks.srresnet import SRResNet

ENGINE = engine("cpu", "fp32")
RESNETS = [
    *[
        Resnet(width=3, blocks=blocks, norm=norm, upsampling=upsampling)
        for norm in ("instance", "batch", "none")
        for upsampling in ("transposed", "resize")
        for blocks in (0, 2)
    ],
    *[Resnet(width=3, blocks=blocks, upsampling="resize", skip=True) for blocks in (0, 2)],
    Resnet(width=3, blocks=1, norm="affine", padding="zero"),
    Resnet(width=3, blocks=1, downsampling="blurred", upsampling="bilinear"),
    Resnet(width=3, blocks=1, norm="none", downsampling="blurred", upsampling="bilinear"),
    *[Resnet(width=3, blocks=1, norm=norm, residual=True) for norm in ("instance", "batch", "none")],
]
PATCHES = PatchGAN(width=2, layers=1)
ENLARGING = [
    SRResNet(width=3, blocks=2, scale=4),
    SRResNet(width=3, blocks=0, scale=2, norm="instance"),
    SRResNet(width=3, blocks=1, scale=2, norm="none", residual=True),
]
METHODS: list[MethodSettings] = [
    *[CycleGAN(generator=resnet, discriminator=PATCHES) for resnet in RESNETS],
    *[CycleGAN(generator=SkipResnet(width=3, blocks=blocks), discriminator=PATCHES) for blocks in (0, 2)],
    CycleGAN(generator=SkipResnet(width=3, blocks=1, halvings=3), discriminator=PATCHES),
    cut.Settings(generator=SkipResnet(width=3, blocks=1), discriminator=PATCHES, taps=("down1",)),
    *[Pix2Pix(generator=srresnet, discriminator=PATCHES) for srresnet in ENLARGING],
    *[DiscoGAN(generator=EncoderDecoder(width=3, bottleneck=bottleneck)) for bottleneck in (0, 5)],
    DiscoGAN(generator=EncoderDecoder(width=3, residual=True)),
    StarGAN(generator=LabelResnet(width=3, blocks=1, residual=True), discriminator=Critic(width=2)),
    *[StarGAN(generator=LabelResnet(width=3, blocks=blocks), discriminator=Critic(width=2)) for blocks in (0, 2)],
    StarGAN(generator=LabelResnet(width=3, blocks=1), discriminator=Critic(width=2, layers=4), labels="attributes"),
]
TINY = CycleGAN(generator=Resnet(width=3, blocks=2), discriminator=PatchGAN(width=2, layers=1))


def made(settings: MethodSettings, dtype: torch.dtype = torch.float32, memory: int = 1) -> Translator:
    """A translator whose parameters and running statistics are all drawn, so that each of them matters."""
    torch.manual_seed(0)
    method = settings.build(["a", "b"], 64).eval().requires_grad_(False).to(dtype)
    for layer in method.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.weight.normal_(0, layer.weight[0].numel() ** -0.5)
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2)
        if not isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and isinstance(getattr(layer, "weight", None), Tensor):
            layer.weight.data.uniform_(0.5, 1.5)
            if isinstance(getattr(layer, "bias", None), Tensor):
                layer.bias.data.normal_()
    about = About(method=settings.model_dump(), domains=["a", "b"], target="b", size=64, steps=1, planned=1)
    attributes = getattr(settings, "labels", "") == "attributes"
    return Translator(method, about.model_copy(update={"attributes": attributes}), ENGINE, memory)


def target(settings: MethodSettings) -> str:
    return "a=1" if getattr(settings, "labels", "") == "attributes" else "b"


def noise(height: int, width: int, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(height * width)
    return torch.rand(1, 3, height, width, dtype=torch.float64, generator=generator).mul(2).sub(1).to(dtype)


def name(settings: MethodSettings) -> str:
    generator = settings.model_dump()["generator"]
    return " ".join(str(generator[key]) for key in generator if key != "width")


@pytest.mark.parametrize(("height", "width"), [(2, 3), (67, 38)])
@pytest.mark.parametrize("settings", METHODS, ids=name)
@pytest.mark.fault("I-19")
def test_strips_are_the_whole_in_fp64(settings: MethodSettings, height: int, width: int) -> None:
    translator, x = made(settings, torch.float64), noise(height, width, torch.float64)
    found = translator.tensor(x, target(settings))
    translator.budget.memory = 1 << 40
    expected = translator.tensor(x, target(settings))
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("memory", [1, 20_000])  # bytes: in files, in memory
@pytest.mark.parametrize("settings", METHODS, ids=name)
@pytest.mark.fault("I-19")
def test_strips_are_the_whole_in_fp32(settings: MethodSettings, memory: int, monkeypatch: Any) -> None:
    translator, x = made(settings, memory=memory), noise(45, 58)
    monkeypatch.setattr(strips, "MemoryBuffer" if memory == 1 else "FileBuffer", None)
    found = translator.tensor(x, target(settings))
    translator.budget.memory = 1 << 40
    torch.testing.assert_close(found, translator.tensor(x, target(settings)), rtol=0, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pictures_get_the_same_levels_in_strips(dtype: Any) -> None:
    translator, white = made(TINY), np.iinfo(dtype).max
    pictures = [np.random.default_rng(seed).integers(0, white + 1, (45, 38, 3), dtype) for seed in range(2)]
    found = translator.batch(pictures)
    translator.budget.memory = 1 << 40
    expected = translator.batch(pictures)
    assert [picture.shape for picture in found] == [(45, 38, 3)] * 2
    difference = np.abs(np.stack(found).astype(int) - np.stack(expected).astype(int))
    assert found[0].dtype == dtype
    assert difference.max() <= white * 1e-4 / 2 + 1  # and a value next to the middle between two levels


def test_in_bf16_strips_are_as_near_to_fp32_as_the_whole() -> None:
    translator, x = made(TINY, memory=1 << 40), noise(90, 61)
    exact = translator.tensor(x, "b")
    translator.budget.engine = engine("cpu", "bf16")
    whole = translator.tensor(x, "b").float()
    translator.budget.memory = 1
    strips = translator.tensor(x, "b")
    assert (strips - exact).abs().mean() < 1.2 * (whole - exact).abs().mean()


def test_values_that_are_not_finite_are_refused_in_strips() -> None:
    translator = made(TINY)
    next(translator.method.parameters()).fill_(torch.inf)
    with pytest.raises(WeightsError, match="values that are not finite"):
        translator(np.zeros((40, 40, 3), np.uint8))


@pytest.mark.fault("I-20")
def test_without_layers_a_picture_that_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    translator, x = made(TINY, memory=1 << 40), noise(20, 24)
    monkeypatch.setattr(translator.method, "layers", lambda x, target: None)
    expected = translator.method.translate(x, "b")
    assert torch.equal(translator.tensor(x, "b"), expected)
    translator.budget.memory = 1
    with pytest.raises(OutOfMemory, match=r"24 x 20 pixels needs more .* --tile-approx, which translates tiles apart"):
        translator.tensor(x, "b")


def test_an_unknown_layer_is_refused() -> None:
    with pytest.raises(TypeError, match="A GroupNorm cannot be run strip by strip yet"):
        strips.translate(
            [nn.Conv2d(3, 4, 1), nn.GroupNorm(2, 4), nn.Conv2d(4, 3, 1)],
            lambda top, bottom: torch.zeros(1, 3, bottom - top, 8), (8, 8), lambda top, rows: None, ENGINE, 1,
        )  # fmt: skip


# How much memory, how much disk


def test_the_whole_is_taken_where_three_of_its_largest_activations_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.device("meta"):
        network = Resnet().build(3, 3)
    assert list(strips._values([network]))[:4] == [64, 32, 16, 16]
    assert list(strips._values([network]))[-3:] == [32, 64, 3]
    for precision, size in (("fp32", 4), ("bf16", 2)):
        needed = 3 * 64 * 1000 * size
        assert strips.needed(strips.values_per_pixel([network]), 1000, engine("cpu", precision)) == needed  # type: ignore[arg-type]
        translator, passes = made(CycleGAN(generator=Resnet(width=64, blocks=0))), []
        translator.budget.engine = engine("cpu", precision)  # type: ignore[arg-type]
        monkeypatch.setattr(translator, "_whole", lambda x, target, passes=passes: passes.append(x) or x)
        for translator.budget.memory in (needed, needed - 1):
            translator.tensor(noise(25, 40), "b")
        assert len(passes) == 1


def test_resized_upsampling_counts_at_its_size() -> None:
    with torch.device("meta"):
        network = Resnet(width=8, blocks=0, upsampling="resize").build(3, 3)
    assert list(strips._values([network])) == [8, 4, 2, 4, 8, 3]


@pytest.mark.parametrize("settings", [Resnet(width=4, blocks=2), EncoderDecoder(width=4), SRResNet(scale=4)])
def test_multiplications_are_those_that_torch_counts(settings: Any) -> None:
    network = settings.build(3, 3)
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, 64, 96))
    assert strips.gmac([network], 64 * 96) == pytest.approx(counter.get_total_flops() / 2e9)


class _Counted(FileBuffer):
    """A file that knows how many bytes all of its kind hold."""

    now = most = 0
    files: list[Any]

    def __init__(self, shape: tuple[int, int, int], dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(shape, dtype, device)
        size = int(np.prod(shape)) * dtype.itemsize
        _Counted.now += size
        _Counted.most = max(_Counted.most, _Counted.now)
        _Counted.files.append(self._file)
        weakref.finalize(self, self._gone, size)

    @staticmethod
    def _gone(size: int) -> None:
        _Counted.now -= size


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> type[_Counted]:
    _Counted.now, _Counted.most, _Counted.files = 0, 0, []
    monkeypatch.setattr(strips, "FileBuffer", _Counted)
    return _Counted


@pytest.mark.parametrize("settings", METHODS, ids=name)
def test_scratch_files_take_what_was_asked_for_at_most(
    settings: MethodSettings, counted: type[_Counted], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(scratch, "check_room", asked.append)
    made(settings).tensor(noise(64, 80), target(settings))
    assert counted.most <= sum(asked)  # nothing is asked for where nothing is kept
    gc.collect()
    assert counted.now == 0
    assert all(file.closed for file in counted.files)


def test_scratch_files_are_where_tmpdir_says_and_go_after_an_interruption(
    tmp_path: Path, counted: type[_Counted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    steps, write = itertools.count(), FileBuffer.write

    def interrupted(self: FileBuffer, top: int, rows: Tensor) -> None:
        write(self, top, rows)
        assert not list(tmp_path.iterdir())  # they have no name, so a kill leaves none behind either
        if next(steps) == 20:
            raise KeyboardInterrupt

    monkeypatch.setattr(FileBuffer, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        made(TINY).tensor(noise(60, 60), "b")
    gc.collect()
    assert len(counted.files) > 1
    assert all(file.closed for file in counted.files)
    assert not list(tmp_path.iterdir())


def test_a_disk_without_room_is_refused_before_the_work(
    tmp_path: Path, counted: type[_Counted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(9 * 10**9, 10**9, 8 * 10**9))
    scratch.check_room(8 * 10**9)
    with pytest.raises(OutputError, match=rf"needs 8.1 GB of scratch files, and {tmp_path} has 8.0 GB left") as caught:
        scratch.check_room(8_100_000_000)
    assert caught.value.exit_code == 7
    with pytest.raises(OutOfMemory, match=r"needs 30.1 GB of scratch files, more than 30 GB. Use --size PX"):
        scratch.check_room(30_100_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(9, 9, 0))
    with pytest.raises(OutputError, match=r"GB left\. Set TMPDIR"):
        made(TINY)(np.zeros((40, 40, 3), np.uint8))
    assert not counted.files


def test_a_disk_that_fills_up_is_an_output_error(monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileBuffer((2, 2, 2), torch.float32, torch.device("cpu"))

    class Full:
        def seek(self, place: int) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "_file", Full())
    with pytest.raises(OutputError, match="The disk is full"):
        store.write(0, torch.zeros(1, 2, 2, 2))


@pytest.mark.parametrize("kind", [MemoryBuffer, FileBuffer])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_stores_give_back_copies_of_what_they_were_given(
    kind: type[MemoryBuffer] | type[FileBuffer], dtype: torch.dtype
) -> None:
    x = torch.randn(1, 3, 7, 5).to(dtype)
    store = kind((7, 5, 3), dtype, torch.device("cpu"))
    store.write(4, x[:, :, 4:])
    store.write(0, x[:, :, :4])
    store.read(2, 6).zero_()
    assert torch.equal(store.read(2, 6), x[:, :, 2:6])
    assert store.read(2, 6).is_contiguous(memory_format=torch.channels_last)
