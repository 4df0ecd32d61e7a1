"""The guided filter: what it must keep to the last bit, what it must bring back, and what it must not invent."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from translate.inference.upsampling import RADIUS, Guide, _slopes, _solved, network_size

SIDES = [((40, 56), (10, 14)), ((41, 50), (13, 16)), ((64, 24), (32, 12)), ((9, 300), (2, 67))]


def noise(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2 - 1


def resized(x: Tensor, side: tuple[int, int]) -> Tensor:
    return functional.interpolate(x[None], side, mode="bicubic", antialias=True)[0]


def upsampled(x: Tensor, x_s: Tensor, y_s: Tensor, **options: float) -> Tensor:
    return Guide(x_s, y_s, *x.shape[1:], **options).rows(x, 0)


@pytest.mark.parametrize(
    ("size", "training", "expected"),
    [
        ("native", 64, (1000, 1501)),
        ("auto", 32, (192, 288)),  # six times the training size
        ("auto", 64, (250, 375)),  # a quarter
        ("auto", 128, (256, 384)),  # twice the training size
        ("auto", 256, (512, 769)),
        ("auto", 500, (1000, 1501)),
        ("auto", 900, (1000, 1501)),
        (100, 64, (100, 150)),
        (1, 64, (1, 2)),
        (5000, 64, (1000, 1501)),
    ],
)
def test_the_short_side_is_chosen_and_never_enlarged(size, training, expected):
    assert network_size(1000, 1501, size, training) == expected
    assert network_size(1501, 1000, size, training) == expected[::-1]


def test_a_thin_picture_keeps_a_pixel():
    assert network_size(20_000, 20, 1, 64) == (1000, 1)
    assert network_size(1, 7, "auto", 64) == (1, 7)


@pytest.mark.parametrize(("full", "small"), SIDES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_unchanged_picture_is_the_same_to_the_last_bit(full, small, dtype):
    x = noise(*full).to(dtype)
    x_s = resized(x, small)
    assert torch.equal(upsampled(x, x_s, x_s), x)


@pytest.mark.parametrize(("full", "small"), SIDES)
def test_a_linear_map_of_colours_is_found_and_applied_at_full_size(full, small):
    mixing = torch.tensor([[0.2, 0.5, -0.1], [-0.9, 0.3, 0.0], [0.4, 0.4, 0.1]], dtype=torch.float64)
    x = noise(*full)
    x_s = resized(x, small)
    y, y_s = (torch.einsum("ij,jhw->ihw", mixing, each) + 0.25 for each in (x, x_s))
    assert (upsampled(x, x_s, y_s, eps=1e-12) - y).abs().max() < 1e-6
    blurred = resized(y_s, full)
    assert (upsampled(x, x_s, y_s) - y).square().mean() < (blurred - y).square().mean() / 2  # with the ridge


@pytest.mark.parametrize(("full", "small"), SIDES)
def test_a_constant_stays_a_constant(full, small):
    x = noise(*full)
    x_s = resized(x, small)
    y_s = torch.tensor([0.5, -0.25, 0.0], dtype=torch.float64)[:, None, None].expand_as(x_s)
    assert (upsampled(x, x_s, y_s, eps=1e-12) - y_s[:, :1, :1]).abs().max() < 1e-6
    flat = torch.full_like(x, 0.3)
    assert (upsampled(flat, resized(flat, small), y_s) - y_s[:, :1, :1]).abs().max() < 1e-6


def test_texture_that_is_not_in_the_picture_stays():
    """Stripes on a flat picture: no function of its colour, and yet they must not vanish."""
    x = torch.full((3, 80, 120), -0.2, dtype=torch.float64)
    x_s = resized(x, (20, 30))
    stripes = (torch.arange(30) + torch.arange(20)[:, None]) % 6 < 3
    y_s = torch.where(stripes, 0.8, -0.8).to(torch.float64).expand_as(x_s)
    result = upsampled(x, x_s, y_s)
    assert torch.allclose(result, resized(y_s, (80, 120)))
    assert result.std() > 0.5


def test_detail_the_network_did_not_see_stays():
    x = 0.1 * torch.sign(noise(64, 64)) + torch.linspace(-0.8, 0.8, 64, dtype=torch.float64)
    x_s = resized(x, (16, 16))
    y = upsampled(x, x_s, x_s + 0.1)
    assert torch.allclose(y, x + 0.1)


@pytest.mark.parametrize("gain", [-1.0, 0.5, 1.0])
def test_an_edge_does_not_ring(gain):
    """A step whose contrast changes: the result stays between the two new levels, and is as sharp as the picture."""
    x = torch.where(torch.arange(96) < 44, -0.5, 0.5).to(torch.float64).expand(3, 40, 96)
    x_s = functional.interpolate(x[None], (10, 24), mode="area")[0]
    y = upsampled(x, x_s, gain * x_s, eps=1e-9)
    low, high = sorted((-0.5 * gain, 0.5 * gain))
    assert low - 1e-6 <= y.min()
    assert y.max() <= high + 1e-6
    assert (y - gain * x).abs().max() < 1e-6


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 20), st.integers(1, 20))
def test_any_sizes_and_any_strips(height, width, low, narrow):
    small = (min(low, height), min(narrow, width))
    x, x_s, y_s = noise(height, width), noise(*small, seed=1), noise(*small, seed=2)
    guide = Guide(x_s, y_s, height, width)
    whole = guide.rows(x, 0)
    assert whole.shape == x.shape
    assert whole.isfinite().all()
    strips = [guide.rows(x[:, top : top + 7], top) for top in range(0, height, 7)]
    assert torch.allclose(torch.cat(strips, 1), whole, rtol=0, atol=1e-12)


def test_slopes_are_those_of_a_ridge_regression():
    """Against a least-squares solver, for one window that holds the whole small picture."""
    side, eps = RADIUS + 1, 0.01  # every window reaches all of a picture of this side
    x_s, change = noise(side, side), noise(side, side, seed=3)
    points = (x_s - x_s.mean((1, 2), keepdim=True)).flatten(1).T
    rows = torch.cat([points, (eps * side**2) ** 0.5 * torch.eye(3, dtype=torch.float64)])
    values = torch.cat([change.flatten(1).T, torch.zeros(3, 3, dtype=torch.float64)])
    expected = torch.linalg.lstsq(rows, values).solution.T
    found = _slopes(x_s, change, eps)
    assert torch.allclose(found[:, 0, 0], expected.flatten())
    assert torch.allclose(found, found[:, :1, :1].expand_as(found))


def test_many_small_systems_are_solved():
    root, right = noise(3, 35).view(3, 3, 5, 7), noise(3, 35, seed=4).view(3, 3, 5, 7)
    matrix = torch.einsum("ikhw,jkhw->ijhw", root, root)
    product = torch.einsum("ijhw,jkhw->ikhw", _solved(right, matrix), matrix)
    assert torch.allclose(product, right)
