"""Objectives: hand-computed values, agreement with torch's own losses, precision and gradients."""

from math import exp, log, log1p, sqrt
from typing import get_args

import pytest
import torch
from torch import Tensor, nn
from torch.nn import BCEWithLogitsLoss, MSELoss
from torch.nn.functional import l1_loss, mse_loss

from translate.errors import SettingsError
from translate.objectives import (
    CHANCE,
    OBJECTIVES,
    AnyObjectiveName,
    CriticName,
    HistoricalAverage,
    ObjectiveName,
    batch_feature_matching,
    gated_total_variation,
    gradient_penalty,
    joint,
    l1,
    mse,
    wgan_accuracy,
    wgan_d,
    wgan_g,
)


def scores(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).reshape(1, 1, 1, -1)


def softplus(x: float) -> float:
    return log1p(exp(x))


def test_every_name_has_an_objective():
    assert set(OBJECTIVES) == {*get_args(ObjectiveName), *get_args(CriticName)}
    assert set(get_args(AnyObjectiveName)) == {ObjectiveName, CriticName}
    assert {name for name, row in OBJECTIVES.items() if row.bound} == set(get_args(CriticName))


@pytest.mark.parametrize(
    ("name", "real", "fake", "d", "g"),
    [
        ("lsgan", [1], [0], 0, 1),  # a perfect discriminator
        ("lsgan", [0], [1], 2, 0),  # a fooled one
        ("lsgan", [3, 1], [-1, 2], (4 + 0) / 2 + (1 + 4) / 2, (4 + 1) / 2),
        ("lsgan", [1, 0.5], [0, 0.5], 2 * 0.125, 2 * 0.3125),
        ("chi2", [1, 0.5], [0, 0.5], 2 * 0.875, 2 * 0.0625),
        ("chi2", [0], [0], 2, 0),  # equilibrium
        ("saturating", [0], [0], 2 * log(2), -log(2)),
        ("saturating", [2], [1, -3], None, -(softplus(1) + softplus(-3)) / 2),
        ("wgan", [3, 1], [-1, 2], 0.5 - 2, -0.5),
        ("wgan-gp", [3, 1], [-1, 2], 0.5 - 2, -0.5),
        ("lsgan", [0.5], [0.5], 0.5, 0.25),  # equilibrium; CycleGAN halves d, which gives 0.25
        ("vanilla", [0], [0], 2 * log(2), log(2)),  # equilibrium: the sigmoid of 0 is 1/2
        ("vanilla", [2, -1], [1, 0], (softplus(-2) + softplus(1)) / 2 + (softplus(1) + log(2)) / 2, None),
        ("vanilla", [0], [1, -3], None, (softplus(-1) + softplus(3)) / 2),
        ("vanilla", [log(3)], [-log(3)], 2 * log(4 / 3), log(4)),  # sigmoids 3/4 and 1/4
        ("hinge", [0], [0], 2, 0),  # equilibrium
        ("hinge", [1], [-1], 0, 1),  # just good enough
        ("hinge", [7], [-9], 0, 9),  # and no better than that
        ("hinge", [0.5, 3, -1], [-2, 0.25], (0.5 + 0 + 2) / 3 + (0 + 1.25) / 2, (2 - 0.25) / 2),
    ],
)
def test_hand_computed_values(name, real, fake, d, g):
    objective = OBJECTIVES[name]
    if d is not None:
        assert float(objective.d(scores(*real), scores(*fake))) == pytest.approx(d, rel=1e-14, abs=1e-15)
    if g is not None:
        assert float(objective.g(scores(*fake))) == pytest.approx(g, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize(
    ("name", "real", "fake", "shares"),
    [
        ("lsgan", [1, 0.6, 0.4, 2], [0, 0.4, 0.6, 0.7, -3], (3 / 4, 3 / 5)),
        ("vanilla", [1, 0.1, -0.1, 2], [0.1, -0.4, 0.6, 0.7, -3], (3 / 4, 2 / 5)),
        ("hinge", [1, 0.1, -0.1, 2], [0.1, -0.4, 0.6, 0.7, -3], (3 / 4, 2 / 5)),
        ("chi2", [1, 0.1, -0.1, 2], [0.1, -0.4, 0.6, 0.7, -3], (3 / 4, 2 / 5)),
    ],
)
def test_accuracy_is_the_share_of_scores_on_the_right_side_of_halfway(name, real, fake, shares):
    found = OBJECTIVES[name].accuracy(scores(*real), scores(*fake))
    assert [float(share) for share in found] == pytest.approx(shares)


@pytest.mark.parametrize("objective", [*OBJECTIVES.values(), None], ids=[*OBJECTIVES, "wgan"])
def test_a_discriminator_that_can_only_guess_is_right_half_of_the_time(objective):
    random = torch.Generator().manual_seed(0)
    middle = {None: 7.0, OBJECTIVES["lsgan"]: 0.5}.get(objective, 0.0)
    real, fake = (middle + torch.randn(1, 1, 100, 100, generator=random) for _ in range(2))
    for share in objective.accuracy(real, fake) if objective else wgan_accuracy(real, fake):
        assert float(share) == pytest.approx(CHANCE, abs=0.03)


def test_the_accuracy_of_a_critic_is_counted_halfway_between_its_mean_scores():
    real, fake = wgan_accuracy(scores(9, 10, 4), scores(4, 0, 3, 6))  # halfway between 23/3 and 13/4 is 5.46
    assert (float(real), float(fake)) == pytest.approx((2 / 3, 3 / 4))


@pytest.mark.parametrize(("name", "loss"), [("lsgan", MSELoss()), ("vanilla", BCEWithLogitsLoss())])
def test_objectives_are_torchs_losses_with_targets_one_and_zero(name, loss):
    torch.manual_seed(0)
    real, fake = (5 * torch.randn(3, 1, 4, 6, dtype=torch.float64) for _ in range(2))
    d = loss(real, torch.ones_like(real)) + loss(fake, torch.zeros_like(fake))
    torch.testing.assert_close(OBJECTIVES[name].d(real, fake), d, rtol=1e-13, atol=0)
    torch.testing.assert_close(OBJECTIVES[name].g(fake), loss(fake, torch.ones_like(fake)), rtol=1e-13, atol=0)


def test_means_are_taken_over_each_map_on_its_own():
    real, fake = torch.zeros(2, 1, 3, 3), torch.ones(1, 1, 1, 1)
    assert OBJECTIVES["lsgan"].d(real, fake) == 2


def test_equilibria_are_what_a_discriminator_gets_that_can_only_guess():
    for name, objective in OBJECTIVES.items():
        guess = 0.5 if name == "lsgan" else 0.0
        even = scores(guess, guess)
        assert float(objective.d(even, even)) / 2 == pytest.approx(objective.equilibrium)
        if objective.g_hovers:
            assert float(objective.g(even)) == pytest.approx(objective.equilibrium)
    assert [name for name, objective in OBJECTIVES.items() if objective.g_hovers] == ["lsgan", "vanilla"]


def test_of_a_picture_that_is_seen_through_the_forms_of_the_generators_loss_differ_in_their_slope():
    slopes = {}
    for name in ("saturating", "vanilla", "lsgan"):
        fake = scores(-4).requires_grad_()
        (gradient,) = torch.autograd.grad(OBJECTIVES[name].g(fake), fake)
        slopes[name] = float(gradient)
    assert slopes == pytest.approx({"saturating": -0.018, "vanilla": -0.982, "lsgan": -10}, abs=1e-3)


def test_labels_are_smoothed_on_one_side():
    smooth = OBJECTIVES["vanilla"].smoothed(0.1)
    cross_entropy = 0.510038 + (log(2) + softplus(2)) / 2  # to 0.9 of the real ones, to 0 of the others
    assert float(smooth.d(scores(0, 2), scores(0, 2))) == pytest.approx(cross_entropy, abs=1e-6)
    assert float(OBJECTIVES["lsgan"].smoothed(0.1).d(scores(0.9), scores(0))) == pytest.approx(0)
    assert float(smooth.g(scores(0))) == pytest.approx(log(2))
    assert OBJECTIVES["hinge"].smoothed(0) is OBJECTIVES["hinge"]
    with pytest.raises(SettingsError, match="with the objectives lsgan, vanilla, saturating only"):
        OBJECTIVES["hinge"].smoothed(0.1)


def test_parameters_are_held_near_their_mean_so_far():
    theta = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    history, found = HistoricalAverage([theta]), []
    for value in (1.0, 2.0, 4.0):
        theta.data.fill_(value)
        found.append(float(history().detach()))
    assert found == pytest.approx([0, 0.25, 2.777778], abs=1e-6)
    (gradient,) = torch.autograd.grad(history(), theta)
    assert float(gradient) > 0
    assert set(history.state_dict()) == {"t", "mean_0"}


def test_at_the_best_discriminator_the_objective_is_the_jensen_shannon_divergence():
    p, q = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64), torch.tensor([0.1, 0.3, 0.6], dtype=torch.float64)
    best = (p / (p + q)).logit()  # D* = p / (p + q), Goodfellow et al. 2014, Eq. 2
    middle = (p + q) / 2
    divergence = ((p * (p / middle).log()).sum() + (q * (q / middle).log()).sum()) / 2
    weighted = [nn.functional.softplus(-best) @ p + nn.functional.softplus(best) @ q]
    assert float(weighted[0]) == pytest.approx(2 * log(2) - 2 * float(divergence))


