"""Every drawn dataset has a card, a score and a recipe that fits it."""

import pytest

from translate import cards
from translate.errors import DataError
from translate.runs import prepare
from translate.toys.catalogue import COUNT, TOYS, drawn_scores


def test_drawn_datasets_have_cards():
    assert {name for name in cards.names("datasets") if cards.dataset(name).drawn} == set(TOYS)


@pytest.mark.parametrize("name", TOYS)
def test_a_card_names_the_domains_and_enough_unseen_pictures(name):
    card = cards.dataset(name)
    assert card.domains == list(TOYS[name].painters)
    assert card.target in card.domains or (card.target == "" and len(card.domains) != 2)
    assert card.test >= COUNT


@pytest.mark.parametrize("name", TOYS)
def test_the_recipe_of_a_card_suits_its_domains(name, tmp_path):
    run = prepare(name, out=tmp_path / "run")
    assert run.recipe.method.name == cards.dataset(name).recipe.get("method", {}).get("name", "cyclegan")
    assert run.recipe.data.size == (32 if name == "toy-digits" else 64)


@pytest.mark.parametrize("name", TOYS)
def test_another_method_can_be_named_where_it_knows_two_domains(name, tmp_path):
    if len(TOYS[name].painters) == 2:
        run = prepare(name, out=tmp_path / "run", method="cyclegan")
        assert run.recipe.method.name == "cyclegan"
    else:
        with pytest.raises(DataError, match="two domains"):
            prepare(name, out=tmp_path / "run", method="cyclegan")


def test_outlines_and_shoes_are_pairs_for_methods_that_need_such_alone(tmp_path):
    run = prepare("toy-edges2shoes", out=tmp_path / "run", method="pix2pix")
    assert (run.dataset.paired, run.recipe.method.generator.depth) == (True, 6)
    edges, shoes = (run.dataset.test[domain] for domain in ("edges", "shoes"))
    assert (edges.sample(7).mask == shoes.sample(7).mask).all()
    alone = prepare("toy-edges2shoes", out=tmp_path / "run").dataset
    assert not alone.paired
    assert (alone.test["edges"].sample(7).mask != alone.test["shoes"].sample(7).mask).any()
    with pytest.raises(DataError, match="toy-horse2zebra has none"):
        prepare("toy-horse2zebra", out=tmp_path / "run", method="pix2pix")


@pytest.mark.parametrize("made", ["worn", "holes", "colour", "superres2", "superres4"])
def test_drawn_faces_are_made_pairs(tmp_path, made):
    run = prepare("toy-faces", out=tmp_path / "run", method="pix2pix", words=[f"data.made={made}"])
    damaged, whole = run.dataset.domains
    assert run.dataset.paired
    assert run.recipe.method.scale == {"superres2": 2, "superres4": 4}.get(made, 1)
    assert len(run.dataset.test[damaged]) == len(run.dataset.test[whole]) == 200
    assert (run.dataset.test[damaged][0] != run.dataset.test[whole][0]).any()


def test_two_hundred_pictures_are_scored():
    assert COUNT == 200


def test_other_datasets_have_no_scores():
    assert drawn_scores("horse2zebra", lambda *_: 1 / 0, 64) == {}
