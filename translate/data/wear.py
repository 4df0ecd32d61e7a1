"""What time and careless copying do to photographs: blur, coarseness, noise, JPEG, fading, scratches.

`worn` goes through the first order of Real-ESRGAN (Wang et al. 2021, arXiv 2107.10833, section 3) with milder constants
of our own, for pictures of any size. `worn_twice` goes through its second order with the constants of its training
options for x4plus, but that pictures keep their size; so whatever is small is small against the picture itself.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from translate.tensors import Pixels

Floats = NDArray[np.float32]  # (H, W, 3), of 0..255
Range = tuple[float, float]

MILD_BLUR: Range = (0.2, 1.5)  # sigma, in pixels
MILD_SHRINKING: Range = (1.0, 3.0)  # sides become shorter by this
MILD_NOISE: Range = (1.0, 20.0)  # sigma, in levels
MILD_JPEG = (40, 95)  # quality
SATURATION: Range = (0.3, 1.0)  # what is left of it where colours have faded
CONTRAST: Range = (0.6, 1.0)  # the same
SCRATCHES = 4  # at most

LARGEST, SMALLEST = 21, 7  # sides of blur kernels, in pixels
SHAPES = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)  # Gaussian, generalised and plateau kernels: round, and stretched
SINC = 0.1  # how often a kernel is that of an ideal low pass, which rings
LAST_SINC = 0.8  # the same at the end
GENERALISED: Range = (0.5, 4.0)  # exponents of these kernels
PLATEAU: Range = (1.0, 2.0)
GREY_NOISE = 0.4  # how often noise has no colour
JPEG = (30, 95)  # quality


@dataclass(frozen=True)
class Order:
    """One round of Real-ESRGAN's degradation."""

    blurred: float  # how often
    sigma: Range  # of blur kernels, in pixels
    resized: tuple[float, float, float]  # how often up, down, and not at all
    factor: Range  # on the sides, down and up at most
    gauss: Range  # sigma of Gaussian noise in levels, which half of the pictures get
    poisson: Range  # factor on Poisson noise, which the other half gets


FIRST = Order(1.0, (0.2, 3.0), (0.2, 0.7, 0.1), (0.15, 1.5), (1.0, 30.0), (0.05, 3.0))
SECOND = Order(0.8, (0.2, 1.5), (0.3, 0.4, 0.3), (0.3, 1.2), (1.0, 25.0), (0.05, 2.5))


def worn(picture: Pixels, draws: np.random.Generator) -> Pixels:
    """Wear a picture (H, W, 3) uint8: blur, shrink, fade, add noise, scratch and compress it."""
    import cv2

    height, width = picture.shape[:2]
    x = cv2.GaussianBlur(picture, (0, 0), draws.uniform(*MILD_BLUR))
    factor = draws.uniform(*MILD_SHRINKING)
    small = (max(round(width / factor), 1), max(round(height / factor), 1))
    x = cv2.resize(x, small, interpolation=cv2.INTER_AREA)
    x = cv2.resize(x, (width, height), interpolation=cv2.INTER_CUBIC)
    faded = _faded(x.astype(np.float32), draws)
    faded += draws.normal(0, draws.uniform(*MILD_NOISE), faded.shape)
    return _compressed(_scratched(_levels(faded), draws), draws, MILD_JPEG)


def worn_twice(picture: Pixels, draws: np.random.Generator) -> Pixels:
    """Fade and scratch a picture (H, W, 3) uint8, and put it through both orders of Real-ESRGAN."""
    size = picture.shape[1], picture.shape[0]
    x: Floats = _scratched(_levels(_faded(picture.astype(np.float32), draws)), draws).astype(np.float32)
    x = _compressed(_levels(_degraded(x, FIRST, size, draws)), draws, JPEG).astype(np.float32)
    x = _degraded(x, SECOND, size, draws)
    ringing = _sinc(_side(draws), draws) if draws.random() < LAST_SINC else None
    compressed_first = draws.random() < 0.5
    if compressed_first:
        x = _compressed(_levels(x), draws, JPEG).astype(np.float32)
    x = _resized(x, size, draws)
    x = x if ringing is None else _filtered(x, ringing)
    return _levels(x) if compressed_first else _compressed(_levels(x), draws, JPEG)


def _degraded(x: Floats, order: Order, size: tuple[int, int], draws: np.random.Generator) -> Floats:
    """Blur, resize against `size` (W, H), and add noise; what comes back has another size."""
    if draws.random() < order.blurred:
        x = _filtered(x, _kernel(order.sigma, draws))
    smallest, largest = order.factor
    way = draws.choice(3, p=order.resized)
    factor = draws.uniform(1, largest) if way == 0 else draws.uniform(smallest, 1) if way == 1 else 1.0
    width, height = (max(round(side * factor), 1) for side in size)
    x = _resized(x, (width, height), draws)
    grey = draws.random() < GREY_NOISE
    if draws.random() < 0.5:
        shape = height, width, 1 if grey else 3
        noise = np.asarray(draws.normal(0, draws.uniform(*order.gauss), shape), np.float32)
    else:
        noise = np.float32(draws.uniform(*order.poisson)) * _poisson(_luma(x)[..., None] if grey else x, draws)
    return np.asarray((x + noise).clip(0, 255), np.float32)


