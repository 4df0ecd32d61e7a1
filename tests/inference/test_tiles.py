"""Overlapping tiles: what is a function of few pixels is the same as that of the whole, and there are no seams."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from translate.devices import engine
from translate.inference import tiles
from translate.inference.translator import Translator
from translate.methods.cyclegan import Settings
from translate.models.about import About
from translate.networks.discriminators import PatchGAN
from translate.networks.resnet import Resnet

TINY = Settings(generator=Resnet(width=4, blocks=1, norm="none"), discriminator=PatchGAN(width=2, layers=1))
SIZES = [(8, 8), (1, 90), (90, 3), (32, 33), (33, 57), (100, 79), (64, 64)]


def noise(height: int, width: int) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(height * width)).mul(2).sub(1)


def tiled(x: Tensor, side: int, network: tiles.Network) -> Tensor:
    """Return the result of `tiles.translate`, whose parts come from top to bottom and leave nothing out."""
    parts: list[Tensor] = []

    def write(top: int, rows: Tensor) -> None:
        assert top == sum(part.shape[2] for part in parts)
        parts.append(rows)

    tiles.translate(lambda top, bottom: x[:, :, top:bottom], (x.shape[2], x.shape[3]), write, side, network)
    return torch.cat(parts, 2)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.fault("I-20")
def test_a_function_of_single_pixels_is_that_of_the_whole(height: int, width: int) -> None:
    x = noise(height, width)
    torch.testing.assert_close(tiled(x, 32, torch.sin), x.sin(), rtol=0, atol=1e-6)


@pytest.mark.fault("I-20")
def test_every_tile_has_the_size_that_was_asked_for() -> None:
    shapes: set[tuple[int, ...]] = set()
    tiled(noise(100, 79), 32, lambda tile: shapes.add(tuple(tile.shape)) or tile)
    assert shapes == {(1, 3, 32, 32)}


@pytest.mark.fault("I-20")
def test_what_differs_between_tiles_has_no_seam() -> None:
    x = torch.linspace(-1, 1, 300).expand(1, 3, 40, 300)
    result = tiled(x, 40, lambda tile: tile - avg_pool2d(tile, (40, 40)))  # statistics of a tile
    jump = 2 / 299 + (2 * 30 / 299) / 10  # of the picture, and of a tile's mean over the overlap
    assert result.diff(dim=3).abs().max() < 1.01 * jump


@pytest.mark.parametrize(("pixels", "multiple", "side"), [(10**6, 4, 1000), (10**6, 64, 960), (1, 4, 128), (1, 96, 96)])
def test_the_side_follows_from_the_memory(pixels: int, multiple: int, side: int) -> None:
    assert tiles.side_of(pixels, multiple) == side


@pytest.mark.fault("I-20")
def test_a_translator_tiles_when_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without normalisation only the borders of tiles differ from the whole, which the blending takes little of."""
    torch.manual_seed(0)
    method = TINY.build(["a", "b"], 64).eval().requires_grad_(False)
    about = About(method=TINY.model_dump(), domains=["a", "b"], target="b", size=64, steps=1, planned=1)
    translator = Translator(method, about, engine("cpu", "fp32"), memory=1 << 40, tile_approx=True)
    monkeypatch.setattr(method, "layers", lambda x, target: None)
    picture = np.random.default_rng(0).integers(0, 256, (203, 318, 3), np.uint8)
    expected = translator(picture, size="native")
    translator.budget.memory = 1
    result = translator(picture, size="native")
    assert result.shape == picture.shape
    assert np.abs(result.astype(int) - expected.astype(int)).mean() < 0.5
    assert not np.array_equal(result, expected)
