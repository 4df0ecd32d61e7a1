"""The page of an evaluation holds everything itself, and shows every name as a name."""

import base64
from html.parser import HTMLParser

from translate.report.evaluation import Album, Strip, Table, evaluation_page

TABLE = Table("Figures", ("", "value"), [("KID", "0.02"), ("FID", "3")], "Of all.")
ALBUM = Album("Samples", "Input, translated.", [Strip([b"1", b"2"], "horse 1"), Strip([b"3", b"4"], "horse 2")])


class Page(HTMLParser):
    """Collects the tags with their attributes, and the text."""

    def __init__(self, title="horses", summary="Model 1.", tables=(TABLE,), albums=(ALBUM,), remarks=("One.",)):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(evaluation_page(title, summary, tables, albums, remarks))

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += [data.strip()] if data.strip() else []

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def test_figures_stand_first_and_strips_with_their_names_last():
    page = Page()
    shown = page.text[page.text.index("Model 1.") :]
    assert shown == ["Model 1.", "Figures", "Of all.", "value", "KID", "0.02", "FID", "3", "Remarks", "One.",
                     "Samples", "Input, translated.", "horse 1", "horse 2"]  # fmt: skip
    pictures = [image["src"].removeprefix("data:image/png;base64,") for image in page.all("img")]
    assert [base64.b64decode(picture) for picture in pictures] == [b"1", b"2", b"3", b"4"]


def test_nothing_is_fetched():
    page = Page()
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert not {"script", "link", "iframe", "a"} & {tag for tag, _ in page.tags}


def test_every_name_is_shown_as_a_name():
    evil = '"><script>alert("x")</script>'
    page = Page(evil, evil, [Table(evil, [evil], [[evil]], evil)], [Album(evil, evil, [Strip([b"1"], evil)])], [evil])
    assert not page.all("script")
    assert page.text.count(evil) == 11
