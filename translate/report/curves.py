"""Loss curves as an SVG picture."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 760, 300  # pixels
LEFT, RIGHT, TOP, BOTTOM = 56, 150, 16, 36  # margins, pixels
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#17becf", "#bcbd22", "#7f7f7f")


def loss_curves(
    losses: Mapping[str, Sequence[tuple[int, float]]], smoothing: int = 9, level: float | None = None
) -> str:
    """Draw one line for each loss over the steps.

    Args:
        losses: (step, value) points of each loss, by step.
        smoothing: how many neighbouring values are averaged for each point; fewer where there are few.
        level: a value to draw a dashed line at.

    Returns:
        the text of an SVG file.
    """
    smooth = {name: _smooth(points, min(smoothing, 1 + len(points) // 4)) for name, points in losses.items()}
    values = [value for points in smooth.values() for _, value in points]
    last = max((step for points in smooth.values() for step, _ in points), default=0) or 1
    bottom = min([0.0, *values])  # a critic's losses may be negative
    height = max([0.0, level or 0.0, *values]) - bottom or 1.0

    def place(step: float, value: float) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - RIGHT) * step / last
        return x, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - bottom) / height

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        ' font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for part in range(5):
        value = bottom + height * part / 4
        x, y = place(last * part / 4, value)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}</text>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{last * part // 4}</text>')
    parts.append(f'<text x="{LEFT + (WIDTH - LEFT - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle">step</text>')
    if level is not None:
        _, y = place(0, level)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#222" stroke-dasharray="6 4"/>'
        )
    for number, (name, points) in enumerate(smooth.items()):
        colour = COLOURS[number % len(COLOURS)]
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        if len(points) == 1:  # a line of one point cannot be seen
            x, y = place(*points[0])
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
        parts.append(f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(
            f'<text x="{WIDTH - RIGHT + 12}" y="{TOP + 12 + 16 * number}" fill="{colour}">{escape(name)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _smooth(points: Sequence[tuple[int, float]], width: int) -> list[tuple[int, float]]:
    windows = (points[max(0, i - width // 2) : i + width // 2 + 1] for i in range(len(points)))
    means = (sum(value for _, value in window) / len(window) for window in windows)
    return [(step, mean) for (step, _), mean in zip(points, means, strict=True)]
