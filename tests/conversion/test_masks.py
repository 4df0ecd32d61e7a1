"""Which mask belongs to which picture."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conversion.small import ABOUT, TRANSLATOR, below, noise, put, run
from translate import images
from translate.conversion.job import Job
from translate.conversion.masks import Masks, read_mask
from translate.conversion.planning import Item
from translate.conversion.settings import ConversionSettings
from translate.conversion.single import translate_encoded
from translate.errors import ImageDecodeError


def test_masks_are_found_by_place_and_stem(tmp_path: Path) -> None:
    for name in ("in/a.jpg", "in/deep/b.jpg", "in/deep/b.x.jpg", "in/c.png", "in/d.png"):
        put(tmp_path / name)
    for name in ("m/a.png", "m/deep/b.png", "m/deep/b.x.png", "m/c.jpg", "m/c.png", "m/e.png"):
        put(tmp_path / name)
    (tmp_path / "m/deep/b.txt").write_text("no picture")
    a, c, d, b, bx = Job(ABOUT, (tmp_path / "in",), tmp_path / "out").plan().items
    masks = tmp_path / "m"
    assert [Masks(masks).find(item).relative_to(masks).as_posix() for item in (a, b, bx, c)] == [
        "a.png",
        "deep/b.png",
        "deep/b.x.png",
        "c.png",
    ]
    with pytest.raises(ImageDecodeError, match=r"d\.png has no mask: there is no picture d in .*m\."):
        Masks(masks).find(d)
    assert Masks(masks / "a.png").find(d) == masks / "a.png"


def test_a_picture_without_a_mask_fails_alone(tmp_path: Path) -> None:
    for name in ("a.png", "deep/b.png", "c.png"):
        put(tmp_path / "in" / name)
    put(tmp_path / "masks" / "a.jpg", noise(3, 3))
    put(tmp_path / "masks" / "deep" / "b.png").write_text("no picture")
    results = run([tmp_path / "in"], tmp_path / "out", mask=tmp_path / "masks")
    assert results["a.png"].status == "done"
    assert results["b.png"].reason.startswith(f"{tmp_path / 'masks' / 'deep' / 'b.png'} cannot be decoded")
    assert results["c.png"].reason.startswith("has no mask: there is no picture c in ")
    assert below(tmp_path / "out") == ["a.png"]


@pytest.mark.fault("F-8")
@pytest.mark.parametrize(
    ("picture", "mask"),
    [("caf\u00e9.jpg", "cafe\u0301.png"), ("cafe\u0301/a.jpg", "caf\u00e9/a.png"), ("IMG_1.JPG", "img_1.png")],
)
def test_masks_are_found_by_names_that_look_the_same(tmp_path: Path, picture: str, mask: str) -> None:
    put(tmp_path / "in" / picture)
    put(tmp_path / "masks" / mask)
    (item,) = Job(ABOUT, (tmp_path / "in",), tmp_path / "out").plan().items
    assert Masks(tmp_path / "masks").find(item) == tmp_path / "masks" / mask


@pytest.mark.fault("F-8")
def test_of_masks_that_look_the_same_the_one_with_the_same_bytes_is_meant(tmp_path: Path) -> None:
    composed, apart, capital = "\u00e9.png", "e\u0301.png", "\u00c9.png"
    for name in (composed, apart, capital):
        put(tmp_path / "masks" / name)
    if len(below(tmp_path)) < 3:
        pytest.skip("these names are one file here")
    masks = Masks(tmp_path / "masks")
    for name in (composed, apart, capital):
        assert masks.find(Item(Path(name), Path("x"), Path(name).with_suffix(".jpg"), "zebra")).name == name


@pytest.mark.fault("F-16")
def test_a_folder_of_masks_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        put(tmp_path / "in" / f"{number}.png")
        put(tmp_path / "masks" / f"{number}.png")
    listed: list[str] = []
    real = os.scandir

    def scandir(path: Any) -> Any:
        listed.append(str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    results = run([tmp_path / "in"], tmp_path / "out", mask=tmp_path / "masks")
    assert [result.status for result in results.values()] == ["done"] * 5
    assert listed.count(str(tmp_path / "masks")) == 1


WHITE = np.full((4, 6), 255, np.uint8)
LEFT = np.where(np.arange(6) < 3, WHITE, 0).astype(np.uint8)


def palette() -> Image.Image:
    picture = Image.fromarray(np.where(LEFT > 0, 1, 0).astype(np.uint8), "P")
    picture.putpalette([255, 255, 255, 255, 255, 255])
    return picture


@pytest.mark.fault("F-7")
@pytest.mark.parametrize(
    ("picture", "options"),
    [
        (Image.merge("RGBA", [Image.fromarray(WHITE)] * 3 + [Image.fromarray(LEFT)]), {}),
        (Image.merge("LA", [Image.fromarray(WHITE), Image.fromarray(LEFT)]), {}),
        (palette(), {"transparency": 0}),
        (Image.fromarray(LEFT), {}),
        (Image.fromarray(LEFT).convert("1"), {}),
        (Image.fromarray(LEFT.astype(np.uint16) * 257), {}),
    ],
)
def test_a_transparent_place_of_a_mask_is_black(tmp_path: Path, picture: Image.Image, options: dict[str, Any]) -> None:
    picture.save(tmp_path / "mask.png", **options)
    assert np.array_equal(read_mask(tmp_path / "mask.png", images.LIMITS), LEFT)


@pytest.mark.fault("F-7")
@pytest.mark.parametrize(
    ("size", "noted"),
    [((40, 60), False), ((20, 30), False), ((13, 20), False), ((80, 121), False), ((60, 40), True), ((40, 40), True)],
)
def test_a_mask_of_another_shape_is_noted(tmp_path: Path, size: tuple[int, int], noted: bool) -> None:
    put(tmp_path / "a.png", noise(40, 60))
    put(tmp_path / "mask.png", np.full((*size, 3), 255, np.uint8))
    result = run([tmp_path / "a.png"], tmp_path / "out", mask=tmp_path / "mask.png")["a.png"]
    assert result.status == "done"
    assert result.notes == (("its mask has another aspect ratio and is stretched",) if noted else ())
    settings = ConversionSettings(mask=tmp_path / "mask.png")
    assert translate_encoded(TRANSLATOR, tmp_path / "a.png", settings=settings).notes == result.notes


@pytest.mark.fault("F-7")
def test_a_mask_of_zeros_and_ones_is_noted(tmp_path: Path) -> None:
    put(tmp_path / "a.png", noise(40, 60))
    put(tmp_path / "mask.png", np.ones((40, 60, 3), np.uint8))
    result = run([tmp_path / "a.png"], tmp_path / "out", mask=tmp_path / "mask.png")["a.png"]
    assert result.notes == ("its mask has no place lighter than 1 of 255, so the picture stays as it is",)
