"""CUT against closed forms, the official constants, and an independent restatement of its training step."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from translate.contrastive import PatchFeatures
from translate.errors import DataError, SettingsError
from translate.methods.cut import CUT, Settings
from translate.networks.discriminators import PatchGAN
from translate.networks.resnet import Resnet
from translate.networks.skip_resnet import SkipResnet
from translate.objectives import gated_total_variation
from translate.optimisers import Adam
from translate.runs.frozen_features import fill_frozen
from translate.runs.options import resolve
from translate.training.players import Players

DOMAINS = ("horse", "zebra")
TAPS = ("pixels", "down1", "down2", "block1")
TINY: dict[str, Any] = {
    "generator": {"width": 2, "blocks": 1},
    "discriminator": {"width": 2, "layers": 1},
    "taps": TAPS,
    "patches": 20,
    "features": 5,
    "init_gain": 0.5,
}


def build(**changes: Any) -> CUT:
    torch.manual_seed(0)
    settings = Settings.parse({**TINY, **changes})
    return settings.build((*DOMAINS, *([settings.keep] if settings.keep else [])), 32).double()


def pictures(count: int = 2, side: int = 16, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    domains = (*DOMAINS, "cow")
    return {name: torch.rand(count, 3, side, side, generator=generator).double() * 2 - 1 for name in domains}


def trained(network: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return [(name, parameter) for name, parameter in network.named_parameters() if parameter.requires_grad]


class Spy:
    """An `update` that moves nobody and remembers whom it was told to move, their losses, and the gradients."""

    def __init__(self, method: CUT) -> None:
        self.method = method
        self.called: list[tuple[str, ...]] = []
        self.gradients: dict[str, Tensor | None] = {}

    def __call__(self, **losses: Tensor) -> None:
        self.called.append(tuple(losses))
        (loss,) = {id(loss): loss for loss in losses.values()}.values()
        for player in losses:
            named = {f"{player}.{name}": one for name, one in trained(getattr(self.method, player))}
            found = torch.autograd.grad(loss, [*named.values()], allow_unused=True, retain_graph=True)
            self.gradients |= dict(zip(named, found, strict=True))


def step(method: CUT, batch: dict[str, Tensor], update: Any, seed: int = 1, n: int = 0) -> dict[str, float]:
    torch.manual_seed(seed)
    return {name: float(term) for name, term in method.step(batch, update, n).items()}


def mirrors(seed: int) -> bool:
    torch.manual_seed(seed)
    return bool(torch.rand(()) < 0.5)


MIRRORED, STRAIGHT = (next(seed for seed in range(20) if mirrors(seed) == wanted) for wanted in (True, False))


# The step, written out once more


def features_at(method: CUT, maps: Sequence[Tensor], places: Sequence[Tensor]) -> list[Tensor]:
    """F at some places of maps, as rows of length 1: (N S, features) for each tap."""
    rows = []
    for h, at, mlp in zip(maps, places, method.F, strict=True):
        x = mlp(h.permute(0, 2, 3, 1).flatten(1, 2)[:, at].flatten(0, 1))
        rows.append(x / (x.norm(dim=1, keepdim=True) + 1e-7))
    return rows


def patch_nce(q: Tensor, k: Tensor, count: int, tau: float) -> Tensor:
    """The loss of Eq. 2 as a cross entropy: the positive first, then the other places of the same picture."""
    losses = []
    for own, others in zip(q.chunk(count), k.chunk(count), strict=True):
        similar = own @ others.T
        positive = similar.diag()[:, None]
        negatives = similar[~torch.eye(len(own), dtype=torch.bool)].reshape(len(own), -1)
        logits = torch.cat([positive, negatives], 1) / tau
        losses.append(cross_entropy(logits, torch.zeros(len(own), dtype=torch.long)))
    return torch.stack(losses).mean()


def restated(method: CUT, batch: dict[str, Tensor], seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor | None]]:
    """Return the terms of a step, and the gradients: keys are computed anew, and D does not move."""
    s, G, D, F = method.settings, method.G, method.D, method.F
    torch.manual_seed(seed)
    mirrored = s.flip and bool(torch.rand(()) < 0.5)
    turn = partial(torch.flip, dims=(3,)) if mirrored else (lambda h: h)
    x, y = batch["horse"], batch["zebra"]
    fake, same = G(turn(x)), G(turn(y))

    def content(source: Tensor, made: Tensor) -> Tensor:
        keys, queries = G.encode(source, s.taps), [turn(h) for h in G.encode(made, s.taps)]
        places = [torch.randperm(h.shape[2] * h.shape[3])[: s.patches] for h in keys]
        pairs = zip(features_at(method, queries, places), features_at(method, keys, places), strict=True)
        return torch.stack([patch_nce(q, k.detach(), len(source), s.tau) for q, k in pairs]).mean()

    terms = {"GAN": (D(fake) - 1).square().mean()}
    terms["D"] = ((D(y) - 1).square().mean() + D(fake.detach()).square().mean()) / 2
    terms["NCE_X"] = content(x, fake)
    L_G = s.lambda_gan * terms["GAN"] + s.lambda_X * terms["NCE_X"]
    if s.lambda_Y:
        terms["NCE_Y"] = content(y, same)
        L_G = s.lambda_gan * terms["GAN"] + (s.lambda_X * terms["NCE_X"] + s.lambda_Y * terms["NCE_Y"]) / 2
    if s.lambda_idt:
        terms["idt"] = (turn(same) - y).abs().mean()
        L_G = L_G + s.lambda_idt * terms["idt"]
    if s.lambda_tv:
        terms["tv"] = gated_total_variation(fake, turn(x))
        L_G = L_G + s.lambda_tv * terms["tv"]
    if s.keep:
        terms["keep"] = (turn(G(turn(batch[s.keep]))) - batch[s.keep]).abs().mean()
        L_G = L_G + s.lambda_keep * terms["keep"]
    gradients: dict[str, Tensor | None] = {}
    for player, network, loss in (("G", G, L_G), ("F", F, L_G), ("D", D, terms["D"])):
        named = {f"{player}.{name}": one for name, one in network.named_parameters()}
        found = torch.autograd.grad(loss, [*named.values()], allow_unused=True, retain_graph=True)
        gradients |= dict(zip(named, found, strict=True))
    return terms, gradients


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"lambda_X": 10.0, "lambda_Y": 0.0, "flip": True},  # FastCUT
        {"flip": True, "lambda_idt": 2.0, "lambda_tv": 3.0},
        {"lambda_gan": 0.5, "lambda_X": 2.0, "lambda_Y": 0.3, "lambda_idt": 1.5, "tau": 0.2},
        {"keep": "cow", "lambda_keep": 2.5, "flip": True},
        {"keep": "cow", "lambda_Y": 0.0},
        {"generator": {"kind": "skip-resnet", "width": 2, "blocks": 1}, "taps": ["down1", "block1"]},
        {"generator": {**TINY["generator"], "norm": "none", "residual": True}},
        {"generator": {"width": 2, "blocks": 1, "downsampling": "strided", "upsampling": "resize"}},
    ],
    ids=str,
)
@pytest.mark.parametrize("seed", [STRAIGHT, MIRRORED])
def test_terms_and_gradients_are_those_of_the_paper_with_keys_computed_anew(changes, seed):
    method, batch = build(**changes), pictures()
    spy = Spy(method)
    found = step(method, batch, spy, seed)
    terms, gradients = restated(method, batch, seed)
    assert {name for name in found if not name.startswith("acc_")} == terms.keys()
    for name, term in terms.items():
        assert found[name] == pytest.approx(float(term.detach()), rel=1e-12), name
    assert spy.gradients.keys() == gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(spy.gradients[name], gradient, rtol=1e-10, atol=1e-12)
    assert any(gradient is not None and gradient.any() for gradient in gradients.values())


def test_keys_are_taken_from_the_pass_that_makes_the_picture_where_that_is_the_same():
    passes = {}
    for name, changes, seed in [
        ("plain", {}, 1),
        ("mirrored", {"flip": True}, MIRRORED),
        ("not mirrored", {"flip": True}, STRAIGHT),
        ("dropout", {"generator": {**TINY["generator"], "dropout": True}}, 1),
        ("batch norm", {"generator": {**TINY["generator"], "norm": "batch"}}, 1),
    ]:
        method, seen = build(**changes), []
        encode = method.G.encode
        method.G.encode = lambda x, taps, encode=encode, seen=seen: (
            seen.append(torch.is_grad_enabled()) or encode(x, taps)
        )
        step(method, pictures(), Spy(method), seed)
        passes[name] = seen
    anew = [False, True]  # without gradients, and then what was made
    apart = [False, False, True, True]  # x and y, where a pass depends on the whole batch
    assert passes == {"plain": [True], "mirrored": anew, "not mirrored": [True], "dropout": apart, "batch norm": apart}


# Who moves when


class MovesD(Spy):
    """Sets D to 0 when D is to move."""

    def __call__(self, **losses: Tensor) -> None:
        super().__call__(**losses)
        if "D" in losses:
            for parameter in self.method.D.parameters():
                parameter.data.zero_()


def test_d_moves_first_and_g_and_f_share_a_loss_that_sees_where_it_went():
    method = build()
    spy = MovesD(method)
    found = step(method, pictures(), spy)
    assert spy.called == [("D",), ("G", "F")]
    assert found["D"] != pytest.approx(0.5)
    assert found["GAN"] == 1  # (0 - 1)^2: the scores of the D that has moved


def test_its_players_are_three_and_an_export_holds_the_generator():
    method = build()
    assert list(method.players()) == ["G", "F", "D"]
    assert method.averaged() == [method.G]
    assert method.discriminators() == [method.D]


def test_all_three_move_and_nothing_else():
    method = build()
    before = {name: value.clone() for name, value in method.state_dict().items()}
    players = Players(method)
    step(method, pictures(), players)
    players.end_step()
    assert int(players.skipped) == 0
    for name, value in method.state_dict().items():
        assert not torch.equal(value, before[name]) or name.endswith("bias"), name


# Places


def test_places_are_drawn_from_the_generator_that_the_run_seeds():
    method, batch = build(), pictures()
    first, again, other = (step(method, batch, Spy(method), seed)["NCE_X"] for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_all_places_are_compared_where_there_are_no_more():
    method, batch = build(patches=10**6), pictures()
    found = [step(method, batch, Spy(method), seed)["NCE_X"] for seed in (3, 4)]
    assert found[0] == pytest.approx(found[1], rel=1e-12)  # in another order
    terms, _ = restated(method, batch, 3)
    assert found[0] == pytest.approx(float(terms["NCE_X"].detach()), rel=1e-12)


def test_the_same_places_are_taken_of_all_pictures_and_each_picture_has_its_own_negatives():
    method, batch = build(lambda_Y=0.0), pictures(3)
    whole = step(method, batch, Spy(method), 5)["NCE_X"]
    alone = [step(method, {k: v[i : i + 1] for k, v in batch.items()}, Spy(method), 5)["NCE_X"] for i in range(3)]
    assert whole == pytest.approx(sum(alone) / 3, rel=1e-12)


# Mirrored


class Pointwise(nn.Module):
    """A generator that works on every pixel alone, so that mirroring goes through it."""

    taps: Sequence[str] = TAPS

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(2)
        self.mix = nn.Parameter(torch.randn(4, 3, 3, generator=generator, dtype=torch.float64) / 2)

    def encode(self, x: Tensor, taps: Sequence[str]) -> list[Tensor]:
        return [torch.einsum("oc,nchw->nohw", self.mix[TAPS.index(tap)], x).sin() for tap in taps]

    def tapped(self, x: Tensor, taps: Sequence[str]) -> list[Tensor]:
        return [self(x), *self.encode(x, taps)]

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("oc,nchw->nohw", self.mix[3], x).tanh()


class Watcher(nn.Module):
    """A discriminator that remembers what it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones((), dtype=torch.float64))
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.detach())
        return self.w * x[:, :1]


