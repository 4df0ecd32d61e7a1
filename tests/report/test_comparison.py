"""The page holds everything itself, shows every name as a name, and its votes are about its own pictures."""

import base64
from html.parser import HTMLParser

import pytest

from translate.report.comparison import Column, Row, comparison_page

COLUMNS = [Column("runs/first", {"KID": "0.02 [0.01, 0.03]"}), Column("runs/second", {"KID": "0.01", "score": "0.9"})]
ROWS = [Row("horse 1", b"in 1", (b"a 1", b"b 1")), Row("horse 2", b"in 2", (b"a 2", b"b 2"))]


class Page(HTMLParser):
    """Collects the tags with their attributes, and the cells of the table in rows."""

    def __init__(self, columns=COLUMNS, rows=ROWS, title="horses to zebra"):
        super().__init__()
        self.tags, self.cells = [], []
        self.feed(comparison_page(title, title, columns, rows))

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "tr":
            self.cells.append([])
        if tag in ("th", "td"):
            self.cells[-1].append("")
        if tag == "img":
            self.cells[-1][-1] += base64.b64decode(
                dict(attributes)["src"].removeprefix("data:image/png;base64,")
            ).decode()

    def handle_data(self, data):
        if self.cells and self.cells[-1] and self.tags[-1][0] in ("th", "td", "img"):
            self.cells[-1][-1] += data.strip()

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def test_inputs_stand_in_rows_and_models_in_columns_with_their_scores_above():
    assert Page().cells == [
        ["", "runs/first", "runs/second"],
        ["KID", "0.02 [0.01, 0.03]", "0.01"],
        ["score", "", "0.9"],
        ["in 1horse 1", "a 1", "b 1"],
        ["in 2horse 2", "a 2", "b 2"],
    ]


def test_nothing_is_fetched():
    page = Page()
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert not {"link", "iframe"} & {tag for tag, _ in page.tags}
    assert not [attributes for _, attributes in page.tags if "href" in attributes]
    assert all("src" not in attributes for attributes in page.all("script"))


@pytest.mark.fault("S-17")
def test_every_name_is_shown_as_a_name():
    evil = '</script><script>alert("x")</script>'
    page = Page([Column(evil, {evil: evil})], [Row(evil, b"1", (b"2",))], evil)
    assert len(page.all("script")) == 1
    assert [image["alt"] for image in page.all("img")] == [evil, f"{evil} by {evil}"]


def test_votes_belong_to_the_pictures_and_the_models():
    def key(columns, rows):
        (body,) = Page(columns, rows).all("body")
        return body["data-key"]

    keys = [key(COLUMNS, ROWS), key(COLUMNS, ROWS[:1]), key(COLUMNS[::-1], ROWS)]
    assert len(set(keys)) == 3
    assert keys[0] == key([Column(column.model, {}) for column in COLUMNS], ROWS)
