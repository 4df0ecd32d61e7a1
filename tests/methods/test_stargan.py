"""StarGAN against closed forms and against an independent restatement of its training step."""

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import cross_entropy

from translate import schedules
from translate.errors import DataError, SettingsError
from translate.methods import base, stargan
from translate.methods.stargan import Settings, StarGAN
from translate.networks.blocks import InstanceNorm
from translate.networks.discriminators import Critic, PatchGAN
from translate.networks.label_resnet import LabelResnet
from translate.objectives import OBJECTIVES
from translate.runs.frozen_features import fill_frozen
from translate.targets import Attributes
from translate.training.players import Players

DOMAINS = ("angry", "happy", "sad")
D_TERMS = ["adv_D", "cls_D", "gp", "acc_real", "acc_fake"]
G_TERMS = ["adv_G", "cls_G", "rec"]
TINY = Settings(generator=LabelResnet(width=2, blocks=1), discriminator=Critic(width=2, layers=3))
SHIFTS = (0.3, -0.2, 0.5)  # what the analytic generator adds for each domain
SLOPES = (1.0, -2.0, 0.5)  # of the analytic critic's logits


class Shift(nn.Module):
    """G(x, c) = a x + v_c. It remembers the pictures and labels it is given."""

    def __init__(self, a: float) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(a, dtype=torch.float64))
        self.v = nn.Parameter(torch.tensor(SHIFTS, dtype=torch.float64))
        self.calls: list[tuple[Tensor, Tensor, bool]] = []

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        y = self.a * x + (c @ self.v)[:, None, None, None]
        self.calls.append((x.detach().clone(), c.clone(), y.requires_grad))
        return y


class Linear(nn.Module):
    """Scores are w times the red channel, logits are u times the mean of the picture."""

    def __init__(self, w: float) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w, dtype=torch.float64))
        self.u = nn.Parameter(torch.tensor(SLOPES, dtype=torch.float64))
        self.calls: list[Tensor] = []

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self.calls.append(x.detach().clone())
        return self.w * x[:, :1], x.mean((1, 2, 3))[:, None] * self.u


class Spy:
    """An `update` that moves nobody and remembers what it was given."""

    def __init__(self, method: StarGAN) -> None:
        self.method = method
        self.losses: list[dict[str, Tensor]] = []
        self.gradients: list[dict[str, Tensor | None]] = []

    def __call__(self, **losses: Tensor) -> None:
        self.losses.append(losses)
        named = [(name, one) for name, one in self.method.named_parameters() if one.requires_grad]
        names, parameters = zip(*named, strict=True)
        found = torch.autograd.grad(sum(losses.values()), parameters, allow_unused=True)
        self.gradients.append(dict(zip(names, found, strict=True)))


def analytic(a: float, w: float, **settings: Any) -> StarGAN:
    method = Settings(**{**dict(TINY), **settings}).build(DOMAINS, 8)
    method.G, method.D = Shift(a), Linear(w)
    return method.double()


