"""Drawing pictures from noise with a trained model.

Picture i of seed s is drawn from row i of the noise of that seed, and always in the same company: networks are given
whole groups of 16 rows. So it is the same to the bit whatever the count, and whatever else is drawn.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from translate.devices import Engine, Precision, engine
from translate.inference.checks import check_finite
from translate.memory import enough_memory
from translate.methods.generation import Generation
from translate.models.about import About
from translate.models.exports import read_about, read_generation
from translate.models.finding import find_export
from translate.tensors import Pixels, enter, leave, stack

GROUP = 16  # pictures that are drawn together
TOO_LARGE = "There is not enough memory to draw 16 pictures at once. Use another --device."


def noise(seed: int, numbers: Sequence[int], latent: int) -> Tensor:
    """Return the rows of the noise of a seed, (len(numbers), latent), from N(0, 1)."""
    rows = [np.random.default_rng([seed, number]).standard_normal(latent) for number in numbers]
    return torch.from_numpy(np.stack(rows).astype(np.float32))


class Sampler:
    """A trained model, ready to draw.

    Attributes:
        method: the model itself.
        about: what the model says of itself.
        engine: how it is run.
        learning: whether the model is still in training. Then values that are not finite are shown as black instead
            of being refused.
    """

    def __init__(self, method: Generation, about: About, engine: Engine, learning: bool = False) -> None:
        self.method, self.about, self.engine, self.learning = method, about, engine, learning
        engine.ready(method.averaged())

    @classmethod
    def load(cls, model: str | Path, device: str = "auto", precision: Precision = "auto") -> Self:
        """Load a model.

        Args:
            model: a run folder, an export file, or a name in `weights/`.
            device: see `devices.engine`.
            precision: see `devices.engine`.

        Raises:
            WeightsError: there is no such model, or it is damaged.
            SettingsError: it translates pictures.
            DeviceError: the device is not there.
        """
        path = find_export(model)
        read_about(path).drawing(model)
        method, about = read_generation(path)
        return cls(method, about, engine(device, precision))

    def __repr__(self) -> str:
        """Name the model, and how it runs."""
        return f"<Sampler {self.about.method.get('name')} of {', '.join(self.about.domains)}; running on {self.engine}>"

    def __call__(self, count: int, seed: int = 0, label: str | None = None) -> Iterator[Pixels]:
        """Draw the first pictures of a seed, (S, S, 3) uint8 each.

        Args:
            count: how many.
            seed: of their noise.
            label: what to draw; by default a model that is told draws its labels in turns.

        Raises:
            SettingsError: the model has no such label.
            WeightsError: the model produced values that are not finite.
            OutOfMemory: there is not enough memory.
        """
        wanted = self.about.label(label)
        for start in range(0, count, GROUP):
            numbers = range(start, start + GROUP)
            pictures = self.of_noise(
                noise(seed, numbers, self.method.latent), [self._label(n, wanted) for n in numbers]
            )
            yield from pictures[: count - start]

    def of_noise(self, z: Tensor, labels: Sequence[int]) -> list[Pixels]:
        """Draw a picture (S, S, 3) uint8 from each row of noise (N, latent), of the label with that number."""
        pictures: list[Pixels] = []
        for start in range(0, len(z), GROUP):
            group, of = z[start : start + GROUP], labels[start : start + GROUP]
            missing = GROUP - len(group)
            whole = torch.cat([group, group.new_zeros(missing, group.shape[1])])
            with enough_memory(TOO_LARGE):
                pictures += leave(self._drawn(whole, [*of, *[0] * missing]))[: len(group)]
        return pictures

    def between(self, first: int, second: int, frames: int, label: str | None = None) -> list[Pixels]:
        """Draw the way from picture 0 of one seed to picture 0 of another, on a great circle, ends included."""
        start, end = (noise(seed, [0], self.method.latent)[0] for seed in (first, second))
        z = torch.stack([spherical(start, end, step / (frames - 1)) for step in range(frames)])
        return self.of_noise(z, [self.about.label(label) or 0] * frames)

    @torch.inference_mode()
    def read(self, pictures: Sequence[Pixels]) -> list[int] | None:
        """Return the number of the label that is read in each picture (S, S, 3) uint8; None if the model reads none."""
        with self.engine.autocast():
            logits = self.method.classify(enter(stack(pictures), self.engine))
        return None if logits is None else [int(label) for label in logits.argmax(1)]

    def _label(self, number: int, wanted: int | None) -> int:
        return wanted if wanted is not None else number % max(self.method.labels, 1)

    @torch.inference_mode()
    def _drawn(self, z: Tensor, labels: Sequence[int]) -> Tensor:
        """(N, latent) and N numbers of labels -> (N, 3, S, S) in [-1, 1]."""
        one_hot = None
        if self.method.labels:
            one_hot = torch.eye(self.method.labels, device=self.engine.device)[list(labels)]
        with self.engine.autocast():
            y = self.method.sample(z.to(self.engine.device), one_hot).float()
        if self.learning:
            y = y.nan_to_num(-1.0, 1.0, -1.0)
        check_finite(y)
        return y


def spherical(a: Tensor, b: Tensor, t: float) -> Tensor:
    """Return what lies at `t` of the way from `a` to `b`, (latent,) each, along a great circle (Shoemake 1985)."""
    cosine = float(torch.nn.functional.cosine_similarity(a, b, dim=0).clamp(-1, 1))
    angle = math.acos(cosine)
    if math.sin(angle) < 1e-6:  # they point the same way, or opposite ways
        return torch.lerp(a, b, t)
    return (math.sin((1 - t) * angle) * a + math.sin(t * angle) * b) / math.sin(angle)