def stubbed(**changes: Any) -> CUT:
    method = build(patches=10**6, **changes)
    method.G, method.D = Pointwise(), Watcher()
    method.F = PatchFeatures([3 for _ in TAPS], 5, 10**6).double()
    return method


def test_with_a_generator_that_may_be_mirrored_flip_changes_no_content_term():
    batch = pictures()
    method = stubbed(flip=True)
    straight, mirrored = (step(method, batch, Spy(method), seed) for seed in (STRAIGHT, MIRRORED))
    for name in ("NCE_X", "NCE_Y"):
        assert mirrored[name] == pytest.approx(straight[name], rel=1e-12)
    assert straight["NCE_X"] > 0.1


def test_d_sees_the_mirrored_fake_and_the_real_picture_as_it_is_and_results_are_never_mirrored():
    batch = pictures()
    method = stubbed(flip=True)
    step(method, batch, Spy(method), MIRRORED)
    made = method.G(batch["horse"]).detach()
    real, fake, judged = method.D.seen
    assert torch.equal(real, batch["zebra"])
    torch.testing.assert_close(fake, made.flip(3))
    assert torch.equal(judged, fake)
    assert torch.equal(method.translate(batch["horse"], "zebra").detach(), made)


def test_without_flip_nothing_is_mirrored_and_nothing_is_drawn_for_it():
    batch = pictures()
    method = stubbed()
    for seed in (STRAIGHT, MIRRORED):
        step(method, batch, Spy(method), seed)
    assert torch.equal(method.D.seen[1], method.D.seen[4])


