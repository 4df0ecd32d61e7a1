"""The models that ship: whole, described, and at work with no network."""

import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from translate import cards, files, images
from translate.cli import main
from translate.exchange import store
from translate.inference.translator import Translator
from translate.models.exports import read_about

SHIPPED = [name for name in cards.names("weights") if (cards.shelf("weights") / f"{name}.safetensors").exists()]
LARGEST = 4_000_000  # bytes

# Mean and standard deviation of red, green and blue in what becomes of `landscape`, in levels.
STATISTICS = {
    "cezanne": ([116.9, 146.5, 118.1], [50.2, 38.1, 66.3]),
    "double": ([109.1, 153.2, 142.7], [41.9, 37.6, 89.0]),
    "horse2zebra": ([108.7, 154.0, 141.7], [42.6, 36.1, 86.9]),
    "impasto": ([147.9, 159.9, 150.8], [47.2, 42.6, 83.5]),
    "monet": ([147.9, 171.3, 163.6], [46.4, 36.0, 84.4]),
    "restore": ([98.5, 162.6, 141.1], [45.0, 36.4, 112.6]),
    "zebra2horse": ([110.2, 154.4, 147.8], [39.2, 37.2, 89.0]),
    "ukiyoe": ([161.6, 177.3, 155.5], [58.6, 49.2, 66.1]),
    "vangogh": ([126.0, 164.0, 128.3], [48.2, 39.1, 67.2]),
}


def landscape() -> np.ndarray:
    """A blue sky that pales towards the horizon, a sun, and a green hill with darker bushes: (192, 256, 3) uint8."""
    y, x = np.mgrid[:192, :256]
    picture = np.stack([110 + y / 2, 150 + y / 2, 230 - y / 8], -1)
    picture[np.hypot(y - 40, x - 190) < 16] = (255, 244, 210)
    hill = y > 120 - 30 * np.sin(x / 70)
    bushes = hill & (np.sin(x / 5) * np.sin(y / 4 + x / 40) > 0.3)
    picture[hill] = (84, 140, 52)
    picture[bushes] = (40, 78, 30)
    return picture.round().astype(np.uint8)


def test_the_models_of_the_readme_ship() -> None:
    assert SHIPPED == [
        "cezanne",
        "double",
        "horse2zebra",
        "impasto",
        "monet",
        "restore",
        "ukiyoe",
        "vangogh",
        "zebra2horse",
    ]
    assert STATISTICS.keys() == set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_it_is_the_file_of_a_card_that_says_everything(name: str) -> None:
    card, file = cards.weights(name), cards.shelf("weights") / f"{name}.safetensors"
    assert (card.bytes, card.sha256) == (file.stat().st_size, files.sha256(file))
    assert card.bytes <= LARGEST
    assert "with the SHA-256 of its card" in store.verify(name)
    assert card.domains == read_about(file).domains
    said = (card.picture, card.licence, card.data, card.command, card.steps, card.device, card.scores, card.failures)
    assert all(said)
    assert {"hours", "GMAC at 256 px", "pictures/s at 256 px"} <= card.figures.keys()


@pytest.mark.parametrize("name", SHIPPED)
def test_the_command_that_made_it_can_be_pasted_into_a_shell(name: str) -> None:
    words = shlex.split(cards.weights(name).command)
    assert [word for word in words if "\n" in word and word != "\n"] == []  # a backslash joins no lines inside quotes


@pytest.mark.parametrize("name", SHIPPED)
def test_it_does_to_a_drawn_picture_what_it_did_when_it_was_shipped(name: str) -> None:
    result = Translator.load(name, "cpu", "fp32")(landscape()).astype(float)
    mean, deviation = STATISTICS[name]
    np.testing.assert_allclose(result.mean((0, 1)), mean, atol=1.0)
    np.testing.assert_allclose(result.std((0, 1)), deviation, atol=1.0)


def test_photos_become_paintings_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSLATE_HOME", str(tmp_path / "home"))  # in which nothing was fetched
    images.write_pixels(landscape(), tmp_path / "photos/a.png")
    words = ["apply", "monet", str(tmp_path / "photos"), "--out", str(tmp_path / "painted"), "--quiet"]
    monkeypatch.setattr(sys, "argv", ["translate", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    painted = images.read(tmp_path / "painted/a.png").rgb
    assert painted.shape == landscape().shape
    assert np.abs(painted.astype(float) - landscape()).mean() > 8
