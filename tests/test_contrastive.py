"""Contrastive losses against the closed forms that the reference of CUT lists."""

from math import exp, log, log1p
from typing import get_args

import pytest
import torch
from torch import Tensor

from translate.contrastive import CONTRASTS, Contrast, decoupled_nce, nce


def unit(*shape: int, seed: int = 0) -> Tensor:
    v = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return v / v.norm(dim=-1, keepdim=True)


def orthonormal(count: int) -> Tensor:
    return torch.eye(count, dtype=torch.float64)[None]


TAU = 0.07


def test_where_all_features_are_equal_a_place_can_only_be_guessed():
    same = unit(1, 1, 16).expand(2, 256, 16)
    assert float(nce(same, same, TAU)) == pytest.approx(log(256), rel=1e-12)  # 5.5452
    assert float(decoupled_nce(same, same, TAU)) == pytest.approx(log(255), rel=1e-12)


def test_where_every_place_is_found_and_no_two_are_alike_nearly_nothing_is_left():
    v = orthonormal(256)
    assert float(nce(v, v, TAU)) == pytest.approx(log1p(255 * exp(-1 / TAU)), rel=1e-9)  # 1.593e-4
    assert float(decoupled_nce(v, v, TAU)) == pytest.approx(log(255) - 1 / TAU, rel=1e-12)  # -8.744


def test_a_place_that_looks_like_another_one_costs_the_inverse_temperature():
    keys = orthonormal(256)
    found = float(nce(keys.roll(1, 1), keys, TAU))
    assert found == pytest.approx(1 / TAU + log1p(255 * exp(-1 / TAU)), rel=1e-12)
    assert found == pytest.approx(14.286, abs=1e-3)


@pytest.mark.parametrize("contrast", [nce, decoupled_nce])
def test_negatives_are_those_of_the_same_picture(contrast):
    v, v_plus = unit(3, 20, 8), unit(3, 20, 8, seed=1)
    alone = torch.stack([contrast(v[n : n + 1], v_plus[n : n + 1], TAU) for n in range(3)])
    torch.testing.assert_close(contrast(v, v_plus, TAU), alone.mean(), rtol=1e-12, atol=0)
    joined = contrast(v.reshape(1, 60, 8), v_plus.reshape(1, 60, 8), TAU)
    assert float(joined) > float(alone.mean()) + 0.5


@pytest.mark.parametrize("contrast", [nce, decoupled_nce])
def test_the_order_of_places_does_not_matter(contrast):
    v, v_plus, order = unit(2, 20, 8), unit(2, 20, 8, seed=1), torch.arange(20).roll(7)
    expected = contrast(v, v_plus, TAU)
    torch.testing.assert_close(contrast(v[:, order], v_plus[:, order], TAU), expected, rtol=1e-12, atol=0)
    assert abs(float(contrast(v[:, order], v_plus, TAU) - expected)) > 0.01


def test_with_the_positive_added_back_the_decoupled_term_is_that_of_the_paper():
    v, v_plus = unit(1, 30, 8), unit(1, 30, 8, seed=1)
    similar = (v[0] @ v_plus[0].T / TAU).tolist()
    terms = []
    for place, row in enumerate(similar):
        negatives = [value for other, value in enumerate(row) if other != place]
        terms.append(log(sum(exp(value - row[place]) for value in negatives)))
    assert float(decoupled_nce(v, v_plus, TAU)) == pytest.approx(sum(terms) / 30, rel=1e-10)
    assert float(nce(v, v_plus, TAU)) == pytest.approx(sum(log(exp(t) + 1) for t in terms) / 30, rel=1e-10)


@pytest.mark.parametrize("contrast", [nce, decoupled_nce])
def test_contrastive_terms_have_right_slopes(contrast):
    v, v_plus = unit(2, 5, 3).requires_grad_(), unit(2, 5, 3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: contrast(a, b, 0.5), (v, v_plus))


def test_every_content_term_has_a_name():
    assert set(CONTRASTS) == set(get_args(Contrast))
