"""Scores by rule, without a learned judge, for translations whose right answer is known.

They need the animal's mask, which the drawn datasets have. A good horse-to-zebra translation has a small
`background_error` (what should stay has stayed) and a `stripe_score` close to that of drawn zebras (what should change
has changed).
"""

import numpy as np
from numpy.typing import NDArray

from translate.tensors import Pixels

Plane = NDArray[np.float32]  # (H, W)

OUTSIDE = 0.01  # a pixel with less coverage than this is background
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
INSIDE = 0.95  # a pixel with more coverage than this is the animal and nothing else

# Lengths of the stripe rule are in units of the animal's size, the square root of its area (28 pixels at 64 x 64).
SMOOTHING = 0.02  # standard deviation of the smoothing that noise does not survive and stripes do
WINDOW = 0.09  # standard deviation of the window in which a pattern is judged; a stripe pair is about 0.2 wide
NEIGHBOURHOOD = 0.125  # standard deviation of the window in which the majority is taken
COHERENCE = 0.45  # 1: all edges in the window are parallel, 0: no direction prevails
LONGEST = 0.32  # a pattern with a longer wavelength is patches
KEPT = 0.35  # share of the pattern's variance that must survive the smoothing; else it is noise
DARK, BRIGHT = 0.4, 0.6  # luminance in 0..1
SHARE = 0.1  # of the window that must be dark, and of it that must be bright
CHROMA = 0.1  # mean of max(R, G, B) - min(R, G, B) in 0..1
MAJORITY = 0.5


def background_error(source: Pixels, translated: Pixels, mask: Plane) -> float:
    """Return the mean absolute difference outside the animal, in 0..1.

    Outside are the pixels whose coverage is below 0.01 and whose eight neighbours' is too: a pixel that touches the
    anti-aliased outline cannot be told from it by a network.

    Args:
        source: (H, W, 3) the picture that was translated.
        translated: (H, W, 3) its translation.
        mask: (H, W) coverage of the animal in 0..1.

    Raises:
        ValueError: the shapes disagree or the mask leaves no background.
    """
    _check(translated, mask)
    _check(source, mask)
    outside = background(mask)
    if not outside.any():
        raise ValueError("The mask covers the whole picture: there is no background to compare.")
    difference = np.abs(source.astype(np.int16) - translated.astype(np.int16))
    return float(difference[outside].mean()) / 255


def background(mask: Plane) -> NDArray[np.bool_]:
    """Return which pixels (H, W) are outside the animal that `mask` (H, W) covers, as `background_error` has it."""
    covered = np.pad(mask >= OUTSIDE, 1)
    height, width = mask.shape
    near = np.logical_or.reduce([covered[i : i + height, j : j + width] for i in range(3) for j in range(3)])
    return np.asarray(~near, np.bool_)


def stripe_score(image: Pixels, mask: Plane) -> float:
    """Return the share of the animal's pixels, in 0..1, that lie in a pattern of black and white stripes.

    See `striped` for the rule.

    Raises:
        ValueError: the shapes disagree or the mask has no pixel that is wholly animal.
    """
    accepted = striped(image, mask)
    return float(accepted.sum() / (mask > INSIDE).sum())


