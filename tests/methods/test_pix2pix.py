"""pix2pix against the official constants and an independent restatement of its training step."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from translate.errors import DataError, SettingsError
from translate.methods.cyclegan import Settings as CycleGAN
from translate.methods.pix2pix import Pix2Pix, Settings
from translate.networks.discriminators import PatchGAN
from translate.networks.dropout import Dropout
from translate.networks.features.kinds import KINDS
from translate.networks.features.random_convolutions import RandomConvolutions, random_weights
from translate.networks.resnet import Resnet
from translate.networks.unet import UNet
from translate.optimisers import Adam
from translate.training.players import Players

DOMAINS = ("label", "photo")
TINY: dict[str, Any] = {
    "generator": {"width": 2, "depth": 4},
    "discriminator": {"width": 2, "layers": 1},
    "init_gain": 0.5,
}


def build(**changes: Any) -> Pix2Pix:
    torch.manual_seed(0)
    method = Settings.parse({**TINY, **changes}).build(DOMAINS, 32).double()
    if method.phi:
        method.phi.fill(random_weights())
        method.phi.double()
    return method


@pytest.fixture(autouse=True)
def _small_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take random convolutions for the frozen network."""
    monkeypatch.setitem(KINDS, "resnet18", RandomConvolutions)
    monkeypatch.setattr(RandomConvolutions, "moments", lambda self: [(torch.zeros(()), torch.full((), 3.0))] * 3)


def pairs(count: int = 2, side: int = 32) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.rand(count, 3, side, side, generator=generator).double() * 2 - 1 for name in "xy"}


class Spy:
    """An `update` that moves nobody and remembers who should have moved, and the gradients."""

    def __init__(self, method: Pix2Pix) -> None:
        self.method = method
        self.called: list[str] = []
        self.gradients: dict[str, Tensor] = {}

    def __call__(self, **losses: Tensor) -> None:
        self.called += losses
        for player, loss in losses.items():
            named = dict(getattr(self.method, player).named_parameters())
            found = torch.autograd.grad(loss, [*named.values()], retain_graph=True)
            self.gradients |= {f"{player}.{name}": one for name, one in zip(named, found, strict=True)}


def step(method: Pix2Pix, batch: dict[str, Tensor], update: Any) -> dict[str, float]:
    torch.manual_seed(1)  # of dropout
    return {name: float(term) for name, term in method.step(batch, update, 0).items()}


