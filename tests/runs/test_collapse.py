"""A training shows what its networks make, whatever it is: only finished models are refused for one colour."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from translate import images
from translate.devices import Precision
from translate.methods import base
from translate.runs import prepare
from translate.training import alarms

TINY = {
    "acgan": ["method.generator.width=2", "method.discriminator.width=2"],
    "cut": ["method.generator={width = 2, blocks = 1}", 'method.taps=["pixels", "down1", "block1"]'],
    "cyclegan": ["method.generator={width = 2, blocks = 1}"],
    "dcgan": ["method.generator.width=2", "method.discriminator.width=2", "data.only=all"],
    "discogan": ["method.generator.width=2", "method.discriminator.width=2"],
    "ebgan": ["method.generator.width=2", "method.discriminator.width=2", "data.only=all"],
    "pix2pix": ["method.generator={width = 2, depth = 6}", "method.discriminator={width = 2, layers = 1}"],
    "progan": ["method.generator.base=16", "method.discriminator.base=16", "data.only=all"],
    "stargan": ["method.generator={width = 2, blocks = 1}", "method.discriminator={width = 2, layers = 2}"],
}


def photo(random: np.random.Generator, side: int = 72) -> NDArray[np.uint8]:
    """A sky over land, with a hill, shades and grain."""
    rows, columns = np.mgrid[:side, :side] / side
    hill = 0.5 + 0.2 * np.sin(columns * random.uniform(3, 9) + random.uniform(0, 6))
    sky = np.stack([0.4 + 0.3 * rows, 0.6 + 0.2 * rows, 0.9 - 0.1 * rows], 2)
    land = np.stack([0.3 + 0.2 * columns, 0.5 - 0.2 * rows, 0.2 * columns], 2)
    scene = np.where((rows > hill)[..., None], land, sky) + random.normal(0, 0.03, (side, side, 3))
    return np.clip(255 * scene, 0, 255).astype(np.uint8)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for domain in "AB":
        for index in range(5):
            images.write_pixels(photo(random), tmp_path / "photos" / f"train{domain}" / f"{index}.png")
    return tmp_path / "photos"


@pytest.mark.fault("F-1")
@pytest.mark.parametrize("precision", ["bf16", "fp32"])
@pytest.mark.parametrize("method", base.available())
def test_every_method_begins_to_learn_from_photographs(
    tmp_path: Path, photos: Path, method: str, precision: Precision
) -> None:
    run = prepare(
        photos, method=method, size=64, steps=2, batch=2, out=tmp_path / "run", words=TINY[method], device="cpu",
        precision=precision,
    )  # fmt: skip
    list(run.start())
    assert run.finished


@pytest.mark.fault("F-1")
def test_a_collapsed_run_raises_an_alarm_and_goes_on(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "EARLIEST", 5)
    words = [*TINY["cyclegan"], "method.init_gain=1e-9", "training.sample_every=5"]
    run = prepare(photos, method="cyclegan", size=32, steps=20, out=tmp_path / "run", words=words, device="cpu")
    list(run.start())
    assert run.finished
    assert len(list((tmp_path / "run" / "samples").glob("*.png"))) == 5
    assert (tmp_path / "run" / "alarms.jsonl").read_text()
