"""One picture as bytes."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch

from translate import images
from translate.conversion.settings import ConversionSettings
from translate.conversion.single import translate_bytes
from translate.devices import engine
from translate.errors import ImageDecodeError, SettingsError
from translate.images import Encoding, Limits, Picture
from translate.inference.translator import Translator
from translate.methods.cyclegan import Settings
from translate.models.about import About
from translate.networks.discriminators import PatchGAN
from translate.networks.resnet import Resnet

TINY = Settings(generator=Resnet(width=2, blocks=1), discriminator=PatchGAN(width=2, layers=1), init_gain=0.5)
ABOUT = About(method=TINY.model_dump(), domains=["horse", "zebra"], target="zebra", size=16, steps=1, planned=1)
PIXELS = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def translator() -> Translator:
    torch.manual_seed(0)
    return Translator(TINY.build(ABOUT.domains, 16).eval().requires_grad_(False), ABOUT, engine("cpu", "fp32"))


def encoded(format: str, pixels: np.ndarray = PIXELS) -> bytes:
    return images.encode(Picture(pixels, None, ""), Encoding(format))


def test_the_format_is_kept_where_it_can_be(translator: Translator) -> None:
    for format, asked, depth, expected in (
        ("WEBP", None, 8, "WEBP"), ("PNG", None, 8, "PNG"), ("PNG", "JPEG", 8, "JPEG"), ("PPM", None, 16, "PNG"),
    ):  # fmt: skip
        settings = ConversionSettings(encoding=Encoding(asked, depth=depth))  # type: ignore[arg-type]
        result, notes = translate_bytes(translator, encoded(format), settings=settings)
        assert (images.read(result).format, notes) == (expected, ())


def test_bytes_streams_and_files_become_the_same(translator: Translator, tmp_path: Path) -> None:
    content = encoded("PNG")
    (tmp_path / "a.png").write_bytes(content)
    expected = translator(PIXELS, "horse", size=5)
    for source in (content, io.BytesIO(content), tmp_path / "a.png"):
        result, _ = translate_bytes(translator, source, "horse", ConversionSettings(size=5))
        assert np.array_equal(images.read(result).rgb, expected)


def test_a_mask_says_where(translator: Translator, tmp_path: Path) -> None:
    mask = np.zeros_like(PIXELS)
    mask[:, 3:] = 255
    images.write_pixels(mask, tmp_path / "mask.png")
    result, _ = translate_bytes(translator, encoded("PNG"), settings=ConversionSettings(mask=tmp_path / "mask.png"))
    assert np.array_equal(images.read(result).rgb[:, :3], PIXELS[:, :3])
    assert not np.array_equal(images.read(result).rgb[:, 3:], PIXELS[:, 3:])


def test_what_is_no_picture_or_too_large_or_not_known_is_refused(translator: Translator) -> None:
    with pytest.raises(ImageDecodeError):
        translate_bytes(translator, b"no picture")
    with pytest.raises(ImageDecodeError, match="too many pixels"):
        translate_bytes(translator, encoded("PNG"), settings=ConversionSettings(limits=Limits(pixels=62)))
    with pytest.raises(SettingsError, match="no domain 'cow'"):
        translate_bytes(translator, encoded("PNG"), "cow")
