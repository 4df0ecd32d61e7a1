"""DCGAN and its objectives against an independent restatement of the official steps, in float64."""

import copy
import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from translate.errors import DataError, SettingsError
from translate.methods.dcgan import DCGAN, Settings
from translate.networks.blocks import BatchNorm
from translate.optimisers import Adam, RMSprop

SIDE, N = 32, 4
TINY: dict[str, Any] = {"latent": 3, "generator": {"width": 2}, "discriminator": {"width": 2}, "init_gain": 0.3}


def built(**settings: Any) -> DCGAN:
    torch.manual_seed(0)
    return Settings.parse({**TINY, **settings}).build(["digits"], SIDE).double()


def pictures() -> Tensor:
    return torch.rand(N, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)).double() * 2 - 1


class Mover:
    """An `update` with the optimisers of the settings; it remembers what it was called with."""

    def __init__(self, method: DCGAN) -> None:
        self.parameters = {
            name: [p for network in networks for p in network.parameters()]
            for name, networks in method.players().items()
        }
        self.optimisers = {name: method.settings.optimiser.build(own) for name, own in self.parameters.items()}
        self.calls: list[list[str]] = []

    def __call__(self, **losses: Tensor) -> None:
        self.calls.append([*losses])
        for name, loss in losses.items():
            found = torch.autograd.grad(loss, self.parameters[name], allow_unused=True)
            for parameter, gradient in zip(self.parameters[name], found, strict=True):
                parameter.grad = (
                    None if gradient is None else torch.empty_like(parameter).copy_(gradient)
                )  # in its layout
            self.optimisers[name].step()


def ones(scores: Tensor, value: float = 1.0) -> Tensor:
    return torch.full_like(scores, value)


def bce(scores: Tensor, target: float) -> Tensor:
    return binary_cross_entropy_with_logits(scores, ones(scores, target))


LOSSES = {  # written down once more: of D, of G
    "vanilla": (lambda r, f: bce(r, 1) + bce(f, 0), lambda f: bce(f, 1)),
    "saturating": (lambda r, f: bce(r, 1) + bce(f, 0), lambda f: -softplus(f).mean()),
    "lsgan": (lambda r, f: ((r - 1) ** 2).mean() + (f**2).mean(), lambda f: ((f - 1) ** 2).mean()),
    "chi2": (lambda r, f: ((r - 1) ** 2).mean() + ((f + 1) ** 2).mean(), lambda f: (f**2).mean()),
    "hinge": (lambda r, f: (1 - r).clamp(0).mean() + (1 + f).clamp(0).mean(), lambda f: -f.mean()),
    "wgan": (lambda r, f: f.mean() - r.mean(), lambda f: -f.mean()),
    "wgan-gp": (lambda r, f: f.mean() - r.mean(), lambda f: -f.mean()),
}


def slope(D: nn.Module, x: Tensor, g: Tensor, alpha: Tensor) -> Tensor:
    between = (alpha * x + (1 - alpha) * g).requires_grad_()
    (gradient,) = torch.autograd.grad(D(between).sum(), between, create_graph=True)
    return ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()


@pytest.mark.parametrize("objective", LOSSES)
def test_two_steps_are_those_of_the_official_code(objective):
    method = built(objective=objective, n_critic=2 if objective == "wgan" else 1, long_turns=0)
    G, D = copy.deepcopy(method.G), copy.deepcopy(method.D)
    s, x = method.settings, pictures()
    loss_D, loss_G = LOSSES[objective]
    move_D, move_G = (s.optimiser.build([*network.parameters()]) for network in (D, G))
    mover, found = Mover(method), []
    for n in range(2):
        torch.manual_seed(n)
        found.append(method.step({"x": x}, mover, n))

        torch.manual_seed(n)
        if objective == "wgan":
            for parameter in D.parameters():
                parameter.data.clamp_(-0.01, 0.01)
        g = G(torch.randn(N, 3, dtype=torch.float64)).detach()
        real, fake = D(x), D(g)
        L_D = loss_D(real, fake)
        torch.testing.assert_close(found[-1]["D"], L_D.detach())
        if objective == "wgan-gp":
            gp = slope(D, x, g, torch.rand(N, 1, 1, 1, dtype=torch.float64))
            torch.testing.assert_close(found[-1]["gp"], gp.detach())
            L_D = L_D + 10 * gp
        move_D.zero_grad()
        L_D.backward()
        move_D.step()
        if objective == "wgan" and n == 0:
            continue
        fake = D(G(torch.randn(N, 3, dtype=torch.float64)))
        torch.testing.assert_close(found[-1]["GAN"], loss_G(fake).detach())
        move_G.zero_grad()
        loss_G(fake).backward()
        move_G.step()
    for ours, theirs in ((method.G, G), (method.D, D)):
        for one, other in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)
    assert mover.calls == ([["D"], ["D"], ["G"]] if objective == "wgan" else [["D"], ["G"]] * 2)


def test_the_tricks_are_terms_of_their_own():
    method = built(smooth=0.1, lambda_gan=0.0, lambda_fm=1.0, lambda_ha=0.5)
    x, mover = pictures(), Mover(method)
    first, second = (method.step({"x": x}, mover, n) for n in range(2))
    assert set(first) == {"D", "HA_D", "acc_real", "acc_fake", "GAN", "FM", "HA_G"}
    assert set(method.terms()) == set(first)
    assert first["HA_D"] == first["HA_G"] == 0
    assert second["HA_D"] > 0
    assert second["HA_G"] > 0
    smooth = copy.deepcopy(method)
    real, fake = smooth.D(x), smooth.D(-x)
    plain = Settings.parse(TINY)
    from translate.objectives import OBJECTIVES

    found = OBJECTIVES[plain.objective].smoothed(0.1).d(real, fake)
    torch.testing.assert_close(found, bce(real, 0.9) + bce(fake, 0))


