"""Paints a meadow under hills and a sky with clouds, from numbers alone.

The picture is the unit square, x to the right and y down, so a landscape looks the same at every size.
"""

import numpy as np

from translate.toys.painting import TURN, Parameters, Picture, Plane, Ranges, edge, lay, mix, places

CLOUDS, BUSHES = (1, 2, 3), (1, 2, 3, 4)
LEAVES = np.array((0.8, 1.0, 0.8), np.float32)  # a bush against its meadow

LAND: Ranges = {  # lengths in picture widths, the rest are shares between two looks
    "sky": (0.0, 1.0),
    "haze": (0.0, 1.0),
    "horizon": (0.42, 0.56),
    "hill_height": (0.05, 0.16),
    "hill_phase": (0.0, 1.0),
    "ridge_height": (0.03, 0.09),
    "ridge_phase": (0.0, 1.0),
    "meadow": (0.0, 1.0),  # fresh .. dry
    "patches": (0.0, 1.0),
}
for k in CLOUDS:
    LAND |= {f"cloud_{k}_x": (0.0, 1.0), f"cloud_{k}_y": (0.05, 0.3), f"cloud_{k}_size": (0.0, 0.09)}
for k in BUSHES:
    LAND |= {f"bush_{k}_x": (0.0, 1.0), f"bush_{k}_y": (0.0, 0.06), f"bush_{k}_size": (0.015, 0.06)}


def paint_landscape(parameters: Parameters, size: int) -> Picture:
    """Paint the landscape (size, size, 3) in 0..1 that `parameters`, the names of `LAND`, describe."""
    p, (x, y) = parameters, places(size)
    meadow = mix((0.36, 0.60, 0.25), (0.68, 0.64, 0.33), p["meadow"])
    picture = _sky(p, x, y)
    for k in CLOUDS:
        _cloud(picture, p[f"cloud_{k}_x"], p[f"cloud_{k}_y"], p[f"cloud_{k}_size"], x, y)
    far = mix((0.42, 0.56, 0.62), (0.55, 0.60, 0.60), p["haze"])
    for name, haze, waves in (("hill", 0.55, 1.0), ("ridge", 0.25, 1.7)):
        phase = p[f"{name}_phase"]
        wave = 0.6 + 0.4 * np.sin(TURN * (waves * x + phase)) + 0.15 * np.sin(TURN * (2.6 * waves * x + 2 * phase))
        line = p["horizon"] - p[f"{name}_height"] * wave
        lay(picture, edge(line - y, 1 / size), (1 - haze) * 0.8 * meadow + haze * far)
    _meadow(picture, p, meadow, x, y)
    for k in BUSHES:
        foot = p["horizon"] + p[f"bush_{k}_y"]
        _bush(picture, p[f"bush_{k}_size"], meadow, x - p[f"bush_{k}_x"], foot - y)
    return picture


def _sky(p: Parameters, x: Plane, y: Plane) -> Picture:
    zenith = mix((0.30, 0.52, 0.85), (0.46, 0.68, 0.92), p["sky"])
    rim = mix((0.80, 0.88, 0.94), (0.95, 0.88, 0.78), p["haze"])
    height = np.clip(y / p["horizon"], 0.0, 1.0)[..., None] ** 1.3
    return np.repeat((zenith + height * (rim - zenith)).astype(np.float32), x.shape[1], axis=1)


def _cloud(picture: Picture, middle: float, height: float, size: float, x: Plane, y: Plane) -> None:
    puffs = [
        ((x - middle - size * dx) ** 2 + 4 * (y - height - size * dy) ** 2) / (size * radius + 1e-3) ** 2
        for dx, dy, radius in ((-1.1, 0.08, 0.7), (0.0, 0.0, 1.0), (1.0, 0.1, 0.65))
    ]
    lay(picture, 0.75 * np.exp(-(np.minimum.reduce(puffs) ** 2)), np.array((0.98, 0.98, 0.99), np.float32))


def _meadow(picture: Picture, p: Parameters, meadow: Plane, x: Plane, y: Plane) -> None:
    depth = np.clip((y - p["horizon"]) / (1 - p["horizon"]), 0.0, 1.0)  # 0 at the horizon, 1 at the lower edge
    rows = 26.0 * np.log(0.15 + depth)  # the same patch looks flatter farther away
    patch = np.sin(7.0 * x + 0.35 * rows + TURN * p["patches"]) * np.sin(11.0 * x - 0.6 * rows + 20.0 * p["patches"])
    ground = meadow * (1.05 - 0.25 * depth + 0.06 * patch)[..., None]
    lay(picture, edge(p["horizon"] - y, 1 / picture.shape[0]), ground)


def _bush(picture: Picture, size: float, meadow: Plane, across: Plane, up: Plane) -> None:
    """Paint three circles cut off at the ground; `across` and `up` are measured from the bush's foot."""
    circles = ((0.0, 0.6, 1.0), (0.9, 0.35, 0.7), (-0.85, 0.4, 0.75))
    leaves = np.minimum.reduce([np.hypot(across - size * dx, up - size * dy) - size * r for dx, dy, r in circles])
    colour = meadow * LEAVES * (0.55 + 0.25 * np.clip(up / (1.6 * size), 0.0, 1.0))[..., None]
    lay(picture, edge(np.maximum(leaves, -up), 1 / picture.shape[0]), colour)