def batch_of(labels: list[int], side: int = 4, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(len(labels), 3, side, side, generator=generator).double() * 2 - 1
    return {"x": x, "c": torch.eye(len(DOMAINS), dtype=torch.float64)[labels]}


LABELS = [0, 1, 2, 1]
TARGETS = [LABELS[i] for i in torch.randperm(4, generator=torch.Generator().manual_seed(5)).tolist()]


def step(method: StarGAN, batch: dict[str, Tensor], update: Any, n: int, seed: int = 5) -> dict[str, float]:
    torch.manual_seed(seed)
    return {name: float(term) for name, term in method.step(batch, update, n).items()}


def mean(values: Any) -> float:
    values = list(values)
    return math.fsum(values) / len(values)


def closed_form(x: Tensor, a: float, w: float, v: Any = SHIFTS, u: Any = SLOPES) -> dict[str, float]:
    """Write out every term for the analytic networks and the labels above, without a tensor."""
    images = x.flatten(2).tolist()  # [picture][channel][pixel]
    fakes = [[[a * p + v[t] for p in plane] for plane in image] for image, t in zip(images, TARGETS, strict=True)]

    def red(pictures: list[list[list[float]]]) -> float:
        return mean(p for image in pictures for p in image[0])

    def classes(pictures: list[list[list[float]]], labels: list[int]) -> float:
        losses = []
        for image, label in zip(pictures, labels, strict=True):
            grey = mean(p for plane in image for p in plane)
            losses.append(math.log(math.fsum(math.exp(slope * grey) for slope in u)) - u[label] * grey)
        return mean(losses)

    back = [
        abs(p - (a * q + v[label]))
        for image, fake, label in zip(images, fakes, LABELS, strict=True)
        for plane, other in zip(image, fake, strict=True)
        for p, q in zip(plane, other, strict=True)
    ]
    halfway = w * (red(images) + red(fakes)) / 2
    return {
        "adv_D": w * red(fakes) - w * red(images),
        "cls_D": classes(images, LABELS),
        "gp": (abs(w) * math.sqrt(len(images[0][0])) - 1) ** 2,  # the slope of the sum of all scores
        "acc_real": mean(w * p > halfway for image in images for p in image[0]),
        "acc_fake": mean(w * p < halfway for fake in fakes for p in fake[0]),
        "adv_G": -w * red(fakes),
        "cls_G": classes(fakes, TARGETS),
        "rec": mean(back),
    }


CASES = [(0.5, 0.25), (-1.5, 2.0), (2.0, -0.1)]


# Every term


@pytest.mark.parametrize(("cls", "rec", "gp"), [(1.0, 10.0, 10.0), (0.5, 2.0, 3.0), (0.0, 0.0, 0.0)])
@pytest.mark.parametrize("scales", CASES)
def test_every_term_is_its_closed_form(scales, cls, rec, gp):
    method = analytic(*scales, lambda_cls=cls, lambda_rec=rec, lambda_gp=gp)
    batch, spy = batch_of(LABELS), Spy(method)
    expected = closed_form(batch["x"], *scales)
    found = step(method, batch, spy, 4)
    assert list(found) == D_TERMS + G_TERMS
    for name, term in found.items():
        exact = 1e-6 if name.startswith("acc") else 1e-12  # shares are counted in fp32
        assert term == pytest.approx(expected[name], rel=exact, abs=1e-15), name
    L_D = expected["adv_D"] + cls * expected["cls_D"] + gp * expected["gp"]
    L_G = expected["adv_G"] + cls * expected["cls_G"] + rec * expected["rec"]
    assert float(spy.losses[0]["D"].detach()) == pytest.approx(L_D, rel=1e-12)
    assert float(spy.losses[1]["G"].detach()) == pytest.approx(L_G, rel=1e-12)


def test_terms_are_detached_scalars():
    method = analytic(*CASES[0])
    found = method.step(batch_of(LABELS), Spy(method), 4)
    assert all(term.shape == () and not term.requires_grad for term in found.values())


def test_a_critic_that_knows_nothing_pays_for_its_flatness_and_for_its_guesses():
    method = analytic(1.0, 0.0)
    method.D.u.data.zero_()
    found = step(method, batch_of(LABELS), Spy(method), 4)
    expected = {"adv_D": 0, "cls_D": math.log(3), "gp": 1, "adv_G": 0, "cls_G": math.log(3)}
    assert {name: found[name] for name in expected} == pytest.approx(expected)


class Whole(nn.Module):
    """One score <w, x> for a picture."""

    def __init__(self, w: Tensor) -> None:
        super().__init__()
        self.w = nn.Parameter(w)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return (x * self.w).sum((1, 2, 3)), x.mean((2, 3))


@pytest.mark.parametrize("length", [0.0, 0.5, 1.0, 3.0])
def test_the_penalty_of_a_linear_critic_is_what_its_slope_lacks_to_1(length):
    torch.manual_seed(0)
    w = torch.randn(3, 4, 4, dtype=torch.float64)
    method = analytic(*CASES[0])
    method.D = Whole(w / w.norm() * length)
    players = Players(method)
    found = step(method, batch_of(LABELS), players, 0)
    assert found["gp"] == pytest.approx((length - 1) ** 2, abs=1e-12)
    assert int(players.skipped) == 0  # although a root has no slope at 0


# Labels


@pytest.mark.parametrize("labels", [LABELS, [0, 0, 1, 2, 2, 2], [1, 1]])
def test_targets_are_a_permutation_of_the_labels_of_the_batch(labels):
    method = analytic(*CASES[0])
    batch, seen = batch_of(labels), set()
    for seed in range(20):
        method.G.calls.clear()
        step(method, batch, Spy(method), 4, seed)
        (_, c, _), (x, again, _), (_, back, _) = method.G.calls
        assert sorted(c.argmax(1).tolist()) == sorted(labels)
        assert torch.equal(c.sum(1), torch.ones(len(labels)).double())
        assert torch.equal(c, again)  # G moves on what D was shown
        assert torch.equal(x, batch["x"])
        assert torch.equal(back, batch["c"])  # and is asked to come back to where the pictures are from
        seen.add(tuple(c.argmax(1).tolist()))
    assert len(seen) > 1 or len(set(labels)) == 1


def test_the_critic_learns_classes_from_real_pictures_only():
    """What the generator makes, however wild, does not touch the class head in the critic's step."""
    slopes = []
    for shift in (0.0, 50.0):
        method = analytic(1.0, 0.25)
        method.G.v.data += shift
        spy = Spy(method)
        step(method, batch_of(LABELS), spy, 0)
        slopes.append(spy.gradients[0]["D.u"])
    assert torch.equal(*slopes)
    x, c = batch_of(LABELS).values()
    u = torch.tensor(SLOPES, dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(cross_entropy(x.mean((1, 2, 3))[:, None] * u, c.argmax(1)), u)
    torch.testing.assert_close(slopes[0], expected, rtol=1e-12, atol=1e-15)


def test_the_label_reaches_the_output_by_the_zeros_around_the_picture_and_only_by_them():
    torch.manual_seed(0)
    network = LabelResnet(width=8, blocks=2).build(3, 3, 3).double()
    reflecting = copy.deepcopy(network)
    for layer in reflecting.modules():
        if isinstance(layer, nn.Conv2d):
            layer.padding_mode = "reflect"
    x, labels = torch.rand(1, 3, 32, 32, dtype=torch.float64) * 2 - 1, torch.eye(3, dtype=torch.float64)

    @torch.no_grad()
    def effect(network: nn.Module) -> float:
        outputs = [network(x, label[None]) for label in labels]
        return max(float((output - outputs[0]).abs().max()) for output in outputs[1:])

    assert effect(network) > 0.1
    assert effect(reflecting) < 1e-10


# Who moves, when, and on what


@pytest.mark.parametrize(("g_every", "turns"), [(5, "DDDDDGDDDDDGD"), (1, "DGDGDGDGDG"), (2, "DDGDDG")])
def test_the_critic_moves_in_every_step_and_the_generator_in_every_so_many(g_every, turns):
    method = analytic(*CASES[0], g_every=g_every)
    spy = Spy(method)
    for n in range(turns.count("D")):
        found = step(method, batch_of(LABELS, seed=n), spy, n)
        assert list(found) == D_TERMS + (G_TERMS if (n + 1) % g_every == 0 else [])
    assert "".join(name for losses in spy.losses for name in losses) == turns


def test_the_generator_learns_from_the_same_batch_after_the_critic_moved():
    a, w = CASES[0]
    method = analytic(a, w)
    batch = batch_of(LABELS)

    @torch.no_grad()
    def update(**losses: Tensor) -> None:
        if "D" in losses:
            method.D.w *= 3
            method.D.u += 0.5

    found = step(method, batch, update, 4)
    before = closed_form(batch["x"], a, w)
    after = closed_form(batch["x"], a, 3 * w, u=[slope + 0.5 for slope in SLOPES])
    assert found == pytest.approx({name: (before if name in D_TERMS else after)[name] for name in found})


def test_the_critics_step_builds_no_graph_of_the_generator():
    method = analytic(*CASES[0])
    spy = Spy(method)
    step(method, batch_of(LABELS), spy, 0)
    assert [graph for _, _, graph in method.G.calls] == [False]
    assert {name: gradient is not None for name, gradient in spy.gradients[0].items()} == {
        "G.a": False, "G.v": False, "D.w": True, "D.u": True,
    }  # fmt: skip


@pytest.mark.parametrize("scales", CASES)
def test_gradients_are_those_of_the_closed_form(scales):
    """The reconstruction reaches the generator through both passes, so nothing is detached on the way."""
    a, w = scales
    method = analytic(a, w)
    batch, spy, h = batch_of(LABELS), Spy(method), 1e-6
    step(method, batch, spy, 4)

    def minimised_by_d(w: float) -> float:
        terms = closed_form(batch["x"], a, w)
        return terms["adv_D"] + terms["cls_D"] + 10 * terms["gp"]

    def minimised_by_g(a: float, v: Any = SHIFTS) -> float:
        terms = closed_form(batch["x"], a, w, v)
        return terms["adv_G"] + terms["cls_G"] + 10 * terms["rec"]

    def shifted(place: int, by: float) -> list[float]:
        return [value + by * (place == other) for other, value in enumerate(SHIFTS)]

    near = {"rel": 1e-6, "abs": 1e-7}
    assert float(spy.gradients[0]["D.w"]) == pytest.approx(
        (minimised_by_d(w + h) - minimised_by_d(w - h)) / (2 * h), **near
    )
    assert float(spy.gradients[1]["G.a"]) == pytest.approx(
        (minimised_by_g(a + h) - minimised_by_g(a - h)) / (2 * h), **near
    )
    for place, slope in enumerate(spy.gradients[1]["G.v"].tolist()):
        difference = minimised_by_g(a, shifted(place, h)) - minimised_by_g(a, shifted(place, -h))
        assert slope == pytest.approx(difference / (2 * h), **near)


# The whole step


def plain(network: nn.Module) -> nn.Module:
    """Copy a network into a contiguous one that normalises by the formula."""

    class Formula(nn.Module):
        def __init__(self, layer: InstanceNorm) -> None:
            super().__init__()
            self.weight, self.bias = layer.weight, layer.bias

        def forward(self, x: Tensor) -> Tensor:
            centred = x - x.mean((2, 3), keepdim=True)
            x = centred / (centred.square().mean((2, 3), keepdim=True) + 1e-5).sqrt()
            return x * self.weight[:, None, None] + self.bias[:, None, None]

    network = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, InstanceNorm):
                setattr(parent, name, Formula(layer))
    return network


class Restated:
    """The training iteration of the official code, written down again from its description."""

    def __init__(self, method: StarGAN) -> None:
        self.settings = method.settings
        self.G, self.D = plain(method.G), plain(method.D)
        adam = method.settings.optimiser
        options: dict[str, Any] = {"lr": adam.lr, "betas": (adam.beta1, adam.beta2), "fused": False, "foreach": False}
        self.g_optimizer = torch.optim.Adam(self.G.parameters(), **options)
        self.d_optimizer = torch.optim.Adam(self.D.parameters(), **options)

    def gradient_penalty(self, y: Tensor, x: Tensor) -> Tensor:
        (dydx,) = torch.autograd.grad(y, x, torch.ones_like(y), retain_graph=True, create_graph=True)
        dydx_l2norm = torch.sqrt(torch.sum(dydx.reshape(dydx.size(0), -1) ** 2, dim=1))
        return torch.mean((dydx_l2norm - 1) ** 2)

    def step(self, x_real: Tensor, c_org: Tensor, i: int) -> dict[str, float]:
        label_org = c_org.argmax(1)
        rand_idx = torch.randperm(len(label_org))
        label_trg, c_trg = label_org[rand_idx], c_org[rand_idx]

        out_src, out_cls = self.D(x_real)
        d_loss_real, d_loss_cls = -torch.mean(out_src), cross_entropy(out_cls, label_org)
        x_fake = self.G(x_real, c_trg)
        d_loss_fake = torch.mean(self.D(x_fake.detach())[0])
        alpha = torch.rand(x_real.size(0), 1, 1, 1, dtype=x_real.dtype)
        x_hat = (alpha * x_real.data + (1 - alpha) * x_fake.data).requires_grad_(True)
        d_loss_gp = self.gradient_penalty(self.D(x_hat)[0], x_hat)
        self.g_optimizer.zero_grad()
        self.d_optimizer.zero_grad()
        (d_loss_real + d_loss_fake + d_loss_cls + 10 * d_loss_gp).backward()
        self.d_optimizer.step()
        terms = {"adv_D": d_loss_real + d_loss_fake, "cls_D": d_loss_cls, "gp": d_loss_gp}

        if (i + 1) % self.settings.g_every == 0:
            x_fake = self.G(x_real, c_trg)
            out_src, out_cls = self.D(x_fake)
            g_loss_fake, g_loss_cls = -torch.mean(out_src), cross_entropy(out_cls, label_trg)
            g_loss_rec = torch.mean(torch.abs(x_real - self.G(x_fake, c_org)))
            self.g_optimizer.zero_grad()
            self.d_optimizer.zero_grad()
            (g_loss_fake + 10 * g_loss_rec + g_loss_cls).backward()
            self.g_optimizer.step()
            terms |= {"adv_G": g_loss_fake, "cls_G": g_loss_cls, "rec": g_loss_rec}
        return {name: float(term.detach()) for name, term in terms.items()}


@pytest.mark.parametrize("g_every", [5, 2])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_training_is_the_official_step_restated_in_every_layout(layout, g_every):
    torch.manual_seed(0)
    method = TINY.model_copy(update={"g_every": g_every}).build(DOMAINS, 32).double()
    restated = Restated(method)
    before = {name: parameter.detach().clone() for name, parameter in method.named_parameters()}
    method = method.to(memory_format=layout)
    players = Players(method)
    for n in range(6):
        batch = batch_of([n % 3, 1, 2, 0], 32, n)
        torch.manual_seed(n)
        expected = restated.step(*batch.values(), n)
        batch["x"] = batch["x"].to(memory_format=layout)
        found = step(method, batch, players, n, seed=n)
        assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-8, abs=1e-12), n
    assert int(players.skipped) == 0
    for network in ("G", "D"):
        others = dict(getattr(restated, network).named_parameters())
        for name, parameter in getattr(method, network).named_parameters():
            torch.testing.assert_close(parameter, others[name], rtol=0, atol=1e-9)
            assert not torch.equal(parameter, before[f"{network}.{name}"]), name


