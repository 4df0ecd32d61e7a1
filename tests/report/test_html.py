"""What all pages have in common."""

import base64
import html
from pathlib import Path

from translate.report.html import EMBEDDED, POLICY, data, environment, link, render, text

TABLE = '{% from "parts.html" import image, table %}{{ table(rows, heads) }}{{ image(picture, name) }}'


def parts(rows: list[tuple[str, ...]], heads: tuple[str, ...] = (), name: str = "") -> str:
    return environment().from_string(TABLE).render(rows=rows, heads=heads, picture=b"\x00", name=name)


def test_words_cannot_become_markup_and_broken_bytes_can_be_written() -> None:
    assert text("<script>&'\"") == "&lt;script&gt;&amp;&#x27;&quot;"
    text(b"caf\xe9".decode("utf-8", "surrogateescape")).encode("utf-8")
    assert parts([("<b>", "1")], ("a & b", "n")).count("<b>") == 0


def test_a_page_allows_nothing_from_elsewhere() -> None:
    for policy in (POLICY, EMBEDDED):
        assert policy.startswith("default-src 'none'")
        assert "http" not in policy
        page = render("exercise.html", policy, **dict.fromkeys(("title", "words", "hint", "curves"), ""), last=b"",
                      steps=b"", measured=())  # fmt: skip
        assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in html.unescape(page)
    assert "file:" not in EMBEDDED


def test_links_are_relative_and_quoted() -> None:
    assert link(Path("results/a b/#1.png"), Path("results")) == "a%20b/%231.png"
    assert link(Path("photos/a.png"), Path("results")) == "../photos/a.png"


def test_a_picture_in_the_page_is_its_bytes() -> None:
    address = data(b"\x00\x01", "jpeg")
    assert address.startswith("data:image/jpeg;base64,")
    assert base64.b64decode(address.partition(",")[2]) == b"\x00\x01"
    assert f'<img src="{data(bytes(1))}" alt="a&#34;b">' in parts([], name='a"b')


def test_a_table_has_heads_only_where_they_are_named() -> None:
    assert "<th>" not in parts([("a", "b")])
    assert parts([("a",), ("b",)], ("name",)).count("<tr>") == 3
