"""CycleGAN against closed forms and against an independent restatement of its training step."""

import copy
import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import BCEWithLogitsLoss, L1Loss, MSELoss

from translate.errors import SettingsError
from translate.methods import base, cyclegan
from translate.methods.cyclegan import CycleGAN, Settings
from translate.networks.blocks import InstanceNorm
from translate.networks.discriminators import PatchGAN, PixelGAN
from translate.networks.resnet import Resnet
from translate.schedules import Linear

DOMAINS = ("horse", "zebra")
TERMS = ["GAN_G", "GAN_F", "cyc_X", "cyc_Y", "idt_X", "idt_Y", "D_X", "D_Y"]
TERMS += ["acc_X_real", "acc_X_fake", "acc_Y_real", "acc_Y_fake"]
TINY = Settings(generator=Resnet(width=2, blocks=1), discriminator=PatchGAN(width=2, layers=1), pool=2)


class Scale(nn.Module):
    """x -> a x: a network whose every loss can be written down. It counts the images it is given, call by call."""

    def __init__(self, a: float, channels: int = 3) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(a, dtype=torch.float64))
        self.channels = channels
        self.calls: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.calls.append(x.detach().clone())
        return self.a * x[:, : self.channels]


class Spy:
    """An `update` that moves nobody and remembers what it was given."""

    def __init__(self, method: CycleGAN) -> None:
        self.method = method
        self.losses: list[dict[str, Tensor]] = []
        self.gradients: dict[str, dict[str, Tensor | None]] = {}

    def __call__(self, **losses: Tensor) -> None:
        self.losses.append(losses)
        names, parameters = zip(*self.method.named_parameters(), strict=True)
        for player, loss in losses.items():
            found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
            self.gradients[player] = dict(zip(names, found, strict=True))


class Mover:
    """An `update` as `base.Update` describes it, with the optimisers of the settings."""

    def __init__(self, method: CycleGAN) -> None:
        self.parameters = {
            name: [parameter for network in networks for parameter in network.parameters()]
            for name, networks in method.players().items()
        }
        self.optimisers = {name: method.settings.optimiser.build(own) for name, own in self.parameters.items()}

    def __call__(self, **losses: Tensor) -> None:
        gradients = {name: torch.autograd.grad(loss, self.parameters[name]) for name, loss in losses.items()}
        for name in losses:
            for parameter, gradient in zip(self.parameters[name], gradients[name], strict=True):
                parameter.grad = gradient
            self.optimisers[name].step()


def analytic(a: float, b: float, c_X: float, c_Y: float, **settings: Any) -> CycleGAN:
    """Build a CycleGAN with G(x) = a x, F(y) = b y and, on the red channel, D_X(x) = c_X x and D_Y(y) = c_Y y."""
    method = Settings(**{"generator": Resnet(width=1, blocks=0), "pool": 0, **settings}).build(DOMAINS, 4)
    method.G, method.F, method.D_X, method.D_Y = Scale(a), Scale(b), Scale(c_X, 1), Scale(c_Y, 1)
    return method.double()


def pictures(batch: int = 2, side: int = 4, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.rand(batch, 3, side, side, generator=generator).double() * 2 - 1 for name in DOMAINS}