def _poisson(x: Floats, draws: np.random.Generator) -> Floats:
    """Return what counting few photons adds to pictures of 0..255: as many as there are different levels for white."""
    share = _levels(x) / np.float32(255)
    photons = 2.0 ** math.ceil(math.log2(max(len(np.unique(share)), 2)))
    return np.asarray(255 * (draws.poisson(share * photons) / photons - share), np.float32)


def _kernel(sigma: Range, draws: np.random.Generator) -> Floats:
    """Draw a blur kernel (n, n) whose sum is 1."""
    side = _side(draws)
    if draws.random() < SINC:
        return _sinc(side, draws)
    shape = int(draws.choice(6, p=SHAPES))
    across = draws.uniform(*sigma)
    along, angle = (draws.uniform(*sigma), draws.uniform(-math.pi, math.pi)) if shape % 2 else (across, 0.0)
    beta = 1.0 if shape < 2 else _exponent(GENERALISED if shape < 4 else PLATEAU, draws)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    turned = math.cos(angle) * x + math.sin(angle) * y, math.cos(angle) * y - math.sin(angle) * x
    distance = ((turned[0] / across) ** 2 + (turned[1] / along) ** 2) ** beta
    weights = 1 / (1 + distance) if shape >= 4 else np.exp(-0.5 * distance)
    return np.asarray(weights / weights.sum(), np.float32)


def _sinc(side: int, draws: np.random.Generator) -> Floats:
    """Draw the kernel (side, side) of a circular low pass: c J1(c r) / (2 pi r)."""
    cutoff = draws.uniform(math.pi / 3 if side < 13 else math.pi / 5, math.pi)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    radius = np.hypot(x, y).clip(1e-6)
    weights = cutoff * torch.special.bessel_j1(torch.from_numpy(cutoff * radius)).numpy() / (2 * math.pi * radius)
    return np.asarray(weights / weights.sum(), np.float32)


def _exponent(limits: Range, draws: np.random.Generator) -> float:
    """Draw from below 1 and from above it equally often."""
    low, high = limits
    return float(draws.uniform(low, 1) if draws.random() < 0.5 else draws.uniform(1, high))


def _side(draws: np.random.Generator) -> int:
    return int(2 * draws.integers(SMALLEST // 2, LARGEST // 2 + 1) + 1)


def _resized(x: Floats, size: tuple[int, int], draws: np.random.Generator) -> Floats:
    """Resize to (W, H) by area, bilinearly or bicubically."""
    import cv2

    ways = cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC
    return np.asarray(cv2.resize(x, size, interpolation=ways[int(draws.integers(3))]), np.float32)


def _filtered(x: Floats, kernel: Floats) -> Floats:
    import cv2

    return np.asarray(cv2.filter2D(x, -1, kernel, borderType=cv2.BORDER_REFLECT), np.float32)


def _faded(x: Floats, draws: np.random.Generator) -> Floats:
    luma = _luma(x)[..., None]
    x = luma + np.float32(draws.uniform(*SATURATION)) * (x - luma)
    return np.asarray(128 + np.float32(draws.uniform(*CONTRAST)) * (x - 128), np.float32)


def _scratched(picture: Pixels, draws: np.random.Generator) -> Pixels:
    """Draw thin light lines into a picture, in place."""
    import cv2

    height, width = picture.shape[:2]
    for _ in range(int(draws.integers(SCRATCHES + 1))):
        start, end = ((int(draws.integers(width)), int(draws.integers(height))) for _ in range(2))
        cv2.line(picture, start, end, color=(int(draws.integers(180, 256)),) * 3, thickness=1, lineType=cv2.LINE_AA)
    return picture


def _compressed(picture: Pixels, draws: np.random.Generator, quality: tuple[int, int]) -> Pixels:
    import cv2

    low, high = quality
    chosen = int(draws.integers(low, high + 1))
    _, packed = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, chosen])
    unpacked = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    assert unpacked is not None
    return np.ascontiguousarray(unpacked[..., ::-1], np.uint8)


def _luma(x: NDArray[np.generic]) -> Floats:
    return np.asarray(x.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32))  # ITU-R BT.601


def _levels(x: Floats) -> Pixels:
    return np.ascontiguousarray(x.clip(0, 255).round().astype(np.uint8))
