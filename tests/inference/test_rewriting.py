"""Cheaper layers make the same of a picture as those of the model."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from translate.devices import Engine, engine
from translate.inference import in_place, winograd
from translate.inference.rewriting import EdgePad, Rewriting
from translate.inference.winograd import Winograd
from translate.networks.blocks import Around, InRange, ReflectionPad, Residual, Times
from translate.networks.resnet import Resnet
from translate.networks.skip_resnet import SkipResnet

ENGINE = engine("cpu", "fp32")
ENGINE_BF16 = engine("cpu", "bf16")


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2 - 1


def drawn(network: nn.Module) -> nn.Module:
    """The network in fp64, with weights that are all drawn, so that each of them matters."""
    random = torch.Generator().manual_seed(1)
    for parameter in network.parameters():
        spread = parameter[0].numel() ** -0.5 if parameter.ndim == 4 else 0.3
        parameter.data = torch.randn(parameter.shape, generator=random, dtype=torch.float64) * spread
    return network.eval().requires_grad_(False)


def kinds(layers: Any) -> list[type]:
    return [
        kind for layer in layers for kind in (kinds(layer.residual) if isinstance(layer, Residual) else [type(layer)])
    ]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (SkipResnet(width=16, blocks=1), {EdgePad, nn.ConvTranspose2d, Winograd, nn.PixelShuffle}),
        (Resnet(width=16, blocks=1, upsampling="resize"), {EdgePad, nn.ConvTranspose2d, Winograd, nn.PixelShuffle}),
        (Resnet(width=16, blocks=1, padding="zero", norm="none"), {Winograd, nn.PixelShuffle}),
        (Resnet(width=3, blocks=1, residual=True), {nn.PixelShuffle}),
    ],
    ids=["skip-resnet", "resnet resize", "resnet zero", "narrow"],
)
@pytest.mark.parametrize(("height", "width"), [(8, 12), (44, 36)])
def test_networks_make_the_same_in_fp64(settings: Any, expected: set[type], height: int, width: int) -> None:
    network, x = drawn(settings.build(3, 3)), noise(1, 3, height, width)
    layers = Rewriting(4)(network.layers, ENGINE)  # type: ignore[arg-type]
    assert expected <= set(kinds(layers))
    assert nn.Upsample not in kinds(layers)
    before, y = x.clone(), network(x)
    assert y.std() > 0.05
    torch.testing.assert_close(in_place.run(layers, x), y, rtol=0, atol=1e-10)
    assert torch.equal(x, before)


@pytest.mark.parametrize("halvings", [1, 3])
def test_generators_that_halve_more_or_less_often_make_the_same(halvings: int) -> None:
    settings = SkipResnet(width=16, blocks=1, halvings=halvings)
    network, x = drawn(settings.build(3, 3)), noise(1, 3, 5 * settings.multiple, 4 * settings.multiple)
    layers = Rewriting(settings.multiple)(network.layers, ENGINE)  # type: ignore[arg-type]
    assert nn.PixelShuffle in kinds(layers)
    torch.testing.assert_close(in_place.run(layers, x.clone()), network(x), rtol=0, atol=1e-10)


@pytest.mark.parametrize(("height", "width"), [(3, 3), (6, 6), (9, 14), (34, 10)])
@pytest.mark.parametrize("padding", [0, 1])
def test_winograd_is_the_convolution(height: int, width: int, padding: int, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = drawn(nn.Conv2d(5, 7, 3, padding=padding, bias=padding == 0))
    assert isinstance(layer, nn.Conv2d)
    x = noise(2, 5, height, width)
    for at_once in (1, 1 << 22):  # bytes: a row of squares, and all
        monkeypatch.setattr(winograd, "AT_ONCE", at_once)
        torch.testing.assert_close(Winograd(layer)(x), layer(x), rtol=0, atol=1e-12)


def test_winograd_in_fp32_is_as_near_as_it_says() -> None:
    layer = drawn(nn.Conv2d(96, 96, 3))
    x = noise(1, 96, 34, 34)
    exact = layer(x)
    assert isinstance(layer, nn.Conv2d)
    found = Winograd(layer.float())(x.float())
    assert (found - exact).abs().max() < 5e-5


def test_narrower_formats_and_other_devices_keep_their_layers() -> None:
    layers = SkipResnet(width=16, blocks=1).build(3, 3).layers
    bf16 = Rewriting(4)(layers, ENGINE_BF16)
    assert Winograd not in kinds(bf16)
    assert EdgePad in kinds(bf16)
    assert Rewriting(4)(layers, Engine(torch.device("cuda"), torch.float32, torch.contiguous_format)) == layers


def test_sides_that_may_be_odd_are_not_made_of_squares() -> None:
    layers = [ReflectionPad(3), nn.Conv2d(4, 3, 7)]
    assert kinds(Rewriting(1)(layers, ENGINE)) == [ReflectionPad, nn.Conv2d]
    assert kinds(Rewriting(2)(layers, ENGINE)) == [ReflectionPad, nn.Conv2d, nn.PixelShuffle]


def test_new_weights_count() -> None:
    layer, rewriting, x = nn.Conv2d(4, 3, 5), Rewriting(2), noise(1, 4, 8, 8).float()
    first = rewriting([layer], ENGINE)
    assert rewriting([layer], ENGINE)[0] is first[0]
    with torch.no_grad():
        layer.weight.mul_(2)
        layer.double()
        found = in_place.run(rewriting([layer], ENGINE), x.double())
        torch.testing.assert_close(found, layer(x.double()), rtol=0, atol=1e-12)


@pytest.mark.parametrize("first", [nn.LeakyReLU(0.2), nn.ReLU(), nn.Tanh(), Times(2.0), InRange(), nn.Identity()])
def test_nothing_is_written_over_that_is_still_read(first: nn.Module) -> None:
    first.eval()
    layers = [Around([first, nn.Conv2d(3, 3, 1, dtype=torch.float64), nn.LeakyReLU(0.2)]), Around([first]), first]
    x = noise(1, 3, 4, 5) * 2
    before, expected = x.clone(), x
    with torch.no_grad():
        for layer in layers:
            expected = layer(expected)
        assert torch.equal(in_place.run(layers, x), expected)
    assert torch.equal(x, before)


def test_sums_are_as_wide_as_their_terms() -> None:
    x = noise(1, 3, 4, 4).float()
    with torch.no_grad(), ENGINE_BF16.autocast():
        y = in_place.run([Around([nn.Conv2d(3, 3, 1)])], x)
    assert y.dtype == torch.float32