def mean(function: Callable[[float], float], images: Tensor) -> float:
    values = images.flatten().tolist()
    return math.fsum(map(function, values)) / len(values)


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def closed_form(
    batch: dict[str, Tensor], a: float, b: float, c_X: float, c_Y: float, objective: str
) -> dict[str, float]:
    """Write out every term for the analytic networks, without a tensor."""
    x, y = batch["horse"], batch["zebra"]
    real, fake = {
        "lsgan": (lambda score: (score - 1) ** 2, lambda score: score**2),
        "vanilla": (lambda score: softplus(-score), softplus),
    }[objective]
    halfway = {"lsgan": 0.5, "vanilla": 0.0}[objective]
    red_x, red_y = x[:, 0], y[:, 0]
    return {
        "GAN_G": mean(lambda v: real(c_Y * a * v), red_x),
        "GAN_F": mean(lambda v: real(c_X * b * v), red_y),
        "cyc_X": abs(b * a - 1) * mean(abs, x),
        "cyc_Y": abs(a * b - 1) * mean(abs, y),
        "idt_X": abs(b - 1) * mean(abs, x),
        "idt_Y": abs(a - 1) * mean(abs, y),
        "D_X": (mean(lambda v: real(c_X * v), red_x) + mean(lambda v: fake(c_X * b * v), red_y)) / 2,
        "D_Y": (mean(lambda v: real(c_Y * v), red_y) + mean(lambda v: fake(c_Y * a * v), red_x)) / 2,
        "acc_X_real": mean(lambda v: c_X * v > halfway, red_x),
        "acc_X_fake": mean(lambda v: c_X * b * v < halfway, red_y),
        "acc_Y_real": mean(lambda v: c_Y * v > halfway, red_y),
        "acc_Y_fake": mean(lambda v: c_Y * a * v < halfway, red_x),
    }


def weighted(terms: dict[str, float], lambda_cyc: float, lambda_idt: float) -> tuple[float, float]:
    """Return what the generators and what the discriminators minimise."""
    L_G = terms["GAN_G"] + terms["GAN_F"] + lambda_cyc * (terms["cyc_X"] + terms["cyc_Y"])
    return L_G + lambda_idt * (terms["idt_X"] + terms["idt_Y"]), terms["D_X"] + terms["D_Y"]


CASES = [(2.0, 3.0, 0.5, -1.0), (0.5, 2.0, 1.0, 1.0), (-1.5, 0.25, -2.0, 0.75)]


# Every term


@pytest.mark.parametrize("objective", ["lsgan", "vanilla"])
@pytest.mark.parametrize(("lambda_cyc", "lambda_idt"), [(10.0, 5.0), (3.0, 0.5), (0.0, 1.0), (10.0, 0.0)])
@pytest.mark.parametrize("scales", CASES)
def test_every_term_is_its_closed_form(scales, lambda_cyc, lambda_idt, objective):
    method = analytic(*scales, objective=objective, lambda_cyc=lambda_cyc, lambda_idt=lambda_idt)
    batch, spy = pictures(), Spy(method)
    found = method.step(batch, spy, 0)
    expected = closed_form(batch, *scales, objective)
    if lambda_idt == 0:  # not computed
        expected |= {"idt_X": 0.0, "idt_Y": 0.0}
    assert list(found) == TERMS
    for name, term in found.items():
        assert term.shape == ()
        assert not term.requires_grad
        exact = 1e-12 if term.dtype == torch.float64 else 1e-6  # shares are counted in fp32
        assert float(term) == pytest.approx(expected[name], rel=exact, abs=1e-15), name
    L_G, L_D = weighted(expected, lambda_cyc, lambda_idt)
    assert float(spy.losses[0]["G"].detach()) == pytest.approx(L_G, rel=1e-12)
    assert float(spy.losses[0]["D"].detach()) == pytest.approx(L_D, rel=1e-12)


def test_identities_that_fool_nobody_lose_only_the_adversarial_terms():
    method = analytic(1, 1, 0, 0)
    found = method.step(pictures(), Spy(method), 0)
    assert {name: float(term) for name, term in found.items()} == dict.fromkeys(TERMS, 0.0) | {
        "GAN_G": 1,
        "GAN_F": 1,
        "D_X": 0.5,
        "D_Y": 0.5,
        "acc_X_fake": 1,
        "acc_Y_fake": 1,
    }


