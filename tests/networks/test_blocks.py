"""What all networks share: normalisation, padding, initialisation, and gradients that do not depend on the layout."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from translate.devices import deterministic
from translate.networks.blocks import (
    BatchNorm,
    InstanceNorm,
    ReflectionPad,
    instance_norm,
    norm_layer,
    together,
)
from translate.networks.discriminators import PatchGAN, PixelGAN
from translate.networks.first_weights import initialise
from translate.networks.resnet import Resnet

GENERATORS = [
    Resnet(width=3, blocks=2, norm=norm, upsampling=upsampling)
    for norm in ("instance", "batch", "none")
    for upsampling in ("transposed", "resize")
]
DISCRIMINATORS = [
    *(PatchGAN(width=3, layers=2, norm=norm) for norm in ("instance", "batch", "none")),
    *(PixelGAN(width=3, norm=norm) for norm in ("instance", "batch", "none")),
]
NETWORKS = [*GENERATORS, *DISCRIMINATORS]
ORDERS = {  # how the four dimensions lie in memory, outermost first
    "contiguous": (0, 1, 2, 3),
    "channels-last": (0, 2, 3, 1),
    "columns first": (0, 1, 3, 2),
    "batch last": (1, 2, 3, 0),
}
LAYOUTS = [torch.contiguous_format, torch.channels_last]


def name(settings: Resnet | PatchGAN | PixelGAN) -> str:
    return "-".join([settings.kind, settings.norm, getattr(settings, "upsampling", "")]).strip("-")


def build(settings: Resnet | PatchGAN | PixelGAN) -> nn.Module:
    torch.manual_seed(0)
    network = settings.build(3, 3) if isinstance(settings, Resnet) else settings.build(3)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):  # away from 1 and 0, so that a mix-up shows
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.uniform_(layer.bias, -0.5, 0.5)
    return network.double()


def randn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def laid(x: Tensor, order: tuple[int, ...]) -> Tensor:
    """Return `x` with its dimensions laid out in memory in `order`."""
    inverse = [order.index(dim) for dim in range(4)]
    return x.detach().permute(order).contiguous().permute(inverse)


def normalised(x: Tensor, dims: tuple[int, ...]) -> Tensor:
    """The formula: (x - mean) / sqrt(variance + 1e-5), with the biased variance."""
    centred = x - x.mean(dims, keepdim=True)
    return centred / (centred.square().mean(dims, keepdim=True) + 1e-5).sqrt()


class FormulaInstanceNorm(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return normalised(x, (2, 3))


class FormulaBatchNorm(nn.Module):
    def __init__(self, layer: nn.BatchNorm2d) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias

    def forward(self, x: Tensor) -> Tensor:
        return normalised(x, (0, 2, 3)) * self.weight[:, None, None] + self.bias[:, None, None]


def plain(network: nn.Module) -> nn.Module:
    """Copy a network into one that normalises by the formulas and pads with torch's layer."""
    network = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
    for parent in list(network.modules()):
        for key, layer in list(parent.named_children()):
            if isinstance(layer, InstanceNorm):
                setattr(parent, key, FormulaInstanceNorm())
            elif isinstance(layer, nn.BatchNorm2d):
                setattr(parent, key, FormulaBatchNorm(layer))
            elif isinstance(layer, ReflectionPad):
                setattr(parent, key, nn.ReflectionPad2d(layer.pixels))
    return network


def assert_equal_gradients(found: list[Tensor], expected: list[Tensor], tolerance: float = 1e-10) -> None:
    """Compare tensor by tensor, relative to the largest entry; what is rounding of the largest tensor counts as 0."""
    largest = max(float(tensor.abs().max()) for tensor in expected)
    for one, other in zip(found, expected, strict=True):
        allowed = tolerance * float(other.abs().max()) + 1e-4 * tolerance * largest
        assert float((one - other).abs().max()) <= allowed


# Instance normalisation


