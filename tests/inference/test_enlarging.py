"""Models that enlarge are given each pixel as a square, and what comes back is larger, with all that belongs to it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from translate import images
from translate.conversion.folders import FolderTranslator
from translate.devices import engine
from translate.errors import SettingsError
from translate.inference.blending import Blending
from translate.inference.treatment import Treatment
from translate.methods.pix2pix import Settings
from translate.models.about import About
from translate.models.exports import read_export, write_graph

KINDS: dict[str, dict[str, Any]] = {
    "srresnet": {"kind": "srresnet", "width": 3, "blocks": 1},
    "resnet": {"kind": "resnet", "width": 2, "blocks": 1, "norm": "none"},
    "unet": {"kind": "unet", "width": 2, "depth": 3},
}


def made(kind: str = "srresnet", scale: int = 4, memory: int | None = None) -> FolderTranslator:
    torch.manual_seed(0)
    small = {"discriminator": {"width": 2, "layers": 1}, "init_gain": 0.5}
    settings = Settings.parse({"generator": KINDS[kind], **small}).for_crops(16, scale)
    recipe = {"data": {"made": f"superres{scale}"}}
    about = About(
        method=settings.model_dump(), domains=["coarse", "fine"], target="fine", size=16, steps=1, planned=1,
        recipe=recipe,
    )  # fmt: skip
    method = settings.build(about.domains, about.size).eval().requires_grad_(False)
    return FolderTranslator(method, about, engine("cpu", "fp32"), memory)


TRANSLATOR = made()


def noise(height: int, width: int, depth: int = 8) -> NDArray[Any]:
    return np.random.default_rng(height).integers(0, 1 << depth, (height, width, 3), np.uint16).astype(f"u{depth // 8}")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("depth", [8, 16])
def test_any_kind_of_generator_enlarges_what_it_learned_to(kind: str, depth: int) -> None:
    translator, small = made(kind), noise(9, 70, depth)  # wider than "auto" would show
    result = translator(small, enlarge=4)
    assert result.dtype == small.dtype
    coarse = small.repeat(4, axis=0).repeat(4, axis=1)
    assert np.array_equal(result, translator(coarse, size="native"))
    assert result.shape == (36, 280, 3)


@pytest.mark.parametrize("scale", [2, 4])
def test_srresnet_makes_of_a_coarse_picture_what_it_makes_of_the_small_one(scale: int) -> None:
    translator, small = made(scale=scale), noise(9, 7)
    fine = np.random.default_rng(1).integers(0, 256, (9 * scale, 7 * scale, 3), np.uint8)
    assert translator.method.settings.multiple == scale
    assert translator(small, enlarge=scale).shape == fine.shape
    assert translator(fine).shape == fine.shape


def test_tensors_and_files_are_enlarged_as_well(tmp_path: Path) -> None:
    small = noise(9, 7)
    expected = TRANSLATOR(small, enlarge=4)
    x = torch.from_numpy(small).permute(2, 0, 1) / 127.5 - 1
    assert TRANSLATOR(torch.stack([x, x]), enlarge=4).shape == (2, 3, 36, 28)
    found = ((TRANSLATOR(x, enlarge=4) + 1) * 127.5).round().clamp(0, 255).permute(1, 2, 0).numpy()
    assert np.array_equal(found.astype(np.uint8), expected)
    images.write_pixels(small, tmp_path / "small.png")
    TRANSLATOR(tmp_path / "small.png", enlarge=4, out=tmp_path / "large.png")
    assert np.array_equal(images.read(tmp_path / "large.png").rgb, expected)


def test_alpha_grows_with_it_and_strength_0_is_a_bicubic_enlargement() -> None:
    small, alpha = noise(8, 6), np.full((8, 6), 255, np.uint8)
    alpha[:, :3] = 0
    picture = images.Picture(small, alpha, "PNG")
    result = TRANSLATOR.picture(picture, treatment=Treatment(enlarge=4))
    assert result.alpha is not None
    assert (result.alpha.shape, result.alpha[0, 0], result.alpha[0, -1]) == ((32, 24), 0, 255)
    weak = TRANSLATOR(small, enlarge=4, blending=Blending(0.0))
    assert np.abs(weak.astype(int) - images.resize(small, 32, 24).astype(int)).max() <= 1


def test_a_mask_says_where_it_is_not_only_bicubic() -> None:
    small, mask = noise(8, 6), np.zeros((8, 6), np.uint8)
    mask[:, 3:] = 255
    result, bicubic = TRANSLATOR(small, enlarge=4, mask=mask), images.resize(small, 32, 24)
    assert np.abs(result[:, :8].astype(int) - bicubic[:, :8].astype(int)).max() <= 1
    assert np.abs(result[:, 16:].astype(int) - bicubic[:, 16:].astype(int)).max() > 20


def test_strip_by_strip_it_is_the_same() -> None:
    small = noise(40, 30)
    assert np.array_equal(made(memory=1)(small, enlarge=4), TRANSLATOR(small, enlarge=4))


@pytest.mark.parametrize(
    ("scale", "enlarge", "sentence"),
    [
        (1, 4, r"not learned to enlarge, which --enlarge asks of it.*--set data\.made=superres4"),
        (4, 2, "enlarges 4 times; found --enlarge 2"),
        (2, 4, "enlarges 2 times; found --enlarge 4"),
    ],
)
def test_a_model_that_does_not_enlarge_so_is_refused(scale: int, enlarge: int, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        made(scale=scale)(noise(8, 8), enlarge=enlarge)


def test_networks_see_all_of_it() -> None:
    with pytest.raises(SettingsError, match="--enlarge shows networks all of a picture"):
        Treatment(size=64, enlarge=4)
    assert Treatment().of(TRANSLATOR.about).size == "native"  # also a picture that keeps its size
    assert Treatment(size=64).of(TRANSLATOR.about).size == 64
    assert "--enlarge 4 makes results 4 times as large" in Treatment().advice(TRANSLATOR.about)
    assert Treatment(enlarge=4).advice(TRANSLATOR.about) == ""


@pytest.mark.parametrize("kind", ["srresnet"])
def test_onnx_enlarges_as_torch_does(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    translator, path = made(kind), tmp_path / "m.onnx"
    write_graph(path, translator.method, translator.about)
    method, about = read_export(path)
    graph, small = FolderTranslator(method, about, engine("cpu", "fp32")), noise(9, 7)
    difference = graph(small, enlarge=4).astype(int) - translator(small, enlarge=4).astype(int)
    assert np.abs(difference).max() <= 1
