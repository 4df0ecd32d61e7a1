"""DiscoGAN against closed forms and against an independent restatement of its training step."""

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import BCELoss, HingeEmbeddingLoss, MSELoss
from torch.nn.functional import leaky_relu

from translate.errors import DataError, SettingsError
from translate.methods import base, discogan
from translate.methods.discogan import DiscoGAN, Settings
from translate.networks.discriminators import PatchGAN, WholeImage
from translate.networks.encoder_decoder import EncoderDecoder
from translate.schedules import Constant
from translate.training.players import Players

DOMAINS = ("bags", "shoes")
G_TERMS = ["GAN_A", "GAN_B", "FM_A", "FM_B", "CONST_A", "CONST_B"]
D_TERMS = ["D_A", "D_B", "acc_A_real", "acc_A_fake", "acc_B_real", "acc_B_fake"]
TINY = Settings(generator=EncoderDecoder(width=2), discriminator=WholeImage(width=2))


class Scale(nn.Module):
    """u -> a u: a generator whose every loss can be written down. It remembers what it is given, and how."""

    def __init__(self, a: float) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(a, dtype=torch.float64))
        self.calls: list[Tensor] = []
        self.graphs: list[bool] = []

    def forward(self, u: Tensor) -> Tensor:
        self.calls.append(u.detach().clone())
        y = self.a * u
        self.graphs.append(y.requires_grad)
        return y


class Judge(Scale):
    """Scores c u on the red channel; its two features are c u on all channels and u^2 on the red one."""

    def judge(self, u: Tensor) -> tuple[Tensor, list[Tensor]]:
        scores = super().forward(u)
        return scores[:, :1], [scores, u[:, :1].square()]

    def forward(self, u: Tensor) -> Tensor:
        return self.judge(u)[0]


class Spy:
    """An `update` that moves nobody and remembers what it was given."""

    def __init__(self, method: DiscoGAN) -> None:
        self.method = method
        self.losses: list[dict[str, Tensor]] = []
        self.gradients: dict[str, Tensor | None] = {}

    def __call__(self, **losses: Tensor) -> None:
        self.losses.append(losses)
        names, parameters = zip(*self.method.named_parameters(), strict=True)
        found = torch.autograd.grad(sum(losses.values()), parameters, allow_unused=True)
        self.gradients = dict(zip(names, found, strict=True))


def analytic(a: float, b: float, c_A: float, c_B: float, **settings: Any) -> DiscoGAN:
    """Build a DiscoGAN with G_AB(u) = a u, G_BA(u) = b u, and D_A, D_B with scores c_A u, c_B u."""
    method = Settings(**{"generator": EncoderDecoder(width=1), "discriminator": WholeImage(width=1), **settings})
    built = method.build(DOMAINS, 64)
    built.G_AB, built.G_BA, built.D_A, built.D_B = Scale(a), Scale(b), Judge(c_A), Judge(c_B)
    return built.double()


def pictures(batch: int = 2, side: int = 4, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.rand(batch, 3, side, side, generator=generator).double() * 2 - 1 for name in DOMAINS}


