"""Critics on frozen features: what is frozen stays so, and what is random stays the same."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrize import is_parametrized

from translate.errors import SettingsError
from translate.features import has_lite0
from translate.networks.critics import Several, Weighted
from translate.networks.first_weights import initialise
from translate.networks.memoryless import without_memory
from translate.networks.projected import LabelProjectedDiscriminator, Projected, ProjectedDiscriminator
from translate.runs.frozen_features import fill_frozen

pytestmark = pytest.mark.skipif(not has_lite0(), reason="the extra `features` is not installed")

CHANNELS = (24, 40, 112, 320)


def made(**settings: object) -> ProjectedDiscriminator:
    torch.manual_seed(0)
    critic = Projected.parse({"width": 8, **settings}).build(3)
    fill_frozen(critic)
    return critic


def pictures(side: int = 64, count: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(count, 3, side, side, generator=generator) * 2 - 1


def frozen_tensors(critic: nn.Module) -> dict[str, Tensor]:
    """All of the frozen network, and what is random and not trained."""
    found = {f"network {name}": tensor for name, tensor in critic.frozen.network.named_buffers()}
    found |= {f"network {name}": tensor for name, tensor in critic.frozen.network.named_parameters()}
    for name, parameter in critic.named_parameters():
        if name.startswith(("projections.", "mixers.")):
            found[name] = parameter
    return found


@pytest.mark.parametrize("mixing", [False, True])
def test_three_steps_change_the_heads_and_nothing_that_is_frozen(mixing):
    critic = made(mixing=mixing).train()
    before = {name: tensor.detach().clone() for name, tensor in frozen_tensors(critic).items()}
    heads = {name: p.detach().clone() for name, p in critic.named_parameters() if p.requires_grad}
    assert len(before) > 60
    assert all(name.startswith("heads.") for name in heads)
    optimiser = torch.optim.Adam([p for p in critic.parameters() if p.requires_grad], 1e-2)
    for _ in range(3):
        optimiser.zero_grad()
        torch.stack([scores.square().mean() for scores in critic(pictures())]).sum().backward()
        optimiser.step()
    assert all(torch.equal(tensor, before[name]) for name, tensor in frozen_tensors(critic).items())
    assert not any(torch.equal(p, heads[name]) for name, p in critic.named_parameters() if p.requires_grad)


def test_the_frozen_network_is_in_evaluation_whatever_holds_it():
    critic = made()
    nn.ModuleList([critic]).train().requires_grad_(True)
    assert critic.heads.training
    assert not any(module.training for module in critic.frozen.network.modules())
    assert not any(tensor.requires_grad for tensor in critic.frozen.network.parameters())


@pytest.mark.parametrize("mixing", [False, True])
@pytest.mark.parametrize("place", range(4))
def test_a_gradient_reaches_the_picture_from_every_map(place, mixing):
    x = pictures().requires_grad_()
    (gradient,) = torch.autograd.grad(made(mixing=mixing)(x)[place].sum(), x)
    assert gradient.isfinite().all()
    assert gradient.abs().amax((2, 3)).min() > 0  # in every channel of every picture


@pytest.mark.parametrize(("side", "sides"), [(32, [8, 4, 2, 1]), (128, [32, 16, 8, 4])])
def test_scores_are_maps_of_a_quarter_to_a_thirty_second_of_the_sides(side, sides):
    found = made()(pictures(side))
    assert [tuple(scores.shape) for scores in found] == [(2, 1, s, s) for s in sides]
    assert Projected().smallest == 32


def test_projections_keep_the_scale_of_features_that_are_scaled_by_their_moments():
    critic = made(width=64)
    maps = critic.frozen(pictures(128))
    found = critic.projected(pictures(128))
    moments = critic.frozen.network.moments()
    for h, projection, made_of_it, (mean, deviation) in zip(maps, critic.projections, found, moments, strict=True):
        weight = projection.weight.detach()
        assert float(weight.std()) == pytest.approx(weight.shape[1] ** -0.5, rel=0.15)
        expected = functional.conv2d((h - mean) / deviation, weight)
        torch.testing.assert_close(made_of_it, expected)
    assert tuple(h.shape[1] for h in maps) == CHANNELS


def test_with_mixing_deeper_maps_are_added_to_shallower_ones():
    plain, mixed = made(), made(mixing=True)
    for one, other in zip(plain.projections, mixed.projections, strict=True):
        one.weight.data.copy_(other.weight)
    one, other = plain.projected(pictures()), mixed.projected(pictures())
    assert torch.equal(one[3], other[3])  # nothing is deeper
    deeper = functional.interpolate(other[3], one[2].shape[-2:], mode="bilinear")
    expected = (one[2] + functional.conv2d(deeper, mixed.mixers[2].weight)) / 2**0.5
    torch.testing.assert_close(other[2], expected)
    assert len(mixed.mixers) == 3
    assert len(plain.mixers) == 0


def test_what_is_random_is_that_of_the_seed_and_travels_with_the_state():
    one, again = made(mixing=True), made(mixing=True)
    assert all(map(torch.equal, one(pictures()), again(pictures())))
    torch.manual_seed(5)
    other = Projected(width=8, mixing=True).build(3)
    fill_frozen(other)
    assert not torch.equal(one(pictures())[0], other(pictures())[0])
    assert {name.split(".")[0] for name in one.state_dict()} == {"projections", "mixers", "heads"}
    one.eval(), other.eval()  # a pass in training moves the vectors of the spectral norms on
    other.load_state_dict(one.state_dict())
    assert all(map(torch.equal, one(pictures()), other(pictures())))


def test_a_methods_initialisation_leaves_it_what_is_its_own():
    critic = made(mixing=True)
    before = {name: tensor.clone() for name, tensor in frozen_tensors(critic).items()}
    initialise(critic, 0.02, "xavier")
    assert all(torch.equal(tensor, before[name]) for name, tensor in frozen_tensors(critic).items())


def test_heads_are_three_normalised_convolutions_each():
    critic = made()
    for head in critic.heads:
        convolutions = [layer for layer in head if isinstance(layer, nn.Conv2d)]
        assert [tuple(layer.weight.shape) for layer in convolutions] == [(8, 8, 3, 3), (8, 8, 3, 3), (1, 8, 3, 3)]
        assert all(is_parametrized(layer, "weight") for layer in convolutions)
    assert sum(p.numel() for p in Projected().build(3).parameters() if p.requires_grad) == 4 * (2 * 36_928 + 577)


def test_it_is_moved_with_what_holds_it():
    critic = nn.ModuleList([made()]).double()[0]
    assert critic(pictures().double())[0].dtype == torch.float64


def test_without_weights_it_has_shapes_only():
    with without_memory():
        critic = Projected(width=8).build(3)
    assert [scores.shape[-1] for scores in critic(torch.zeros(1, 3, 64, 64, device="meta"))] == [16, 8, 4, 2]
    with pytest.raises(RuntimeError, match="has no weights"):
        Projected(width=8).build(3)(pictures())


def test_with_labels_a_head_more_reads_the_deepest_map():
    torch.manual_seed(0)
    critic = Projected(width=8).build_with_labels(3, 5, 64)
    assert isinstance(critic, LabelProjectedDiscriminator)
    fill_frozen(critic)
    scores, logits = critic(pictures())
    assert len(scores) == 4
    expected = critic.classes(critic.projected(pictures())[3]).mean((2, 3))
    torch.testing.assert_close(logits, expected)
    assert logits.shape == (2, 5)


@pytest.mark.parametrize("tree", [{"width": 0}, {"features": "lite9"}, {"kind": "patchgan"}, {"layers": 3}])
def test_impossible_settings_are_refused(tree):
    with pytest.raises(SettingsError, match=next(iter(tree))):
        Projected.parse(tree)


def test_several_critics_may_be_of_it():
    critics = Several(critics=(Weighted(critic=Projected(width=8)), Weighted(critic=Projected(width=8))))
    network = critics.build(3)
    fill_frozen(network)
    one, other = network(pictures())
    assert len(one) == len(other) == 4
    assert not torch.equal(one[0], other[0])  # each has projections of its own
