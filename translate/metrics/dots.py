"""Coloured dots that a network puts into skies and other even places, where the photo has none."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from translate.metrics.estimates import Estimate
from translate.tensors import Pixels

AROUND = 5  # pixels: side of the window whose median is what a place would be without a dot
LEVELS = 12  # of 255, in any channel: a dot differs by more from that median
LARGEST = 5  # pixels: side of the box around a dot; what is longer is a line or a brush stroke
# A photo is flat where its medians differ by at most so many levels within a window of so many pixels, and where its
# own grain, the mean distance to these medians in the second window, is fainter than that.
EVEN, WINDOW = 15, 9
GRAIN, GRAIN_WINDOW = 3, 15


def flat_regions(photo: Pixels) -> NDArray[np.bool_]:
    """Return where (H, W) a photo (H, W, 3) is flat: a clear sky is, with some noise; grass, leaves and waves are not.

    A single dot leaves its surroundings flat, so that those of photos are counted as well.
    """
    import cv2

    median = _median(photo)
    window = np.ones((WINDOW, WINDOW), np.uint8)
    range_ = cv2.dilate(median, window) - cv2.erode(median, window)
    grain = _difference(photo, median).astype(np.float32)
    return np.asarray((range_.max(2) <= EVEN) & (cv2.blur(grain, (GRAIN_WINDOW, GRAIN_WINDOW)) <= GRAIN), np.bool_)


def count_dots(picture: Pixels, where: NDArray[np.bool_]) -> int:
    """Count the dots of a picture (H, W, 3) whose middle lies where `where` (H, W) is true.

    A dot is a connected spot, at most 5 pixels wide and high, of pixels that differ by more than 12 levels from the
    median of the 25 around each. All pixels that touch it must be like the median in its middle, else it is the end of
    a stroke or the corner of something larger.
    """
    import cv2

    median = _median(picture)
    stands_out = (_difference(picture, median) > LEVELS).astype(np.uint8)
    _, labels, boxes, middles = cv2.connectedComponentsWithStats(stands_out, connectivity=8)
    columns, rows = np.rint(middles).astype(int).T
    are_dots = (boxes[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1) <= LARGEST) & where[rows, columns]
    are_dots[0] = False  # all that does not stand out
    touched = cv2.dilate(labels.astype(np.float32), np.ones((3, 3))).astype(int)
    beside = (touched > 0) & (labels == 0)
    spots = touched[beside]  # of each pixel that touches one
    unlike = np.abs(picture[beside].astype(np.int16) - median[rows, columns][spots]).max(1) > LEVELS
    are_dots[spots[unlike]] = False
    return int(are_dots.sum())


def per_megapixel(counts: NDArray[Any], areas: NDArray[Any]) -> Estimate:
    """Estimate the dots per million flat pixels from the dots and the flat pixels of each picture, (N,) both.

    The interval is for other pictures of the kind: that of a ratio of sums, by the delta method.
    """
    rate, n = counts.sum() / areas.sum(), len(counts)
    deviation = np.sqrt(n * ((counts - rate * areas) ** 2).sum() / max(n - 1, 1)) / areas.sum()
    return Estimate.normal(1e6 * float(rate), 1e6 * float(deviation))


def _median(picture: Pixels) -> NDArray[np.uint8]:
    import cv2

    return np.asarray(cv2.medianBlur(np.ascontiguousarray(picture), AROUND), np.uint8)


def _difference(picture: Pixels, median: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Return by how many levels (H, W) a picture differs from its median, in the channel where that is most."""
    return np.asarray(np.abs(picture.astype(np.int16) - median).max(2), np.int16)
