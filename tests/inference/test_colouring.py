"""What a colouring model makes has the luma of its picture to the level, whatever the network does with it."""

from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from translate import images
from translate.conversion.folders import FolderTranslator
from translate.devices import engine
from translate.inference.blending import luma, with_luma
from translate.inference.treatment import Treatment, grey
from translate.methods.pix2pix import Settings
from translate.models.about import About
from translate.tensors import as_pixels, as_tensor

TINY = Settings.parse({
    "generator": {"kind": "resnet", "width": 2, "blocks": 1}, "discriminator": {"width": 2, "layers": 1},
    "init_gain": 0.5,
})  # fmt: skip
ABOUT = About(
    method=TINY.model_dump(), domains=["grey", "colour"], target="colour", size=16, steps=1, planned=1,
    recipe={"data": {"made": "colour"}},
)  # fmt: skip
WEIGHTS = np.array([0.299, 0.587, 0.114])


def made() -> FolderTranslator:
    torch.manual_seed(0)
    method = TINY.build(ABOUT.domains, ABOUT.size).eval().requires_grad_(False)
    return FolderTranslator(method, ABOUT, engine("cpu", "fp32"))


TRANSLATOR = made()


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_grey_is_what_pairs_were_made_with() -> None:
    picture = noise(30, 40)
    expected = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(int)
    found = as_pixels(grey(as_tensor(picture)))
    assert (np.ptp(found, axis=2) == 0).all()
    assert np.abs(found[..., 0] - expected).max() <= 1
    assert (found[..., 0] == expected).mean() > 0.99


@pytest.mark.parametrize(("height", "width"), [(20, 24), (90, 130)])  # the second is seen smaller
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("coloured", [False, True])
def test_luma_is_kept_to_the_level(height: int, width: int, depth: int, coloured: bool) -> None:
    picture: Any = noise(height, width)
    picture = picture if coloured else np.repeat(picture[..., :1], 3, axis=2)
    picture = picture if depth == 8 else picture.astype(np.uint16) * 257
    result = TRANSLATOR(picture)
    assert np.abs(result @ WEIGHTS - picture @ WEIGHTS).max() <= (1.01 if coloured else 0.51)  # rounded twice, or once
    assert np.ptp(result.astype(int), axis=2).mean() > 3  # and it has colours
    assert not np.array_equal(result, picture)


def test_the_tint_of_an_old_photograph_is_not_seen() -> None:
    plain = np.repeat(noise(20, 24)[..., :1], 3, axis=2)
    tinted = as_pixels(
        (with_luma(as_tensor(plain)[0] / 127.5 - 1, torch.tensor([0.2, 0.0, -0.2])[:, None, None])[None] + 1) * 127.5
    )
    tinted = tinted.round().astype(np.uint8)
    assert np.abs(TRANSLATOR(tinted).astype(int) - TRANSLATOR(plain)).max() <= 6


def test_strength_mixes_with_the_picture_as_it_was() -> None:
    picture = noise(20, 24)
    for strength, most in ((0.0, 1), (0.5, 255)):
        result = TRANSLATOR(picture, strength=strength).astype(int)
        assert np.abs(result - picture).max() <= most


def test_tensors_have_it_too_and_other_models_do_not() -> None:
    x = torch.from_numpy(noise(20, 24)).permute(2, 0, 1) / 127.5 - 1
    torch.testing.assert_close(luma(TRANSLATOR(x)), luma(x), rtol=0, atol=1e-5)
    assert not Treatment().of(ABOUT.model_copy(update={"recipe": {}})).colours


def test_luma_is_taken_over_whole_where_colours_would_leave_the_range() -> None:
    x, y = torch.rand(2, 3, 40, 40).mul(2).sub(1) * torch.tensor([1.0, 1.5])[:, None, None, None]
    result = with_luma(x, y)
    torch.testing.assert_close(luma(result), luma(x), rtol=0, atol=1e-5)
    assert result.abs().max() <= 1 + 1e-5
    small = 0.01 * y
    torch.testing.assert_close(with_luma(0.5 * x, small) - luma(0.5 * x), small - luma(small), rtol=0, atol=1e-6)


def test_alpha_stays() -> None:
    alpha = np.arange(80, dtype=np.uint8).reshape(8, 10)
    result = TRANSLATOR.picture(images.Picture(noise(8, 10), alpha, "PNG"))
    assert result.alpha is alpha