def mean(values: Any) -> float:
    values = list(values)
    return math.fsum(values) / len(values)


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def closed_form(batch: dict[str, Tensor], a: float, b: float, c_A: float, c_B: float) -> dict[str, float]:
    """Write out every term for the analytic networks, without a tensor: pictures[n][channel][pixel] in [0, 1]."""
    A, B = ([[[(v + 1) / 2 for v in plane] for plane in image] for image in x.flatten(2).tolist()]
            for x in batch.values())  # fmt: skip

    def values(pictures: list[list[list[float]]], channels: int = 3) -> list[float]:
        return [v for image in pictures for plane in image[:channels] for v in plane]

    def matching(real: list[list[list[float]]], fake: list[list[list[float]]], scale: float, c: float) -> float:
        def means(pictures: list[list[list[float]]], factor: float, power: int, channels: int) -> list[float]:
            flat = [[(factor * v) ** power for plane in image[:channels] for v in plane] for image in pictures]
            return [mean(column) for column in zip(*flat, strict=True)]

        total = 0.0
        for factor, power, channels in [(c, 1, 3), (1.0, 2, 1)]:
            r, f = means(real, factor, power, channels), means(fake, factor * scale, power, channels)
            total += mean((v - w) ** 2 for v, w in zip(f, r, strict=True))
        return total

    return {
        "GAN_A": mean(softplus(-c_A * b * v) for v in values(B, 1)),
        "GAN_B": mean(softplus(-c_B * a * v) for v in values(A, 1)),
        "FM_A": matching(A, B, b, c_A),
        "FM_B": matching(B, A, a, c_B),
        "CONST_A": mean((b * a * v - v) ** 2 for v in values(A)),
        "CONST_B": mean((a * b * v - v) ** 2 for v in values(B)),
        "D_A": (mean(softplus(-c_A * v) for v in values(A, 1)) + mean(softplus(c_A * b * v) for v in values(B, 1))) / 2,
        "D_B": (mean(softplus(-c_B * v) for v in values(B, 1)) + mean(softplus(c_B * a * v) for v in values(A, 1))) / 2,
        "acc_A_real": mean(c_A * v > 0 for v in values(A, 1)),
        "acc_A_fake": mean(c_A * b * v < 0 for v in values(B, 1)),
        "acc_B_real": mean(c_B * v > 0 for v in values(B, 1)),
        "acc_B_fake": mean(c_B * a * v < 0 for v in values(A, 1)),
    }


def weighted(terms: dict[str, float], gan: float = 0.1, fm: float = 0.9, rate: float = 0.5) -> float:
    """Return what the generators minimise."""
    adversarial = gan * (terms["GAN_A"] + terms["GAN_B"]) + fm * (terms["FM_A"] + terms["FM_B"])
    return (1 - rate) * adversarial + rate * (terms["CONST_A"] + terms["CONST_B"])


CASES = [(2.0, 3.0, 0.5, -1.0), (0.5, 2.0, 1.0, 1.0), (-1.5, 0.25, -2.0, 0.75)]


# Every term


@pytest.mark.parametrize(("gan", "fm", "rate"), [(0.1, 0.9, 0.5), (1.0, 0.0, 0.25), (0.0, 2.0, 0.0), (0.3, 0.2, 1.0)])
@pytest.mark.parametrize("scales", CASES)
def test_every_term_is_its_closed_form(scales, gan, fm, rate):
    method = analytic(*scales, lambda_gan=gan, lambda_fm=fm, rate=rate)
    batch, spy = pictures(), Spy(method)
    expected = closed_form(batch, *scales)
    found = [method.step(batch, spy, n) for n in (0, 1)]
    assert [list(terms) for terms in found] == [D_TERMS, G_TERMS]
    for name, term in (found[0] | found[1]).items():
        assert term.shape == ()
        assert not term.requires_grad
        assert float(term) == pytest.approx(expected[name], rel=1e-12, abs=1e-15), name
    L_D, L_G = spy.losses[0]["D"], spy.losses[1]["G"]
    assert float(L_D.detach()) == pytest.approx(expected["D_A"] + expected["D_B"], rel=1e-12)
    assert float(L_G.detach()) == pytest.approx(weighted(expected, gan, fm, rate), rel=1e-12)


def test_losses_at_the_equilibrium_of_the_game():
    """Both domains look the same, the generators change nothing, and the discriminators answer 1/2 to everything."""
    method = analytic(1, 1, 0, 0)
    x = pictures()["bags"]
    batch = dict.fromkeys(DOMAINS, x)
    found = method.step(batch, Spy(method), 0) | method.step(batch, Spy(method), 1)
    half = math.log(2)
    expected = {"GAN_A": half, "GAN_B": half, "D_A": half, "D_B": half}
    assert {name: float(term) for name, term in found.items()} == pytest.approx(dict.fromkeys(found, 0.0) | expected)


# Ranges


@pytest.mark.parametrize("n", [0, 1])
def test_networks_see_pictures_between_0_and_1(n):
    method = analytic(1, 1, 1, 1)
    batch = pictures()
    batch["bags"][0, 0, 0, :2] = torch.tensor([-1.0, 1.0])
    method.step(batch, Spy(method), n)
    torch.testing.assert_close(method.G_AB.calls[0], (batch["bags"] + 1) / 2)
    torch.testing.assert_close(method.G_BA.calls[0], (batch["shoes"] + 1) / 2)
    for network in (method.G_AB, method.G_BA, method.D_A, method.D_B):
        seen = torch.cat(network.calls)
        assert 0 <= float(seen.min()) < 0.1
        assert 0.9 < float(seen.max()) <= 1