# What others see of it


@pytest.mark.parametrize("domains", [DOMAINS, ("a", "b"), tuple("abcdefgh")])
def test_translation_goes_to_every_domain_from_every_domain(domains):
    torch.manual_seed(0)
    method = TINY.build(domains, 32).double()
    x = batch_of([0, 1], 8)["x"]
    assert method.domains == domains
    for place, domain in enumerate(domains):
        c = torch.eye(len(domains), dtype=torch.float64)[[place, place]]
        assert torch.equal(method.translate(x, domain), method.G(x, c))


def test_players_are_a_generator_and_a_critic_and_nothing_is_left_out():
    method = TINY.build(DOMAINS, 32)
    assert method.players() == {"G": [method.G], "D": [method.D]}
    own = [parameter for network in (method.G, method.D) for parameter in network.parameters()]
    assert len({id(parameter) for parameter in own}) == len(list(method.parameters()))


@pytest.mark.parametrize("size", [64, 96])
def test_pictures_of_other_sizes_than_the_trained_one_are_translated(size):
    method = TINY.build(DOMAINS, 32)
    assert method.translate(torch.zeros(1, 3, size, size + 4), "sad").shape == (1, 3, size, size + 4)


# Attributes

FACES = TINY.model_copy(update={"exclusive": (("black", "blond"),)}).for_targets(Attributes(()))
ATTRIBUTES = ("black", "blond", "glasses")


