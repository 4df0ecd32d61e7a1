"""Format 1 is frozen: these files were written by the version that froze it, and every later one must read them.

A file here is never written again. A change that cannot read them needs a new format.
"""

from pathlib import Path

import pytest
import torch

from translate.inference.translator import Translator
from translate.models.about import FORMAT
from translate.models.exports import read_about

PLACE = Path(__file__).parent / "format1"
EXPECTED = {  # a pixel of what becomes of `X`, with torch 2.15
    "cyclegan-half-with-discriminators": [0.051155, 0.884201, 0.3288],
    "cyclegan": [0.049906, 0.884081, 0.330301],
    "discogan": [-0.001318, -0.009338, 0.020856],
    "single-unet": [-0.01127, -0.153283, 0.065336],
    "single": [-0.002785, 0.216013, -0.514067],
    "stargan-attributes": [-0.44779, -0.144358, -0.542232],
    "stargan": [-0.249933, -0.441023, -0.198401],
}


def pixel(name: str) -> list[float]:
    translator = Translator.load(PLACE / f"{name}.safetensors", "cpu", "fp32")
    side = translator.about.size
    x = torch.linspace(-1, 1, 3 * side * side).reshape(1, 3, side, side)
    target = "hat=1" if translator.about.attributes else translator.about.target or "b"
    found: list[float] = translator.tensor(x, target)[0, :, 7, 9].tolist()
    return found


@pytest.mark.parametrize("path", sorted(PLACE.glob("*.safetensors")), ids=lambda path: path.stem)
def test_a_file_of_format_1_is_read_and_translates_as_it_did(path: Path) -> None:
    about = read_about(path)
    assert about.format == 1 <= FORMAT
    assert (about.licence, about.citation, about.steps, about.data) == ("MIT", "none", 3, "drawn")
    assert pixel(path.stem) == pytest.approx(EXPECTED[path.stem], abs=1e-4)


def test_there_is_a_file_of_every_kind() -> None:
    assert {path.stem for path in PLACE.glob("*.safetensors")} == set(EXPECTED)
    assert {name.partition("-")[0] for name in EXPECTED} == {"cyclegan", "discogan", "stargan", "single"}
    assert all(path.stat().st_size < 40_000 for path in PLACE.glob("*.safetensors"))