@pytest.mark.parametrize(("target", "scale"), [("shoes", 0.5), ("bags", 0.25)])
def test_translation_goes_to_the_named_domain_between_minus_1_and_1(target, scale):
    method = analytic(0.5, 0.25, 1, 1)
    x = pictures()["bags"]
    torch.testing.assert_close(method.translate(x, target), 2 * scale * (x + 1) / 2 - 1)


def test_translations_of_a_real_network_use_the_whole_range():
    torch.manual_seed(0)
    method = TINY.build(DOMAINS, 64)
    for parameter in method.G_AB.parameters():
        parameter.data *= 100
    y = method.translate(torch.rand(2, 3, 64, 64) * 2 - 1, "shoes").detach()
    assert -1 <= float(y.min()) < -0.9
    assert 0.9 < float(y.max()) <= 1


# Who learns, when, and from what


@pytest.mark.parametrize(("d_every", "turns"), [(3, "DGGDGGD"), (2, "DGDGDGD"), (5, "DGGGGDG")])
def test_the_discriminators_move_in_one_step_of_so_many_and_the_generators_in_the_others(d_every, turns):
    method = analytic(*CASES[0], d_every=d_every)
    spy = Spy(method)
    for n in range(7):
        method.step(pictures(seed=n), spy, n)
        assert len(spy.losses) == n + 1
    assert "".join(name for losses in spy.losses for name in losses) == turns
    assert all(loss.shape == () for losses in spy.losses for loss in losses.values())


def test_a_step_of_the_discriminators_builds_no_graph_of_the_generators():
    method = analytic(*CASES[0])
    spy = Spy(method)
    method.step(pictures(), spy, 0)
    for generator in (method.G_AB, method.G_BA):
        assert generator.graphs == [False]  # one pass each: nothing is cycled
    assert {name: gradient is not None for name, gradient in spy.gradients.items()} == {
        "G_AB.a": False, "G_BA.a": False, "D_A.a": True, "D_B.a": True,
    }  # fmt: skip