def test_attributes_are_classified_each_for_itself():
    """Sum over attributes of -log p(c), mean over pictures, written out; a zero logit says 1/2."""
    method = FACES.build(ATTRIBUTES, 8).double()
    method.G, method.D = Shift(1.0), Linear(1.0)
    batch = batch_of([0, 1, 2, 1])
    batch["c"] = torch.tensor([[1, 0, 1], [0, 0, 0], [0, 1, 1], [1, 0, 0]], dtype=torch.float64)
    found = step(method, batch, lambda **_: None, 0)["cls_D"]
    expected = []
    for x, labels in zip(batch["x"], batch["c"].tolist(), strict=True):
        p = [1 / (1 + math.exp(-u * float(x.mean()))) for u in SLOPES]
        expected.append(-math.fsum(math.log(q if label else 1 - q) for q, label in zip(p, labels, strict=True)))
    assert found == pytest.approx(mean(expected), abs=1e-12)


class Reader(nn.Module):
    """Reads: black always, blond never, glasses when the picture is bright."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        assert x.shape[-2:] == (8, 8)  # the size it was trained at
        bright = x.mean((1, 2, 3))
        return x, torch.stack([bright * 0 + 1, bright * 0 - 1, bright], 1)


@pytest.mark.parametrize(
    ("target", "labels"),
    [
        ("glasses=0", [[1, 0, 0], [1, 0, 0]]),
        ("glasses", [[1, 0, 1], [1, 0, 1]]),
        ("blond=1", [[0, 1, 1], [0, 1, 0]]),  # the two exclude each other
        ("black=0", [[0, 0, 1], [0, 0, 0]]),
        ("black=0,glasses=1", [[0, 0, 1], [0, 0, 1]]),
    ],
)
def test_what_is_not_to_be_changed_is_read_off_the_picture(target, labels):
    method = FACES.build(ATTRIBUTES, 8)
    method.G, method.D = Shift(1.0), Reader()
    pictures = torch.cat([torch.full((1, 3, 12, 20), level, dtype=torch.float64) for level in (0.5, -0.5)])
    method.translate(pictures, target)
    assert method.G.calls[0][1].tolist() == labels


def test_a_model_of_attributes_ships_its_reader():
    method = FACES.build(ATTRIBUTES, 32)
    assert method.averaged() == [method.G, method.D]
    domains = TINY.build(DOMAINS, 32)
    assert domains.averaged() == [domains.G]


def test_targets_worth_showing():
    assert TINY.build(DOMAINS, 32).targets.shown() == list(DOMAINS)
    assert FACES.build(ATTRIBUTES, 32).targets.shown() == ["black=1", "blond=1", "glasses=1", "glasses=0"]


def test_one_attribute_is_enough():
    FACES.check(("glasses",), 32, 2)


# A PatchGAN instead of the paper's critic


def test_a_patchgan_judges_patches_and_lets_them_vote_on_labels():
    settings = Settings(generator=LabelResnet(width=2, blocks=1), discriminator=PatchGAN(width=2, layers=2))
    settings.check(DOMAINS, 36, 2)
    D = settings.build(DOMAINS, 36).D.double()
    x = batch_of([0, 1], 36)["x"]
    scores, logits = D(x)
    assert scores.shape == (2, 1, 7, 7)
    assert torch.allclose(
        logits, functional.conv2d(D.main(x), D.classes.weight, D.classes.bias, padding=1).mean((2, 3))
    )
    assert logits.shape == (2, 3)


@pytest.mark.parametrize("norm", ["batch", "untracked"])
def test_a_patchgan_that_mixes_the_pictures_of_a_batch_is_refused(norm):
    settings = Settings(discriminator=PatchGAN(norm=norm))
    with pytest.raises(SettingsError, match="gradient penalty of StarGAN is one of single pictures"):
        settings.check(DOMAINS, 128, 16)


# Critics on frozen features, and other objectives

PROJECTED = {"kind": "projected", "width": 4}
SEVERAL = {
    "kind": "several",
    "critics": [{"critic": {"width": 2, "layers": 2}, "objective": "lsgan"}, {"critic": PROJECTED, "weight": 0.7}],
}


def judged(discriminator: dict[str, Any] | None = None, size: int = 32, **settings: Any) -> StarGAN:
    """A method whose frozen networks are filled, and whose spectral norms stay as they are from pass to pass."""
    tree = {"generator": {"width": 2, "blocks": 1}, "discriminator": discriminator or {"width": 2, "layers": 3}}
    torch.manual_seed(0)
    method = Settings.parse({**tree, **settings}).build(DOMAINS, size).double()
    fill_frozen(method)
    method.D.eval()
    return method


@pytest.mark.parametrize(
    ("discriminator", "objective", "expected"),
    [
        (PROJECTED, None, "hinge"), (PROJECTED, "lsgan", "lsgan"), (PROJECTED, "vanilla", "vanilla"),
        (None, "hinge", "hinge"), ({"kind": "patchgan", "width": 2, "layers": 2}, "lsgan", "lsgan"),
    ],
)  # fmt: skip
def test_other_objectives_take_the_place_of_the_papers_and_its_penalty(discriminator, objective, expected):
    method, batch = judged(discriminator, objective=objective), batch_of(LABELS, 32)
    spy = Spy(method)
    found = step(method, batch, spy, 4)
    torch.manual_seed(5)
    c = batch["c"][torch.randperm(4)]
    fake, logits = method.D(method.G(batch["x"], c))
    real, real_logits = method.D(batch["x"])
    d, g = OBJECTIVES[expected].d(real, fake), OBJECTIVES[expected].g(fake)
    assert "gp" not in found
    assert found["adv_D"] == pytest.approx(float(d.detach()), rel=1e-12)
    assert found["adv_G"] == pytest.approx(float(g.detach()), rel=1e-12)
    L_D = d + cross_entropy(real_logits, batch["c"].argmax(1))
    L_G = g + cross_entropy(logits, c.argmax(1)) + 10 * found["rec"]
    assert float(spy.losses[0]["D"].detach()) == pytest.approx(float(L_D.detach()), rel=1e-12)
    assert float(spy.losses[1]["G"].detach()) == pytest.approx(float(L_G.detach()), rel=1e-12)
    level = 2 * OBJECTIVES[expected].equilibrium
    assert (method.terms()["adv_D"].trend, method.terms()["adv_D"].equilibrium) == ("hovers", level)


def test_of_several_critics_each_has_its_objective_and_the_first_reads_the_labels():
    method, batch = judged(SEVERAL), batch_of(LABELS, 32)
    found = step(method, batch, Spy(method), 4)
    torch.manual_seed(5)
    fake = method.G(batch["x"], batch["c"][torch.randperm(4)])
    (patches, maps), logits = method.D(batch["x"])
    (fake_patches, fake_maps), _ = method.D(fake)
    d = OBJECTIVES["lsgan"].d(patches, fake_patches) + 0.7 * OBJECTIVES["hinge"].d(maps, fake_maps)
    assert found["adv_D"] == pytest.approx(float(d.detach()), rel=1e-12)
    assert torch.equal(logits, method.D.critics[0](batch["x"])[1])
    assert not hasattr(method.D.critics[1], "classes")
    assert found["cls_D"] == pytest.approx(float(cross_entropy(logits, batch["c"].argmax(1)).detach()), rel=1e-12)


def test_critics_on_frozen_features_move_but_for_what_is_frozen():
    method = judged(PROJECTED).train()
    players = Players(method)
    before = {name: value.clone() for name, value in method.state_dict().items()}
    for n in range(5):
        assert all(math.isfinite(term) for term in step(method, batch_of(LABELS, 32, n), players, n).values())
        players.end_step()
    moved = {name for name, value in method.state_dict().items() if not torch.equal(value, before[name])}
    assert not [name for name in moved if ".projections." in name]
    assert {"D.classes.weight", "G.main.0.weight"} <= moved
    assert any("D.heads.3" in name for name in moved)


def test_a_gradient_of_a_gradient_through_frozen_features_is_taken_nowhere():
    """So mixing pictures does not matter either."""
    mixing = {"kind": "patchgan", "width": 2, "layers": 2, "norm": "batch"}
    Settings.parse({"discriminator": mixing, "objective": "hinge"}).check(DOMAINS, 128, 16)


def test_attributes_are_read_by_a_critic_that_can_be_shipped():
    faces = {"generator": {"width": 2, "blocks": 1}, "labels": "attributes"}
    several = Settings.parse({**faces, "discriminator": SEVERAL}).build(ATTRIBUTES, 32)
    assert several.averaged() == [several.G, several.D.critics[0]]
    x = torch.rand(1, 3, 32, 32)
    assert several.translate(x, "glasses=1").shape == x.shape  # the frozen network is not even filled
    for discriminator in (PROJECTED, {"kind": "several", "critics": SEVERAL["critics"][::-1]}):
        with pytest.raises(SettingsError, match=r"frozen features cannot be shipped\. Use .*patchgan"):
            Settings.parse({**faces, "discriminator": discriminator}).build(ATTRIBUTES, 32)


def test_a_critic_without_a_head_for_labels_cannot_come_first():
    critics = [{"critic": {"kind": "pixelgan"}}, {"critic": {"width": 2}}]
    settings = Settings.parse({"discriminator": {"kind": "several", "critics": critics}})
    with pytest.raises(SettingsError, match="first of several critics also reads labels, which a pixelgan cannot"):
        settings.build(DOMAINS, 128)


# What it cannot be trained on


def test_a_batch_of_one_is_refused_with_the_reason():
    with pytest.raises(SettingsError, match=r"batch of at least 2: .* nothing to learn\. Use --batch 16"):
        TINY.check(DOMAINS, 32, 1)
    TINY.check(DOMAINS, 32, 2)


def test_one_domain_is_refused():
    with pytest.raises(DataError, match="two or more domains; found only angry") as caught:
        TINY.check(DOMAINS[:1], 32, 16)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("domains", [DOMAINS, DOMAINS[:2], tuple("abcdefghijklmno")])
def test_any_number_of_domains_from_two_is_welcome(domains):
    TINY.check(domains, 32, 16)


@pytest.mark.parametrize("size", [32, 96, 100, 130, 250])
def test_sizes_that_are_no_multiple_of_64_are_refused_with_the_full_critic(size):
    with pytest.raises(SettingsError, match=f"Size {size} .* it must be a multiple of 64 and at least 64 pixels"):
        Settings().check(DOMAINS, size, 16)


@pytest.mark.parametrize(("layers", "size"), [(6, 64), (6, 128), (6, 256), (3, 8), (3, 40), (1, 8), (2, 12)])
def test_sizes_that_suit_train(layers, size):
    settings = Settings(generator=LabelResnet(width=1, blocks=1), discriminator=Critic(width=1, layers=layers))
    settings.check(DOMAINS, size, 2)
    method = settings.build(DOMAINS, size)
    batch = {name: values.float() for name, values in batch_of([0, 1], size).items()}
    assert all(term.isfinite() for term in method.step(batch, Players(method), 4).values())


@pytest.mark.parametrize(("layers", "size"), [(3, 36), (1, 10), (1, 4), (8, 128)])
def test_other_sizes_are_refused(layers, size):
    with pytest.raises(SettingsError, match=f"Size {size} does not suit stargan"):
        Settings(discriminator=Critic(layers=layers)).check(DOMAINS, size, 16)


def test_only_training_needs_the_critics_sizes():
    """Translated pictures are padded to what the generator needs, not to more."""
    assert (Settings().multiple, Settings().smallest) == (4, 8)


# Settings


def test_the_defaults_are_the_official_constants():
    settings = base.settings_class("stargan")()
    assert type(settings) is stargan.Settings
    assert (settings.lambda_cls, settings.lambda_rec, settings.lambda_gp, settings.g_every) == (1, 10, 10, 5)
    assert (settings.decay, settings.batches) == (schedules.Linear(), "labelled")
    assert settings.generator == LabelResnet(width=64, blocks=6)
    assert settings.discriminator == Critic(width=64, layers=6)
    adam = settings.optimiser.build([nn.Parameter(torch.zeros(1))]).defaults
    assert (adam["lr"], adam["betas"], adam["eps"], adam["weight_decay"]) == (1e-4, (0.5, 0.999), 1e-8, 0)


def test_full_size_is_the_number_of_parameters_in_the_paper():
    with torch.device("meta"):  # the paper gives 53.2 M for the 8 expressions of RaFD
        method = Settings().build(tuple("abcdefgh"), 128)
    assert sum(parameter.numel() for parameter in method.parameters()) == 8_439_936 + 44_786_624


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"lambda_class": 1}, "Unknown setting lambda_class. Did you mean lambda_cls?"),
        ({"generator": {"block": 6}}, "Unknown setting generator.block. Did you mean blocks?"),
        ({"generator": {"norm": "batch"}}, "Unknown setting generator.norm."),
        ({"discriminator": {"layer": 3}}, "Unknown setting discriminator.layer. Did you mean layers?"),
        ({"discriminator": {"kind": "pixelgan"}}, "The setting discriminator is wrong: Input tag 'pixelgan'"),
        ({"discriminator": {"layers": 9}}, "The setting discriminator.layers is wrong"),
        ({"lambda_gp": -1}, "The setting lambda_gp is wrong"),
        ({"g_every": 0}, "The setting g_every is wrong"),
        ({"name": "cyclegan"}, "The setting name is wrong"),
    ],
)
def test_wrong_settings_are_refused_with_a_sentence(tree, sentence):
    with pytest.raises(SettingsError) as caught:
        Settings.parse(tree)
    assert str(caught.value).startswith(sentence)
