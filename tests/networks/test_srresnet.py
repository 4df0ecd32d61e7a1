"""SRResNet: the published size, what it sees, and what it begins with."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from translate.networks.srresnet import SRResNet


def count(settings: SRResNet) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in settings.build(3, 3).parameters())


@pytest.mark.parametrize(("blocks", "parameters"), [(16, 1_549_462), (5, 734_219)])
def test_parameters_are_those_of_figure_4(blocks, parameters):
    # 1,549,462: summed over the layers of the figure; 734,219: the generator of leftthomas/SRGAN, which has 5 blocks
    assert count(SRResNet(blocks=blocks, scale=4)) == parameters


@pytest.mark.parametrize("scale", [1, 2, 4, 8])
@pytest.mark.parametrize("residual", [False, True])
def test_it_works_on_the_small_picture(scale, residual):
    torch.manual_seed(0)
    network = SRResNet(width=3, blocks=1, norm="none", scale=scale, residual=residual).build(3, 3)
    small = torch.rand(2, 3, 6, 5) * 2 - 1
    coarse = small.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    y = network(coarse)
    assert y.shape == coarse.shape
    noise = torch.rand_like(coarse)
    unseen = noise - functional.avg_pool2d(noise, scale).repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    torch.testing.assert_close(network(coarse + unseen), y + unseen * residual, rtol=0, atol=1e-5)


def written_out(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """Figure 4 of the paper at scale 4, layer by layer, without normalisation."""

    def convolve(name: str, x: Tensor) -> Tensor:
        kernel = weights[f"{name}.weight"]
        return functional.conv2d(x, kernel, weights[f"{name}.bias"], padding=kernel.shape[-1] // 2)

    def prelu(name: str, x: Tensor) -> Tensor:
        return torch.where(x > 0, x, weights[f"{name}.weight"] * x)

    x = functional.interpolate(x, scale_factor=0.25, mode="area")
    start = x = prelu("model.2", convolve("model.1", x))
    for block in (0, 1):
        name = f"model.3.inside.{block}.block"
        x = x + convolve(f"{name}.3", prelu(f"{name}.2", convolve(f"{name}.0", x)))
    x = start + convolve("model.3.inside.2", x)
    for layer in (4, 7):
        x = prelu(f"model.{layer + 2}", functional.pixel_shuffle(convolve(f"model.{layer}", x), 2))
    return convolve("model.10", x)


def test_it_computes_what_the_paper_shows():
    torch.manual_seed(0)
    network = SRResNet(width=3, blocks=2, norm="none", scale=4).build(3, 3).double()
    x = torch.rand(2, 3, 16, 24, dtype=torch.float64) * 2 - 1
    torch.testing.assert_close(network(x), written_out(network.state_dict(), x), rtol=0, atol=1e-12)
    nn.init.constant_(network.model[10].bias, 5.0)
    assert network(x).max() > 1
    assert network.eval()(x).max() <= 1


def test_it_begins_without_a_checkerboard():
    torch.manual_seed(0)
    network = SRResNet(width=4, blocks=0, norm="none", scale=2).build(3, 3)
    before_last = nn.Sequential(*list(network.model)[:-2])
    y = before_last(torch.rand(1, 3, 16, 16))
    torch.testing.assert_close(y, functional.avg_pool2d(y, 2).repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_with_residual_it_begins_as_the_coarse_picture():
    network = SRResNet(width=4, blocks=1, scale=4, residual=True).build(3, 3)
    x = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(network(x), x, rtol=0, atol=0.05)
