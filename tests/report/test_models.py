"""The page of models holds everything itself, and shows every name as a name."""

import base64

import pytest

from tests.report.parsing import Page
from translate import cards
from translate.exchange.showing import ELSEWHERE, HERE, SHIPS, gallery
from translate.report.models import Shown, models_page


@pytest.fixture(scope="module")
def page():
    return Page(gallery([cards.weights(name) for name in cards.names("weights")]))


def test_every_model_is_shown_with_its_picture_and_its_command(page):
    known = [card for card in map(cards.weights, cards.names("weights")) if not card.features]
    assert {article["id"] for article in page.all("article")} == {card.name for card in known}
    pictures = {image["alt"]: image["src"] for image in page.all("img")}
    for card in known:
        assert card.title in page.text
        if card.picture:
            address = pictures[f"what {card.name} does, before and after"]
            assert base64.b64decode(address.partition(",")[2]) == (cards.shelf("weights") / card.picture).read_bytes()
    for command in ("apply monet PHOTOS --out", "apply double PHOTOS --enlarge 2 --out", "fetch junyanz-style_vangogh"):
        assert command in page.text
    assert page.text.index(SHIPS) < page.text.index(ELSEWHERE)
    assert HERE not in page.text
    assert "KID" in page.text


def test_nothing_is_fetched(page):
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert not {"script", "link", "iframe", "a"} & {tag for tag, _ in page.tags}


@pytest.mark.fault("S-17")
def test_every_name_is_shown_as_a_name():
    evil = '"><script>alert("x")</script>'
    page = Page(models_page(evil, evil, [(evil, [Shown(evil, evil, b"1", "png", {evil: evil}, {}, [evil], evil)])]))
    assert not page.all("script")
    assert page.text.count(evil) >= 8


def test_a_page_with_styles_for_dark_windows_has_no_colours_of_its_own(page):
    assert "prefers-color-scheme: dark" in page.text