def test_in_the_steps_of_the_warm_up_generators_learn_to_copy():
    scales, batch = CASES[0], pictures()
    method = analytic(*scales, warm_up=2)
    spy = Spy(method)
    for n in range(3):
        method.step(batch, spy, n)
    terms = closed_form(batch, *scales, "lsgan")
    L_G, L_D = weighted(terms, 10, 5)
    a, b, *_ = scales
    copying = (10 + 5) * (abs(a - 1) * mean(abs, batch["horse"]) + abs(b - 1) * mean(abs, batch["zebra"]))
    found = [[float(losses[player].detach()) for losses in spy.losses] for player in "GD"]
    assert found[0] == pytest.approx([copying, copying, L_G], rel=1e-12)
    assert found[1] == pytest.approx([L_D] * 3, rel=1e-12)


@pytest.mark.parametrize(
    ("objective", "score", "D", "GAN"), [("lsgan", 0.5, 0.25, 0.25), ("vanilla", 0, math.log(2), math.log(2))]
)
def test_losses_at_the_equilibrium_of_the_game(objective, score, D, GAN):
    """The discriminators answer 1/2 to everything."""
    method = analytic(1, 1, score, score, objective=objective)
    batch = {domain: torch.ones(1, 3, 4, 4, dtype=torch.float64) for domain in DOMAINS}
    found = method.step(batch, Spy(method), 0)
    assert float(found["D_X"]) == float(found["D_Y"]) == pytest.approx(D)
    assert float(found["GAN_G"]) == float(found["GAN_F"]) == pytest.approx(GAN)


# Who learns from what


@pytest.mark.parametrize("objective", ["lsgan", "vanilla"])
@pytest.mark.parametrize("scales", CASES)
def test_gradients_are_those_of_the_closed_form(scales, objective):
    """The cycle terms reach both generators through both passes, so nothing is detached on the way."""
    method = analytic(*scales, objective=objective)
    batch, spy = pictures(), Spy(method)
    method.step(batch, spy, 0)

    def generators_loss(a: float, b: float) -> float:
        return weighted(closed_form(batch, a, b, *scales[2:], objective), 10, 5)[0]

    def discriminators_loss(c_X: float, c_Y: float) -> float:
        return weighted(closed_form(batch, *scales[:2], c_X, c_Y, objective), 10, 5)[1]

    h = 1e-5
    a, b, c_X, c_Y = scales
    for player, name, slope in [
        ("G", "G.a", (generators_loss(a + h, b) - generators_loss(a - h, b)) / (2 * h)),
        ("G", "F.a", (generators_loss(a, b + h) - generators_loss(a, b - h)) / (2 * h)),
        ("D", "D_X.a", (discriminators_loss(c_X + h, c_Y) - discriminators_loss(c_X - h, c_Y)) / (2 * h)),
        ("D", "D_Y.a", (discriminators_loss(c_X, c_Y + h) - discriminators_loss(c_X, c_Y - h)) / (2 * h)),
    ]:
        if a * b == 1 and player == "G":
            continue  # the cycle loss has a kink there
        assert float(spy.gradients[player][name]) == pytest.approx(slope, rel=1e-6, abs=1e-9), name


@pytest.mark.parametrize("pool", [0, 2])
@pytest.mark.parametrize("lambda_idt", [0.0, 5.0])
@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_the_discriminators_loss_does_not_reach_the_generators(norm, lambda_idt, pool):
    tree = {
        "generator": {"width": 2, "blocks": 1, "norm": norm},
        "discriminator": {"width": 2, "layers": 1, "norm": norm},
    }
    torch.manual_seed(0)
    method = Settings.parse({**tree, "lambda_idt": lambda_idt, "pool": pool}).build(DOMAINS, 16).double()
    spy = Spy(method)
    for n in range(4):  # with the pool empty, filling and full
        method.step(pictures(1, 16, n), spy, n)
        for name, gradient in spy.gradients["D"].items():
            assert (gradient is not None) == name.startswith("D_"), name
        for name, gradient in spy.gradients["G"].items():
            assert gradient is not None, name
        assert not any(buffer.requires_grad for buffer in method.buffers())


def test_both_players_are_updated_at_once_and_once_a_step():
    method = analytic(*CASES[0])
    spy = Spy(method)
    for n in range(3):
        method.step(pictures(seed=n), spy, n)
        assert len(spy.losses) == n + 1
    assert all(list(losses) == ["G", "D"] for losses in spy.losses)
    assert all(loss.shape == () and loss.requires_grad for losses in spy.losses for loss in losses.values())


