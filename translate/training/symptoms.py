"""What can be wrong with translations, measured on pictures alone. Pure functions; what is too much stands in alarms.

Pictures are uint8, (N, S, S, 3). `inputs` and `outputs` belong together; `targets` are real pictures of the domain that
was aimed at.
"""

import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]  # (N, S, S, 3)
Floats = NDArray[np.float64]

_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
_PLAIN = 4.0  # levels: what varies less has no light and shade to compare


def agreement(inputs: Pictures, outputs: Pictures) -> float:
    """Correlate the light and shade of outputs with that of their inputs: 1 is kept, -1 is inverted.

    Returns:
        the median over the pictures; plain ones count as 1.
    """
    pairs = zip(_lightness(inputs), _lightness(outputs), strict=True)
    return float(np.median([_correlation(x, y) for x, y in pairs]))


def variety(outputs: Pictures, inputs: Pictures, targets: Pictures) -> float:
    """Say how much outputs differ from each other, relative to how much inputs do, or targets if these differ less.

    Near 0 all inputs become the same picture.
    """
    most = min(_spread(inputs), _spread(targets))
    return _spread(outputs) / most if most > 0 else 1.0


def checkerboard(pictures: Pictures) -> float:
    """Measure a pattern that repeats every 2 or 4 pixels, beyond other fine detail.

    Returns:
        its amplitude in levels, the mean over the pictures; with a period of 2 pixels that from trough to crest.
    """
    side = pictures.shape[1] // 4 * 4
    lightness = _lightness(pictures)[:, :side, :side]
    window = np.outer(np.hanning(side), np.hanning(side))
    spectrum = np.fft.fft2((lightness - lightness.mean((1, 2), keepdims=True)) * window)
    amplitude = (2 * np.abs(spectrum) / window.sum()).mean(0)  # (S, S), of waves, in levels
    excess = []
    for row in range(0, side, side // 4):
        for column in range(0, side, side // 4):
            if row or column:
                around = np.roll(amplitude, (3 - row, 3 - column), (0, 1))[:7, :7]
                ring = np.concatenate([around[:1].ravel(), around[-1:].ravel(), around[:, 0], around[:, -1]])
                excess.append(around[3, 3] - ring.max())
    return float(max(excess))


def droplets(pictures: Pictures) -> float:
    """Measure how far the most conspicuous spot, a sixteenth of the side wide, sticks out of its surroundings.

    Returns:
        the median over the pictures, as a multiple of what nine in ten spots of a picture stay below.
    """
    edge = max(pictures.shape[1] // 16, 1)
    n = pictures.shape[1] // edge
    spots = pictures[:, : n * edge, : n * edge].reshape(-1, n, edge, n, edge, 3).mean((2, 4))  # (N, n, n, 3)
    padded = np.pad(spots, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    near = [padded[:, y : y + n, x : x + n] for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    sticking_out = np.abs(spots - np.median(near, 0)).max(-1).reshape(len(pictures), -1)  # (N, n n), in levels
    usual = np.quantile(sticking_out, 0.9, axis=1) + 1
    return float(np.median(sticking_out.max(1) / usual))


def contrast(outputs: Pictures, inputs: Pictures, targets: Pictures) -> float:
    """Say how much light and shade outputs have, relative to inputs, or to targets if these have less.

    Returns:
        1 for as much, near 0 for pictures that are grey all over; the median picture of each counts.
    """
    least = min(_shade(inputs), _shade(targets))
    return _shade(outputs) / least if least > _PLAIN else 1.0


def stripes(pictures: Pictures) -> float:
    """Measure stripes of colours, along rows or columns.

    Returns:
        how far the mean colour, without its lightness, of a row or column of pixels is from that of the next: the root
        mean square in levels, the median over the pictures.
    """
    colours = pictures - _lightness(pictures)[..., None]
    steps = [np.diff(colours.mean(axis), axis=1) for axis in (1, 2)]  # (N, S - 1, 3)
    return float(np.median(np.max([np.sqrt((step**2).mean((1, 2))) for step in steps], 0)))


def thumbnails(pictures: Pictures) -> Floats:
    """Shrink to 8 x 8, where shifts by a crop hardly show. (N, S, S, 3) -> (N, 192)."""
    edge = pictures.shape[1] // 8
    small = pictures[:, : 8 * edge, : 8 * edge].reshape(-1, 8, edge, 8, edge, 3).mean((2, 4))
    return np.asarray(small.reshape(len(pictures), -1))


def nearest_places(pictures: Pictures, among: Floats) -> list[int]:
    """Return which of the thumbnails `among` (M, 192) is the nearest to each of the pictures, mirrored or not."""
    return [int(place) for place in _distances(pictures, among).argmin(1)]


def nearest(pictures: Pictures, among: Floats) -> float:
    """Measure how far pictures are from the nearest of the thumbnails `among`, mirrored or not.

    Args:
        pictures: (N, S, S, 3).
        among: (M, 192).

    Returns:
        in levels, the median over the pictures.
    """
    return float(np.median(_distances(pictures, among).min(1)))


def _distances(pictures: Pictures, among: Floats) -> Floats:
    """(N, S, S, 3), (M, 192) -> (N, M), in levels: of a picture and its mirror image that which is nearer."""
    both = (thumbnails(pictures), thumbnails(pictures[:, :, ::-1]))
    either = [np.sqrt(((own[:, None] - among[None]) ** 2).mean(-1)) for own in both]
    return np.asarray(np.minimum(*either))


def _lightness(pictures: Pictures) -> Floats:
    """(N, S, S, 3) -> (N, S, S), in levels."""
    return np.asarray(pictures @ _LUMA)


def _shade(pictures: Pictures) -> float:
    """Return the standard deviation of the lightness within the median picture, in levels."""
    return float(np.median(_lightness(pictures).std((1, 2))))


def _correlation(x: Floats, y: Floats) -> float:
    if x.std() < _PLAIN or y.std() < _PLAIN:
        return 1.0
    return float(((x - x.mean()) * (y - y.mean())).mean() / (x.std() * y.std()))


def _spread(pictures: Pictures) -> float:
    """Return the root mean square distance of small pictures from their mean, in levels."""
    return float(np.sqrt(thumbnails(pictures).var(0).mean()))