# Several maps, and several critics


@pytest.mark.parametrize("name", OBJECTIVES)
def test_of_several_maps_it_is_the_mean_whatever_their_sizes(name):
    real, fake = ([torch.randn(2, 1, side, side, dtype=torch.float64) for side in (1, 3, 8)] for _ in range(2))
    objective = OBJECTIVES[name]
    d = torch.stack([objective.d(r, f) for r, f in zip(real, fake, strict=True)])
    torch.testing.assert_close(objective.d(real, fake), d.mean())
    torch.testing.assert_close(objective.g(fake), torch.stack([objective.g(f) for f in fake]).mean())
    shares = [objective.accuracy(r, f) for r, f in zip(real, fake, strict=True)]
    for found, of_maps in zip(objective.accuracy(real, fake), zip(*shares, strict=True), strict=True):
        torch.testing.assert_close(found, torch.stack(of_maps).mean())
    with pytest.raises(ValueError, match="zip"):
        objective.d(real, fake[:2])


def test_the_joint_objective_of_one_critic_is_its_own_times_its_weight():
    real, fake = scores(0.3, -2), scores(0.1, 0.7)
    for objective in OBJECTIVES.values():
        one = joint([(objective, 3.0)])
        torch.testing.assert_close(one.d([real], [fake]), 3 * objective.d(real, fake))
        torch.testing.assert_close(one.g([fake]), 3 * objective.g(fake))
        assert one.equilibrium == 3 * objective.equilibrium
        assert one.accuracy([real], [fake]) == objective.accuracy(real, fake)
        assert one.g_hovers == objective.g_hovers