@pytest.mark.parametrize("gradient_order", ORDERS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("channels", [1, 5])
@pytest.mark.parametrize("batch", [1, 2, 3])
def test_instance_norm_is_its_formula_in_every_layout(batch, channels, order, gradient_order):
    # On a CPU torch 2.15's own instance_norm fails where the gradient, seen as (1, N * C, H, W), is channels-last.
    torch.manual_seed(0)
    x = (randn(batch, channels, 6, 7) * 3 + 2).requires_grad_()
    weights = randn(batch, channels, 6, 7)
    expected = normalised(x, (2, 3))
    (expected_gradient,) = torch.autograd.grad(expected, x, weights)

    ours = laid(x, ORDERS[order]).requires_grad_()
    found = instance_norm(ours)
    (gradient,) = torch.autograd.grad(found, ours, laid(weights, ORDERS[gradient_order]))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(gradient, expected_gradient, rtol=0, atol=1e-12)


@pytest.mark.parametrize("gradient_layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("batch", [1, 2])
def test_instance_norm_with_learned_weights_is_torchs(batch, layout, gradient_layout):
    torch.manual_seed(0)
    ours, theirs = InstanceNorm(5).double(), nn.InstanceNorm2d(5, affine=True).double()
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        nn.init.uniform_(other, -1, 2)
        own.data.copy_(other)
    x = (randn(batch, 5, 6, 7) * 3 + 2).requires_grad_()
    weights = randn(batch, 5, 6, 7)
    expected = theirs(x)  # all contiguous: torch 2.15's own is wrong for some channels-last gradients
    expected_gradients = torch.autograd.grad(expected, [x, *theirs.parameters()], weights)

    laid_out = x.detach().to(memory_format=layout).requires_grad_()
    found = ours(laid_out)
    gradients = torch.autograd.grad(found, [laid_out, *ours.parameters()], weights.to(memory_format=gradient_layout))
    assert found.is_contiguous(memory_format=layout)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    for one, other in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-11)


def test_learned_weights_start_as_no_change():
    x = randn(2, 3, 4, 4)
    assert torch.equal(InstanceNorm(3).double()(x), InstanceNorm()(x))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("batch", [1, 2])
def test_instance_norm_has_right_second_derivatives(batch, layout):
    torch.manual_seed(0)
    x = randn(batch, 2, 3, 2).to(memory_format=layout).requires_grad_()
    assert torch.autograd.gradcheck(instance_norm, x)
    assert torch.autograd.gradgradcheck(instance_norm, x)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_instance_norm_keeps_layout_and_dtype(dtype, batch, layout):
    x = torch.randn(batch, 4, 6, 7).to(dtype=dtype, memory_format=layout).requires_grad_()
    found = instance_norm(x)
    assert found.dtype == dtype
    assert found.is_contiguous(memory_format=layout)
    assert not found.is_contiguous(memory_format=LAYOUTS[1 - LAYOUTS.index(layout)])
    found.sum().backward()
    assert x.grad.is_contiguous(memory_format=layout)


def test_an_image_without_contrast_becomes_zero_with_a_finite_gradient():
    x = torch.full((2, 3, 4, 4), 0.7, requires_grad=True)
    found = instance_norm(x)
    assert found.abs().max() < 1e-3
    found.square().sum().backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("batch", [1, 2])
def test_a_single_pixel_cannot_be_normalised(batch, layout):
    with pytest.raises(ValueError, match="more than 1"):
        instance_norm(torch.zeros(batch, 3, 1, 1).to(memory_format=layout))


def test_instance_norm_has_no_state_and_the_same_result_in_evaluation():
    layer, x = InstanceNorm(), torch.randn(2, 3, 4, 4)
    assert not layer.state_dict()
    training = layer(x)
    assert torch.equal(training, layer.eval()(x))


@pytest.mark.parametrize(("norm", "kind"), [("instance", InstanceNorm), ("batch", BatchNorm), ("none", nn.Identity)])
def test_norm_layers_are_called_by_name(norm, kind):
    assert type(norm_layer(norm, 5)) is kind


# Padding


@pytest.mark.parametrize("pixels", [1, 3])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("only_deterministic", [False, True])
@pytest.mark.fault("R-44")
def test_reflection_padding_is_torchs(order, pixels, only_deterministic):
    torch.manual_seed(0)
    x = randn(2, 3, 5, 6).requires_grad_()
    expected = nn.ReflectionPad2d(pixels)(x)
    weights = torch.randn_like(expected)
    (expected_gradient,) = torch.autograd.grad(expected, x, weights)
    ours = laid(x, ORDERS[order]).requires_grad_()
    with deterministic(only_deterministic):
        found = ReflectionPad(pixels)(ours)
        assert ("Cat" in type(found.grad_fn).__name__) is only_deterministic
        (gradient,) = torch.autograd.grad(found, ours, laid(weights, ORDERS[order]))
    assert torch.equal(found, expected)
    torch.testing.assert_close(gradient, expected_gradient, rtol=0, atol=1e-14)


def test_reflection_padding_repeats_the_inside_but_not_the_edge():
    found = ReflectionPad(2)(torch.arange(4.0).expand(1, 1, 4, 4))
    assert found[0, 0, 0].tolist() == [2, 1, 0, 1, 2, 3, 2, 1]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_reflection_padding_keeps_the_dtype_under_autocast(dtype):
    x = torch.randn(1, 2, 4, 4).to(dtype)
    with torch.autocast("cpu", torch.bfloat16):
        found = ReflectionPad(1)(x)
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), nn.ReflectionPad2d(1)(x.double()), rtol=0, atol=0)


