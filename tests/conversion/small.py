"""A tiny translator, and what tests of converting folders write, convert and look at."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from translate import images
from translate.conversion.job import Job
from translate.conversion.pipeline import Result
from translate.conversion.settings import ConversionSettings
from translate.devices import engine
from translate.inference.translator import Translator
from translate.methods.cyclegan import Settings
from translate.models.about import About
from translate.models.exports import write_export
from translate.networks.discriminators import PatchGAN
from translate.networks.generators import Resnet

TINY = Settings(generator=Resnet(width=2, blocks=1), discriminator=PatchGAN(width=2, layers=1), init_gain=0.5)
ABOUT = About(method=TINY.model_dump(), domains=["horse", "zebra"], target="zebra", size=16, steps=1, planned=1)


def made() -> Translator:
    torch.manual_seed(0)
    method = TINY.build(ABOUT.domains, ABOUT.size).eval().requires_grad_(False)
    return Translator(method, ABOUT, engine("cpu", "fp32"))


TRANSLATOR = made()


def export(file: Path, domains: Sequence[str] = ("horse", "zebra")) -> Path:
    """Write a model that has learned nothing, and translates to the second domain."""
    torch.manual_seed(0)
    about = About(method=TINY.model_dump(), domains=list(domains), target=domains[1], size=16, steps=1, planned=1)
    write_export(file, nn.ModuleList(TINY.build(about.domains, about.size).averaged()), about)
    return file


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def put(path: Path, pixels: NDArray[Any] | None = None) -> Path:
    """Write a picture, 9 x 7 pixels of noise unless others are given."""
    images.write_pixels(noise(9, 7) if pixels is None else pixels, path)
    return path


def rgb(path: Path) -> NDArray[np.uint8]:
    return images.read(path).rgb


def below(folder: Path) -> list[str]:
    """List the files that a user sees."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if not name.startswith("."))


def run(inputs: Sequence[str | Path], out: Path, **options: Any) -> dict[str, Result]:
    """Convert pictures; return the results by the name of their source."""
    job = Job(ABOUT, tuple(inputs), out, settings=ConversionSettings(**options))
    return {result.source.name: result for result in job.run(TRANSLATOR)}
