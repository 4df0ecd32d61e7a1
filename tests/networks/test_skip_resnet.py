"""The generator that starts as the identity and has no normalisation, and what all generators with `taps` promise."""

import itertools

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from translate.networks.resnet import Resnet
from translate.networks.skip_resnet import SkipResnet

TAPPED = [
    SkipResnet(width=3, blocks=2),
    SkipResnet(width=3, blocks=0),
    SkipResnet(width=3, blocks=1, halvings=3),
    SkipResnet(width=3, blocks=1, halvings=1),
    Resnet(width=3, blocks=2),
    Resnet(width=3, blocks=1, residual=True),
    Resnet(width=3, blocks=1, skip=True),
    Resnet(width=3, blocks=1, norm="none"),
    Resnet(width=3, blocks=1, norm="none", residual=True),
    Resnet(width=3, blocks=2, norm="none", padding="zero", downsampling="blurred", upsampling="bilinear"),
    Resnet(width=3, blocks=0, norm="affine", upsampling="resize"),
]


def made(settings: Resnet | SkipResnet) -> nn.Module:
    """A network in float64 whose weights are all drawn, so that each of them matters."""
    torch.manual_seed(0)
    network = settings.build(3, 3).double()
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0, 0.3 if parameter.dim() > 1 else 1.0)
    return network


