"""Loss curves as an SVG picture."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 760, 300  # pixels
LEFT, RIGHT, TOP, BOTTOM = 56, 150, 16, 36  # margins, pixels
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#17becf", "#bcbd22", "#7f7f7f")


def loss_curves(steps: Sequence[int], losses: Mapping[str, Sequence[float]], smoothing: int = 9) -> str:
    """Draw one line for each loss over the steps.

    Args:
        steps: where the losses were logged.
        losses: values of each loss at these steps.
        smoothing: how many neighbouring values are averaged for each point.

    Returns:
        the text of an SVG file.
    """
    smooth = {name: _smooth(values, smoothing) for name, values in losses.items()}
    last = max(steps, default=1) or 1
    top = max((value for values in smooth.values() for value in values), default=1.0) or 1.0

    def place(step: float, value: float) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - RIGHT) * step / last
        return x, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        ' font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for part in range(5):
        x, y = place(last * part / 4, top * part / 4)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{top * part / 4:.3g}</text>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{last * part // 4}</text>')
    parts.append(f'<text x="{LEFT + (WIDTH - LEFT - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle">step</text>')
    for number, (name, values) in enumerate(smooth.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(s, v) for s, v in zip(steps, values, strict=True)))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(
            f'<text x="{WIDTH - RIGHT + 12}" y="{TOP + 12 + 16 * number}" fill="{colour}">{escape(name)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _smooth(values: Sequence[float], width: int) -> list[float]:
    windows = (values[max(0, i - width // 2) : i + width // 2 + 1] for i in range(len(values)))
    return [sum(window) / len(window) for window in windows]