def test_half_of_the_steps_are_mirrored():
    assert 60 < sum(mirrors(seed) for seed in range(150)) < 90


# Other content terms


def test_the_decoupled_term_leaves_the_positive_out():
    changes = {"lambda_Y": 0.0, "patches": 2, "taps": ["block1"], "content": "decoupled"}
    method, batch = build(**changes), pictures(1)
    plain = build(**{**changes, "content": "nce"})
    one, other = (step(m, batch, Spy(m), 1)["NCE_X"] for m in (method, plain))
    assert one < other
    # two places: v_i = (negative - positive) / tau, and log(e^v + 1) is PatchNCE; both losses are means over them
    torch.manual_seed(1)
    maps = [method.G.encode(z, ("block1",))[0] for z in (batch["horse"], method.G(batch["horse"]))]
    places = torch.randperm(maps[0][0, 0].numel())[:2]
    k, q = (features_at(method, [h], [places])[0] for h in maps)
    similar = (q @ k.T / method.settings.tau).tolist()
    terms = [similar[0][1] - similar[0][0], similar[1][0] - similar[1][1]]
    assert one == pytest.approx(sum(terms) / 2, rel=1e-9)
    assert other == pytest.approx(sum(math.log(math.exp(v) + 1) for v in terms) / 2, rel=1e-9)


