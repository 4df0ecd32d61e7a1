"""A frozen network: shapes until it is filled, never trained, never stored, moved with the network that holds it."""

import copy

import pytest
import torch
from torch import nn

from translate.errors import WeightsError
from translate.features import find_weights
from translate.networks.features.random_convolutions import RandomConvolutions
from translate.networks.features.squeezenet import SqueezeNet
from translate.networks.frozen import Frozen, frozen_in

PICTURES = torch.linspace(-1, 1, 2 * 3 * 32 * 32).reshape(2, 3, 32, 32)


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.frozen = Frozen(RandomConvolutions())
        self.head = nn.Conv2d(256, 1, 1)

    def forward(self, x):
        return self.head(self.frozen(x)[-1])


def filled():
    critic = Critic()
    critic.frozen.fill(find_weights("random").tensors, "abc")
    return critic


def test_it_sees_what_its_network_sees():
    frozen = filled().frozen
    assert frozen.sha256 == "abc"
    wanted = RandomConvolutions().fill(find_weights("random").tensors).maps(127.5 * (PICTURES + 1))
    for found, right in zip(frozen(PICTURES), wanted, strict=True):
        assert found.equal(right)


def test_it_is_not_trained_and_passes_gradients_on():
    critic = filled()
    before = [tensor.clone() for tensor in critic.frozen.network.buffers()]
    x = PICTURES.clone().requires_grad_()
    optimiser = torch.optim.SGD(critic.parameters(), 1.0)
    critic(x).mean().backward()
    optimiser.step()
    assert x.grad.abs().max() > 0
    assert all(map(torch.equal, critic.frozen.network.buffers(), before))
    assert {name for name, _ in critic.named_parameters()} == {"head.weight", "head.bias"}


def test_it_stays_in_evaluation_mode_and_without_gradients():
    frozen = Frozen(SqueezeNet())
    holder = nn.Sequential(frozen).train().requires_grad_(True)
    assert not any(module.training for module in frozen.network.modules())
    assert not any(parameter.requires_grad for parameter in frozen.network.parameters())
    assert holder.training


def test_nothing_that_is_kept_holds_it():
    critic, other = filled(), Critic()
    assert critic.state_dict().keys() == {"head.weight", "head.bias"}
    assert not list(critic.frozen.parameters())
    assert not list(critic.frozen.buffers())
    other.load_state_dict(critic.state_dict(), strict=True)
    assert other.head.weight.equal(critic.head.weight)
    assert not other.frozen.network.filled


def test_a_copy_shares_nothing():
    critic = filled()
    twin = copy.deepcopy(critic)
    twin.double()
    assert next(critic.frozen.network.buffers()).dtype == torch.float32
    assert twin(PICTURES.double()).dtype == torch.float64
    assert critic(PICTURES).dtype == torch.float32


def test_it_is_moved_with_the_network_that_holds_it_before_and_after_it_is_filled():
    late = Critic().double()
    late.frozen.fill(find_weights("random").tensors)
    early = filled().double()
    early.load_state_dict(late.state_dict())
    torch.testing.assert_close(late(PICTURES.double()), early(PICTURES.double()), rtol=0, atol=0)


def test_without_weights_it_has_shapes_only():
    with pytest.raises(RuntimeError, match=r"frozen network random has no weights\. Call fill"):
        Critic()(PICTURES)
    with torch.device("meta"):
        critic = Critic()
    assert critic(PICTURES.to("meta")).shape == (2, 1, 4, 4)
    before = torch.random.get_rng_state()
    assert all(parameter.is_meta for parameter in Frozen(SqueezeNet()).network.parameters())
    assert torch.random.get_rng_state().equal(before)  # building it draws nothing


def test_one_that_was_built_on_meta_can_be_filled():
    with torch.device("meta"):
        frozen = Frozen(RandomConvolutions())
    frozen.fill(find_weights("random").tensors)
    assert frozen(PICTURES)[0].device.type == "cpu"


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(WeightsError, match=r"does not fit SqueezeNet 1\.1"):
        Frozen(SqueezeNet()).fill(find_weights("random").tensors, "abc")


def test_those_in_a_network_are_found():
    critic = filled()
    assert frozen_in(nn.ModuleList([nn.ReLU(), critic])) == [critic.frozen]
    assert not frozen_in(nn.ReLU())
