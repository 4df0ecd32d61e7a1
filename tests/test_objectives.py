"""Objectives: hand-computed values, agreement with torch's own losses, precision and gradients."""

from math import exp, log, log1p
from typing import get_args

import pytest
import torch
from torch import Tensor
from torch.nn import BCEWithLogitsLoss, MSELoss
from torch.nn.functional import l1_loss

from translate.objectives import OBJECTIVES, ObjectiveName, l1


def scores(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).reshape(1, 1, 1, -1)


def softplus(x: float) -> float:
    return log1p(exp(x))


def test_every_name_has_an_objective():
    assert set(OBJECTIVES) == set(get_args(ObjectiveName))


@pytest.mark.parametrize(
    ("name", "real", "fake", "d", "g"),
    [
        ("lsgan", [1], [0], 0, 1),  # a perfect discriminator
        ("lsgan", [0], [1], 2, 0),  # a fooled one
        ("lsgan", [3, 1], [-1, 2], (4 + 0) / 2 + (1 + 4) / 2, (4 + 1) / 2),
        ("lsgan", [0.5], [0.5], 0.5, 0.25),  # equilibrium; CycleGAN halves d, which gives 0.25
        ("vanilla", [0], [0], 2 * log(2), log(2)),  # equilibrium: the sigmoid of 0 is 1/2
        ("vanilla", [2, -1], [1, 0], (softplus(-2) + softplus(1)) / 2 + (softplus(1) + log(2)) / 2, None),
        ("vanilla", [0], [1, -3], None, (softplus(-1) + softplus(3)) / 2),
        ("vanilla", [log(3)], [-log(3)], 2 * log(4 / 3), log(4)),  # sigmoids 3/4 and 1/4
    ],
)
def test_hand_computed_values(name, real, fake, d, g):
    objective = OBJECTIVES[name]
    if d is not None:
        assert float(objective.d(scores(*real), scores(*fake))) == pytest.approx(d, rel=1e-14, abs=1e-15)
    if g is not None:
        assert float(objective.g(scores(*fake))) == pytest.approx(g, rel=1e-14, abs=1e-15)


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