def test_critics_that_are_joined_may_give_one_map_or_several():
    joined = joint([(OBJECTIVES["hinge"], 1.0), (OBJECTIVES["lsgan"], 0.5)])
    real, fake = [[scores(2), scores(0.5)], scores(1)], [[scores(-1), scores(0)], scores(1)]
    assert float(joined.d(real, fake)) == (0 + 1.5) / 2 + 0.5 * 1
    assert float(joined.g(fake)) == 0.5 + 0
    with pytest.raises(ValueError, match="zip"):
        joined.d(real[:1], fake)


def test_gated_total_variation_counts_what_is_uneven_where_the_photo_is_even():
    even = torch.full((1, 3, 4, 4), 0.3, dtype=torch.float64)
    columns = torch.tensor([0.0, 0.2, 0.0, 0.2], dtype=torch.float64).expand(1, 3, 4, 4)
    assert float(gated_total_variation(even, columns)) == 0  # nothing uneven was made
    assert float(gated_total_variation(columns, even)) == pytest.approx(0.1)  # 0.2 across, 0 down
    gate = exp(-0.2 / 0.05)  # all differences to the right lie on edges of the photo
    assert float(gated_total_variation(columns, columns)) == pytest.approx(0.1 * gate)
    colours = even.clone()
    colours[:, 0] += columns[:, 0] * 0.587
    colours[:, 1] -= columns[:, 1] * 0.299  # the luma stays as it was
    assert float(gated_total_variation(columns, colours)) == pytest.approx(0.1)