def calls_of(method: CUT) -> list[int]:
    """How many pictures go through G in the pass that makes them, noted as it runs."""
    counts, tapped = [], method.G.tapped
    method.G.tapped = lambda x, taps: counts.append(len(x)) or tapped(x, taps)
    return counts


@pytest.mark.parametrize(
    ("changes", "count"),
    [({}, 6), ({"lambda_Y": 0.0}, 3), ({"lambda_Y": 0.0, "lambda_idt": 1.0}, 6),
     ({"lambda_Y": 0.0, "lambda_idt": 1.0, "idt_every": 2}, 5), ({"lambda_idt": 1.0, "idt_every": 3}, 6)],
)  # fmt: skip
def test_y_goes_through_the_generator_only_where_a_term_needs_it(changes, count):
    method = build(**changes)
    counts = calls_of(method)
    step(method, pictures(3), Spy(method))
    assert counts == [count]


def test_the_identity_term_looks_at_every_so_manieth_picture_whatever_else_is_on():
    batch = pictures(4)
    chosen = batch["zebra"][::3]
    for lambda_Y in (0.0, 1.0):
        method = build(lambda_Y=lambda_Y, lambda_idt=1.0, idt_every=3)
        expected = (method.G(chosen) - chosen).abs().mean()
        assert step(method, batch, Spy(method))["idt"] == pytest.approx(float(expected.detach()), rel=1e-12)


