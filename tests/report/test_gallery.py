"""The page is one file that needs nothing else, and shows every name as a name."""

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest

from tests.report.parsing import Page
from translate import images
from translate.report.gallery import Row, gallery


def page(*rows: Row, folder: Path) -> Page:
    return Page(gallery("To zebra", "3 done", rows, folder))


@pytest.fixture
def row(tmp_path: Path) -> Row:
    """Two pictures of 1,280 x 960 pixels."""
    for name in ("in/deep/a.jpg", "out/deep/a.jpg"):
        images.write_pixels(np.full((960, 1280, 3), 99, np.uint8), tmp_path / name)
    return Row(tmp_path / "in/deep/a.jpg", tmp_path / "out/deep/a.jpg", "already there", "skipped")


@pytest.mark.fault("F-25")
def test_a_pair_has_two_small_lazy_pictures_a_slider_its_fate_and_both_in_full(row: Row, tmp_path: Path) -> None:
    shown = page(row, folder=tmp_path / "out")
    before, after, *enlarged = shown.all("img")
    for image in (before, after):
        assert image["loading"] == "lazy"
        small = tmp_path / "out" / image["src"]
        assert images.read(small).rgb.shape == (480, 640, 3)
        assert small.parent == tmp_path / "out/.thumbnails"
    assert [image.get("src") for image in enlarged] == [None, None]  # nothing is loaded before a click
    (pair,) = [tag for tag in shown.all("div") if "data-before" in tag]
    assert (pair["data-before"], pair["data-after"]) == ("../in/deep/a.jpg", "deep/a.jpg")
    slider, _ = shown.all("input")
    assert slider["type"] == "range"
    assert "--at" in slider["oninput"]
    assert f"{row.source} skipped: already there" in shown.text
    assert "3 done" in shown.text


@pytest.mark.fault("F-25")
def test_small_copies_are_made_once_and_again_of_what_was_edited(row: Row, tmp_path: Path) -> None:
    def copies() -> dict[str, int]:
        page(row, folder=tmp_path / "out")
        return {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out/.thumbnails").iterdir()}

    first = copies()
    assert (len(first), copies()) == (2, first)
    images.write_pixels(np.full((96, 128, 3), 9, np.uint8), row.source)
    assert len(again := copies()) == 3
    assert again.items() > first.items()


def test_what_browsers_do_not_show_is_shown_as_a_small_copy(tmp_path: Path) -> None:
    images.write_pixels(np.full((30, 1280, 3), 99, np.uint8), tmp_path / "a.tif")
    shown = page(Row(tmp_path / "a.tif", tmp_path / "out" / "gone.png"), folder=tmp_path / "out")
    before, after, *_ = shown.all("img")
    copy = images.read(tmp_path / "out" / before["src"]).rgb
    assert copy.shape == (15, 640, 3)
    assert (copy == 99).all()
    assert after["src"] == "gone.png"
    (pair,) = [tag for tag in shown.all("div") if "data-before" in tag]
    assert pair["data-before"] == before["src"]


def test_a_picture_above_the_limits_has_no_small_copy(row: Row, tmp_path: Path) -> None:
    shown = Page(gallery("To zebra", "", [row], tmp_path / "out", images.Limits(1000)))
    assert shown.all("img")[0]["src"] == "../in/deep/a.jpg"


def test_nothing_is_fetched_from_elsewhere() -> None:
    text = gallery("To zebra", "1 done", [Row(Path("a.png"), Path("out/a.png"))], Path("out"))
    assert "://" not in text
    assert not {"link", "iframe"} & {tag for tag, _ in Page(text).tags}
    assert Page(text).all("script") == [{}]  # ours, which is in the page


@pytest.mark.parametrize(
    "name",
    [
        '<script>alert("x")</script>.png',
        "a'b\"c&d.png",
        "100%20 #1?.png",
        "https:evil.png",
        "-rf {title}.png",
        "ünï 写真 🐴.png",
        os.fsdecode(b"bad\xff.png"),
    ],
)
@pytest.mark.fault("S-17")
def test_names_are_escaped_and_links_lead_to_the_file(tmp_path: Path, name: str) -> None:
    shown = page(Row(tmp_path / "in" / name, tmp_path / "out" / name), folder=tmp_path / "out")
    assert shown.all("script") == [{}]
    before, after, *_ = shown.all("img")
    assert unquote_to_bytes(before["src"]) == os.fsencode(f"../in/{name}")
    assert unquote_to_bytes(after["src"]) == os.fsencode(name)
    assert ":" not in before["src"] + after["src"]
    assert name.encode("utf-8", "backslashreplace").decode() in shown.text


def test_failures_stand_first_without_pictures(row: Row, tmp_path: Path) -> None:
    shown = page(row, Row(Path("bad.png"), None, "cannot be decoded: <nothing>", "failed"), folder=tmp_path / "out")
    assert "bad.png: failed: cannot be decoded: <nothing>" in shown.text
    assert shown.text.index("bad.png") < shown.text.index("a.jpg")
    assert [image["alt"] for image in shown.all("img")][2:] == ["before", "after"]