def test_l1_is_the_mean_over_all_elements():
    a = torch.tensor([[1.0, -2.0], [0.0, 4.0]], dtype=torch.float64)
    b = torch.tensor([[3.0, -2.0], [1.0, -1.0]], dtype=torch.float64)
    assert l1(a, b) == (2 + 0 + 1 + 5) / 4
    assert l1(b, a) == l1(a, b)
    assert l1(a, a) == 0
    torch.manual_seed(0)
    a, b = torch.randn(2, 3, 5, 5, dtype=torch.float64), torch.randn(2, 3, 5, 5, dtype=torch.float64)
    torch.testing.assert_close(l1(a, b), l1_loss(a, b), rtol=1e-14, atol=0)


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_half_precision_scores_are_widened_before_anything_is_computed(name, half):
    torch.manual_seed(0)
    real, fake = (3 * torch.randn(2, 1, 30, 30).to(half) for _ in range(2))
    objective = OBJECTIVES[name]
    assert objective.d(real, fake).dtype == torch.float32
    assert torch.equal(objective.d(real, fake), objective.d(real.float(), fake.float()))
    assert torch.equal(objective.g(fake), objective.g(fake.float()))
    assert torch.equal(l1(real, fake), l1(real.float(), fake.float()))
    assert torch.equal(l1(real, fake.float()), l1(real.float(), fake.float()))  # autocast gives one half and one whole
    assert objective.g(fake).dtype == l1(real, fake).dtype == torch.float32


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_wider_scores_keep_their_precision(name, dtype):
    one = torch.ones(1, 1, 2, 2, dtype=dtype)
    assert OBJECTIVES[name].d(one, one).dtype == OBJECTIVES[name].g(one).dtype == l1(one, one).dtype == dtype


@pytest.mark.parametrize("sign", [-1, 1])
def test_vanilla_stays_finite_for_a_certain_discriminator(sign):
    certain = torch.full((1, 1, 2, 2), sign * 1e4, requires_grad=True)
    loss = OBJECTIVES["vanilla"].d(certain, -certain) + OBJECTIVES["vanilla"].g(certain)
    loss.backward()
    assert loss == (1e4 * 3 if sign < 0 else 0)
    assert certain.grad.isfinite().all()


def test_the_generator_of_vanilla_has_a_gradient_where_the_discriminator_wins():
    fake = scores(-30).requires_grad_()
    (gradient,) = torch.autograd.grad(OBJECTIVES["vanilla"].g(fake), fake)
    assert float(gradient) == pytest.approx(-1, abs=1e-12)  # the saturating form would give about -1e-13


