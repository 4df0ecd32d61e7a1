"""What is seen behind transparency, and what it is laid on."""

from typing import Any

import numpy as np
import pytest

from translate import images
from translate.errors import SettingsError
from translate.images import Encoding, Picture, encode, laid_on, read, read_colour, visible

RED = (200, 10, 20)


def picture(dtype: Any = np.uint8) -> Picture:
    """Noise of 40 x 30 pixels, a third of it hidden, a third half hidden."""
    largest = np.iinfo(dtype).max
    random = np.random.default_rng(0)
    alpha = np.repeat(np.array([0, largest // 2, largest], dtype), 10)[None].repeat(40, axis=0)
    return Picture(random.integers(0, largest, (40, 30, 3), dtype, endpoint=True), alpha, "PNG")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_only_hidden_colours_are_replaced_by_the_background(dtype: Any) -> None:
    one, scale = picture(dtype), 257 if dtype == np.uint16 else 1
    seen = visible(one, RED)
    assert seen.dtype == dtype
    assert (seen[:, :10] == np.array(RED) * scale).all()
    assert np.array_equal(seen[:, 10:], one.rgb[:, 10:])
    opaque = Picture(one.rgb, None, "PNG")
    assert visible(opaque, RED) is one.rgb


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_laid_on_a_background_is_mixed_with_it(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one, scale = picture(dtype), 257 if dtype == np.uint16 else 1
    monkeypatch.setattr("translate.images.transparency._BAND", 100)
    laid = laid_on(one, RED)
    share = one.alpha[..., None] / np.iinfo(dtype).max  # type: ignore[index]
    expected = one.rgb * share + np.array(RED) * scale * (1 - share)
    assert laid.alpha is None
    assert laid.rgb.dtype == dtype
    assert np.abs(laid.rgb - expected).max() < 0.51


@pytest.mark.parametrize(("format", "depth"), [("PNG", 8), ("PNG", 16), ("TIFF", 8), ("TIFF", 16), ("BMP", 8)])
def test_alpha_is_dropped_where_that_is_asked_for(format: str, depth: Any) -> None:
    one = picture(np.uint16 if depth == 16 else np.uint8)
    again = read(encode(one, Encoding(format, depth=depth, alpha="drop", background=RED)), depth=depth)
    assert again.alpha is None
    assert np.array_equal(again.rgb, laid_on(one, RED).rgb)


@pytest.mark.parametrize(
    ("word", "expected"), [("white", (255, 255, 255)), ("#C80A14", RED), ("#fff", images.WHITE), ("#c80a1480", RED)]
)
def test_colours_have_names_and_numbers(word: str, expected: tuple[int, int, int]) -> None:
    assert read_colour(word) == expected


@pytest.mark.parametrize("word", ["", "whit", "#12", "255,255,255"])
def test_what_is_no_colour_is_refused(word: str) -> None:
    with pytest.raises(SettingsError, match="A colour is written like white or #ffffff; found"):
        read_colour(word)