def restated(method: Pix2Pix, x: Tensor, y: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The terms of a step, and the gradients; D does not move."""
    s, G, D = method.settings, method.G, method.D
    torch.manual_seed(1)
    fake = G(x)
    seen = (lambda picture: D(torch.cat([x, picture], 1))) if s.conditional else D

    def said(score: Tensor, real: float) -> Tensor:
        target = torch.full_like(score, real)
        return bce(score, target) if s.objective == "vanilla" else (score - target).square().mean()

    L_D = 0.5 * (said(seen(fake.detach()), 0) + said(seen(y), 1))
    terms = {"D": L_D, "GAN": said(seen(fake), 1), "L1": (fake - y).abs().mean(), "L2": (fake - y).square().mean()}
    L_G = s.lambda_gan * terms["GAN"] + s.lambda_l1 * terms["L1"] + s.lambda_l2 * terms["L2"]
    if s.lambda_content:
        network = method.phi.network
        maps = zip(method.phi(fake), method.phi(y), network.moments(), strict=True)
        depths = [((a - b) / deviation).square().mean() for a, b, (_, deviation) in maps]
        terms["content"] = sum(depths) / len(depths)
        L_G = L_G + s.lambda_content * terms["content"]
    if not s.lambda_gan:
        del terms["D"], terms["GAN"]
    if not s.lambda_l2:
        del terms["L2"]
    gradients = {}
    for player, loss in (("D", L_D), ("G", L_G)) if s.lambda_gan else (("G", L_G),):
        named = dict(getattr(method, player).named_parameters())
        found = torch.autograd.grad(loss, [*named.values()], retain_graph=True)
        gradients |= {f"{player}.{name}": one for name, one in zip(named, found, strict=True)}
    return terms, gradients


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"objective": "lsgan"},
        {"conditional": False},
        {"lambda_l1": 3.0, "lambda_gan": 0.5},
        {"generator": {"kind": "resnet", "width": 2, "blocks": 1, "norm": "untracked", "dropout": True}},
        {"generator": {"kind": "resnet", "width": 2, "blocks": 1, "norm": "none", "residual": True}},
        {"lambda_gan": 0, "lambda_l1": 0, "lambda_l2": 1, "generator": {"kind": "srresnet", "width": 2, "blocks": 1}},
        {"lambda_gan": 1e-3, "lambda_l2": 1.0, "lambda_content": 0.05, "features": "resnet18"},
    ],
    ids=str,
)
@pytest.mark.parametrize("target", DOMAINS)
def test_terms_and_gradients_are_those_of_the_paper(changes, target):
    method, batch = build(**changes, target=target), pairs()
    spy = Spy(method)
    found = step(method, batch, spy)
    x, y = (batch["x"], batch["y"]) if target == "photo" else (batch["y"], batch["x"])
    terms, gradients = restated(method, x, y)
    assert {name for name in found if not name.startswith("acc_")} == terms.keys() == method.terms().keys() - {
        "acc_real", "acc_fake"
    }  # fmt: skip
    for name, term in terms.items():
        assert found[name] == pytest.approx(float(term.detach()), rel=1e-12), name
    assert spy.gradients.keys() == gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(spy.gradients[name], gradient, rtol=1e-10, atol=1e-12)
    assert any(gradient.any() for gradient in gradients.values())


class MovesD(Spy):
    """Sets D to 0 when it is to move."""

    def __call__(self, **losses: Tensor) -> None:
        super().__call__(**losses)
        if "D" in losses:
            for parameter in self.method.D.parameters():
                parameter.data.zero_()


def test_d_moves_first_and_g_sees_where_it_went():
    method = build(objective="lsgan")
    spy = MovesD(method)
    found = step(method, pairs(), spy)
    assert spy.called == ["D", "G"]
    assert found["GAN"] == 1  # (0 - 1)^2: the scores of the D that has moved


def test_both_move_and_nothing_else():
    method = build()
    before = {name: value.clone() for name, value in method.state_dict().items()}
    players = Players(method)
    step(method, pairs(), players)
    players.end_step()
    assert int(players.skipped) == 0
    for name, value in method.state_dict().items():
        assert not torch.equal(value, before[name]) or name.endswith("bias"), name


def test_a_perfect_generator_pays_nothing_for_distance_and_a_conditional_d_looks_at_x():
    method, batch = build(), pairs()
    assert step(method, batch, Spy(method))["L1"] > 0.1
    torch.manual_seed(1)
    truth = method.G(batch["x"]).detach()
    assert step(method, {"x": batch["x"], "y": truth}, Spy(method))["L1"] == 0
    for conditional in (True, False):
        D = build(conditional=conditional)
        one, other = (
            D.D(torch.cat([x, batch["y"]], 1) if conditional else batch["y"]) for x in (batch["x"], -batch["x"])
        )
        assert torch.equal(one, other) is not conditional


def test_no_gradient_of_d_reaches_g():
    method = build()

    def update(**losses: Tensor) -> None:
        if "D" in losses:
            found = torch.autograd.grad(losses["D"], [*method.G.parameters()], retain_graph=True, allow_unused=True)
            assert all(gradient is None for gradient in found)

    step(method, pairs(), update)


class Watcher(nn.Module):
    """A discriminator that remembers what it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones((), dtype=torch.float64))
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.detach())
        return self.w * x[:, :1]


def test_the_same_is_done_to_both_of_a_pair_that_d_sees():
    method, batch = build(diffaugment="colour,translation,cutout"), pairs()
    method.D = Watcher()
    step(method, {"x": batch["x"], "y": batch["x"]}, Spy(method))
    x, y = method.D.seen[0].split(3, dim=1)
    torch.testing.assert_close(x, y)
    assert not torch.equal(x, batch["x"])


# Translation


def test_what_is_translated_depends_on_the_picture_alone_and_is_the_same_again():
    method, x = build().eval(), pairs()["x"]
    alone = torch.cat([method.translate(picture, "photo") for picture in x.split(1)])
    together = method.translate(x, "photo")
    torch.testing.assert_close(alone, together)
    torch.manual_seed(5)
    assert torch.equal(method.translate(x, "photo"), together)


def test_dropout_stays_on_unless_it_is_switched_off_and_normalisation_is_as_in_training():
    deep = {"generator": {"width": 2, "depth": 6}}  # from there on there is dropout
    x = pairs(1, 64)["x"]
    noisy, quiet = (build(noise=noise, **deep).eval().translate(x, "photo") for noise in (True, False))
    assert not torch.equal(noisy, quiet)
    trained = build(**deep)
    for layer in trained.G.modules():
        if isinstance(layer, Dropout):
            layer.p = 0.0
    torch.testing.assert_close(trained.train().translate(x, "photo"), quiet)


def test_layers_are_given_where_every_pixel_may_be_treated_alike():
    resnet = {"kind": "resnet", "width": 2, "blocks": 1}
    assert build(generator=resnet).layers(lambda: torch.zeros(()), "photo")
    assert build(generator={**resnet, "dropout": True}).layers(lambda: torch.zeros(()), "photo") is None
    assert build(generator={**resnet, "dropout": True}, noise=False).layers(lambda: torch.zeros(()), "photo")
    assert build().layers(lambda: torch.zeros(()), "photo") is None


