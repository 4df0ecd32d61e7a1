"""Any size in, the same size out; neither neighbours nor threads change a result."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from translate import images
from translate.devices import engine
from translate.errors import DeviceError, SettingsError, WeightsError
from translate.inference import in_place, sizes
from translate.inference.blending import Blending
from translate.inference.translator import Translator
from translate.methods.cyclegan import Settings
from translate.models.about import About
from translate.models.exports import write_export
from translate.networks.discriminators import PatchGAN
from translate.networks.resnet import Resnet
from translate.tensors import leave

TINY = Settings(generator=Resnet(width=2, blocks=1), discriminator=PatchGAN(width=2, layers=1), init_gain=0.5)
ABOUT = About(method=TINY.model_dump(), domains=["horse", "zebra"], target="zebra", size=16, steps=1, planned=1)


def made(precision: Any = "fp32", compile: Any = "off") -> Translator:
    torch.manual_seed(0)
    method = TINY.build(ABOUT.domains, ABOUT.size).eval().requires_grad_(False)
    return Translator(method, ABOUT, engine("cpu", precision, compile))


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


TRANSLATOR = made()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(["auto", "native", 1, 7]))
@example(1, 1, "native")
@example(1, 40, "native")
@example(3, 3, "native")
@example(7, 9, "auto")
@example(40, 36, "auto")
@example(2, 2000, "auto")
@example(2, 2000, "native")
@example(20_000, 20, "auto")
@example(20_000, 20, "native")
@pytest.mark.fault("I-16")
def test_any_size_in_the_same_size_out(height: int, width: int, size: Any) -> None:
    picture = noise(height, width)
    result = TRANSLATOR(picture, size=size)
    assert result.shape == (height, width, 3)
    assert result.dtype == np.uint8
    assert result is not picture


@pytest.mark.parametrize(
    "picture",
    [np.zeros((8, 8), np.uint8), np.zeros((3, 8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3))],
)
def test_what_is_no_picture_is_refused(picture: Any) -> None:
    with pytest.raises(
        ValueError, match=r"A picture is an \(H, W, 3\) array of uint8 or uint16 in RGB; found \("
    ) as caught:
        TRANSLATOR(picture)
    assert f"{picture.shape} of {picture.dtype}" in str(caught.value)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (24, 40), (32, 12)])
def test_sides_that_fit_are_not_padded(height: int, width: int) -> None:
    x = torch.randn(1, 3, height, width)
    with torch.inference_mode():
        expected = TRANSLATOR.method.translate(x, "zebra")
    assert torch.equal(TRANSLATOR.tensor(x, "zebra"), expected)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (3, 10), (9, 30)])
def test_padding_reflects_to_and_fro(height: int, width: int) -> None:
    x = torch.randn(2, 3, height, width)
    padded = sizes.padded(x, 4, 8)
    rows, columns = (max(8, -(-side // 4) * 4) for side in (height, width))
    expected = np.pad(x.numpy(), ((0, 0), (0, 0), (0, rows - height), (0, columns - width)), mode="reflect")
    assert np.array_equal(padded.numpy(), expected)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [(8, 8), (9, 30)])
def test_networks_get_the_layout_of_the_engine(
    size: tuple[int, int], layout: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    translator, seen = made(), []
    translator.budget.engine = replace(translator.engine, memory_format=layout)
    monkeypatch.setattr(in_place, "run", lambda layers, x: seen.append(x) or x)
    translator.batch([noise(*size)])
    assert seen[0].is_contiguous(memory_format=layout)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(("height", "width"), [(5, 3), (37, 22), (64, 64)])
def test_a_batch_is_the_same_as_single_pictures(height: int, width: int, precision: str) -> None:
    translator, pictures = made(precision), [noise(height, width, seed) for seed in range(5)]
    together = translator.batch(pictures, "horse")
    assert all(
        np.array_equal(one, translator(picture, "horse", size="native"))
        for one, picture in zip(together, pictures, strict=True)
    )
    assert not np.array_equal(together[0], together[1])


@pytest.mark.fault("I-21")
def test_batch_normalisation_and_dropout_are_those_of_evaluation(tmp_path: Path) -> None:
    """A model is saved as it is trained; once it is loaded no picture changes what becomes of another."""
    generator = Resnet(width=2, blocks=1, norm="batch", dropout=True)
    trained = Settings(generator=generator, discriminator=PatchGAN(width=2, layers=1), init_gain=0.5)
    method = trained.build(ABOUT.domains, ABOUT.size).train()
    method.translate(torch.randn(4, 3, 16, 16), "zebra")  # moves the running statistics
    about = ABOUT.model_copy(update={"method": trained.model_dump()})
    write_export(tmp_path / "model.safetensors", nn.ModuleList(method.averaged()), about)
    loaded, pictures = Translator.load(tmp_path, "cpu", "fp32"), torch.randn(3, 3, 16, 16, dtype=torch.float64)
    loaded.method.double()
    assert any(isinstance(layer, nn.Dropout) for layer in loaded.method.modules())
    together = loaded._whole(pictures, "zebra")
    for picture, expected in zip(pictures, together, strict=True):
        assert (loaded._whole(picture[None], "zebra")[0] - expected).abs().max() < 1e-9
    assert torch.equal(loaded._whole(pictures, "zebra"), together)


def test_threads_get_the_same_results() -> None:
    pictures = [noise(30 + seed % 3, 21, seed) for seed in range(40)]
    alone = [TRANSLATOR(picture, ("horse", "zebra")[i % 2]) for i, picture in enumerate(pictures)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(TRANSLATOR, pictures, ["horse", "zebra"] * 20))
    assert all(np.array_equal(one, other) for one, other in zip(alone, results, strict=True))


@pytest.mark.parametrize("compile", ["off", pytest.param("on", marks=pytest.mark.slow)])
def test_bf16_stays_within_two_levels_of_fp32(compile: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    translator, pictures = made("bf16", compile), [noise(16 + 5 * i, 16 + 9 * i, i) for i in range(4)] * 3
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(translator, pictures))
    for picture, result in zip(pictures, results, strict=True):
        assert np.abs(result.astype(float) - TRANSLATOR(picture)).mean() < 2
    assert any(tmp_path.iterdir()) is (compile == "on")  # another process finds what was compiled
    translator.budget.memory = 1  # strips are not compiled, and need not be
    assert np.abs(translator(pictures[0]).astype(float) - TRANSLATOR(pictures[0])).mean() < 2


def test_the_number_of_pictures_decides_whether_to_compile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    method = TINY.build(ABOUT.domains, ABOUT.size)
    write_export(tmp_path / "model.safetensors", nn.ModuleList(method.averaged()), ABOUT)
    monkeypatch.setattr(torch, "compile", lambda function: function)
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    assert not Translator.load(tmp_path, "cpu", "fp32").engine.compiled
    assert Translator.load(tmp_path, "cpu", "fp32", compile="on").engine.compiled
    assert Translator.load(tmp_path, "cpu", "fp32", pictures=10**12).engine.compiled
    assert not Translator.load(tmp_path, "cpu", "fp32", compile="off", pictures=10**12).engine.compiled


def test_the_target_is_the_default_or_the_one_asked_for() -> None:
    picture = noise(8, 8)
    assert TRANSLATOR.about.targets.choose() == "zebra"
    assert np.array_equal(TRANSLATOR(picture), TRANSLATOR(picture, "zebra"))
    assert not np.array_equal(TRANSLATOR(picture), TRANSLATOR(picture, "horse"))


@pytest.mark.parametrize(("word", "sentence"), [("zebr", "Did you mean zebra?"), ("", "It knows horse, zebra.")])
def test_an_unknown_target_is_refused(word: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        TRANSLATOR(noise(8, 8), word)
    assert sentence in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_run_folder_is_loaded_on_the_device_asked_for(tmp_path: Path) -> None:
    write_export(tmp_path / "model.safetensors", nn.ModuleList(TRANSLATOR.method.players()["G"]), ABOUT)
    loaded = Translator.load(tmp_path, "cpu", "bf16")
    assert str(loaded.engine) == "cpu, bf16, channels-last"
    assert np.array_equal(loaded(noise(9, 9)), made("bf16")(noise(9, 9)))


def test_values_that_are_not_finite_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    translator = made()
    monkeypatch.setattr(translator, "_whole", lambda x, target: torch.where(x > 0.9, torch.nan, x))
    with pytest.raises(WeightsError, match="values that are not finite"):
        translator(np.full((8, 8, 3), 255, np.uint8))
    assert translator(np.full((8, 8, 3), 128, np.uint8)).max() == 128


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
    ],
)
def test_a_full_memory_is_a_device_error_with_advice(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    translator = made()

    def fail(x: torch.Tensor, target: str) -> torch.Tensor:
        raise error

    monkeypatch.setattr(translator, "_whole", fail)
    with pytest.raises(DeviceError, match="--size PX") as caught:
        translator(noise(8, 8))
    assert caught.value.exit_code == 6


def test_memory_that_torch_cannot_get_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    translator = made()
    monkeypatch.setattr(translator, "_whole", lambda x, target: x.new_empty(1 << 60))
    with pytest.raises(DeviceError, match="not enough memory"):
        translator(noise(8, 8))


def test_other_errors_of_torch_stay_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    translator = made()
    monkeypatch.setattr(translator, "_whole", lambda x, target: torch.cat([x, x[..., :3]]))
    with pytest.raises(RuntimeError, match="Sizes of tensors must match"):
        translator(noise(8, 8))


# Any kind of image


def test_an_array_comes_back_as_an_array_of_its_type() -> None:
    picture = noise(20, 30)
    assert TRANSLATOR(picture).dtype == np.uint8
    deep = TRANSLATOR(picture * np.uint16(257))
    assert deep.dtype == np.uint16
    assert np.abs(deep / 257 - TRANSLATOR(picture)).max() <= 0.5


def test_an_array_may_be_a_view_and_read_only() -> None:
    picture = noise(20, 30)
    picture.flags.writeable = False
    for view in (picture[::-1], picture[3:, ::2], picture[..., ::-1]):
        for options in ({}, {"size": 7, "blending": Blending(0.5)}):
            assert np.array_equal(TRANSLATOR(view, **options), TRANSLATOR(view.copy(), **options))


@pytest.mark.parametrize("size", ["auto", "native", 12])
@pytest.mark.parametrize("shape", [(3, 40, 50), (1, 3, 40, 50), (2, 3, 40, 50)])
def test_a_tensor_comes_back_as_a_tensor_of_its_shape(shape: tuple[int, ...], size: Any) -> None:
    pictures = [noise(40, 50, seed) for seed in range(2)]
    x = torch.stack([torch.from_numpy(picture).permute(2, 0, 1) / 127.5 - 1 for picture in pictures])
    given = x[: shape[0]] if len(shape) == 4 else x[0]
    mask = np.zeros((40, 50), np.uint8)
    mask[:, 25:] = 255
    y = TRANSLATOR(given.double(), "horse", size=size, blending=Blending(0.8), mask=mask)
    assert (y.shape, y.dtype) == (shape, torch.float64)
    for one, picture in zip(y.reshape(-1, 3, 40, 50), pictures, strict=False):
        expected = TRANSLATOR(picture, "horse", size=size, blending=Blending(0.8), mask=mask)
        difference = ((one.permute(1, 2, 0) + 1) * 127.5 - torch.from_numpy(expected)).abs()
        assert difference[:, :25].max() < 0.01
        assert difference.mean() < (0.5 if size == "native" else 3)  # small pictures are rounded to 8 bits


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK", "I;16", "1", "LA"])
def test_a_picture_of_pillow_comes_back_as_one(mode: str) -> None:
    image = Image.fromarray(noise(20, 30)).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image) * np.uint16(257))
    if mode == "RGBA":
        image.putalpha(Image.fromarray(noise(20, 30)[..., 0]))
    result = TRANSLATOR(image)
    assert isinstance(result, Image.Image)
    assert result.size == image.size
    assert result.mode == ("RGBA" if mode in ("RGBA", "LA") else "RGB")
    if mode == "RGB":
        assert np.array_equal(np.asarray(result), TRANSLATOR(np.asarray(image)))
    if mode == "RGBA":
        assert np.array_equal(np.asarray(result)[..., 3], np.asarray(image)[..., 3])


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_comes_back_as_the_path_of_the_result(tmp_path: Path, kind: Any) -> None:
    images.write_pixels(noise(20, 30), tmp_path / "a.png")
    result = TRANSLATOR(kind(tmp_path / "a.png"), out=tmp_path / "b" / "c.png")
    assert result == kind(tmp_path / "b" / "c.png")
    assert np.array_equal(images.read(Path(result)).rgb, TRANSLATOR(noise(20, 30)))
    with pytest.raises(SettingsError, match=r"The result of .*a\.png needs a place; name a file with out=\."):
        TRANSLATOR(kind(tmp_path / "a.png"))


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        ([[1, 2]], "An image is a path, an array, a tensor, or a picture of Pillow; found list."),
        (torch.zeros(3, 8, 8, dtype=torch.uint8), r"\(3, H, W\) or \(N, 3, H, W\) in floats; found \(3, 8, 8\)"),
        (torch.zeros(8, 8, 3), r"found \(8, 8, 3\) of torch.float32"),
        (torch.zeros(8, 8), "found"),
    ],
)
def test_what_is_no_image_is_refused(image: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        TRANSLATOR(image)


@pytest.mark.parametrize("mask", [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8)), np.zeros(8, np.uint8)])
def test_what_is_no_mask_is_refused(mask: Any) -> None:
    with pytest.raises(ValueError, match=r"A mask is an \(H, W\) array of uint8; found"):
        TRANSLATOR(noise(8, 8), mask=mask)


def test_threads_share_a_translator_for_every_kind() -> None:
    pictures: list[Any] = [noise(40, 50, seed) for seed in range(6)]
    kinds = [*pictures, *map(Image.fromarray, pictures), *(torch.from_numpy(p) / 127.5 - 1 for p in pictures)]
    given = [kind.permute(2, 0, 1) if isinstance(kind, torch.Tensor) else kind for kind in kinds]
    alone = [np.asarray(TRANSLATOR(kind)) for kind in given]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(TRANSLATOR, given))
    assert all(np.array_equal(one, np.asarray(other)) for one, other in zip(alone, together, strict=True))


def test_large_pictures_are_finished_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    picture, mask = noise(70, 40), noise(9, 5)[..., 0]
    whole = TRANSLATOR(picture, size=16, blending=Blending(0.6), mask=mask)
    monkeypatch.setattr(sizes, "STRIP", 3 * 40)
    assert np.array_equal(TRANSLATOR(picture, size=16, blending=Blending(0.6), mask=mask), whole)


@pytest.mark.fault("I-34")
def test_results_are_clamped_and_rounded() -> None:
    x = torch.tensor([-3e38, -1.0001, -1, 0.4 / 127.5 - 1, 0.6 / 127.5 - 1, 0, 1, 1.0001, 3e38]).expand(1, 3, 1, 9)
    assert leave(x)[0][0, :, 0].tolist() == [0, 0, 0, 0, 1, 128, 255, 255, 255]