def striped(image: Pixels, mask: Plane) -> NDArray[np.bool_]:
    """Return which pixels (H, W) of the animal lie in a pattern of black and white stripes.

    Only pixels that are wholly animal are looked at, so neither the outline nor the background can pass for a stripe.
    The pattern is judged in a Gaussian window around every pixel:

    1. its edges are parallel: the coherence (l1 - l2) / (l1 + l2) of the structure tensor is above 0.45;
    2. it is no noise: a light smoothing leaves more than 35 % of its variance;
    3. it is no large patch: the wavelength that its variance and its slopes imply is below a third of the animal's
       size;
    4. black and white are both there: more than 10 % of the window is darker than 0.4, and more than 10 % is brighter
       than 0.6;
    5. there is little colour: the mean of max(R, G, B) - min(R, G, B) is below 0.1.

    A pixel is accepted when the majority of the animal around it passes. So a spot of noise that passes by chance does
    not count, and the fork where the stripes of trunk and leg meet does. All lengths follow the animal's area: the rule
    is the same at every resolution from 64 pixels on. At 32, stripes cannot be told from noise and drawn zebras fail.

    Controls, which the tests hold. Drawn zebras score above 0.95, and above 0.8 when blurred by 1 % of the picture's
    width and faded by a fifth; zebras with one half painted over score about 0.45; drawn horses score below 0.05. The
    same masks filled with noise per pixel (black and white, grey, coloured), checkerboards of 1 to 4 pixels, large
    black and white patches, black, white, grey, a smooth brown coat or brown and white stripes score below 0.2.

    Args:
        image: (H, W, 3).
        mask: (H, W) coverage of the animal in 0..1.

    Raises:
        ValueError: the shapes disagree or the mask has no pixel that is wholly animal.
    """
    _check(image, mask)
    whole = mask > INSIDE
    if not whole.any():
        raise ValueError("The mask has no pixel that is wholly animal: there is nothing to score.")
    rows, columns = np.flatnonzero(whole.any(1)), np.flatnonzero(whole.any(0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    animal = whole[box].astype(np.float32)
    size = float(np.sqrt(mask.sum()))

    colours = image[box].transpose(2, 0, 1).astype(np.float32) / np.float32(255)  # (H, W, 3) -> (3, h, w)
    smooth_colours = _mean_around(colours, animal, SMOOTHING * size)
    chroma = smooth_colours.max(0) - smooth_colours.min(0)
    luminance, smooth = (np.asarray(np.tensordot(LUMINANCE, c, 1), np.float32) for c in (colours, smooth_colours))
    right, down = _slope(smooth, animal, 1), _slope(smooth, animal, 0)
    tensor = [right * right, down * down, right * down]
    moments = [luminance, luminance**2, smooth, smooth**2]
    shares = [(luminance < DARK).astype(np.float32), (luminance > BRIGHT).astype(np.float32)]
    planes = np.stack([*tensor, *moments, *shares, chroma], dtype=np.float32)
    window = _mean_around(planes, animal, WINDOW * size)
    xx, yy, xy, mean, square, smooth_mean, smooth_square, dark, bright, colour = window

    parallel = np.hypot(xx - yy, 2 * xy) > COHERENCE * (xx + yy)
    variance, smooth_variance = square - mean**2, smooth_square - smooth_mean**2
    # A wave of length w has the variance (w / 2 pi)^2 times that of its slope.
    stripes = (smooth_variance > KEPT * variance) & (smooth_variance < (LONGEST * size / (2 * np.pi)) ** 2 * (xx + yy))
    passed = parallel & stripes & (np.minimum(dark, bright) > SHARE) & (colour < CHROMA)
    majority = _mean_around(passed[None].astype(np.float32), animal, NEIGHBOURHOOD * size)[0]
    accepted = np.zeros(mask.shape, np.bool_)
    accepted[box] = whole[box] & (majority > MAJORITY)
    return accepted


def _mean_around(planes: NDArray[np.float32], weight: Plane, sigma: float) -> NDArray[np.float32]:
    """Return Gaussian means of planes (C, H, W) over the pixels of `weight` (H, W) alone; `sigma` in pixels."""
    vertical, horizontal = (_gauss(length, sigma) for length in weight.shape)
    sums = vertical @ np.concatenate([planes * weight, weight[None]]) @ horizontal
    return np.asarray(sums[:-1] / np.maximum(sums[-1], 1e-8), np.float32)


def _gauss(length: int, sigma: float) -> Plane:
    """Return the matrix (length, length) that blurs a line, but for the division by the sum of weights."""
    places = np.arange(length, dtype=np.float32)
    return np.asarray(np.exp(-0.5 * ((places[:, None] - places) / np.float32(sigma)) ** 2), np.float32)


def _slope(plane: Plane, weight: Plane, axis: int) -> Plane:
    """Return the mean difference to those of the two neighbours along `axis` that are animal; 0 without any."""
    if axis == 1:
        return _slope(plane.T, weight.T, 0).T
    both = weight[:-1] * weight[1:]
    total, count = np.zeros_like(plane), np.zeros_like(plane)
    for side in (slice(1, None), slice(None, -1)):
        total[side] += both * np.diff(plane, axis=0)
        count[side] += both
    return np.asarray(total / np.maximum(count, 1), np.float32)


def _check(image: Pixels, mask: Plane) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.shape[:2] != mask.shape:
        raise ValueError(f"Expected an image (H, W, 3) and a mask (H, W); found {image.shape} and {mask.shape}.")