@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradients_are_those_of_finite_differences(name):
    torch.manual_seed(0)
    real, fake = (torch.randn(2, 1, 3, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(OBJECTIVES[name].d, (real, fake))
    assert torch.autograd.gradcheck(OBJECTIVES[name].g, (fake,))
    assert torch.autograd.gradcheck(l1, (real, fake))


def test_mse_is_the_mean_over_all_elements():
    a = torch.tensor([[1.0, -2.0], [0.0, 4.0]], dtype=torch.float64)
    b = torch.tensor([[3.0, -2.0], [1.0, -1.0]], dtype=torch.float64)
    assert mse(a, b) == mse(b, a) == (4 + 0 + 1 + 25) / 4
    torch.manual_seed(0)
    a, b = torch.randn(2, 3, 5, 5, dtype=torch.float64), torch.randn(2, 3, 5, 5, dtype=torch.float64)
    torch.testing.assert_close(mse(a, b), mse_loss(a, b), rtol=1e-14, atol=0)


# Feature matching


def layers(batch: int, seed: int = 0) -> list[Tensor]:
    """Activations of two layers."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(batch, *shape, generator=generator, dtype=torch.float64) for shape in ((2, 4, 4), (3, 2, 2))]


def test_feature_matching_compares_means_over_the_batch_and_sums_over_layers():
    real = [torch.tensor([1.0, 3.0]).reshape(2, 1, 1, 1), torch.tensor([[0.0, 2.0]]).reshape(1, 2, 1, 1)]
    fake = [torch.tensor([5.0]).reshape(1, 1, 1, 1), torch.tensor([[1.0, 5.0]]).reshape(1, 2, 1, 1)]
    assert batch_feature_matching(real, fake) == (5 - 2) ** 2 + (1 + 9) / 2


def test_feature_matching_does_not_see_which_picture_is_which():
    real, fake = layers(4), layers(4, 1)
    shuffled = [layer[torch.tensor([2, 0, 3, 1])] for layer in fake]
    torch.testing.assert_close(batch_feature_matching(real, fake), batch_feature_matching(real, shuffled))
    assert float(batch_feature_matching(real, [layer.flip(0) for layer in real])) < 1e-30


def test_feature_matching_moves_towards_real_features_and_not_these():
    real, fake = ([layer.requires_grad_() for layer in layers(3, seed)] for seed in (0, 1))
    loss = batch_feature_matching(real, fake)
    assert torch.autograd.grad(loss, real, allow_unused=True, retain_graph=True) == (None, None)
    assert all(gradient.any() for gradient in torch.autograd.grad(loss, fake))
    assert torch.autograd.gradcheck(lambda *fake: batch_feature_matching(real, fake), fake)


def test_features_of_different_depths_are_not_matched():
    with pytest.raises(ValueError, match="zip"):
        batch_feature_matching(layers(2), layers(2)[:1])


# Wasserstein


@pytest.mark.parametrize(("real", "fake", "d", "g"), [([3, 1], [-1, 2], 0.5 - 2, -0.5), ([1], [1], 0, -1)])
def test_the_critic_widens_the_distance_and_the_generator_raises_its_score(real, fake, d, g):
    assert float(wgan_d(scores(*real), scores(*fake))) == d
    assert float(wgan_g(scores(*fake))) == g
    assert float(wgan_d(scores(*real), scores(*fake, *fake))) == d  # means are taken over each map on its own


class Quadratic(nn.Module):
    """Scores x^2 / 2 + w x for every pixel of the red channel: the slope is x + w."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(0.5, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :1].square() / 2 + self.w * x[:, :1]


def pictures(value: float, batch: int = 2, side: int = 2) -> Tensor:
    return torch.full((batch, 3, side, side), value, dtype=torch.float64)


@pytest.mark.parametrize("value", [-0.5, 0.0, 1.0, 3.0])
def test_the_penalty_is_on_the_slope_of_the_sum_over_the_score_map(value):
    same = pictures(value)
    expected = (abs(value + 0.5) * sqrt(4) - 1) ** 2
    assert float(gradient_penalty(Quadratic(), same, same).detach()) == pytest.approx(expected, rel=1e-14)


def test_the_penalty_is_taken_between_the_pictures_at_one_place_for_each_pair():
    torch.manual_seed(7)
    alpha = torch.rand(3, 1, 1, 1, dtype=torch.float64)
    torch.manual_seed(7)
    seen: list[Tensor] = []

    def critic(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return x[:, :1].square() / 2

    real, fake = pictures(2.0, 3), pictures(-1.0, 3)
    found = gradient_penalty(critic, real, fake)
    torch.testing.assert_close(seen[0], alpha * real + (1 - alpha) * fake)
    place = (3 * alpha - 1).flatten()
    torch.testing.assert_close(found, (2 * place.abs() - 1).square().mean(), rtol=1e-12, atol=0)
    assert len(seen) == 1


def test_the_penalty_trains_the_critic_and_nobody_else():
    critic = Quadratic()
    real, fake = pictures(1.0).requires_grad_(), pictures(1.0).requires_grad_()
    loss = gradient_penalty(critic, real, fake)
    found = torch.autograd.grad(loss, [critic.w, real, fake], allow_unused=True)
    assert found[1:] == (None, None)
    norm, slope = 2 * 1.5, 2  # of 4 pixels with a gradient of 1 + w, and how it grows with w
    assert float(found[0]) == pytest.approx(2 * (norm - 1) * slope, rel=1e-12)


def test_the_penalty_has_the_right_slope_in_a_real_critic():
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Conv2d(3, 2, 3, 2, 1), nn.LeakyReLU(0.01), nn.Conv2d(2, 1, 3, 1, 1)).double()
    real, fake = (torch.randn(2, 3, 6, 6, dtype=torch.float64) for _ in range(2))

    def penalty(*parameters: Tensor) -> Tensor:
        named = dict(zip(dict(critic.named_parameters()), parameters, strict=True))
        torch.manual_seed(1)
        return gradient_penalty(lambda x: torch.func.functional_call(critic, named, (x,)), real, fake)

    parameters = tuple(parameter.detach().requires_grad_() for parameter in critic.parameters())
    slopes = torch.autograd.grad(penalty(*parameters), parameters, allow_unused=True)
    assert slopes[-1] is None  # the last bias does not tilt anything
    assert torch.autograd.gradcheck(lambda *weights: penalty(weights[0], parameters[1], weights[1], parameters[3]),
                                    (parameters[0], parameters[2]))  # fmt: skip


def test_a_flat_critic_has_a_penalty_of_1_and_a_finite_slope():
    critic = nn.Conv2d(3, 1, 2)
    nn.init.zeros_(critic.weight)
    loss = gradient_penalty(critic, torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4))
    (slope,) = torch.autograd.grad(loss, critic.weight)
    assert loss == 1
    assert slope.isfinite().all()


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float32])
def test_the_penalty_is_computed_in_fp32_under_autocast(half):
    torch.manual_seed(0)
    critic, dtypes = nn.Conv2d(3, 1, 2), []
    critic.register_forward_hook(lambda _, inputs, output: dtypes.extend([inputs[0].dtype, output.dtype]))
    real, fake = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8).to(half)
    torch.manual_seed(1)
    with torch.autocast("cpu", torch.bfloat16):
        critic(real)  # fills the cache of half-precision weights
        loss = gradient_penalty(critic, real, fake)
    torch.manual_seed(1)
    assert torch.equal(loss, gradient_penalty(critic, real, fake.float()))
    assert dtypes[2:] == [torch.float32] * 4
    assert loss.dtype == torch.float32


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_half_precision_is_widened_in_all_distances(half):
    torch.manual_seed(0)
    a, b = (torch.randn(2, 3, 8, 8).to(half) for _ in range(2))
    for distance in (mse, wgan_d, lambda a, b: batch_feature_matching([a], [b]), lambda a, _: wgan_g(a)):
        assert distance(a, b).dtype == torch.float32
        assert torch.equal(distance(a, b), distance(a.float(), b.float()))
    critic = nn.Conv2d(3, 1, 2)
    assert gradient_penalty(critic, a, b).dtype == torch.float32