def test_the_identity_term_ends_after_a_share_of_the_run():
    settings = Settings.parse({**TINY, "lambda_Y": 0.0, "lambda_idt": 1.0, "idt_until": 0.5}).for_run(9)
    assert settings.idt_steps == 4
    assert settings.for_run(100) == settings  # a run that is continued keeps its own
    method = settings.build(DOMAINS, 16).double()
    counts = calls_of(method)
    found = [step(method, pictures(), Spy(method), n=n) for n in (0, 3, 4, 8)]
    assert ["idt" in terms for terms in found] == [True, True, False, False]
    assert counts == [4, 4, 2, 2]


# Settings


def count(*networks: nn.Module) -> int:
    return sum(parameter.numel() for network in networks for parameter in network.parameters())


def test_defaults_are_the_official_ones():
    s = Settings()
    assert s.generator == Resnet(width=64, blocks=9, norm="instance", downsampling="blurred", upsampling="bilinear")
    assert s.discriminator == PatchGAN(width=64, layers=3, norm="instance", downsampling="blurred")
    assert (s.objective, s.content, s.tau, s.patches, s.features) == ("lsgan", "nce", 0.07, 256, 256)
    assert (s.lambda_gan, s.lambda_X, s.lambda_Y, s.lambda_idt, s.flip) == (1, 1, 1, 0, False)
    assert s.optimiser == Adam(lr=2e-4, beta1=0.5, beta2=0.999)
    assert (s.optimisers, s.rates, s.diffaugment) == ({}, {}, ())
    with torch.device("meta"):
        method = s.build(DOMAINS, 256)
    assert (count(method.G), count(method.D), count(method.F)) == (11_378_179, 2_764_737, 560_384)
    assert [mlp[0].in_features for mlp in method.F] == [3, 128, 256, 256, 256]


def test_what_a_table_leaves_out_is_as_in_cut_and_of_other_kinds_as_in_these():
    s = Settings.parse({"generator": {"width": 32}, "discriminator": {"width": 16}})
    assert s.generator == Settings().generator.model_copy(update={"width": 32})
    assert s.discriminator == Settings().discriminator.model_copy(update={"width": 16})
    assert Settings.parse({"generator": {"kind": "resnet", "blocks": 6}}).generator.downsampling == "blurred"
    assert Settings.parse({"generator": {"kind": "skip-resnet"}}).generator == SkipResnet()
    strided = {"downsampling": "strided", "upsampling": "resize"}
    assert Settings.parse({"generator": strided}).generator == Resnet.parse(strided)
    assert Settings.parse(Settings().model_dump(mode="json")) == Settings()
    with pytest.raises(SettingsError, match=r"Unknown setting generator\.widht\. Did you mean width\?"):
        Settings.parse({"generator": {"widht": 3}})


def test_taps_are_those_of_the_official_code():
    """Layers 0, 4, 8, 12, 16 of its generator: 262, 256, 128, 64, 64 pixels for 256."""
    with torch.device("meta"):
        network = Settings().generator.build(3, 3)
        found = network.encode(torch.zeros(1, 3, 256, 256), Settings().taps)
    assert [tuple(h.shape[1:]) for h in found] == [
        (3, 262, 262), (128, 256, 256), (256, 128, 128), (256, 64, 64), (256, 64, 64)
    ]  # fmt: skip