@pytest.mark.parametrize("scales", [CASES[0], CASES[2]])
@pytest.mark.parametrize(("gan", "fm", "rate"), [(0.1, 0.9, 0.5), (1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_the_generators_learn_from_every_term_what_its_closed_form_says(scales, gan, fm, rate):
    """The reconstructions reach both generators through both passes, so nothing is detached on the way."""
    method = analytic(*scales, lambda_gan=float(gan), lambda_fm=float(fm), rate=float(rate))
    batch, spy = pictures(), Spy(method)
    method.step(batch, spy, 1)
    a, b, *judges = scales
    h = 1e-5

    def loss(a: float, b: float) -> float:
        return weighted(closed_form(batch, a, b, *judges), gan, fm, rate)

    slopes = {"G_AB.a": loss(a + h, b) - loss(a - h, b), "G_BA.a": loss(a, b + h) - loss(a, b - h)}
    for name, difference in slopes.items():
        assert float(spy.gradients[name]) == pytest.approx(difference / (2 * h), rel=1e-6, abs=1e-9), name


@pytest.mark.parametrize("scales", CASES)
def test_each_discriminator_learns_from_its_own_domain(scales):
    method = analytic(*scales)
    batch, spy = pictures(), Spy(method)
    method.step(batch, spy, 0)
    a, b, c_A, c_B = scales
    h = 1e-5
    for name, (above, below) in {
        "D_A": ((c_A + h, c_B), (c_A - h, c_B)),
        "D_B": ((c_A, c_B + h), (c_A, c_B - h)),
    }.items():
        slope = (closed_form(batch, a, b, *above)[name] - closed_form(batch, a, b, *below)[name]) / (2 * h)
        assert float(spy.gradients[f"{name}.a"]) == pytest.approx(slope, rel=1e-6, abs=1e-9)


# The curriculum


@pytest.mark.parametrize(("n", "rate"), [(1, 0.01), (2, 0.01), (4, 0.01), (5, 0.6), (7, 0.6), (5000, 0.6)])
def test_reconstruction_counts_little_until_the_curriculum_ends(n, rate):
    scales = CASES[0]
    method = analytic(*scales, curriculum=5, rate=0.6)
    batch, spy = pictures(), Spy(method)
    method.step(batch, spy, n)
    assert float(spy.losses[0]["G"].detach()) == pytest.approx(weighted(closed_form(batch, *scales), rate=rate))


@pytest.mark.parametrize(("said", "steps", "expected"), [(None, 2500, 250), (None, 9, 0), (7, 2500, 7), (0, 2500, 0)])
def test_the_curriculum_is_a_tenth_of_the_run_unless_said_otherwise(said, steps, expected):
    settings = Settings(curriculum=said)
    found = settings.for_run(steps)
    assert found.curriculum == expected
    assert found.model_copy(update={"curriculum": said}) == settings


# The whole step


class Listed(nn.Module):
    """The discriminator of the official code, with its sigmoid, on the weights of ours."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        weights = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
        for layer in range(1, 6):
            weight = weights[f"conv{layer}.weight"].contiguous()
            stride, padding = (1, 0) if layer == 5 else (2, 1)
            convolution = nn.Conv2d(weight.shape[1], weight.shape[0], 4, stride, padding, bias=False).double()
            convolution.weight.data.copy_(weight)
            self.add_module(f"conv{layer}", convolution)
        for layer in (2, 3, 4):
            norm = nn.BatchNorm2d(len(weights[f"bn{layer}.weight"])).double()
            norm.weight.data.copy_(weights[f"bn{layer}.weight"])
            norm.bias.data.copy_(weights[f"bn{layer}.bias"])
            self.add_module(f"bn{layer}", norm)

    def forward(self, u: Tensor) -> tuple[Tensor, list[Tensor]]:
        u, features = leaky_relu(self.conv1(u), 0.2), []
        for convolution, norm in ((self.conv2, self.bn2), (self.conv3, self.bn3), (self.conv4, self.bn4)):
            u = leaky_relu(norm(convolution(u)), 0.2)
            features.append(u)
        return torch.sigmoid(self.conv5(u)), features


def listed_generator(network: nn.Module) -> nn.Sequential:
    """The generator of the official code, on the weights of ours."""
    w = network.main[0].out_channels
    sides = [(3, w), (w, 2 * w), (2 * w, 4 * w), (4 * w, 8 * w)]
    layers: list[nn.Module] = []
    for i, o in sides:
        layers += [nn.Conv2d(i, o, 4, 2, 1, bias=False), *([nn.BatchNorm2d(o)] if i != 3 else []), nn.LeakyReLU(0.2)]
    for o, i in reversed(sides):
        layers += [nn.ConvTranspose2d(i, o, 4, 2, 1, bias=False), *([nn.BatchNorm2d(o), nn.ReLU()] if o != 3 else [])]
    listed = nn.Sequential(*layers, nn.Sigmoid()).double()
    listed.load_state_dict({name.removeprefix("main."): tensor for name, tensor in network.state_dict().items()})
    return listed


class Restated:
    """The training step of the official code, written down again from its description.

    It builds both losses in every iteration and then moves one side. In its names our G_AB is generator_B.
    """

    def __init__(self, method: DiscoGAN) -> None:
        self.settings = method.settings
        self.generator_B, self.generator_A = listed_generator(method.G_AB), listed_generator(method.G_BA)
        self.discriminator_A, self.discriminator_B = Listed(method.D_A), Listed(method.D_B)
        adam = method.settings.optimiser
        options: dict[str, Any] = {"lr": adam.lr, "betas": (adam.beta1, adam.beta2), "weight_decay": adam.weight_decay}
        options |= {"fused": False, "foreach": False}
        generators = itertools.chain(self.generator_A.parameters(), self.generator_B.parameters())
        discriminators = itertools.chain(self.discriminator_A.parameters(), self.discriminator_B.parameters())
        self.optim_gen, self.optim_dis = (torch.optim.Adam(own, **options) for own in (generators, discriminators))

    def fm_loss(self, real: list[Tensor], fake: list[Tensor]) -> Tensor:
        losses = 0
        for real_feature, fake_feature in zip(real, fake, strict=True):
            l2 = (real_feature.mean(0) - fake_feature.mean(0)) * (real_feature.mean(0) - fake_feature.mean(0))
            losses += HingeEmbeddingLoss()(l2, torch.ones_like(l2))
        return losses

    def step(self, A: Tensor, B: Tensor, iters: int) -> dict[str, float]:
        binary, A, B = BCELoss(), (A + 1) / 2, (B + 1) / 2
        self.optim_gen.zero_grad()
        self.optim_dis.zero_grad()
        AB, BA = self.generator_B(A), self.generator_A(B)
        ABA, BAB = self.generator_A(AB), self.generator_B(BA)
        recon_loss_A, recon_loss_B = MSELoss()(ABA, A), MSELoss()(BAB, B)

        def adversarial(D: Listed, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            (real_score, real_features), (fake_score, fake_features) = D(real), D(fake)
            one, zero = torch.ones_like(real_score), torch.zeros_like(real_score)
            dis = binary(real_score, one) * 0.5 + binary(fake_score, zero) * 0.5
            return dis, binary(fake_score, one), self.fm_loss(real_features, fake_features)

        dis_loss_A, gen_loss_A, fm_loss_A = adversarial(self.discriminator_A, A, BA)
        dis_loss_B, gen_loss_B, fm_loss_B = adversarial(self.discriminator_B, B, AB)
        rate = 0.01 if iters < self.settings.curriculum else 0.5
        gen_loss_A_total = (gen_loss_B * 0.1 + fm_loss_B * 0.9) * (1.0 - rate) + recon_loss_A * rate
        gen_loss_B_total = (gen_loss_A * 0.1 + fm_loss_A * 0.9) * (1.0 - rate) + recon_loss_B * rate
        if iters % 3 == 0:
            (dis_loss_A + dis_loss_B).backward()
            self.optim_dis.step()
            terms = {"D_A": dis_loss_A, "D_B": dis_loss_B}
        else:
            (gen_loss_A_total + gen_loss_B_total).backward()
            self.optim_gen.step()
            terms = {"GAN_A": gen_loss_A, "GAN_B": gen_loss_B, "FM_A": fm_loss_A, "FM_B": fm_loss_B}
            terms |= {"CONST_A": recon_loss_A, "CONST_B": recon_loss_B}
        return {name: float(term.detach()) for name, term in terms.items()}


@pytest.mark.parametrize("weight_decay", [1e-5, 0.1])
@pytest.mark.parametrize("side", [64, 80])  # a score for the whole picture, and a map of 2 x 2
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_training_is_the_official_step_restated(layout, side, weight_decay):
    torch.manual_seed(0)
    changes = {"curriculum": 2, "init_gain": 0.1, "optimiser": {"weight_decay": weight_decay}}
    settings = Settings.parse({**TINY.model_dump(), **changes})
    assert (settings.optimiser.lr, settings.optimiser.beta1) == (2e-4, 0.5)  # what a table leaves out is as published
    method = settings.build(DOMAINS, side).double()
    restated = Restated(method)
    before = {name: parameter.detach().clone() for name, parameter in method.named_parameters()}
    method = method.to(memory_format=layout)
    players = Players(method)
    for n in range(4):  # D, G within the curriculum, G after it, D
        images = pictures(3, side, n)
        expected = restated.step(*images.values(), n)
        found = method.step({name: image.to(memory_format=layout) for name, image in images.items()}, players, n)
        assert {name: float(found[name]) for name in expected} == pytest.approx(expected, rel=1e-9), n
    pairs = {"G_AB": "generator_B", "G_BA": "generator_A", "D_A": "discriminator_A", "D_B": "discriminator_B"}
    for ours, theirs in pairs.items():
        others = dict(getattr(restated, theirs).named_parameters())
        for name, parameter in getattr(method, ours).named_parameters():
            torch.testing.assert_close(parameter, others[name.removeprefix("main.")], rtol=0, atol=1e-9)
            assert not torch.equal(parameter, before[f"{ours}.{name}"]), name


def test_a_patch_discriminator_is_matched_on_its_normalised_layers():
    torch.manual_seed(0)
    settings = Settings.parse({**TINY.model_dump(), "discriminator": {"kind": "patchgan", "width": 2, "layers": 2}})
    method = settings.build(DOMAINS, 32).double()
    batch = pictures(3, 32)
    found = method.step(batch, Spy(method), 1)

    def features(D: nn.Module, u: Tensor) -> list[Tensor]:
        model = D.model.double()
        return [model[:5](u), model[:8](u)]  # after the activations of the two normalised convolutions

    x_A, x_B = ((batch[domain] + 1) / 2 for domain in DOMAINS)
    for name, D, real, fake in [("A", method.D_A, x_A, method.G_BA(x_B)), ("B", method.D_B, x_B, method.G_AB(x_A))]:
        pairs = zip(features(D, real), features(D, fake), strict=True)
        expected = sum((r.mean(0) - f.mean(0)).square().mean() for r, f in pairs)
        torch.testing.assert_close(found[f"FM_{name}"], expected.detach(), rtol=1e-12, atol=0)
        GAN = nn.BCEWithLogitsLoss()(D(fake), torch.ones_like(D(fake)))
        torch.testing.assert_close(found[f"GAN_{name}"], GAN.detach(), rtol=1e-12, atol=0)


# Sizes


@pytest.mark.parametrize("bottleneck", [0, 5])
@pytest.mark.parametrize("size", [64, 128, 256])
def test_it_trains_and_translates_at_common_sizes_with_both_depths(size, bottleneck):
    generator = EncoderDecoder(width=4, bottleneck=bottleneck)
    settings = Settings(generator=generator, discriminator=WholeImage(width=4))
    settings.check(DOMAINS, size, 2)
    torch.manual_seed(0)
    method = settings.build(DOMAINS, size)
    players, batch = Players(method), {name: x.float() for name, x in pictures(2, size).items()}
    for n in (0, 1):
        assert all(term.isfinite() for term in method.step(batch, players, n).values())
    assert int(players.skipped) == 0
    assert method.translate(batch["bags"], "shoes").shape == (2, 3, size, size)


@pytest.mark.parametrize(
    ("settings", "smallest"),
    [
        (Settings(), 64),
        (Settings(discriminator=PatchGAN()), 32),
        (Settings(generator=EncoderDecoder(bottleneck=100), discriminator=PatchGAN()), 64),
        (Settings(discriminator=PatchGAN(layers=5)), 96),
    ],
)
def test_the_smallest_size_suits_all_networks(settings, smallest):
    settings.check(DOMAINS, smallest, 2)
    with pytest.raises(SettingsError, match=f"a multiple of 16 and at least {smallest} pixels"):
        settings.check(DOMAINS, smallest - 16, 2)


@pytest.mark.parametrize("size", [48, 32, 72, 250])
def test_sizes_that_do_not_suit_are_refused(size):
    with pytest.raises(SettingsError, match=f"Size {size} does not suit discogan .* multiple of 16 and at least 64"):
        Settings().check(DOMAINS, size, 64)


def test_one_pixel_cannot_be_normalised_over_a_batch_of_one():
    deep = Settings(generator=EncoderDecoder(width=1, bottleneck=2), discriminator=WholeImage(width=1))
    with pytest.raises(SettingsError, match=r"normalised over a batch of at least 2\. Use --batch 64"):
        deep.check(DOMAINS, 64, 1)
    for settings, size, batch in [(deep, 64, 2), (deep, 80, 1), (TINY, 64, 1)]:
        settings.check(DOMAINS, size, batch)
        method = settings.build(DOMAINS, size)
        method.step({name: x.float() for name, x in pictures(batch, size).items()}, Players(method), 1)


# What others see of it


def test_players_are_two_generators_and_two_discriminators_and_nothing_is_left_out():
    method = TINY.build(DOMAINS, 64)
    players = method.players()
    assert list(players) == ["G", "D"]
    assert players["G"] == [method.G_AB, method.G_BA]
    assert players["D"] == [method.D_A, method.D_B]
    own = [parameter for networks in players.values() for network in networks for parameter in network.parameters()]
    assert len({id(parameter) for parameter in own}) == len(own) == len(list(method.parameters()))


@pytest.mark.parametrize("gain", [0.02, 0.2])
def test_all_four_networks_start_different_with_the_gain_of_the_settings(gain):
    torch.manual_seed(0)
    sizes = {"generator": EncoderDecoder(width=8), "discriminator": WholeImage(width=16)}
    method = Settings(**sizes, init_gain=gain).build(DOMAINS, 64)
    for network in (method.G_AB, method.G_BA, method.D_A, method.D_B):
        weights = torch.cat([parameter.flatten() for parameter in network.parameters() if parameter.dim() == 4])
        assert float(weights.std().detach()) == pytest.approx(gain, rel=0.05)
    assert not torch.equal(method.G_AB.main[0].weight, method.G_BA.main[0].weight)
    assert not torch.equal(method.D_A.conv1.weight, method.D_B.conv1.weight)


def test_the_only_source_of_a_domain_is_the_other_one():
    method = TINY.build(DOMAINS, 64)
    assert method.domains == DOMAINS


@pytest.mark.parametrize("domains", [["bags"], ["bags", "shoes", "cars"]])
def test_there_must_be_two_domains(domains):
    with pytest.raises(DataError, match=f"discogan translates between two domains; found {len(domains)}: bags"):
        TINY.check(domains, 64, 8)
    with pytest.raises(ValueError, match=f"between two domains; found {len(domains)}"):
        TINY.build(domains, 64)


def test_domains_are_taken_by_name_and_not_by_their_order_in_the_batch():
    method = analytic(*CASES[0])
    batch = pictures()
    found = method.step(batch, Spy(method), 1)
    assert method.step(dict(reversed(batch.items())), Spy(method), 1) == found


# Settings


def test_the_defaults_are_the_official_constants():
    settings = base.settings_class("discogan")()
    assert type(settings) is discogan.Settings
    assert (settings.lambda_gan, settings.lambda_fm, settings.rate_start, settings.rate) == (0.1, 0.9, 0.01, 0.5)
    assert (settings.d_every, settings.decay, settings.batches) == (3, Constant(), "unpaired")
    assert settings.generator == EncoderDecoder(width=64, bottleneck=0)
    assert settings.discriminator == WholeImage(width=64)
    adam = settings.optimiser.build([nn.Parameter(torch.zeros(1))]).defaults
    assert (adam["lr"], adam["betas"], adam["eps"], adam["weight_decay"]) == (2e-4, (0.5, 0.999), 1e-8, 1e-5)
    assert not adam["decoupled_weight_decay"]


def test_full_size_is_the_official_number_of_parameters():
    with torch.device("meta"):  # measured on the network definitions of SKTBrain/DiscoGAN
        method = Settings().build(DOMAINS, 64)
    assert sum(parameter.numel() for parameter in method.parameters()) == 2 * 5_513_856 + 2 * 2_765_568


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"lambda_fmm": 1}, "Unknown setting lambda_fmm. Did you mean lambda_fm?"),
        ({"generator": {"bottlneck": 6}}, "Unknown setting generator.bottlneck. Did you mean bottleneck?"),
        ({"generator": {"blocks": 6}}, "Unknown setting generator.blocks."),
        ({"generator": {"kind": "resnet"}}, "The setting generator.kind is wrong: Input should be 'encoder-decoder'"),
        ({"discriminator": {"layers": 2}}, "Unknown setting discriminator."),
        ({"discriminator": {"kind": "pixelgan"}}, "The setting discriminator is wrong: "),
        ({"rate": 1.5}, "The setting rate is wrong: Input should be less than or equal to 1"),
        ({"rate_start": -0.1}, "The setting rate_start is wrong: Input should be greater than or equal to 0"),
        ({"curriculum": -1}, "The setting curriculum is wrong: Input should be greater than or equal to 0"),
        ({"d_every": 1}, "The setting d_every is wrong: Input should be greater than or equal to 2"),
        ({"lambda_gan": -1}, "The setting lambda_gan is wrong"),
        ({"objective": "wgan"}, "The setting objective is wrong"),
        ({"name": "cyclegan"}, "The setting name is wrong"),
    ],
)
def test_wrong_settings_are_refused_with_a_sentence(tree, sentence):
    with pytest.raises(SettingsError) as caught:
        Settings.parse(tree)
    assert str(caught.value).startswith(sentence)