def pictures(height: int = 16, width: int = 24, count: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(count, 3, height, width, generator=generator).double() * 2 - 1


def name(settings: Resnet | SkipResnet) -> str:
    return " ".join(f"{key}={value}" for key, value in settings.model_dump(exclude_defaults=True).items())


# Taps


@pytest.mark.parametrize("settings", TAPPED, ids=name)
def test_tapping_changes_nothing_and_encoding_returns_the_same_activations(settings):
    network, x, taps = made(settings), pictures(), list(settings.taps)
    y, *found = network.tapped(x, taps)
    assert torch.equal(y, network(x))
    assert len(found) == len(taps)
    for one, other in zip(found, network.encode(x, taps), strict=True):
        assert torch.equal(one, other)
    for tap, activation in zip(taps, found, strict=True):
        assert torch.equal(network.encode(x, [tap])[0], activation)
    back = [*reversed(taps)]
    assert all(map(torch.equal, network.encode(x, back), reversed(found)))
    assert all(map(torch.equal, network.tapped(x, back)[1:], reversed(found)))
    assert network.tapped(x, ())[1:] == []
    assert [activation.shape[1] for activation in found] == list(settings.taps.values())


@pytest.mark.parametrize("settings", TAPPED, ids=name)
def test_gradients_through_taps_are_those_of_the_layers_in_front(settings):
    """An activation behind a tap that works in place would spoil what was tapped."""
    network, x = made(settings), pictures(16, 16)
    for tap in settings.taps:
        if tap == "pixels":  # no layer is in front of it
            continue
        loss = network.encode(x, [tap])[0].square().sum()
        whole = network.tapped(x, settings.taps)[1 + list(settings.taps).index(tap)].square().sum()
        gradients = [
            torch.autograd.grad(one, [*network.parameters()], allow_unused=True, retain_graph=True)
            for one in (loss, whole)
        ]
        for one, other in zip(*gradients, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("settings", [SkipResnet(width=3, blocks=4), Resnet(width=3, blocks=4)], ids=name)
def test_encoding_computes_nothing_behind_the_last_tap(settings):
    network, called = made(settings), []
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    for number, layer in enumerate(convolutions):
        layer.register_forward_hook(lambda *_, number=number: called.append(number))
    network.encode(pictures(), ["down2", "down1"])
    assert called == [0, 1, 2]
    called.clear()
    network.encode(pictures(), ["block2"])
    assert len(called) == 7  # and two in each of two blocks


def test_taps_of_the_resnet_are_convolutions_before_they_are_normalised():
    network, x = made(Resnet(width=3, blocks=1)), pictures()
    model = network.model
    pixels, down1, down2, block1 = network.encode(x, ["pixels", "down1", "down2", "block1"])
    assert torch.equal(pixels, functional.pad(x, (3, 3, 3, 3), mode="reflect"))
    torch.testing.assert_close(down1, model[4](model[:4](x)))
    torch.testing.assert_close(down2, model[7](model[:7](x)))
    torch.testing.assert_close(block1, model[:11](x))


def test_taps_of_the_skip_resnet_are_what_its_parts_return():
    network, x = made(SkipResnet(width=3, blocks=2)), pictures()
    stem = network.stem(x)
    down1 = network.down1(stem)
    down2 = network.down2(down1)
    block1 = network.blocks[0](down2)
    expected = [stem, down1, down2, block1, network.blocks[1](block1)]
    assert all(map(torch.equal, network.encode(x, network.taps), expected))
    assert [h.shape[1] for h in expected] == [3, 6, 12, 12, 12]
    assert [h.shape[2] for h in expected] == [16, 8, 4, 4, 4]


# The network


def test_it_starts_as_the_identity():
    torch.manual_seed(0)
    network, x = SkipResnet(width=8, blocks=2).build(3, 3), pictures(32, 32).float()
    difference = (network.eval()(x) - x).detach().abs()
    assert 0 < float(difference.max()) < 0.05


def test_parameters_are_those_of_the_table():
    with torch.device("meta"):
        network = SkipResnet().build(3, 3)
    w = 24
    convolutions = [(3, w, 7), (w, 2 * w, 4), (2 * w, 4 * w, 4), *[(4 * w, 4 * w, 3)] * 12]
    convolutions += [(4 * w, 2 * w, 3), (2 * w, 2 * w, 1), (2 * w, w, 3), (w, w, 1), (w, 3, 7)]
    expected = sum(out * (inside * side * side + 1) for inside, out, side in convolutions)
    assert sum(parameter.numel() for parameter in network.parameters()) == expected == 1_150_731


def written_out(w: dict[str, Tensor], x: Tensor, blocks: int) -> Tensor:
    """y = x + 2 f(x), layer by layer, with two or three halvings."""

    def convolve(layer: str, x: Tensor, pad: int, stride: int = 1) -> Tensor:
        x = functional.pad(x, (pad,) * 4, mode="reflect") if pad else x
        return functional.conv2d(x, w[f"{layer}.weight"], w[f"{layer}.bias"], stride)

    def act(x: Tensor) -> Tensor:
        return torch.where(x > 0, x, 0.2 * x)

    def double(x: Tensor) -> Tensor:
        return x.repeat_interleave(2, 2).repeat_interleave(2, 3)

    stem = act(convolve("stem.1", x, 3))
    down = act(convolve("down1.1", stem, 1, 2))
    around = [down, stem]
    h = convolve("down2.1", down, 1, 2)
    if "down3.1.weight" in w:
        around.insert(0, act(h))
        h = convolve("down3.1", act(h), 1, 2)
    for block in range(blocks):
        inner = convolve(f"blocks.{block}.block.2", act(h), 1)
        h = h + convolve(f"blocks.{block}.block.5", act(inner), 1)
    for n, beside in enumerate(around, 1):
        h = convolve(f"up{n}.3", double(act(h)), 1) + convolve(f"around{n}", beside, 0)
    return x + 2 * convolve("last.1", act(h), 3)


@pytest.mark.parametrize(("blocks", "halvings"), [(0, 2), (1, 2), (3, 2), (0, 3), (2, 3)])
def test_it_computes_what_its_description_lists_and_its_layers_do_the_same(blocks, halvings):
    network, x = made(SkipResnet(width=3, blocks=blocks, halvings=halvings)), pictures(16, 24)
    expected = written_out(network.state_dict(), x, blocks)
    torch.testing.assert_close(network(x), expected, rtol=0, atol=1e-11)
    y = x
    for layer in network.layers:
        y = layer(y)
    torch.testing.assert_close(y, expected, rtol=0, atol=1e-11)


def test_results_that_are_shown_are_in_range_and_those_of_training_have_gradients():
    network, x = made(SkipResnet(width=3, blocks=1)), pictures()
    training = network(x)
    assert training.abs().max() > 1
    assert torch.equal(network.eval()(x), training.clamp(-1, 1))


@pytest.mark.parametrize(("halvings", "smallest", "multiple"), [(1, 4, 2), (2, 8, 4), (3, 16, 8)])
def test_the_smallest_side_works_and_less_is_refused(halvings, smallest, multiple):
    settings = SkipResnet(width=2, blocks=1, halvings=halvings)
    assert (settings.smallest, settings.multiple) == (smallest, multiple)
    network = settings.build(3, 3)
    sides = (smallest, smallest + multiple)
    assert network(torch.zeros(1, 3, *sides)).shape == (1, 3, *sides)
    with pytest.raises((ValueError, RuntimeError)):
        network(torch.zeros(1, 3, smallest // 2, smallest // 2))


def test_channels_grow_twice_and_no_further():
    assert SkipResnet(width=3, halvings=4).channels == [3, 6, 12, 12, 12]
    assert SkipResnet(width=3, halvings=1).channels == [3, 6]
    assert list(SkipResnet(width=3, halvings=3, blocks=1).taps) == ["stem", "down1", "down2", "down3", "block1"]


def test_no_pixel_depends_on_what_is_far_away():
    """Without normalisation: a quarter of a large picture decides about its corner alone."""
    network, x = made(SkipResnet(width=2, blocks=1)).eval(), pictures(128, 128, 1)
    other = x.clone()
    other[..., 96:, 96:] = -other[..., 96:, 96:]
    change = (network(other) - network(x)).abs().amax((0, 1))
    assert change[:64, :64].max() == 0
    assert change[96:, 96:].max() > 0


def test_initial_values_are_its_own():
    from translate.networks.first_weights import initialise

    torch.manual_seed(0)
    network = SkipResnet(width=2, blocks=1).build(3, 3)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    for kind, gain in itertools.product(("normal", "xavier"), (0.02, 0.5)):
        initialise(network, gain, kind)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
