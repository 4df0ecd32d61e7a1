"""The cards as they are shipped, and where the pictures of a card are looked for."""

import os
from pathlib import Path

import pytest

from translate import cards
from translate.errors import SettingsError
from translate.methods.cyclegan import Settings as CycleGAN
from translate.methods.pix2pix import Settings as Pix2Pix
from translate.runs.recipe import Recipe
from translate.settings import merge
from translate.targets import Attributes, Domains

OFFICIAL = [
    "apple2orange", "cezanne2photo", "cityscapes", "facades", "horse2zebra", "iphone2dslr_flower", "maps",
    "monet2photo", "summer2winter_yosemite", "ukiyoe2photo", "vangogh2photo",
]  # fmt: skip


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Where pictures may be: beside the cards of a clone, and in the home of the toolkit."""
    (tmp_path / "clone/datasets").mkdir(parents=True)
    monkeypatch.setattr(cards, "shelf", lambda kind: tmp_path / "clone" / kind)
    monkeypatch.setenv("TRANSLATE_HOME", str(tmp_path / "home"))
    return tmp_path / "clone/datasets/birds", tmp_path / "home/datasets/birds"


def fill(place: Path) -> None:
    place.mkdir(parents=True)
    (place / "picture.png").write_bytes(b"")


@pytest.mark.parametrize("name", cards.names("datasets"))
def test_every_card_has_a_licence_a_recipe_and_if_it_has_two_domains_a_target(name: str) -> None:
    card = cards.dataset(name)
    assert card.target in card.domains or (card.target == "" and len(card.domains) != 2)
    assert card.licence
    assert card.drawn is not bool(card.archive or card.files)
    recipe = Recipe.parse(merge([{"method": {"name": "cyclegan"}}, card.recipe]))
    method = recipe.method.for_targets(Attributes(()) if len(card.domains) == 1 else Domains(()))
    method.check(card.domains, recipe.data.size, recipe.training.batch)


@pytest.mark.parametrize("name", OFFICIAL)
def test_the_official_cards_say_where_from_and_train_as_the_paper_does(name: str) -> None:
    card = cards.dataset(name)
    assert card.archive
    addresses = [card.archive.url, *card.archive.mirrors]
    assert len(set(addresses)) == 3
    assert all(address.endswith(f".berkeley.edu/{'cyclegan' if 'efros' in address else '~taesung_park/CycleGAN'}"
                                f"/datasets/{name}.zip") for address in addresses)  # fmt: skip
    assert "ICCV 2017" in card.citation
    recipe = Recipe.parse(card.recipe)
    assert isinstance(recipe.method, CycleGAN)
    assert (recipe.method.generator.blocks, recipe.method.lambda_cyc) == (9, 10.0)
    assert recipe.method.lambda_idt == (0.0 if name in ("cityscapes", "facades", "maps") else 5.0)
    assert (recipe.data.size, recipe.training.steps, recipe.training.epochs, recipe.training.batch) == (
        256,
        None,
        200,
        1,
    )


def test_archives_are_distinct() -> None:
    archives = [card.archive for card in map(cards.dataset, OFFICIAL) if card.archive]
    assert len({archive.sha256 for archive in archives}) == len({archive.bytes for archive in archives}) == 11


@pytest.mark.parametrize(
    ("archive", "key"),
    [
        ('url = "ftp://example.org/x"\nbytes = 1\nsha256 = "%064d"', "archive.url"),
        ('url = "http://example.org/x"\nmirrors = ["file:///x"]\nbytes = 1\nsha256 = "%064d"', "archive.mirrors"),
        ('url = "http://example.org/x"\nbytes = 0\nsha256 = "%064d"', "archive.bytes"),
        ('url = "http://example.org/x"\nbytes = 1\nsha256 = "%063d"', "archive.sha256"),
        ('url = "http://example.org/x"\nbytes = 1', "archive.sha256"),
    ],
)
def test_an_archive_that_cannot_be_checked_is_no_archive(places: tuple[Path, Path], archive: str, key: str) -> None:
    card = f'title = "Birds"\ndomains = ["a", "b"]\ntarget = "b"\n[archive]\n{archive.replace("%064d", "0" * 64)}'
    places[0].with_suffix(".toml").write_text(card.replace("%063d", "0" * 63))
    with pytest.raises(SettingsError, match=rf"{key}.* in birds\.toml is wrong"):
        cards.dataset("birds")


def test_pictures_belong_beside_the_card_and_are_found_in_both_places(places: tuple[Path, Path]) -> None:
    beside, home = places
    assert cards.folder("birds") == beside
    beside.mkdir()
    fill(home)
    assert cards.folder("birds") == home  # the folder beside the card is empty
    beside.rmdir()
    fill(beside)
    assert cards.folder("birds") == beside


def test_pictures_of_an_installed_package_belong_into_the_home(
    places: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "__file__", str(tmp_path / "clone/cards.py"))
    assert cards.folder("birds") == places[1]
    monkeypatch.delenv("TRANSLATE_HOME")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "user")
    assert cards.folder("birds") == tmp_path / "user/.cache/translate/datasets/birds"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert cards.folder("birds") == tmp_path / "caches/translate/datasets/birds"


def test_pictures_belong_into_the_home_where_nothing_can_be_written_beside_the_card(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda place, mode: place != places[0].parent)
    assert cards.folder("birds") == places[1]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"target": "c"}, "the target 'c' is not among the domains"),
        ({"domains": ["a", "a"]}, "domains must be different names"),
        ({"domains": ["a", "../b"], "target": "a"}, "names that folders may have"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        cards.DatasetCard.parse({"name": "n", "title": "t", "domains": ["a", "b"], "target": "b", **fields})


PAIRED = {
    "edges2handbags": "edges2handbags", "edges2shoes": "edges2shoes", "night2day": "night2day",
    "pix2pix-cityscapes": "cityscapes", "pix2pix-facades": "facades", "pix2pix-maps": "maps",
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRED)
def test_the_official_pairs_say_where_from_and_are_learned_with_pix2pix(name: str) -> None:
    card = cards.dataset(name)
    assert card.archive
    assert card.paired
    assert all(
        url.endswith(f"/pix2pix/datasets/{PAIRED[name]}.tar.gz") for url in (card.archive.url, *card.archive.mirrors)
    )
    assert "CVPR 2017" in card.citation
    recipe = Recipe.parse(card.recipe)
    assert recipe.method == Pix2Pix()
    assert recipe.data.size == 256


@pytest.mark.parametrize("name", cards.names("datasets"))
def test_what_cannot_be_checked_comes_over_https_alone(name: str) -> None:
    archive = cards.dataset(name).archive
    if archive and not archive.sha256:
        assert all(url.startswith("https://") for url in (archive.url, *archive.mirrors))


def test_a_sum_without_a_size_is_refused() -> None:
    with pytest.raises(SettingsError, match="where the SHA-256 is known, so are the bytes"):
        cards.Archive.parse({"url": "https://example.org/x.zip", "sha256": "0" * 64})