# Settings


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_defaults_are_the_official_ones():
    s = Settings()
    assert s.generator == UNet(width=64, depth=8, norm="untracked", dropout=True)
    assert s.discriminator == PatchGAN(width=64, layers=3, norm="batch")
    assert (s.objective, s.lambda_gan, s.lambda_l1, s.conditional, s.noise) == ("vanilla", 1, 100, True, True)
    assert (s.batches, s.optimiser, s.diffaugment) == ("paired", Adam(lr=2e-4, beta1=0.5, beta2=0.999), ())
    with torch.device("meta"):
        method = s.build(DOMAINS, 256)
    assert (count(method.G), count(method.D)) == (54_413_955, 2_768_705)
    assert sum(isinstance(layer, Dropout) for layer in method.G.modules()) == 3


def test_first_weights_are_the_official_ones():
    torch.manual_seed(0)
    method = Settings.parse({"generator": {"width": 16}, "discriminator": {"width": 16}}).build(DOMAINS, 256)
    for network in (method.G, method.D):
        named = {name: value.detach() for name, value in network.named_parameters()}
        kernels = torch.cat([value.flatten() for value in named.values() if value.dim() == 4])
        scales = torch.cat([v.flatten() for k, v in named.items() if v.dim() == 1 and k.endswith("weight")])
        biases = torch.cat([value.flatten() for name, value in named.items() if name.endswith("bias")])
        assert (float(kernels.mean()), float(kernels.std())) == pytest.approx((0, 0.02), abs=2e-4)
        assert (float(scales.mean()), float(scales.std())) == pytest.approx((1, 0.02), abs=3e-3)
        assert not biases.any()


def test_what_a_table_leaves_out_is_as_in_pix2pix_and_of_other_kinds_as_in_these():
    s = Settings.parse({"generator": {"depth": 6}, "discriminator": {"width": 16}})
    assert s.generator == UNet(depth=6, norm="untracked", dropout=True)
    assert s.discriminator == PatchGAN(width=16, norm="batch")
    assert Settings.parse({"generator": {"kind": "resnet"}}).generator == Resnet()
    assert Settings.parse(Settings().model_dump(mode="json")) == Settings()


def test_wrong_settings_are_refused_with_what_helps():
    with pytest.raises(SettingsError, match=r"halves it 8 times: it must be a multiple of 256.*depth=6"):
        Settings().check(DOMAINS, 64, 1)
    Settings.parse({"generator": {"depth": 6}}).check(DOMAINS, 64, 1)
    with pytest.raises(DataError, match=r"no domain 'foto' to translate to. The domains: label, photo"):
        Settings(target="foto").check(DOMAINS, 256, 1)
    seeing = {"kind": "several", "critics": [{"critic": {"kind": "projected"}}, {"critic": {}}]}
    with pytest.raises(SettingsError, match="frozen features sees single pictures"):
        Settings.parse({"discriminator": seeing}).check(DOMAINS, 256, 1)
    Settings.parse({"discriminator": seeing, "conditional": False}).check(DOMAINS, 256, 1)
    with pytest.raises(DataError, match="two domains; found 3"):
        Settings().check(("a", "b", "c"), 256, 1)


def test_the_frozen_network_is_trained_by_nobody_and_kept_nowhere():
    method = build(lambda_content=1.0, features="resnet18")
    assert not any(name.startswith("phi") for name in method.state_dict())
    assert all(method.phi is not network for networks in method.players().values() for network in networks)
    assert build().phi is None


def test_what_enlarges_is_told_how_much():
    settings = Settings.parse({"generator": {"kind": "srresnet"}}).for_crops(16, 4)
    assert (settings.scale, settings.generator.scale, settings.multiple) == (4, 4, 4)
    assert Settings.parse({"scale": 4}).for_crops(256, 4).generator == Settings().generator
    with pytest.raises(SettingsError, match=r"method\.scale is 2, but results of these pairs are 4 times as large"):
        Settings.parse({"scale": 2}).for_crops(16, 4)
    with pytest.raises(SettingsError, match=r"cyclegan learns from no pairs, and so not to enlarge\. Leave it out"):
        CycleGAN.parse({"scale": 4}).for_crops(16, 4)


@pytest.mark.parametrize(("size", "depth"), [(256, 8), (512, 8), (128, 7), (64, 6), (96, 5), (36, 2)])
def test_a_u_net_is_as_deep_as_the_crops_allow_unless_that_is_said(size, depth):
    for tree in ({}, {"generator": {"width": 16}}, {"generator": {"kind": "unet", "norm": "batch"}}):
        settings = Settings.parse(tree).for_crops(size)
        assert settings.generator.depth == depth
        settings.check_size(size)
    assert Settings.parse({"generator": {"depth": 8}}).for_crops(64).generator.depth == 8
    again = Settings.parse(Settings().for_crops(64).model_dump()).for_crops(64)
    assert again == Settings().for_crops(64)
