"""DiffAugment against the paper's operations written out, and where the methods use it."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from translate.diffaugment import OPERATIONS, Operation, colour, cutout, diffaugment, translation
from translate.errors import SettingsError
from translate.methods import base
from translate.methods.base import Method

ALL: tuple[Operation, ...] = ("colour", "translation", "cutout")


def noise(count: int = 2, side: int = 8, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(count, 3, side, side, generator=generator, dtype=dtype) * 2 - 1


def test_the_operations_are_those_that_a_setting_can_name():
    assert tuple(OPERATIONS) == ALL


def test_without_operations_nothing_is_done_and_nothing_is_drawn():
    x, state = noise(), torch.get_rng_state()
    assert diffaugment(x, ()) is x
    assert torch.equal(torch.get_rng_state(), state)


def test_colour_is_brightness_then_saturation_then_contrast():
    x = noise(3)
    torch.manual_seed(5)
    found = colour(x)
    torch.manual_seed(5)
    brightness, saturation, contrast = (torch.rand(3, 1, 1, 1).double().flatten().tolist() for _ in range(3))
    for index, picture in enumerate(x.numpy()):
        bright = picture + (brightness[index] - 0.5)
        grey = bright.mean(axis=0)
        saturated = grey + 2 * saturation[index] * (bright - grey)
        level = saturated.mean()
        expected = level + (contrast[index] + 0.5) * (saturated - level)
        np.testing.assert_allclose(found[index].numpy(), expected, rtol=0, atol=1e-12)
    assert found.abs().max() > 1  # not clamped


def test_colour_reaches_the_strengths_of_the_official_code():
    torch.manual_seed(0)
    x = torch.zeros(4000, 3, 1, 2, dtype=torch.float64)
    x[:, 0] = 0.3  # pure saturation: red over green and blue
    x[..., 1] += 0.2  # pure contrast: the right pixel over the left
    y = colour(x)
    contrast = (y[..., 1] - y[..., 0]).mean(1) / 0.2
    saturation = (y[:, 0] - y[:, 1]).mean(1) / 0.3 / contrast
    brightness = (y - x).mean((1, 2, 3))
    for values, low, high in ((brightness, -0.5, 0.5), (saturation, 0, 2), (contrast, 0.5, 1.5)):
        assert low - 1e-9 <= values.min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < values.max() <= high + 1e-9
        assert values.mean() == pytest.approx((low + high) / 2, abs=0.03 * (high - low))


@pytest.mark.parametrize(("height", "width", "down", "right"), [(32, 32, 4, 4), (36, 60, 5, 8)])
def test_translation_shifts_by_whole_pixels_up_to_an_eighth_and_fills_with_grey(height, width, down, right):
    rows, columns = torch.meshgrid(torch.arange(1.0, height + 1), torch.arange(1.0, width + 1), indexing="ij")
    x = torch.stack([rows, columns, rows * width + columns]).expand(150, 3, height, width)
    torch.manual_seed(0)
    found = set()
    for y in translation(x):
        inside = y[2] > 0
        row, column = inside.nonzero()[0].tolist()
        shift = int(row + 1 - y[0, row, column]), int(column + 1 - y[1, row, column])
        expected = torch.zeros_like(y)
        target = [slice(max(by, 0), side + min(by, 0)) for by, side in zip(shift, (height, width), strict=True)]
        source = [slice(max(-by, 0), side + min(-by, 0)) for by, side in zip(shift, (height, width), strict=True)]
        expected[:, target[0], target[1]] = x[0][:, source[0], source[1]]
        assert torch.equal(y, expected)
        found.add(shift)
    for axis, reach in ((0, down), (1, right)):
        assert {shift[axis] for shift in found} == set(range(-reach, reach + 1))
    assert len(found) > 50  # the axes are drawn apart


def test_cutout_is_a_rectangle_of_half_the_sides_around_any_place_of_the_picture():
    height, width = 8, 12
    torch.manual_seed(0)
    edges = set()
    for y in cutout(torch.ones(1000, 3, height, width)):
        gone = y[0] == 0
        assert torch.equal(y, (~gone).float().expand(3, -1, -1))
        rows, columns = gone.any(1), gone.any(0)
        assert torch.equal(gone, rows[:, None] & columns)
        sides = []
        for hit, side in ((rows, height), (columns, width)):
            places = hit.nonzero().flatten().tolist()
            assert places == list(range(places[0], places[-1] + 1))
            assert len(places) == side // 2 or (places[0] == 0 or places[-1] == side - 1)
            assert side // 4 <= len(places) <= side // 2
            sides.append((places[0], places[-1]))
        edges.add(tuple(sides))
    assert len(edges) == (height + 1) * (width + 1)  # centres, corners included


@pytest.mark.parametrize("operations", [("colour",), ("translation",), ("cutout",), ALL])
def test_gradients_and_their_gradients_go_through(operations):
    def seeded(x: Tensor) -> Tensor:
        torch.manual_seed(3)
        return diffaugment(x, operations, black=0.0).square()

    x = noise(1, 4).requires_grad_()
    assert torch.autograd.gradcheck(seeded, (x,))
    assert torch.autograd.gradgradcheck(seeded, (x,))  # for the gradient penalty


@pytest.mark.parametrize("operation", ALL)
def test_every_picture_has_its_own_draws_which_torchs_seed_decides(operation):
    x = noise(1, 64).expand(8, -1, -1, -1)
    torch.manual_seed(0)
    first = diffaugment(x, [operation])
    assert all(not torch.equal(first[i], first[j]) for i in range(8) for j in range(i))
    assert not torch.equal(diffaugment(x, [operation]), first)
    torch.manual_seed(0)
    assert torch.equal(diffaugment(x, [operation]), first)


def test_operations_follow_each_other_in_the_order_of_the_setting():
    x = torch.ones(1, 3, 32, 32)
    torch.manual_seed(0)
    assert (diffaugment(x, ["cutout", "colour"]) == 0).sum() == 0  # the grey of the rectangle was brightened
    assert (diffaugment(x, ["colour", "cutout"]) == 0).sum() > 0


@pytest.mark.parametrize("operation", ALL)
def test_pictures_from_black_0_to_white_1_are_augmented_as_those_from_minus_1(operation):
    x = noise(4, 32)
    torch.manual_seed(0)
    expected = (diffaugment(x, [operation]) + 1) / 2
    torch.manual_seed(0)
    torch.testing.assert_close(diffaugment((x + 1) / 2, [operation], black=0.0), expected, rtol=0, atol=1e-12)


def test_half_precision_is_widened_and_autocast_does_not_move_pictures():
    x = torch.rand(8, 3, 8, 4096).bfloat16()  # so wide that coordinates in half precision would be pixels off
    torch.manual_seed(0)
    expected = diffaugment(x.float(), ALL)
    torch.manual_seed(0)
    with torch.autocast("cpu", torch.bfloat16):
        found = diffaugment(x, ALL)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


# The methods


SIZE = 64
SMALL: dict[str, dict[str, Any]] = {
    "acgan": {"generator": {"width": 2}, "discriminator": {"width": 2}},
    "cut": {"generator": {"width": 2, "blocks": 1}, "discriminator": {"width": 2, "layers": 1}, "taps": ["down1"]},
    "cyclegan": {"generator": {"width": 2, "blocks": 1}, "discriminator": {"width": 2, "layers": 1}},
    "dcgan": {"generator": {"width": 2}, "discriminator": {"width": 2}},
    "discogan": {"generator": {"width": 2}, "discriminator": {"width": 2}},
    "ebgan": {"generator": {"width": 2}, "discriminator": {"width": 2}},
    "pix2pix": {"generator": {"width": 2, "depth": 3}, "discriminator": {"width": 2, "layers": 1}},
    "progan": {"generator": {"base": 16}, "discriminator": {"base": 16}, "lambda_gp": 0},
    "stargan": {"generator": {"width": 2, "blocks": 1}, "discriminator": {"width": 2, "layers": 4}, "g_every": 1},
}


def build(name: str, diffaugment: Any) -> Method:
    torch.manual_seed(0)
    settings = base.settings_class(name).parse({"name": name, "diffaugment": diffaugment, **SMALL[name]})
    return settings.build(("a", "b"), SIZE)


def batch(method: Method) -> dict[str, Tensor]:
    x = noise(4, SIZE, dtype=torch.float32)
    if method.settings.batches == "labelled":
        return {"x": x, "c": torch.eye(2)[[0, 1, 0, 1]]}
    return dict(zip("xy" if method.settings.batches == "paired" else "ab", x.split(2), strict=True))


def seen_by_discriminators(method: Method, n: int) -> list[Tensor]:
    """Do step `n` and return every batch that a discriminator was given."""
    seen: list[Tensor] = []
    for network in method.players()["D"]:
        first = next(layer for layer in network.modules() if isinstance(layer, nn.Conv2d))
        first.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    method.step(batch(method), lambda **_: None, n)
    return seen


@pytest.mark.parametrize("n", [0, 1])  # DiscoGAN's players take turns
@pytest.mark.parametrize("name", base.available())
def test_discriminators_see_augmented_pictures_only(name, n):
    grey = 0.5 if name == "discogan" else 0.0
    plain = seen_by_discriminators(build(name, []), n)
    augmented = seen_by_discriminators(build(name, ["cutout"]), n)
    assert [x.shape for x in plain] == [x.shape for x in augmented]
    assert all((x == grey).float().mean() < 0.01 for batch in plain for x in batch)
    assert all((x == grey).float().mean() > 0.06 for batch in augmented for x in batch)  # a corner of 1/16 at least
    assert [x.requires_grad for x in plain] == [x.requires_grad for x in augmented]  # T lets gradients through
    rectangles = {tuple((x[0] == grey).flatten().tolist()) for batch in augmented for x in batch}
    assert len(rectangles) == sum(map(len, augmented))


def test_the_pool_keeps_pictures_as_they_were_made():
    method = build("cyclegan", ["cutout"])
    method.step(batch(method), lambda **_: None, 0)
    made = method.G(batch(method)["a"])
    torch.testing.assert_close(method.pool_Y.images[:2], made)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("colour,translation,cutout", ALL),
        ("cutout, colour", ("cutout", "colour")),
        ("", ()),
        ([], ()),
        (["colour"], ("colour",)),
    ],
)
def test_the_setting_is_one_word_or_a_list(said, meant):
    settings = build("cyclegan", said).settings
    assert settings.diffaugment == meant
    assert base.settings_class("cyclegan").model_validate_json(settings.to_json()) == settings


@pytest.mark.parametrize(("said", "found"), [("color", '"color"'), (["flip"], '"flip"'), (3, "3")])
def test_unknown_operations_are_refused(said, found):
    with pytest.raises(SettingsError, match=rf"^The setting diffaugment.* is wrong: .*; found {found}\.$"):
        build("cyclegan", said)