def test_discriminators_judge_pictures_made_before_the_generators_moved():
    scales = CASES[0]
    method = analytic(*scales, pool=1)
    batch = pictures(1)

    @torch.no_grad()
    def update(**losses: Tensor) -> None:
        for parameter in method.parameters():
            parameter += 100

    found = method.step(batch, update, 0)
    expected = closed_form(batch, *scales, "lsgan")
    assert float(found["D_Y"]) == pytest.approx(expected["D_Y"], rel=1e-12)
    assert float(found["D_X"]) == pytest.approx(expected["D_X"], rel=1e-12)
    torch.testing.assert_close(method.pool_Y.images, scales[0] * batch["horse"])
    torch.testing.assert_close(method.pool_X.images, scales[1] * batch["zebra"])


class Constant(nn.Module):
    """A pool that answers every query with pictures of one value."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def query(self, batch: Tensor) -> Tensor:
        return torch.full_like(batch, self.value).detach()


def test_the_pools_are_seen_by_the_discriminators_only_and_each_by_its_own():
    scales = a, _, c_X, c_Y = CASES[0]
    method = analytic(*scales)
    method.pool_X, method.pool_Y = Constant(0.3), Constant(-0.7)
    batch = pictures()
    found = method.step(batch, Spy(method), 0)
    expected = closed_form(batch, *scales, "lsgan")
    expected["D_X"] = (mean(lambda v: (c_X * v - 1) ** 2, batch["horse"][:, 0]) + (c_X * 0.3) ** 2) / 2
    expected["D_Y"] = (mean(lambda v: (c_Y * v - 1) ** 2, batch["zebra"][:, 0]) + (c_Y * -0.7) ** 2) / 2
    expected |= {"acc_X_fake": float(c_X * 0.3 < 0.5), "acc_Y_fake": float(c_Y * -0.7 < 0.5)}
    for name, term in found.items():
        assert float(term) == pytest.approx(expected[name], rel=1e-12), name
    torch.testing.assert_close(method.D_Y.calls[0], a * batch["horse"])  # the generators' term: the current pictures


@pytest.mark.parametrize("lambda_idt", [0.0, 5.0])
def test_identity_passes_are_made_only_when_they_count(lambda_idt):
    method = analytic(*CASES[0], lambda_idt=lambda_idt)
    method.step(pictures(2), Spy(method), 0)
    for generator in (method.G, method.F):
        # the batch of 2 once to translate and once to come back, and once more for the identity
        assert sum(len(images) for images in generator.calls) == (6 if lambda_idt else 4)
        assert len(generator.calls) == 2
    for discriminator in (method.D_X, method.D_Y):  # for the generator; real and fake for itself
        assert sum(len(images) for images in discriminator.calls) == 6


# The whole step


def plain(network: nn.Module) -> nn.Module:
    """Copy a network into a contiguous one that normalises by the formula."""

    class Formula(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            centred = x - x.mean((2, 3), keepdim=True)
            return centred / (centred.square().mean((2, 3), keepdim=True) + 1e-5).sqrt()

    network = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, InstanceNorm):
                setattr(parent, name, Formula())
    return network


class ListPool:
    """The history of the official code, with its draws taken in the same places."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.stored: list[Tensor] = []

    def query(self, batch: Tensor) -> Tensor:
        if self.size == 0:
            return batch.detach()
        returned = []
        for image in batch.detach().clone():
            p, index = torch.rand(()).item(), torch.randint(self.size, ()).item()
            if len(self.stored) < self.size:
                self.stored.append(image)
                returned.append(image)
            elif p > 0.5:
                returned.append(self.stored[index])
                self.stored[index] = image
            else:
                returned.append(image)
        return torch.stack(returned)