def test_feature_matching_alone_does_not_ask_for_the_score():
    method = built(lambda_gan=0.0, lambda_fm=1.0)
    losses = []

    def keep(**given: Tensor) -> None:
        losses.append(given)

    method.step({"x": pictures()}, keep, 0)
    gradient = torch.autograd.grad(losses[1]["G"], [method.D.score.weight], allow_unused=True)[0]
    assert gradient is None or float(gradient.abs().max()) == 0


def test_the_critic_of_wgan_is_clipped_before_it_moves_and_nothing_else_is():
    method = built(objective="wgan", clip=0.02, optimiser={"kind": "rmsprop", "lr": 1e-3})
    before = {name: value.clone() for name, value in method.G.state_dict().items()}
    seen = []

    def look(**losses: Tensor) -> None:
        seen.append(max(float(parameter.detach().abs().max()) for parameter in method.D.parameters()))

    method.step({"x": pictures()}, look, 0)
    assert seen[0] == pytest.approx(0.02)
    norms = [layer for layer in method.D.modules() if isinstance(layer, BatchNorm)]
    assert all(float(layer.weight.detach().abs().max()) <= 0.02 for layer in norms)
    assert all(torch.equal(value, before[name]) for name, value in method.G.state_dict().items() if "weight" in name)


def test_turns_are_those_of_the_official_wgan():
    """Five steps of the critic; a hundred for each of the first 25 of G, and again at each 500th."""
    settings = Settings.parse({"objective": "wgan"})
    turns = [100 if g < 25 or g % 500 == 0 else 5 for g in range(1101)]
    wanted = {last - 1 for last in itertools.accumulate(turns)}
    assert {n for n in range(sum(turns)) if settings.moves_generator(n)} == wanted
    plain = Settings.parse({"n_critic": 3})
    assert [n for n in range(9) if plain.moves_generator(n)] == [2, 5, 8]
    assert [n for n in range(3) if Settings().moves_generator(n)] == [0, 1, 2]


def test_an_objective_brings_the_constants_of_its_paper_unless_something_else_is_said():
    wgan, gp = Settings.parse({"objective": "wgan"}), Settings.parse({"objective": "wgan-gp"})
    assert (wgan.optimiser, wgan.n_critic, wgan.long_turns, wgan.clip) == (RMSprop(lr=5e-5), 5, 25, 0.01)
    assert (gp.optimiser, gp.n_critic) == (Adam(lr=1e-4, beta1=0.5, beta2=0.9), 5)
    assert (gp.lambda_gp, gp.discriminator.norm, gp.discriminator.bias) == (10.0, "none", True)
    own = Settings.parse({"objective": "wgan", "n_critic": 2, "optimiser": {"kind": "adam", "lr": 1e-3}})
    assert (own.n_critic, own.optimiser) == (2, Adam(lr=1e-3))
    fully = Settings.parse({"objective": "wgan-gp", "discriminator": {"kind": "mlp", "widths": [8]}})
    assert fully.discriminator.kind == "mlp"
    assert Settings().optimiser == Adam(lr=2e-4, beta1=0.5, beta2=0.999)


@pytest.mark.parametrize("objective", ["vanilla", "saturating", "chi2", "hinge"])
def test_a_discriminator_that_can_only_guess_is_where_its_term_says(objective):
    method = built(objective=objective)
    nn.init.zeros_(method.D.score.weight)
    losses = method.step({"x": pictures()}, lambda **_: None, 0)
    assert losses["D"].item() == pytest.approx(method.terms()["D"].equilibrium)


def test_a_run_that_is_over_before_the_generator_moves_is_refused():
    Settings.parse({"objective": "wgan"}).check_length(5000)
    with pytest.raises(SettingsError, match=r"first 2500 steps the generator moves only 25 times .* 4999 in all"):
        Settings.parse({"objective": "wgan"}).check_length(4999)
    Settings().check_length(1)


def test_a_network_draws_the_same_of_the_same_noise_once_it_is_trained():
    method = built().eval()
    z = torch.randn(2, 3, dtype=torch.float64)
    assert torch.equal(method.sample(z), method.sample(z))
    assert torch.allclose(method.sample(z)[:1], method.sample(z[:1]))
    assert method.sample(z).shape == (2, 3, SIDE, SIDE)


@pytest.mark.parametrize(
    ("settings", "size", "batch", "error", "words"),
    [
        ({}, 48, 8, SettingsError, "draws pictures of 32, 64, 128, 256 pixels a side; found 48"),
        ({}, 32, 1, SettingsError, "needs a batch of at least 2"),
        ({"objective": "hinge", "smooth": 0.1}, 32, 8, SettingsError, "Labels can be smoothed"),
        ({"objective": "wgan-gp", "discriminator": {"norm": "batch"}}, 32, 8, SettingsError, "one of single pictures"),
    ],
)
def test_what_it_cannot_be_trained_on_is_refused(settings, size, batch, error: type[DataError], words):
    with pytest.raises(error, match=words):
        Settings.parse(settings).check(["digits"], size, batch)
