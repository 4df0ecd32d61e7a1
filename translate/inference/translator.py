"""Translating one picture, or one batch of pictures of equal size."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from translate.devices import Engine, Precision, engine
from translate.errors import SettingsError
from translate.inference.exports import About, find_export, read_export
from translate.methods.base import Method
from translate.settings import nearest
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
        # Only the generators have memory: the other networks of the method were built without.
        nn.ModuleList(method.players()["G"]).to(engine.device, memory_format=engine.memory_format)

    @classmethod
    def load(cls, model: str | Path, device: str = "auto", precision: Precision = "auto") -> Self:
        """Load a run folder, an export file, or a name in `weights/`.

        Raises:
            WeightsError: there is no such model, or it is damaged.
            DeviceError: the device is not there.
        """
        method, about = read_export(find_export(model))
        return cls(method, about, engine(device, precision))

    def target(self, to: str | None = None) -> str:
        """Return the domain called `to`, or the default one.

        Raises:
            SettingsError: the model does not know the domain.
        """
        known = self.about.domains
        if to is not None and to not in known:
            raise SettingsError(f"The model has no domain {to!r}.{nearest(to, known)} It knows {', '.join(known)}.")
        return to or self.about.target

    def __call__(self, picture: Pixels, to: str | None = None) -> Pixels:
        """Translate one picture, (H, W, 3) uint8 RGB, to domain `to`; the result has the same size."""
        return self.batch([picture], to)[0]

    def batch(self, pictures: Sequence[Pixels], to: str | None = None) -> list[Pixels]:
        """Translate pictures of equal size, (H, W, 3) uint8 RGB each, in one pass."""
        return leave(self.tensor(enter(stack(pictures), self.engine), self.target(to)))

    @torch.inference_mode()
    def tensor(self, x: Tensor, target: str) -> Tensor:
        """Translate (N, 3, H, W) in [-1, 1] of any size: padded by reflection to what the network takes, and cropped back."""
        height, width = x.shape[-2:]
        with self.engine.autocast():
            y = self._method.translate(_pad(x, self._method.settings.multiple, self._method.settings.smallest), target)
        return y[..., :height, :width]


def _pad(x: Tensor, multiple: int, smallest: int) -> Tensor:
    """Pad (N, C, H, W) at the right and bottom to multiples of `multiple`, at least `smallest`, by reflection."""
    for axis in (-2, -1):
        length = x.shape[axis]
        wanted = max(-(-length // multiple) * multiple, smallest)
        # A reflection that runs to and fro also serves pictures narrower than the padding.
        there = torch.arange(wanted, device=x.device) % max(2 * length - 2, 1)
        x = x.index_select(axis, torch.where(there < length, there, 2 * length - 2 - there))
    return x.contiguous(memory_format=torch.channels_last if x.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format)