class Restated:
    """The training step of the official code, written down again from its description: one pass for everything.

    In the official code's names G_A, G_B, D_A, D_B are our G, F, D_Y, D_X.
    """

    def __init__(self, method: CycleGAN) -> None:
        settings = method.settings
        self.G, self.F, self.D_X, self.D_Y = map(plain, (method.G, method.F, method.D_X, method.D_Y))
        rate, betas = settings.optimiser.lr, (settings.optimiser.beta1, settings.optimiser.beta2)
        generators = itertools.chain(self.G.parameters(), self.F.parameters())
        discriminators = itertools.chain(self.D_Y.parameters(), self.D_X.parameters())
        self.optimiser_G = torch.optim.Adam(generators, rate, betas, foreach=False, fused=False)
        self.optimiser_D = torch.optim.Adam(discriminators, rate, betas, foreach=False, fused=False)
        self.pool_X, self.pool_Y = ListPool(settings.pool), ListPool(settings.pool)
        self.lambda_cyc, self.lambda_idt = settings.lambda_cyc, settings.lambda_idt
        self.adversarial = {"lsgan": MSELoss(), "vanilla": BCEWithLogitsLoss()}[settings.objective]

    def judged(self, scores: Tensor, real: bool) -> Tensor:
        return self.adversarial(scores, torch.full_like(scores, float(real)))

    def step(self, x: Tensor, y: Tensor) -> dict[str, float]:
        l1 = L1Loss()
        y_fake = self.G(x)
        x_cycled = self.F(y_fake)
        x_fake = self.F(y)
        y_cycled = self.G(x_fake)

        for network in (self.D_X, self.D_Y):
            network.requires_grad_(False)
        self.optimiser_G.zero_grad()
        terms = {"GAN_G": self.judged(self.D_Y(y_fake), True), "GAN_F": self.judged(self.D_X(x_fake), True)}
        terms |= {"cyc_X": l1(x_cycled, x), "cyc_Y": l1(y_cycled, y)}
        terms |= {"idt_X": l1(self.F(x), x), "idt_Y": l1(self.G(y), y)} if self.lambda_idt else {}
        loss = terms["GAN_G"] + terms["GAN_F"]
        loss = loss + self.lambda_cyc * terms["cyc_X"] + self.lambda_cyc * terms["cyc_Y"]
        if self.lambda_idt:
            loss = loss + self.lambda_idt * terms["idt_X"] + self.lambda_idt * terms["idt_Y"]
        loss.backward()
        self.optimiser_G.step()

        for network in (self.D_X, self.D_Y):
            network.requires_grad_(True)
        self.optimiser_D.zero_grad()
        for name, D, pool, real, fake in [
            ("D_Y", self.D_Y, self.pool_Y, y, y_fake),
            ("D_X", self.D_X, self.pool_X, x, x_fake),
        ]:
            old = pool.query(fake)
            terms[name] = 0.5 * (self.judged(D(real), True) + self.judged(D(old), False))
            terms[name].backward()
        self.optimiser_D.step()
        return {name: float(term.detach()) for name, term in terms.items()}


@pytest.mark.parametrize(
    ("changes", "batch"),
    [
        ({}, 1),
        ({}, 2),
        ({"pool": 0}, 2),
        ({"pool": 1, "lambda_idt": 0.0}, 1),
        ({"objective": "vanilla", "lambda_cyc": 3.0}, 2),
    ],
    ids=str,
)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_training_is_the_official_step_restated(layout, changes, batch):
    torch.manual_seed(0)
    method = Settings.parse({**TINY.model_dump(), **changes}).build(DOMAINS, 32).double()
    restated = Restated(method)
    before = {name: parameter.detach().clone() for name, parameter in method.named_parameters()}
    method = method.to(memory_format=layout)
    mover = Mover(method)
    for n in range(3):
        images = pictures(batch, 32, n)
        torch.manual_seed(n)
        expected = restated.step(*images.values())
        torch.manual_seed(n)
        found = method.step({name: image.to(memory_format=layout) for name, image in images.items()}, mover, n)
        for name, term in expected.items():
            assert float(found[name]) == pytest.approx(term, rel=1e-10), (n, name)
    for name in ("G", "F", "D_X", "D_Y"):
        pairs = zip(getattr(method, name).named_parameters(), getattr(restated, name).parameters(), strict=True)
        for (key, parameter), other in pairs:
            torch.testing.assert_close(parameter, other, rtol=0, atol=1e-9)
            still = before[f"{name}.{key}"]
            assert not torch.equal(parameter, still), f"{name}.{key}"
    for pool in ("pool_X", "pool_Y"):
        for image, other in zip(getattr(method, pool).images, getattr(restated, pool).stored, strict=True):
            torch.testing.assert_close(image, other, rtol=0, atol=1e-9)


