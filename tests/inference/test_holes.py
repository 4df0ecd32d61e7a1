"""Holes are shown to the network as in training, and all that is known stays as it is, bit by bit."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from translate import images
from translate.conversion.folders import FolderTranslator
from translate.data.damage import HOLE
from translate.devices import engine
from translate.errors import SettingsError, UnfitPicture
from translate.inference.blending import Blending
from translate.inference.holes import holes_in, marked
from translate.inference.sizes import network_input
from translate.inference.treatment import Treatment
from translate.methods.pix2pix import Settings
from translate.models.about import About
from translate.tensors import as_pixels, as_tensor

TINY = Settings.parse({
    "generator": {"kind": "resnet", "width": 2, "blocks": 1}, "discriminator": {"width": 2, "layers": 1},
    "init_gain": 0.5,
})  # fmt: skip
RECIPE = {"data": {"made": "holes"}}
ABOUT = About(
    method=TINY.model_dump(), domains=["holed", "whole"], target="whole", size=16, steps=1, planned=1, recipe=RECIPE
)


def made(about: About = ABOUT) -> FolderTranslator:
    torch.manual_seed(0)
    method = TINY.build(about.domains, about.size).eval().requires_grad_(False)
    return FolderTranslator(method, about, engine("cpu", "fp32"))


TRANSLATOR = made()


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def square(height: int, width: int) -> NDArray[np.bool_]:
    holes = np.zeros((height, width), np.bool_)
    holes[height // 4 : height // 2, width // 4 : width // 2] = True
    return holes


def painted(picture: NDArray[Any], holes: NDArray[np.bool_]) -> NDArray[Any]:
    marker = np.array(HOLE) * (np.iinfo(picture.dtype).max // 255)
    return np.where(holes[..., None], marker, picture).astype(picture.dtype)


@pytest.mark.parametrize(("height", "width"), [(32, 24), (90, 130)])  # the second is seen smaller
@pytest.mark.parametrize("depth", [8, 16])
def test_known_pixels_stay_and_holes_become_opaque_and_what_the_network_makes(
    height: int, width: int, depth: int
) -> None:
    holes = square(height, width)
    rgb = noise(height, width) if depth == 8 else noise(height, width).astype(np.uint16) * 257 + 3
    white = np.iinfo(rgb.dtype).max
    alpha = np.where(holes, 0, white).astype(rgb.dtype)
    result = TRANSLATOR.picture(images.Picture(rgb, alpha, "PNG"), treatment=Treatment(fill=True))
    assert np.array_equal(result.rgb[~holes], rgb[~holes])
    assert result.alpha is not None
    assert (result.alpha == white).all()
    assert (result.rgb[holes] != rgb[holes]).mean() > 0.9
    if min(height, width) <= 32:
        expected = TRANSLATOR(painted(rgb, holes), size="native")
        assert np.array_equal(result.rgb[holes], expected[holes])


def test_what_is_stored_in_a_hole_has_no_influence() -> None:
    holes = square(90, 130)
    alpha = np.where(holes, 0, 255).astype(np.uint8)
    one, other = noise(90, 130), noise(90, 130)
    other[holes] = noise(90, 130, seed=1)[holes]
    results = [
        TRANSLATOR.picture(images.Picture(rgb, alpha, ""), treatment=Treatment(fill=True)) for rgb in (one, other)
    ]
    assert np.array_equal(results[0].rgb, results[1].rgb)


def test_the_marker_bleeds_into_no_pixel_and_no_pixel_into_the_marker() -> None:
    holes = square(96, 128)
    flat = np.full((96, 128, 3), (10, 200, 30), np.uint8)
    flat[holes] = 255
    x = as_tensor(flat)
    seen = as_pixels(marked(x, network_input(x, 32, 16), holes))
    assert {tuple(pixel) for pixel in seen.reshape(-1, 3)} == {(10, 200, 30), HOLE}
    assert (seen == HOLE).all(axis=2).mean() == pytest.approx(1 / 16, abs=0.02)


def test_a_mask_says_where_holes_are_and_then_transparency_stays() -> None:
    rgb, alpha = noise(32, 32), np.full((32, 32), 255, np.uint8)
    alpha[:4] = 0
    mask = square(8, 8).astype(np.uint8) * 255
    result = TRANSLATOR.picture(images.Picture(rgb, alpha, ""), treatment=Treatment(fill=True), mask=mask)
    holes = holes_in((32, 32), mask, None)
    assert abs(int(holes.sum()) - 64) < 16
    assert np.array_equal(result.rgb[~holes], rgb[~holes])
    assert result.alpha is not None
    assert np.array_equal(result.alpha == 0, alpha == 0)


def test_partial_transparency_is_a_hole() -> None:
    assert holes_in((1, 4), None, np.array([[0, 1, 254, 255]], np.uint8)).tolist() == [[True, True, True, False]]


def test_from_python_of_every_kind() -> None:
    picture, mask = noise(32, 32), square(32, 32).astype(np.uint8) * 255
    expected = TRANSLATOR(picture, fill=True, mask=mask)
    tensor = torch.from_numpy(picture).permute(2, 0, 1) / 127.5 - 1
    found = TRANSLATOR(tensor, fill=True, mask=mask)
    assert np.array_equal(((found + 1) * 127.5).round().permute(1, 2, 0).numpy().astype(np.uint8), expected)
    assert torch.equal(found[:, mask == 0], tensor[:, mask == 0])
    transparent = Image.fromarray(np.dstack([picture, 255 - mask]))
    assert np.array_equal(np.asarray(TRANSLATOR(transparent, fill=True).convert("RGB")), expected)


def test_all_frames_but_one_may_be_whole() -> None:
    whole = images.Picture(noise(16, 16), None, "GIF")
    holed = images.Picture(noise(16, 16), np.where(square(16, 16), 0, 255).astype(np.uint8), "GIF")
    one, other = Treatment(fill=True).prepared([whole, holed], None, 16)
    assert np.array_equal(one.finished(255 - one.small).rgb, whole.rgb)
    assert not np.array_equal(other.finished(255 - other.small).rgb, holed.rgb)


@pytest.mark.parametrize(
    ("alpha", "mask", "sentence"),
    [
        (None, None, "Nothing in it is transparent, so there is nothing to fill"),
        (np.full((8, 8), 255, np.uint8), None, "Nothing in it is transparent"),
        (np.zeros((8, 8), np.uint8), np.zeros((4, 4), np.uint8), "Its mask is white nowhere"),
        (np.zeros((8, 8), np.uint8), None, "All of it is a hole, so there is nothing to fill it from"),
    ],
)
def test_nothing_to_fill_or_to_fill_it_from_is_refused(alpha: Any, mask: Any, sentence: str) -> None:
    with pytest.raises(UnfitPicture, match=sentence):
        TRANSLATOR.picture(images.Picture(noise(8, 8), alpha, ""), treatment=Treatment(fill=True), mask=mask)


def test_a_model_that_has_not_learned_it_is_refused_with_the_command_that_makes_one() -> None:
    translator = made(ABOUT.model_copy(update={"recipe": {"data": {"made": "colour"}}}))
    with pytest.raises(SettingsError, match=r"not learned to fill holes.*--set data\.made=holes"):
        translator(noise(8, 8), fill=True)


def test_what_blends_does_not_go_with_it() -> None:
    with pytest.raises(SettingsError, match="--fill goes with none of --strength"):
        Treatment(fill=True, blending=Blending(0.5))


def test_who_does_not_ask_for_it_is_told() -> None:
    assert "--fill shows it where they are" in Treatment().advice(ABOUT)
    assert Treatment(fill=True).advice(ABOUT) == ""
