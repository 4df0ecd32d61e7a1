"""Steadying films: what a network changed in one frame is carried along the motion into the next.

A network that sees frames one by one paints each anew, so that dots and strokes jump about where nothing moved. Here
the change that it made, output minus input, of the frame before is moved along the optical flow from there (Kroeger,
Timofte, Dai and Van Gool 2016, arXiv:1603.03590) and mixed with that of this frame:

    c_t = (1 - w) (y_t - x_t) + w warp(c_t-1)        w = weight exp(-(e / TOLERANCE)^2)

e is the mean difference of the colours between this frame and the one before, moved in the same way: where the flow is
wrong, or something comes into view, a frame is its own. The noise of the film itself flickers, too, so the input is
carried along in the same way, but with less tolerance, and moved with cubic interpolation, so that it keeps its detail:

    b_t = (1 - v) x_t + v warp(b_t-1)                v = weight exp(-(e / NOISE)^2)

What is seen is b_t + c_t.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from translate.errors import SettingsError
from translate.images import Array, to_depth
from translate.tensors import Pixels, as_pixels, as_tensor

WEIGHT = 0.8  # by default: of what was before, in what is seen
TOLERANCE = 12.0  # levels of 255: where frames differ by more, little is taken of the change before
NOISE = 8.0  # levels of 255: and of the input before
CUT = 0.4  # mean of w / weight: below, this frame shows something else
SMALLEST = 16  # pixels: in narrower frames no flow is looked for


@dataclass(frozen=True)
class Trace:
    """What is known of the frame before.

    Attributes:
        seen: (h, w, 3) of uint8 or uint16, what the network saw.
        base: (h, w, 3) of float32 in the same levels, that without its noise.
        change: the same of what became of it minus that.
    """

    seen: Pixels
    base: Array
    change: Array


class Steady:
    """What makes the frames of one film or animation steady; they are given one after the other.

    Attributes:
        weight: how much of a frame is taken from the one before where nothing speaks against it: 0 for none, below 1.
        trace: what is known of the frame before; None: this is the first.
        trust: the mean of w / weight in the last frame, which is low after a cut.

    Raises:
        SettingsError: the weight is out of its range.
    """

    def __init__(self, weight: float = WEIGHT, trace: Trace | None = None) -> None:
        check_weight(weight)
        self.weight, self.trace, self.trust = weight, trace, 0.0

    def __call__(self, small: Tensor, output: Tensor) -> Tensor:
        """Return the steadied output of the next frame.

        Args:
            small: (1, 3, h, w) of uint8 or uint16, what the network saw; all frames have one size.
            output: what it made of it.
        """
        if not self.weight:
            return output
        import cv2  # which takes time, and few conversions are of films

        seen, made, before = as_pixels(small), as_pixels(output), self.trace
        change: Any = cv2.subtract(made, seen, dtype=cv2.CV_32F)
        now = Trace(seen, seen.astype(np.float32), change)
        if before is None or before.seen.shape != seen.shape:
            self.trace = now
            return output
        self.trace = self._carried(before, now)
        kind = cv2.CV_8U if seen.dtype == np.uint8 else cv2.CV_16U
        return as_tensor(np.asarray(cv2.add(self.trace.base, self.trace.change, dtype=kind)))

    def _carried(self, before: Trace, now: Trace) -> Trace:
        import cv2

        seen = now.seen
        x, y = self._places(_grey(seen), _grey(before.seen))
        height, width = seen.shape[:2]
        inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)

        def moved(old: Array | Pixels, interpolation: int = cv2.INTER_LINEAR) -> Any:
            return cv2.remap(old, x, y, interpolation, borderMode=cv2.BORDER_REPLICATE)

        scale = np.full((1, 3), 255 / (3 * np.iinfo(seen.dtype).max), np.float32)
        error: Any = cv2.transform(cv2.absdiff(seen, moved(before.seen)).astype(np.float32), scale)  # e
        same, alike = (cv2.exp(-((error / levels) ** 2)) * inside for levels in (NOISE, TOLERANCE))
        self.trust = float(alike.mean())
        if self.trust < CUT:
            return now
        base = _mixed(now.base, moved(before.base, cv2.INTER_CUBIC), self.weight * same)
        return Trace(seen, base, _mixed(now.change, moved(before.change), self.weight * alike))

    @staticmethod
    def _places(seen: Pixels, before: Pixels) -> tuple[Pixels, Pixels]:
        """Return in which column and row of the frame before each pixel of a grey frame was, (h, w) of float32 each."""
        height, width = seen.shape
        columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        if min(height, width) >= SMALLEST:
            import cv2

            # A new one each time: at some sizes the borders depend on what it has seen before.
            method: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
            flow = method.calc(seen, before, None)
            columns += flow[..., 0]
            rows += flow[..., 1]
        return columns, rows


def _mixed(new: Array, old: Any, share: Any) -> Array:
    """Return (1 - share) new + share old, in the place of `old`: (h, w, 3) each, and (h, w)."""
    old -= new
    old *= share[..., None]
    old += new
    return np.asarray(old)


def check_weight(weight: float) -> None:
    """Raise `SettingsError` where the weight of a frame before is none."""
    if not 0 <= weight < 1:
        raise SettingsError(f"--steady is 0, frame by frame, or more, and below 1; found {weight}.")


def _grey(frame: Pixels) -> Pixels:
    import cv2

    return np.asarray(cv2.cvtColor(to_depth(frame, 8), cv2.COLOR_RGB2GRAY))
