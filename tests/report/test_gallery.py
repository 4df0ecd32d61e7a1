"""The page is one file that needs nothing else, and shows every name as a name."""

import base64
import os
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest

from translate import images
from translate.report.gallery import Row, gallery


class Page(HTMLParser):
    """Collects the tags with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attributes}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page(*rows: Row, folder: Path = Path("results")) -> Page:
    return Page(gallery("To zebra", "3 done", rows, folder))


def test_a_pair_has_two_lazy_pictures_and_a_slider() -> None:
    shown = page(Row(Path("photos/deep/a.jpg"), Path("results/deep/a.jpg")))
    before, after = shown.all("img")
    assert (before["src"], after["src"]) == ("../photos/deep/a.jpg", "deep/a.jpg")
    assert before["loading"] == after["loading"] == "lazy"
    (slider,) = shown.all("input")
    assert slider["type"] == "range"
    assert "--at" in slider["oninput"]
    assert "photos/deep/a.jpg" in shown.text
    assert "3 done" in shown.text


def test_what_browsers_do_not_show_is_in_the_page_as_a_small_copy(tmp_path: Path) -> None:
    images.write_pixels(np.full((30, 1280, 3), 99, np.uint8), tmp_path / "a.tif")
    before, after = page(Row(tmp_path / "a.tif", tmp_path / "out" / "gone.tif"), folder=tmp_path / "out").all("img")
    kind, _, copy = before["src"].partition(",")
    assert kind == "data:image/jpeg;base64"
    shown = images.read(base64.b64decode(copy)).rgb
    assert shown.shape == (15, 640, 3)
    assert (shown == 99).all()
    assert after["src"] == "gone.tif"


def test_nothing_is_fetched_from_elsewhere() -> None:
    text = gallery("To zebra", "1 done", [Row(Path("a.png"), Path("out/a.png"))], Path("out"))
    assert "://" not in text
    assert not {"script", "link", "iframe"} & {tag for tag, _ in Page(text).tags}


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
    assert not shown.all("script")
    before, after = shown.all("img")
    assert unquote_to_bytes(before["src"]) == os.fsencode(f"../in/{name}")
    assert unquote_to_bytes(after["src"]) == os.fsencode(name)
    assert ":" not in before["src"] + after["src"]
    assert name.encode("utf-8", "backslashreplace").decode() in shown.text


def test_failures_are_listed_without_pictures() -> None:
    shown = page(Row(Path("bad.png"), None, "cannot be decoded: <nothing>"))
    assert not shown.all("img")
    assert "bad.png: cannot be decoded: <nothing>" in shown.text
