"""What is seen of an exercise: the densities, the discriminator and the arrows of the paper's figure 1, or points."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from translate import images
from translate.exercises.points import Mixture, Points
from translate.exercises.training import State
from translate.images import Canvas
from translate.tensors import Pixels

WIDE, HIGH = 480, 320  # pixels of a figure
SHOWN = 2000  # points that are drawn of each state
ARROWS = 21
BLACK, GREEN, BLUE, GREY = (0, 0, 0), (30, 140, 60), (40, 80, 200), (170, 170, 170)
SMOOTH = 0.08  # of the kernel of the density, as a share of what is shown


def figure(state: State, mixture: Mixture) -> Pixels:
    """Draw a state, (HIGH, WIDE, 3) uint8 on a line, (WIDE, WIDE, 3) in the plane."""
    return _on_a_line(state, mixture) if mixture.dimensions == 1 else _in_the_plane(state, mixture)


def _on_a_line(state: State, mixture: Mixture) -> Pixels:
    canvas = Canvas(WIDE, HIGH)
    low, high = mixture.middle - mixture.reach, mixture.middle + mixture.reach
    x = np.linspace(low, high, 241)
    drawn = state.drawn(SHOWN, 1)[:, 0]
    true = np.exp(-0.5 * ((x - mixture.centres[0][0]) / mixture.sigma) ** 2) / (mixture.sigma * np.sqrt(2 * np.pi))
    made = _density(drawn, x, SMOOTH)
    top, floor, bottom = 40, 200, 296  # of the densities, of the data, of the noise
    scale = (floor - top) / 1.6

    def across(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(12 + (values - low) / (high - low) * (WIDE - 24))

    def curve(heights: NDArray[np.float64]) -> list[tuple[float, float]]:
        return [(float(u), float(floor - min(h, 1.6) * scale)) for u, h in zip(across(x), heights, strict=True)]

    with torch.no_grad():
        D = torch.sigmoid(state.D(torch.from_numpy(x).float()[:, None]))[:, 0].double().numpy()
        z = torch.linspace(-1, 1, ARROWS)[:, None]
        ends = state.G(z)[:, 0].double().numpy()
    canvas.line(curve(D), BLUE, dotted=True)
    canvas.line(curve(true), BLACK, dotted=True)
    canvas.line(curve(made), GREEN, 2.0)
    for level in (floor, bottom):
        canvas.line([(12.0, float(level)), (WIDE - 12.0, float(level))], BLACK, 1.0)
    starts = np.linspace(12, WIDE - 12, ARROWS)
    for start, end in zip(starts, across(np.clip(ends, low, high)), strict=True):
        canvas.arrow((float(start), float(bottom)), (float(end), float(floor)), GREY)
    canvas.text((12, 4), f"step {state.step}", BLACK)
    for left, colour, words in ((110, BLACK, "data"), (170, GREEN, "drawn"), (240, BLUE, "D, from 0 to 1")):
        canvas.text((left, 4), words, colour)
    canvas.text((12, floor + 2), "x", BLACK)
    canvas.text((12, bottom + 2), "z", BLACK)
    return canvas.pixels()


def _in_the_plane(state: State, mixture: Mixture) -> Pixels:
    canvas = Canvas(WIDE, WIDE)

    def places(points: Points) -> list[tuple[float, float]]:
        inside = points[(np.abs(points - mixture.middle) < mixture.reach).all(1)]
        scaled = (inside - mixture.middle + mixture.reach) / (2 * mixture.reach) * WIDE
        return [(float(u), float(WIDE - v)) for u, v in scaled]

    canvas.dots(places(mixture.draw(SHOWN, torch.Generator().manual_seed(2)).double().numpy()), GREY)
    canvas.dots(places(state.drawn(SHOWN, 2)), GREEN, 1.2)
    canvas.text((12, 4), f"step {state.step}", BLACK)
    canvas.text((110, 4), "data", GREY)
    canvas.text((170, 4), "drawn", GREEN)
    return canvas.pixels()


def strip(frames: Sequence[Pixels], count: int = 4) -> Pixels:
    """Put some figures of the whole way side by side."""
    chosen = [frames[k * (len(frames) - 1) // (count - 1)] for k in range(count)]
    return images.sheet([chosen])


def _density(points: NDArray[np.float64], x: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Estimate the density of points at `x` with a normal kernel."""
    apart = (x[:, None] - points[None]) / width
    return np.asarray(np.exp(-0.5 * apart**2).mean(1) / (width * np.sqrt(2 * np.pi)))