def test_weights_begin_as_in_the_official_code():
    torch.manual_seed(0)
    method = Settings(generator=Resnet(width=16, blocks=5), discriminator=PatchGAN(width=16)).build(DOMAINS, 32)
    for network in (method.G, method.D, method.F):
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear) and layer.weight.numel() > 2000:
                inside = layer.weight[0, 0].numel() if layer.weight.dim() == 4 else 1
                std = 0.02 * math.sqrt(2 / ((layer.weight.shape[0] + layer.weight.shape[1]) * inside))
                assert float(layer.weight.detach().std()) == pytest.approx(std, rel=0.1)
                assert not layer.bias.any()


def test_building_it_draws_weights_and_remembers_nothing():
    generator = {**TINY["generator"], "norm": "batch"}
    plain, dropped = (build(generator={**generator, "dropout": dropout}) for dropout in (False, True))
    for one, other in zip(plain.F.parameters(), dropped.F.parameters(), strict=True):
        assert torch.equal(one, other)
    assert all(not layer.num_batches_tracked for layer in dropped.G.modules() if isinstance(layer, nn.BatchNorm2d))
    assert dropped.G.training


def test_the_preset_of_fastcut_is_the_official_one():
    recipe = resolve(None, "fastcut", (), {})
    s = recipe.method
    assert isinstance(s, Settings)
    assert (s.lambda_X, s.lambda_Y, s.flip) == (10, 0, True)
    assert s == Settings(lambda_X=10.0, lambda_Y=0.0, flip=True, decay=s.decay)
    assert recipe.training.epochs == 200
    # constant for 150 epochs; then each of 50 takes the same off, and a 51st would reach 0
    factors = [s.decay.factor(epoch, 200) for epoch in (1, 150, 151, 175, 200)]
    assert factors == pytest.approx([1, 1, 1 - 1 / 51, 1 - 25 / 51, 1 - 50 / 51])


def test_the_preset_of_cut_has_the_official_length():
    recipe = resolve(None, "cut", (), {})
    assert recipe.method == Settings()
    assert recipe.training.epochs == 400
    factors = [recipe.method.decay.factor(epoch, 400) for epoch in (1, 200, 201, 400)]
    assert factors == pytest.approx([1, 1, 1 - 1 / 201, 1 - 200 / 201])


def test_a_tap_that_the_generator_does_not_have_is_refused_with_those_it_has():
    settings = Settings.parse({**TINY, "taps": ["down1", "block5"]})
    with pytest.raises(SettingsError) as refusal:
        settings.check(DOMAINS, 32, 1)
    assert str(refusal.value) == (
        "The generator has no tap 'block5' for method.taps. It has pixels, down1, down2, block1."
    )
    skip = Settings(generator=SkipResnet(blocks=1), taps=("pixels",))
    with pytest.raises(SettingsError, match="It has stem, down1, down2, block1"):
        skip.check(DOMAINS, 128, 1)
    with pytest.raises(SettingsError, match="taps"):
        Settings.parse({"taps": []})


@pytest.mark.parametrize("domains", [("a",), ("a", "b", "c")])
def test_other_than_two_domains_are_refused(domains):
    with pytest.raises(DataError, match=f"cut translates between two domains; found {len(domains)}"):
        Settings().check(domains, 256, 1)


def test_three_domains_are_told_the_method_that_takes_them():
    with pytest.raises(DataError, match="--method stargan"):
        Settings().check(("a", "b", "c"), 256, 1)


def test_a_domain_to_keep_is_a_third_one_and_no_target():
    settings = Settings.parse({**TINY, "keep": "cow"})
    settings.check(("cow", *DOMAINS), 32, 1)
    targets = settings.build(("cow", *DOMAINS), 32).targets
    assert (targets.names, targets.default) == (DOMAINS, "zebra")
    assert targets.probes(("cow", *DOMAINS)) == [("horse", "zebra")]
    with pytest.raises(DataError, match=r"'cow' to be kept as it is\. The domains: horse, zebra\."):
        settings.check(DOMAINS, 32, 1)
    with pytest.raises(DataError, match=r"'cow' to translate to\. The domains: horse, zebra\."):
        Settings.parse({**TINY, "keep": "cow", "target": "cow"}).check((*DOMAINS, "cow"), 32, 1)