# Initialisation


def assert_normal(values: Tensor, mean: float, deviation: float) -> None:
    """Bounds are 5 standard errors, so that only a wrong distribution fails."""
    n = values.numel()
    values = (values.detach().double().flatten() - mean) / deviation
    assert abs(float(values.mean())) < 5 / math.sqrt(n)
    assert abs(float(values.std()) - 1) < 5 / math.sqrt(2 * n)
    assert abs(float((values.abs() > 2).double().mean()) - 0.0455) < 5 * math.sqrt(0.0455 * 0.9545 / n)  # its tails


@pytest.mark.parametrize("gain", [0.02, 0.1])
@pytest.mark.parametrize(
    "layer",
    [nn.Conv2d(64, 128, 3), nn.ConvTranspose2d(64, 128, 3), nn.Linear(256, 256), nn.Conv2d(64, 128, 3, bias=False)],
)
def test_weights_are_drawn_from_a_normal_distribution_and_biases_are_zero(layer, gain):
    torch.manual_seed(0)
    network = nn.Sequential(copy.deepcopy(layer))
    initialise(network, gain)
    assert_normal(network[0].weight, 0, gain)
    assert network[0].bias is None or not network[0].bias.any()


@pytest.mark.parametrize("gain", [0.02, 0.1])
def test_batch_norm_weights_are_drawn_around_one(gain):
    torch.manual_seed(0)
    layer = nn.BatchNorm2d(20_000)
    nn.init.ones_(layer.bias)
    initialise(layer, gain)
    assert_normal(layer.weight, 1, gain)
    assert not layer.bias.any()


@pytest.mark.parametrize(
    "settings", [Resnet(width=16), Resnet(width=16, norm="batch"), PatchGAN(width=16), PixelGAN()], ids=name
)
def test_every_layer_of_a_network_is_initialised(settings):
    torch.manual_seed(0)
    network = settings.build(3, 3) if isinstance(settings, Resnet) else settings.build(3)
    for parameter in network.parameters():
        nn.init.constant_(parameter, 9)
    initialise(network)
    for key, parameter in network.named_parameters():
        if parameter.dim() == 4:
            assert_normal(parameter, 0, 0.02)
        elif key.endswith("bias"):
            assert not parameter.any(), key
        else:
            assert_normal(parameter, 1, 0.02)


# Several batches in one pass


def passes(network: nn.Module) -> list[int]:
    """Return a list that grows by the size of the batch whenever the network is called."""
    sizes: list[int] = []
    network.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    return sizes


@pytest.mark.parametrize("settings", NETWORKS, ids=name)
def test_together_returns_what_separate_passes_return_in_order(settings):
    network = build(settings)
    x, y, z = randn(1, 3, 16, 16), randn(3, 3, 16, 16), randn(2, 3, 16, 16)
    expected = [network(x), network(y), network(z)]
    sizes = passes(network)
    found = together(network, x, y, z)
    assert sizes == ([1, 3, 2] if settings.norm == "batch" else [6])
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_together_takes_lists_of_tensors_and_lists_of_those_apart(norm):
    network = build(Resnet(width=2, blocks=1, norm=norm))
    x, y = randn(1, 3, 16, 16), randn(3, 3, 16, 16)

    def run(u):
        return [network(u), [u + 1, [u.mean((2, 3))]]]

    for found, batch in zip(together(network, x, y, run=run), (x, y), strict=True):
        whole, (more, (mean,)) = found
        torch.testing.assert_close(whole, network(batch), rtol=0, atol=1e-12)
        assert torch.equal(more, batch + 1)
        assert torch.equal(mean, batch.mean((2, 3)))


