"""Progressive growing: hand values of its layers, its stages, and a restatement of its step in float64."""

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from translate.errors import SettingsError
from translate.methods.progan import ProGAN, Settings, at_depth
from translate.noise.progressive import EqualisedConv, Progressive, depth_of, pixel_norm, with_deviation

SIDE, N = 32, 4
TINY: dict[str, Any] = {"latent": 3, "grow": 9, "generator": {"base": 16}, "discriminator": {"base": 16}}


def built(**settings: Any) -> ProGAN:
    torch.manual_seed(0)
    return Settings.parse({**TINY, **settings}).build(["faces"], SIDE).double()


def pictures() -> Tensor:
    return torch.rand(N, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)).double() * 2 - 1


def test_layers_have_the_values_of_the_paper():
    assert EqualisedConv(512, 512, 3).scale == pytest.approx(0.0208333, abs=1e-6)
    assert EqualisedConv(512, 8192, 1, gain=math.sqrt(2) / 4).scale == pytest.approx(0.015625)
    pixel = torch.tensor([3.0, 4.0], dtype=torch.float64).reshape(1, 2, 1, 1)
    assert pixel_norm(pixel).flatten().tolist() == pytest.approx([0.848528, 1.131371], abs=1e-6)
    features = torch.tensor([[0.0, 0], [2, 0], [4, 0], [6, 4]], dtype=torch.float64).reshape(4, 2, 1, 1)
    told = with_deviation(features)[:, 2].flatten()
    assert told.tolist() == pytest.approx([1.984059] * 4, abs=1e-6)
    assert [Progressive().channels(side) for side in (4, 32, 64, 1024)] == [512, 512, 256, 16]


def test_stages_are_equal_parts_and_the_first_half_of_each_fades():
    settings = Settings.parse({"start": 8}).for_run(30)  # three stages, of 8, 16 and 32 pixels
    found = [depth_of(settings.grown(n, 32)) for n in range(40)]
    assert found[:10] == [(0, 1.0)] * 10
    assert [depth for depth, _ in found] == [0] * 10 + [1] * 10 + [2] * 20
    assert [t for _, t in found[10:20]] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1, 1, 1])
    assert found[-1] == (2, 1.0)


def test_a_run_that_is_over_before_networks_have_grown_is_refused():
    Settings().check_length(10)
    with pytest.raises(SettingsError, match=r"grow for 40 steps \(method.grow\), and the run has 30 in all"):
        Settings(grow=40).check_length(30)


def test_a_block_that_has_not_faded_in_yet_changes_nothing():
    method, z = built(), torch.randn(2, 3, dtype=torch.float64)
    method.G.grown.fill_(0.0)
    small = method.G(z)
    method.G.grown.fill_(1e-9)
    torch.testing.assert_close(method.G(z), interpolate(small, scale_factor=2.0), rtol=0, atol=1e-6)
    x = avg_pool2d(pictures(), 2)
    torch.testing.assert_close(method.D(x, 1e-9), method.D(avg_pool2d(x, 2), 0.0), rtol=0, atol=1e-6)
    assert method.sample(z).shape == (2, 3, SIDE, SIDE)
    assert "G.grown" in method.state_dict()


def test_real_pictures_fade_as_drawn_ones_do():
    x = pictures()
    assert torch.equal(at_depth(x, 8, 0.0), avg_pool2d(x, 4))
    half = at_depth(x, 8, 0.5)
    wanted = (avg_pool2d(x, 2) + interpolate(avg_pool2d(x, 4), scale_factor=2.0)) / 2
    torch.testing.assert_close(half, wanted)
    assert torch.equal(at_depth(x, 8, 2.0), x)


@pytest.mark.parametrize("n", [0, 3, 8])  # before it grows, while a block fades in, and full-grown
def test_a_step_is_that_of_the_paper(n):
    method, x = built(), pictures()
    G, D = copy.deepcopy(method.G), copy.deepcopy(method.D)
    given: dict[str, Tensor] = {}
    torch.manual_seed(n)
    found = method.step({"x": x}, lambda **losses: given.update(losses), n)

    torch.manual_seed(n)
    grown = {0: 0.0, 3: 2 / 3, 8: 2.0}[n]
    G.grown.fill_(grown)
    real = at_depth(x, 8, grown)
    g = G(torch.randn(N, 3, dtype=torch.float64)).detach()
    alpha = torch.rand(N, 1, 1, 1, dtype=torch.float64)
    between = (alpha * real + (1 - alpha) * g).requires_grad_()
    (slope,) = torch.autograd.grad(D(between, grown).sum(), between)
    penalty = (slope.flatten(1).norm(dim=1) - 1).square().mean()
    L_D = D(g, grown).mean() - D(real, grown).mean() + 10 * penalty + 1e-3 * (D(real, grown) ** 2).mean()
    torch.testing.assert_close(given["D"].detach(), L_D.detach(), rtol=1e-6, atol=1e-6)
    L_G = -D(G(torch.randn(N, 3, dtype=torch.float64)), grown).mean()
    torch.testing.assert_close(given["G"].detach(), L_G.detach(), rtol=1e-6, atol=1e-6)
    assert int(found["side"]) == {0: 8, 3: 16, 8: 32}[n]
    assert set(found) == set(method.terms())
