"""What holds for pictures of every size, format and depth on their way through a conversion.

A few of them are drawn in the suite, 1,000 with `pytest -m slow tests/conversion/test_properties.py`.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from translate import images
from translate.conversion.job import Job
from translate.conversion.settings import ConversionSettings
from translate.devices import engine
from translate.images import Encoding, Picture
from translate.images.formats import FORMATS
from translate.inference.translator import Translator
from translate.methods.cyclegan import Settings
from translate.models.about import About
from translate.networks.discriminators import PatchGAN
from translate.networks.resnet import Resnet

TINY = Settings(generator=Resnet(width=2, blocks=1), discriminator=PatchGAN(width=2, layers=1), init_gain=0.5)
ABOUT = About(method=TINY.model_dump(), domains=["a", "b"], target="b", size=16, steps=1, planned=1)
SIZES = st.integers(1, 600)
EXACT = ("PNG", "TIFF", "WEBP", "AVIF")  # in alpha


def made() -> Translator:
    torch.manual_seed(0)
    return Translator(TINY.build(ABOUT.domains, 16).eval().requires_grad_(False), ABOUT, engine("cpu", "fp32"))


TRANSLATOR = made()


@pytest.mark.parametrize("count", [8, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])], ids=str)
@pytest.mark.fault("I-13", "I-16")
def test_any_picture_becomes_one_of_its_size_with_its_alpha(count: int, coarse_noise: Any) -> None:
    @settings(max_examples=count, deadline=None, derandomize=True)
    @given(
        format=st.sampled_from(sorted(FORMATS)),
        height=SIZES,
        width=SIZES,
        alpha=st.booleans(),
        depth=st.sampled_from([8, 16]),
        frames=st.integers(1, 2),
        size=st.sampled_from(["auto", 1, 100]),
    )
    @example(format="PNG", height=1, width=1, alpha=True, depth=16, frames=1, size="auto")
    @example(format="GIF", height=1, width=600, alpha=True, depth=8, frames=2, size=1)
    def holds(format: str, height: int, width: int, alpha: bool, depth: Any, frames: int, size: Any) -> None:
        depth = depth if FORMATS[format].deep else 8
        rgba = coarse_noise(height, width, depth)
        picture = Picture(rgba[..., :3], rgba[..., 3] if alpha else None, "", shown_ms=50)
        flipped = Picture(picture.rgb[::-1], picture.alpha, "", shown_ms=50)
        with tempfile.TemporaryDirectory() as name:
            source, encoding = Path(name, f"a{FORMATS[format].suffix}"), Encoding(depth=depth)
            images.write([picture, flipped][:frames], source, encoding)
            before = images.read_frames(source, depth=depth)
            how = ConversionSettings(size=size, encoding=encoding)
            (result,) = Job(ABOUT, (source,), Path(name, "out"), settings=how).run(TRANSLATOR)
            assert (result.status, result.size) == ("done", (height, width)), result.reason
            assert result.output is not None
            after = images.read_frames(result.output, depth=depth)
        assert len(after) <= len(before)  # equal neighbours are one
        for one, other in zip(before, after, strict=False):
            assert (other.rgb.shape, other.rgb.dtype) == (one.rgb.shape, f"uint{depth}")
            if after[0].format in EXACT and len(after) == len(before):
                opaque = np.full((height, width), np.iinfo(one.rgb.dtype).max, one.rgb.dtype)
                alphas = [opaque if each.alpha is None else each.alpha for each in (one, other)]
                assert np.array_equal(*alphas)

    holds()
