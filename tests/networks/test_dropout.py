"""Dropout as noise: on in evaluation, and the same every time."""

import torch
from torch import nn

from translate.networks.dropout import Dropout, keep_dropout


def kept(count: int = 1) -> nn.Sequential:
    network = nn.Sequential(*(Dropout(0.5) for _ in range(count))).eval()
    keep_dropout(network)
    return network


def test_it_does_nothing_in_evaluation_unless_it_stays():
    x = torch.randn(2, 4, 8, 8)
    assert torch.equal(Dropout(0.5).eval()(x), x)
    assert not torch.equal(kept()(x), x)


def test_half_of_the_places_are_dropped_with_no_pattern_to_be_seen():
    y = kept()(torch.ones(1, 64, 32, 32))
    assert set(y.unique().tolist()) == {0.0, 2.0}
    assert abs(float(y.mean()) - 1) < 0.02
    for axis in (1, 2, 3):
        one, other = y.narrow(axis, 0, y.shape[axis] - 1), y.narrow(axis, 1, y.shape[axis] - 1)
        assert abs(float(((one - 1) * (other - 1)).mean())) < 0.02  # neighbours have nothing to do with each other
        assert float(y.mean(axis).std()) > 0.1


def test_it_drops_the_same_for_every_picture_and_whatever_was_drawn_before():
    layer = kept()
    torch.manual_seed(0)
    first = layer(torch.ones(3, 8, 4, 4))
    torch.manual_seed(1)
    assert torch.equal(first[:1].expand(3, -1, -1, -1), layer(torch.ones(3, 8, 4, 4)))
    assert torch.equal(layer(torch.ones(1, 8, 4, 4, dtype=torch.bfloat16)).float(), first[:1])


def test_layers_do_not_drop_the_same():
    x = torch.ones(1, 8, 16, 16)
    one, other = (layer(x) for layer in kept(2))
    assert 0.2 < float((one == other).float().mean()) < 0.8


def test_in_training_it_draws_as_ever():
    layer, x = kept()[0].train(), torch.ones(1, 4, 8, 8)
    torch.manual_seed(0)
    found = layer(x)
    torch.manual_seed(0)
    assert torch.equal(found, nn.Dropout(0.5)(x))
