"""Several critics as one discriminator."""

import pytest
import torch
from torch import Tensor, nn

from translate.errors import SettingsError
from translate.methods.cyclegan import Settings as CycleGAN
from translate.networks.critics import Several, Weighted, objective_of
from translate.networks.discriminators import PatchGAN, PixelGAN
from translate.networks.projected import Projected
from translate.objectives import OBJECTIVES

TREE = {
    "kind": "several",
    "critics": [
        {"critic": {"width": 2, "layers": 1}, "objective": "lsgan"},
        {"critic": {"kind": "pixelgan", "width": 2}, "weight": 0.25},
        {
            "critic": {"kind": "patchgan", "width": 3, "layers": 2, "norm": "none"},
            "weight": 2.0,
            "objective": "vanilla",
        },
    ],
}


def pictures(seed: int) -> Tensor:
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_it_is_read_from_settings_with_a_patchgan_and_a_hinge_unless_said():
    settings = Several.parse(TREE)
    assert [one.critic for one in settings.critics] == [
        PatchGAN(width=2, layers=1), PixelGAN(width=2), PatchGAN(width=3, layers=2, norm="none")
    ]  # fmt: skip
    assert [(one.weight, one.objective) for one in settings.critics] == [(1, "lsgan"), (0.25, "hinge"), (2, "vanilla")]
    assert Several.parse(settings.model_dump(mode="json")) == settings


def test_every_critic_sees_the_same_pictures():
    torch.manual_seed(0)
    network, x = Several.parse(TREE).build(3), pictures(0)
    found = network(x)
    assert all(torch.equal(scores, critic(x)) for scores, critic in zip(found, network.critics, strict=True))
    assert len({scores.shape for scores in found}) == 3


def test_its_objective_is_the_weighted_sum_of_those_of_its_critics():
    torch.manual_seed(0)
    settings = Several.parse(TREE)
    network = settings.build(3)
    real, fake = network(pictures(0)), network(pictures(1))
    objective = objective_of(settings, "lsgan")  # which then says nothing
    parts = [(OBJECTIVES[name], weight) for name, weight in (("lsgan", 1.0), ("hinge", 0.25), ("vanilla", 2.0))]
    d = sum(weight * one.d(r, f) for (one, weight), r, f in zip(parts, real, fake, strict=True))
    g = sum(weight * one.g(f) for (one, weight), f in zip(parts, fake, strict=True))
    torch.testing.assert_close(objective.d(real, fake), d)
    torch.testing.assert_close(objective.g(fake), g)
    assert objective.equilibrium == sum(weight * one.equilibrium for one, weight in parts)
    shares = [one.accuracy(r, f) for (one, _), r, f in zip(parts, real, fake, strict=True)]
    for found, expected in zip(objective.accuracy(real, fake), zip(*shares, strict=True), strict=True):
        torch.testing.assert_close(found, torch.stack(expected).mean())


def test_each_critic_has_the_gradient_of_its_own_part_alone():
    torch.manual_seed(0)
    settings = Several.parse(TREE)
    network = settings.build(3)
    objective = objective_of(settings, "lsgan")
    loss = objective.d(network(pictures(0)), network(pictures(1)))
    for critic, one in zip(network.critics, settings.critics, strict=True):
        part = one.weight * OBJECTIVES[one.objective].d(critic(pictures(0)), critic(pictures(1)))
        parameters = list(critic.parameters())
        found = torch.autograd.grad(loss, parameters, retain_graph=True)
        expected = torch.autograd.grad(part, parameters)
        for ours, theirs in zip(found, expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_it_needs_what_the_largest_of_its_critics_needs():
    assert Several.parse(TREE).smallest == 12
    assert Several(critics=(Weighted(critic=Projected()), Weighted(critic=PatchGAN(layers=2)))).smallest == 32
    settings = CycleGAN.parse({"discriminator": TREE, "generator": {"width": 2, "blocks": 1}})
    settings.check_size(12)
    with pytest.raises(SettingsError, match="Size 8 does not suit cyclegan"):
        settings.check_size(8)


def test_one_critic_has_the_objective_of_the_method():
    assert objective_of(PatchGAN(), "hinge") is OBJECTIVES["hinge"]
    assert objective_of(Projected(), "lsgan") is OBJECTIVES["lsgan"]


def test_a_method_trains_with_it():
    settings = CycleGAN.parse({"discriminator": TREE, "generator": {"width": 2, "blocks": 1}, "pool": 2})
    torch.manual_seed(0)
    method = settings.build(("a", "b"), 16)
    losses: dict[str, Tensor] = {}
    terms = method.step({"a": pictures(0), "b": pictures(1)}, losses.update, 0)
    assert all(term.isfinite() for term in terms.values())
    parameters = [p for D in (method.D_X, method.D_Y) for p in D.parameters() if p.dim() > 1]
    assert all(gradient.any() for gradient in torch.autograd.grad(losses["D"], parameters))
    assert {name: term.trend for name, term in method.terms().items()}["GAN_G"] == "free"  # a hinge is among them


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"critics": []}, "critics"),
        ({"critics": [{"critic": {}, "weight": 0}]}, "weight"),
        ({"critics": [{"critic": {"kind": "several"}}]}, "kind"),
        ({"critics": [{"critic": {"kind": "whole-image"}}]}, "kind"),
        ({"critics": [{"critic": {}, "objective": "wgan"}]}, "objective"),
        ({"critics": [{"critic": {"widht": 3}}]}, "widht"),
    ],
)
def test_impossible_settings_are_refused(tree, sentence):
    with pytest.raises(SettingsError, match=sentence):
        Several.parse({"kind": "several", **tree})


def test_its_networks_are_found_by_whoever_looks_for_them():
    network = Several.parse(TREE).build(3)
    assert isinstance(network.critics, nn.ModuleList)
    assert {name.split(".")[1] for name in network.state_dict()} == {"0", "1", "2"}
