"""`translate.Translator.folder`: the same from Python as `translate apply`."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from translate import Translator, images
from translate.errors import SettingsError
from translate.images import Encoding
from translate.inference.blending import Blending
from translate.methods.cyclegan import Settings
from translate.models.about import About
from translate.models.exports import write_export
from translate.networks.discriminators import PatchGAN
from translate.networks.resnet import Resnet

TINY = Settings(generator=Resnet(width=2, blocks=1), discriminator=PatchGAN(width=2, layers=1), init_gain=0.5)
ABOUT = About(method=TINY.model_dump(), domains=["horse", "zebra"], target="zebra", size=16, steps=1, planned=1)


@pytest.fixture
def translator(tmp_path: Path) -> Translator:
    torch.manual_seed(0)
    write_export(tmp_path / "m.safetensors", nn.ModuleList(TINY.build(ABOUT.domains, ABOUT.size).averaged()), ABOUT)
    return Translator.load(tmp_path / "m.safetensors", device="cpu")


def below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def test_a_folder_is_converted_and_what_is_there_is_skipped(tmp_path: Path, translator: Translator) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (70, 50, 3), dtype=np.uint8)
    images.write_pixels(pixels, tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.png").write_text("no picture")
    results = list(translator.folder(tmp_path / "in", tmp_path / "out", "horse", size=20, compare="split"))
    assert below(tmp_path / "out") == [".translate.jsonl", "a.compare.png", "a.png"]
    assert [result.status for result in results] == ["done", "failed"]
    expected = translator(pixels, "horse", size=20)
    assert np.array_equal(images.read(tmp_path / "out" / "a.png").rgb, expected)
    again = translator.folder([results[0].word], str(tmp_path / "out"), "horse", size=20)
    assert [result.status for result in again] == ["skipped"]
    other = translator.folder([results[0].word], str(tmp_path / "out"), "zebra", size=20)
    assert [result.status for result in other] == ["done"]
    deep = translator.folder([tmp_path / "in" / "a.png"], tmp_path / "out", overwrite=True, encoding=Encoding("TIFF"))
    assert [result.output for result in deep] == [tmp_path / "out" / "a.tif"]


def test_wrong_words_are_refused_at_once(tmp_path: Path, translator: Translator) -> None:
    images.write_pixels(np.zeros((9, 9, 3), np.uint8), tmp_path / "in" / "a.png")
    with pytest.raises(TypeError, match="strenght"):
        translator.folder(tmp_path / "in", tmp_path / "out", strenght=1)
    with pytest.raises(SettingsError, match="no domain 'zebr'"):
        translator.folder(tmp_path / "in", tmp_path / "out", "zebr")
    assert not (tmp_path / "out").exists()


@pytest.mark.fault("F-23")
def test_the_words_of_the_command_line_are_keywords(tmp_path: Path, translator: Translator) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 20, 3), dtype=np.uint8)
    whole, half = translator(pixels), translator(pixels, strength=0.5)
    assert np.array_equal(translator(pixels, strength=0.0), pixels)
    assert np.array_equal(half, translator(pixels, blending=Blending(0.5)))
    assert not np.array_equal(half, whole)
    assert np.array_equal(translator(pixels, keep_colour=True), translator(pixels, blending=Blending(1, "lightness")))
    tensor = torch.zeros(3, 8, 8)
    assert torch.equal(translator(tensor, colour_only=True), translator(tensor, blending=Blending(1, "colour")))
    images.write_pixels(pixels, tmp_path / "a.png")
    mask = np.zeros((30, 20), np.uint8)
    mask[:15] = 255
    images.write_pixels(mask[..., None].repeat(3, 2), tmp_path / "mask.png")
    out = translator(tmp_path / "a.png", strength=0.5, mask=tmp_path / "mask.png", out=tmp_path / "b.tif", depth=16)
    assert images.read(out, depth=16).rgb.dtype == np.uint16
    assert np.array_equal(images.read(out).rgb[15:], pixels[15:])
    expected = translator(pixels, strength=0.5, mask=mask)
    assert np.abs(images.read(out).rgb.astype(int) - expected).mean() < 1 < np.abs(pixels.astype(int) - expected).mean()
    (result,) = translator.folder(tmp_path / "a.png", tmp_path / "out", strength=0.5, format="jpg", quality=50)
    assert result.output == tmp_path / "out" / "a.jpg"
    images.write_pixels(half, tmp_path / "c.jpg")
    assert (tmp_path / "out" / "a.jpg").stat().st_size < (tmp_path / "c.jpg").stat().st_size


@pytest.mark.fault("F-23")
def test_a_word_that_there_is_not_is_told_the_nearest(tmp_path: Path, translator: Translator) -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(TypeError, match=r"There is no option strenght\. Did you mean strength\? Known: blending, "):
        translator(pixels, strenght=0.5)
    with pytest.raises(TypeError, match="There is no option quality"):  # of an array
        translator(pixels, quality=5)
    with pytest.raises(SettingsError, match="exclude each other"):
        translator(pixels, keep_colour=True, colour_only=True)


@pytest.mark.fault("F-23")
def test_a_translator_says_what_it_is(translator: Translator) -> None:
    assert repr(translator) == f"<Translator cyclegan to horse, zebra, default zebra; running on {translator.engine}>"
    assert str(translator.engine).startswith("cpu")
