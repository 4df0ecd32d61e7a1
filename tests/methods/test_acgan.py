"""ACGAN, the conditional and the semi-supervised GAN against a restatement of their steps, in float64."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, softplus

from translate.errors import DataError
from translate.methods.acgan import ACGAN, Settings
from translate.targets import Attributes, Domains

SIDE, N, NAMES = 32, 4, ("one", "two", "three")
TINY: dict[str, Any] = {"latent": 3, "generator": {"width": 2}, "discriminator": {"width": 2}, "init_gain": 0.3}


def built(**settings: Any) -> ACGAN:
    torch.manual_seed(0)
    return Settings.parse({**TINY, **settings}).build(NAMES, SIDE).double()


def batch(few: bool = False) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x, x_l = (torch.rand(N, 3, SIDE, SIDE, generator=generator).double() * 2 - 1 for _ in range(2))
    c = torch.eye(3).double()[[0, 2, 1, 2]]
    return {"x": x, "x_l": x_l, "c_l": c} if few else {"x": x, "c": c}


class Mover:
    """An `update` with the optimisers of the settings."""

    def __init__(self, method: ACGAN) -> None:
        self.parameters = {
            name: [p for network in networks for p in network.parameters()]
            for name, networks in method.players().items()
        }
        self.optimisers = {name: method.settings.optimiser.build(own) for name, own in self.parameters.items()}

    def __call__(self, **losses: Tensor) -> None:
        for name, loss in losses.items():
            found = torch.autograd.grad(loss, self.parameters[name], allow_unused=True)
            for parameter, gradient in zip(self.parameters[name], found, strict=True):
                parameter.grad = None if gradient is None else torch.empty_like(parameter).copy_(gradient)
            self.optimisers[name].step()


def bce(scores: Tensor, target: float) -> Tensor:
    return binary_cross_entropy_with_logits(scores, torch.full_like(scores, target))


@pytest.mark.parametrize(("head", "few"), [("auxiliary", False), ("auxiliary", True), ("none", False), ("joint", True)])
def test_two_steps_are_those_of_the_papers(head, few):
    method = built(head=head)
    G, D = copy.deepcopy(method.G), copy.deepcopy(method.D)
    given, mover, s = batch(few), Mover(method), method.settings
    x, x_l = given["x"], given.get("x_l", given["x"])
    c = given["c_l"] if few else given["c"]
    move_D, move_G = (s.optimiser.build([*network.parameters()]) for network in (D, G))

    def told(x: Tensor, c: Tensor) -> Tensor:
        return torch.cat([x, c[..., None, None].expand(-1, -1, SIDE, SIDE)], 1) if head == "none" else x

    for n in range(2):
        torch.manual_seed(n)
        found = method.step(given, mover, n)

        torch.manual_seed(n)
        z = torch.randn(N, 3, dtype=torch.float64)
        c_g = torch.eye(3).double()[(torch.rand(N, dtype=torch.float64) * 3).long()]
        noise = z if head == "joint" else torch.cat([z, c_g], 1)
        g = G(noise).detach()
        (real, read_x, _), (fake, read_g, _) = D.read(told(x, c)), D.read(told(g, c_g))
        if head == "joint":  # D = Z / (Z + 1), as the paper writes it
            Z_x, Z_g = read_x.exp().sum(1), read_g.exp().sum(1)
            L_S = -(Z_x / (Z_x + 1)).log().mean() - (1 - Z_g / (Z_g + 1)).log().mean()
        else:
            L_S = bce(real, 1) + bce(fake, 0)
        torch.testing.assert_close(found["S"], L_S.detach())
        L_D = L_S
        if head != "none":
            read_l = D.read(x_l)[1] if few else read_x
            L_D = L_D - read_l.log_softmax(1)[c.bool()].mean()
        if head == "auxiliary":
            L_D = L_D - read_g.log_softmax(1)[c_g.bool()].mean()
        move_D.zero_grad()
        L_D.backward()
        move_D.step()

        fake, read_g, seen_g = D.read(told(G(noise), c_g))
        L_G = bce(fake, 1)
        if head == "auxiliary":
            L_G = L_G - read_g.log_softmax(1)[c_g.bool()].mean()
        if head == "joint":
            seen_x = D.read(x)[2]
            L_G = sum(((a.mean(0) - b.detach().mean(0)) ** 2).mean() for a, b in zip(seen_g, seen_x, strict=True))
            torch.testing.assert_close(found["FM"], L_G.detach())
        move_G.zero_grad()
        L_G.backward()
        move_G.step()
    for ours, theirs in ((method.G, G), (method.D, D)):
        for one, other in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-8)
    assert set(found) == set(method.terms())


def test_a_score_that_nobody_trains_says_nothing():
    assert built(objective="lsgan").terms()["S"].equilibrium == 0.5
    assert built(lambda_src=0.0).terms()["S"].trend == "free"


def test_the_score_of_a_joint_head_is_that_of_the_paper():
    logits = torch.tensor([[1.0, 0.0, -1.0]], dtype=torch.float64)
    score = logits.logsumexp(1)
    assert float(score.sigmoid()) == pytest.approx(0.803388, abs=1e-6)
    assert (float(softplus(-score)), float(softplus(score))) == pytest.approx((0.218917, 1.626523), abs=1e-6)
    D = built(head="joint").D
    scores, read, _ = D.read(batch()["x"])
    torch.testing.assert_close(scores[:, 0], read.logsumexp(1))
    assert D.score is None


def test_labels_that_cannot_be_read_cost_as_much_as_guessing():
    assert float(cross_entropy(torch.zeros(1, 10), torch.tensor([3]))) == pytest.approx(2.302585, abs=1e-6)


def test_it_draws_what_it_is_told_of_the_same_noise():
    method = built().eval()
    z = torch.randn(1, 3, dtype=torch.float64).expand(3, 3)
    drawn = method.sample(z, torch.eye(3).double())
    assert not torch.allclose(drawn[0], drawn[1])
    assert method.labels == 3
    joint = built(head="joint").eval()
    assert joint.labels == 0
    assert joint.classify(batch()["x"]).shape == (N, 3)
    assert built().classify(batch()["x"]) is None


def test_a_classifier_alone_is_trained_by_its_labels_alone():
    method, losses = built(head="joint", lambda_src=0.0), list[dict[str, Tensor]]()
    given = batch(few=True)
    torch.manual_seed(0)
    method.step(given, lambda **kept: losses.append(kept), 0)
    alone = cross_entropy(method.D.eval().read(given["x_l"])[1], given["c_l"].argmax(1))
    assert losses[0]["D"].isfinite()
    assert torch.autograd.grad(losses[0]["D"], method.D.labels.weight)[0].abs().max() > 0
    assert alone.isfinite()


def test_pictures_without_labels_are_refused():
    with pytest.raises(DataError, match=r"pictures with labels, and those of digits have none"):
        Settings().check(["digits"], 32, 8)
    with pytest.raises(DataError, match="these pictures have attributes"):
        Settings().for_targets(Attributes(("Young",)))
    assert Settings().for_targets(Domains(NAMES)) == Settings()
