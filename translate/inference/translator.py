"""Translating one picture, or one batch of pictures of equal size."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from translate.devices import Engine, Precision, engine
from translate.errors import DeviceError, WeightsError
from translate.inference.exports import About, find_export, read_export
from translate.methods.base import Method
from translate.tensors import Pixels, enter, leave, stack


class Translator:
    """A trained model, ready to translate. Safe to use from several threads.

    Attributes:
        about: what the model says of itself.
        engine: how it is run.
    """

    def __init__(self, method: Method, about: About, engine: Engine) -> None:
        self.about = about
        self.engine = engine
        self._method = method
        # Only the shipped networks have memory: the others of the method were built without.
        nn.ModuleList(method.shipped()).to(engine.device).to(memory_format=engine.memory_format)

    @classmethod
    def load(cls, model: str | Path, device: str = "auto", precision: Precision = "auto") -> Self:
        """Load a run folder, an export file, or a name in `weights/`.

        Raises:
            WeightsError: there is no such model, or it is damaged.
            DeviceError: the device is not there.
        """
        method, about = read_export(find_export(model))
        return cls(method, about, engine(device, precision))

    def __call__(self, picture: Pixels, to: str | None = None) -> Pixels:
        """Translate one picture, (H, W, 3) RGB, to `to`; same size and type, same errors as `batch`."""
        return self.batch([picture], to)[0]

    def batch(self, pictures: Sequence[Pixels], to: str | None = None) -> list[Pixels]:
        """Translate pictures of equal size, (H, W, 3) RGB each, all uint8 or all uint16, to such pictures.

        Raises:
            SettingsError: the model does not know the domain or the attributes in `to`.
            WeightsError: the model produced values that are not finite.
            DeviceError: there is not enough memory.
            ValueError: a picture is no such array.
        """
        for picture in pictures:
            if picture.dtype not in (np.uint8, np.uint16) or picture.ndim != 3 or picture.shape[2] != 3:
                raise ValueError(
                    "A picture is an (H, W, 3) array of uint8 or uint16 in RGB;"
                    f" found {picture.shape} of {picture.dtype}."
                )
        with enough_memory():
            stacked = stack(pictures)
            y = self.tensor(enter(stacked, self.engine), self.about.choose(to))
            if not y.isfinite().all():
                raise WeightsError(
                    "The model produced values that are not finite. Try --precision fp32 or another model."
                )
            return leave(y, stacked.dtype)

    @torch.inference_mode()
    def tensor(self, x: Tensor, target: str) -> Tensor:
        """Translate (N, 3, H, W) in [-1, 1] of any size: padded by reflection as networks need, then cropped back."""
        height, width = x.shape[-2:]
        x = _pad(x, self._method.settings.multiple, self._method.settings.smallest)
        x = x.contiguous(memory_format=self.engine.memory_format)
        # On a CPU one pass for each picture is as fast, and then the result cannot depend on the others.
        passes = x.chunk(len(x)) if x.device.type == "cpu" else [x]
        with self.engine.autocast():
            y = torch.cat([self._method.translate(pictures, target) for pictures in passes])
        return y[..., :height, :width]


@contextlib.contextmanager
def enough_memory() -> Iterator[None]:
    """Turn what a full memory raises, which differs from device to device, into `DeviceError`."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        known = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not known and not any(sign in str(error) for sign in ("out of memory", "allocate memory")):
            raise
        raise DeviceError(
            "There is not enough memory to translate pictures of this size. Use a smaller --batch, or --size PX, which"
            " makes the short side PX pixels before translating."
        ) from error


def _pad(x: Tensor, multiple: int, smallest: int) -> Tensor:
    """Pad (N, C, H, W) at the right and bottom to multiples of `multiple`, at least `smallest`, by reflection."""
    for axis in (-2, -1):
        length = x.shape[axis]
        wanted = max(-(-length // multiple) * multiple, smallest)
        if wanted > length:
            # A reflection that runs to and fro also serves pictures narrower than the padding.
            there = torch.arange(wanted, device=x.device) % max(2 * length - 2, 1)
            x = x.index_select(axis, torch.where(there < length, there, 2 * length - 2 - there))
    return x