def test_a_crop_smaller_than_what_the_critics_see_is_refused():
    settings = Settings.parse({**TINY, "discriminator": {"kind": "several", "critics": [
        {"critic": {"layers": 3}}, {"critic": {"kind": "projected"}}]}})  # fmt: skip
    settings.check(DOMAINS, 32, 1)
    with pytest.raises(SettingsError, match=r"Size 28 does not suit cut with these networks: .* at least 32 pix"):
        settings.check(DOMAINS, 28, 1)


def test_it_translates_to_either_domain_but_to_one_only():
    forth, back = Settings.parse(TINY), Settings.parse({**TINY, "target": "horse"})
    assert [s.build(DOMAINS, 16).targets.default for s in (forth, back)] == ["zebra", "horse"]
    assert "turned into horse" in back.build(DOMAINS, 16).terms()["GAN"].meaning
    with pytest.raises(DataError, match=r"no domain 'lion' to translate to\. The domains: horse, zebra"):
        Settings.parse({**TINY, "target": "lion"}).check(DOMAINS, 32, 1)
    torch.manual_seed(0)
    one = forth.build(DOMAINS, 16).double()
    torch.manual_seed(0)
    other = back.build(DOMAINS, 16).double()
    batch = pictures()
    swapped = {"horse": batch["zebra"], "zebra": batch["horse"]}
    assert step(one, batch, Spy(one)) == step(other, swapped, Spy(other))


# Critics


PROJECTED = {"kind": "projected", "width": 4}
SEVERAL = {
    "kind": "several",
    "critics": [
        {"critic": PROJECTED, "weight": 0.7},
        {"critic": TINY["discriminator"], "weight": 0.5, "objective": "lsgan"},
    ],
}


@pytest.mark.parametrize("discriminator", [PROJECTED, SEVERAL], ids=["projected", "several"])
def test_critics_on_frozen_features_train_with_it(discriminator):
    method = build(discriminator=discriminator, objective="hinge")
    fill_frozen(method)
    players, batch = Players(method), pictures(2, 32)
    before = {name: value.clone() for name, value in method.state_dict().items()}
    for n in range(2):
        assert all(math.isfinite(term) for term in step(method, batch, players, n=n).values())
        players.end_step()
    assert int(players.skipped) == 0
    moved = {name for name, value in method.state_dict().items() if not torch.equal(value, before[name])}
    frozen = {name for name in before if ".projections." in name}
    assert frozen
    assert not moved & frozen
    assert any("heads.0" in name for name in moved)


def test_the_gan_term_of_several_critics_is_their_weighted_sum():
    method = build(discriminator=SEVERAL)
    fill_frozen(method)
    batch = pictures(1, 32)
    method.D.eval()  # no power iteration of its spectral norms between the two passes
    found = step(method, batch, Spy(method))
    fake = method.G(batch["horse"])
    maps, patches = method.D(fake)
    hinge = -torch.stack([scores.mean() for scores in maps]).mean()
    expected = 0.7 * hinge + 0.5 * (patches - 1).square().mean()
    assert found["GAN"] == pytest.approx(float(expected.detach()), rel=1e-9)


def test_content_is_computed_in_fp32_under_autocast():
    torch.manual_seed(0)
    method, batch = build().float(), {name: x.float() for name, x in pictures().items()}
    exact = step(method, batch, Spy(method))
    with torch.autocast("cpu", torch.bfloat16):
        torch.manual_seed(1)
        terms = method.step(batch, Spy(method), 0)
    assert terms["NCE_X"].dtype == torch.float32
    assert float(terms["NCE_X"]) == pytest.approx(exact["NCE_X"], rel=0.1)