def test_together_keeps_batch_statistics_apart():
    layer = nn.BatchNorm2d(3, momentum=0.1)
    dark, light = torch.randn(2, 3, 8, 8) - 5, torch.randn(2, 3, 8, 8) + 5
    for output in together(nn.Sequential(layer), dark, light):
        assert output.mean().abs() < 1e-5
        assert abs(float(output.detach().std()) - 1) < 0.1
    # 0.9 * (0.1 * -5) + 0.1 * 5, up to the means of the samples: both batches were counted, in order
    torch.testing.assert_close(layer.running_mean, torch.full((3,), 0.05), rtol=0, atol=0.05)
    assert layer.num_batches_tracked == 2


# Every network


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("gradient_layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("settings", NETWORKS, ids=name)
def test_gradients_do_not_depend_on_layout_and_batching(settings, layout, gradient_layout, batch):
    network = build(settings)
    reference = plain(network)
    x, y = randn(batch, 3, 16, 16).requires_grad_(), randn(batch, 3, 16, 16).requires_grad_()
    if settings.norm == "batch":
        expected = [reference(x), reference(y)]
    else:
        expected = [torch.cat([reference(image) for image in both.split(1)]) for both in (x, y)]
    weights = [torch.randn_like(output) for output in expected]
    loss = sum((weight * output).sum() for weight, output in zip(weights, expected, strict=True))
    expected_gradients = torch.autograd.grad(loss, [x, y, *reference.parameters()])

    network = network.to(memory_format=layout)
    ours = [both.detach().to(memory_format=layout).requires_grad_() for both in (x, y)]
    found = together(network, *ours)
    weights = [weight.to(memory_format=gradient_layout) for weight in weights]
    loss = sum((weight * output).sum() for weight, output in zip(weights, found, strict=True))
    gradients = torch.autograd.grad(loss, [*ours, *network.parameters()])

    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-11)
    assert_equal_gradients(list(gradients), list(expected_gradients))


@pytest.mark.parametrize("settings", NETWORKS, ids=name)
def test_every_parameter_moves_the_output(settings):
    network = build(settings)
    gradients = torch.autograd.grad(network(randn(2, 3, 16, 16)).square().sum(), list(network.parameters()))
    for (key, parameter), gradient in zip(network.named_parameters(), gradients, strict=True):
        assert gradient.isfinite().all()
        before_norm = settings.norm == "instance" and parameter.dim() == 1
        assert gradient.any() or before_norm, key


@pytest.mark.parametrize("settings", NETWORKS, ids=name)
def test_channels_last_goes_through_to_the_end(settings):
    network = build(settings).to(memory_format=torch.channels_last)
    layouts: list[bool] = []
    for layer in network.modules():
        if isinstance(layer, InstanceNorm | nn.BatchNorm2d | ReflectionPad | nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(
                lambda _, __, output: layouts.append(output.is_contiguous(memory_format=torch.channels_last))
            )
    network(randn(2, 3, 16, 16).to(memory_format=torch.channels_last))
    assert layouts
    assert all(layouts)


def test_untracked_batch_normalisation_uses_the_batch_in_training_and_each_picture_afterwards():
    torch.manual_seed(0)
    layer, tracked = norm_layer("untracked", 3), norm_layer("batch", 3)
    for one in (layer, tracked):
        one.weight.data.copy_(torch.tensor([0.5, 1.0, 2.0]))
        one.bias.data.copy_(torch.tensor([0.1, 0.0, -1.0]))
    x = torch.randn(4, 3, 5, 6) * 3 + 1
    torch.testing.assert_close(layer.train()(x), tracked.train()(x))
    alone = torch.cat([tracked(picture) for picture in x.split(1)])
    torch.testing.assert_close(layer.eval()(x), alone)
    assert not torch.allclose(layer(x), layer.train()(x))
    assert set(layer.state_dict()) == {"weight", "bias"}
