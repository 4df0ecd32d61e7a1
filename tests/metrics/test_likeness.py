import numpy as np
import pytest
import torch

from translate.features import open_features
from translate.metrics.likeness import mean_difference, psnr, ssim, structure_distance


def picture(seed=0, side=32):
    return np.random.default_rng(seed).integers(0, 200, (side, side, 3), dtype=np.uint8)


def reference_ssim(x, y):
    """Wang et al. 2004, in float64, by sums over every window that lies inside."""
    line = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    weights = np.outer(line, line) / line.sum() ** 2

    def window(a):
        return (np.lib.stride_tricks.sliding_window_view(a, (11, 11)) * weights).sum((-1, -2))

    values = []
    for a, b in ((x[..., c] / 255, y[..., c] / 255) for c in range(3)):
        m, n = window(a), window(b)
        va, vb, cov = window(a * a) - m * m, window(b * b) - n * n, window(a * b) - m * n
        values.append((2 * m * n + 1e-4) * (2 * cov + 9e-4) / ((m * m + n * n + 1e-4) * (va + vb + 9e-4)))
    return np.mean(values)


def test_ssim_is_that_of_the_paper():
    x = picture()
    y = (0.7 * x + 0.3 * picture(1)).astype(np.uint8)
    assert ssim(x, y) == pytest.approx(reference_ssim(x, y), rel=1e-8)
    assert ssim(x, x) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="at least 11 pixels"):
        ssim(x[:10], x[:10])


def test_psnr_and_mean_difference_of_a_shift_by_ten_levels():
    x = picture()
    assert psnr(x, x + np.uint8(10)) == pytest.approx(10 * np.log10(255**2 / 100))
    assert psnr(x, x) == 100
    assert mean_difference(x, x + np.uint8(10)) == mean_difference(x + np.uint8(10), x) == 10


def test_structure_survives_other_colours_better_than_another_layout():
    network = open_features("random")
    x = torch.full((3, 64, 64), 60.0)
    x[:, 16:40, 20:50] = 200.0
    recoloured = x.flip(0) * 0.8 + 20
    moved = x.roll((20, 20), (1, 2))
    assert structure_distance(network, x, x) == 0
    assert structure_distance(network, x, recoloured) < structure_distance(network, x, moved)