def test_steps_are_reproducible_to_the_bit():
    def trained() -> dict[str, Tensor]:
        torch.manual_seed(0)
        method = TINY.build(DOMAINS, 32)
        mover = Mover(method)
        for n in range(3):
            torch.manual_seed(n)
            method.step({name: image.float() for name, image in pictures(1, 32, n).items()}, mover, n)
        return method.state_dict()

    first, second = trained(), trained()
    assert all(torch.equal(first[name], second[name]) for name in first)


# What others see of it


def test_players_are_two_generators_and_two_discriminators_and_nothing_is_left_out():
    method = TINY.build(DOMAINS, 32)
    players = method.players()
    assert list(players) == ["G", "D"]
    assert players["G"] == [method.G, method.F]
    assert players["D"] == [method.D_X, method.D_Y]
    own = [parameter for networks in players.values() for network in networks for parameter in network.parameters()]
    assert len({id(parameter) for parameter in own}) == len(own) == len(list(method.parameters()))


def test_the_four_networks_start_different():
    torch.manual_seed(0)
    method = TINY.build(DOMAINS, 32)
    assert not torch.equal(method.G.model[1].weight, method.F.model[1].weight)
    assert not torch.equal(method.D_X.model[0].weight, method.D_Y.model[0].weight)


@pytest.mark.parametrize("gain", [0.02, 0.2])
def test_all_four_networks_are_initialised_with_the_gain_of_the_settings(gain):
    torch.manual_seed(0)
    sizes = {"generator": Resnet(width=16, blocks=1), "discriminator": PatchGAN(width=32, layers=1)}
    method = Settings(**sizes, init_gain=gain).build(DOMAINS, 8)
    for network in (method.G, method.F, method.D_X, method.D_Y):
        weights = [layer.weight for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
        assert float(torch.cat([weight.flatten() for weight in weights]).std().detach()) == pytest.approx(
            gain, rel=0.05
        )


def test_translation_goes_to_the_named_domain():
    method = analytic(2, 3, 1, 1)
    x = pictures()["horse"]
    torch.testing.assert_close(method.translate(x, "zebra"), 2 * x)
    torch.testing.assert_close(method.translate(x, "horse"), 3 * x)


def test_the_only_source_of_a_domain_is_the_other_one():
    method = TINY.build(DOMAINS, 32)
    assert method.domains == DOMAINS


@pytest.mark.parametrize("domains", [["horse"], ["horse", "zebra", "giraffe"]])
def test_there_must_be_two_domains(domains):
    with pytest.raises(ValueError, match=f"between two domains; found {len(domains)}"):
        TINY.build(domains, 32)


def test_domains_are_taken_by_name_and_not_by_their_order_in_the_batch():
    method = analytic(*CASES[0])
    batch = pictures()
    found = method.step(batch, Spy(method), 0)
    swapped = method.step(dict(reversed(batch.items())), Spy(method), 0)
    assert found == swapped


# Settings


def test_the_defaults_are_the_official_constants():
    settings = Settings()
    assert (settings.lambda_cyc, settings.lambda_idt, settings.pool, settings.init_gain) == (10, 5, 50, 0.02)
    assert (settings.objective, settings.warm_up) == ("lsgan", 0)
    assert settings.generator == Resnet(width=64, blocks=9, norm="instance", upsampling="transposed", dropout=False)
    assert settings.discriminator == PatchGAN(width=64, layers=3, norm="instance")
    adam = settings.optimiser.build([nn.Parameter(torch.zeros(1))]).defaults
    assert (adam["lr"], adam["betas"], adam["eps"], adam["weight_decay"]) == (2e-4, (0.5, 0.999), 1e-8, 0)
    assert settings.decay == Linear()


def test_full_size_is_the_official_number_of_parameters():
    with torch.device("meta"):
        method = Settings().build(DOMAINS, 256)
    assert sum(parameter.numel() for parameter in method.parameters()) == 2 * 11_378_179 + 2 * 2_764_737
    assert method.pool_X.images.shape == method.pool_Y.images.shape == (50, 3, 256, 256)


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"lambda_idtt": 1}, "Unknown setting lambda_idtt. Did you mean lambda_idt?"),
        ({"generator": {"block": 6}}, "Unknown setting generator.block. Did you mean blocks?"),
        ({"optimiser": {"beta3": 0.5}}, "Unknown setting optimiser.beta3. Did you mean beta"),
        (
            {"objective": "lsgam"},
            "The setting objective is wrong: Input should be 'lsgan', 'vanilla', 'hinge', 'saturating' or 'chi2'; found"
            ' "lsgam".',
        ),
        ({"lambda_cyc": -1}, "The setting lambda_cyc is wrong"),
        ({"pool": -1}, "The setting pool is wrong"),
        ({"init_gain": 0}, "The setting init_gain is wrong"),
        ({"name": "discogan"}, "The setting name is wrong"),
    ],
)
def test_wrong_settings_are_refused_with_a_sentence(tree, sentence):
    with pytest.raises(SettingsError) as caught:
        Settings.parse(tree)
    assert str(caught.value).startswith(sentence)


