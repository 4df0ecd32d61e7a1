"""Pictures that are larger than memory as a whole: in strips, or where networks cannot be run so, in tiles."""

from functools import partial

import torch
from torch import Tensor

from translate.devices import Engine
from translate.errors import OutOfMemory
from translate.inference import strips, tiles
from translate.inference.checks import check_finite
from translate.inference.fallback import MemoryBudget
from translate.inference.rewriting import Rewriting
from translate.inference.sizes import padded
from translate.methods.base import Translation
from translate.tensors import enter, levels


def translate_in_parts(
    method: Translation,
    x: Tensor,
    target: str,
    budget: MemoryBudget,
    network: tiles.Network | None,
    rewriting: Rewriting,
) -> Tensor:
    """Translate pictures one after the other, each in parts.

    Args:
        method: the model.
        x: (N, 3, H, W), floats in [-1, 1], or uint8 or uint16, of which only parts become floats.
        target: as for `Translation.translate`.
        budget: how networks are run, and what they may take.
        network: translates a tile, where networks cannot be run in strips; None: tiles are not allowed.
        rewriting: finds cheaper layers.

    Returns:
        the same shape and kind.

    Raises:
        OutOfMemory: networks cannot be run in strips, and tiles are not allowed; or as `strips.translate`.
        OutputError: as `strips.translate`.
        WeightsError: the model produced values that are not finite.
    """
    height, width = x.shape[-2:]
    multiple = method.settings.multiple
    x = padded(x, multiple, method.settings.smallest)
    y, size = torch.empty_like(x), (x.shape[2], x.shape[3])
    for picture, result in zip(torch.split(x, 1), torch.split(y, 1), strict=True):
        read, write = partial(_read, picture, budget.engine), partial(_write, result)
        with budget.engine.autocast():
            layers = method.layers(partial(read, 0, x.shape[2]), target)
        if layers is not None:
            strips.translate(rewriting(layers, budget.engine), read, size, write, budget.engine, budget.memory)
        elif network is not None:
            side = tiles.side_of(budget.memory // budget.needed(1), multiple)
            tiles.translate(read, size, write, side, network)
        else:
            raise OutOfMemory(
                f"A picture of {width} x {height} pixels needs more memory than there is or --memory allows, and this"
                " model cannot be run strip by strip. Use --size PX, more --memory, or --tile-approx, which translates"
                " tiles apart: they may differ in colour."
            )
    return y[..., :height, :width]


def _read(picture: Tensor, engine: Engine, top: int, bottom: int) -> Tensor:
    return enter(picture[:, :, top:bottom], engine)


def _write(result: Tensor, top: int, rows: Tensor) -> None:
    check_finite(rows)
    result[:, :, top : top + rows.shape[2]] = rows if result.is_floating_point() else levels(rows, result.dtype)