def test_settings_never_change():
    settings = Settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.lambda_idt = 0.0
    with pytest.raises(ValidationError, match="frozen"):
        settings.generator.blocks = 6


@pytest.mark.parametrize(
    ("discriminator", "smallest"),
    [(PatchGAN(), 24), (PatchGAN(layers=1), 8), (PixelGAN(), 8), (PatchGAN(layers=5), 96)],
)
def test_the_smallest_size_trains_and_suits_all_networks(discriminator, smallest):
    small = {"width": 1, "norm": "instance"}
    settings = Settings(generator=Resnet(width=1, blocks=1), discriminator=discriminator.model_copy(update=small))
    settings.check(DOMAINS, smallest, 1)
    with pytest.raises(SettingsError, match=f"a multiple of 4 and at least {smallest} pixels"):
        settings.check(DOMAINS, smallest - 4, 1)
    assert (settings.multiple, settings.smallest) == (4, 8)  # of the generator: what is translated
    method = settings.build(DOMAINS, smallest)
    batch = {name: image.float() for name, image in pictures(1, smallest).items()}
    found = method.step(batch, Mover(method), 0)
    assert all(term.isfinite() for term in found.values())


# Methods are found by file name


def test_methods_are_the_files_of_the_folder():
    assert "cyclegan" in base.available()
    assert "base" not in base.available()


@pytest.mark.parametrize("name", base.available())
def test_a_method_is_found_by_its_file_name(name):
    assert base.settings_class(name)().name == name
    assert issubclass(base.settings_class(name), base.MethodSettings)


def test_cyclegan_is_found():
    assert base.settings_class("cyclegan") is cyclegan.Settings


@pytest.mark.parametrize("name", ["cycelgan", "CycleGAN", "base", "../cyclegan", ""])
def test_an_unknown_method_is_refused_with_those_there_are(name):
    with pytest.raises(SettingsError, match=r"There is no method .*Methods: .*cyclegan"):
        base.settings_class(name)


def test_a_near_miss_is_suggested():
    with pytest.raises(SettingsError, match=r"Did you mean cyclegan\?"):
        base.settings_class("cycelgan")
