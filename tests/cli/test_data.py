"""`translate data` as a user meets it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from translate import cards, images

Run = Callable[..., tuple[int, str, str]]


def test_a_dataset_is_checked_by_its_name(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "ponies.toml").write_text('title = "Ponies"\ndomains = ["A", "B"]\ntarget = "B"\n')
    (place / "horses").rename(place / "ponies")
    shelf = place.rename(place.with_name("shelf"))
    monkeypatch.setattr(cards, "shelf", lambda kind: shelf)
    assert json.loads(run("data", "check", "ponies", "--json")[1])["counts"]["train A"] == 4


def test_a_known_dataset_is_told_of_fetched_and_trained_on_by_its_own_names(
    run: Run, place: Path, stored: Path
) -> None:
    assert run("data", "list")[1] == "ponies: Ponies (pony, zebra); not here, 0 MB to fetch\n"
    out = run("data", "info", "ponies")[1]
    for part in ("citation: Me, 2026", "archive.url: http://127.0.0.1:1/ponies.zip", "pictures: not here"):
        assert part in out
    code, out, err = run("data", "fetch", "ponies", "--from", "ponies.zip")
    assert (code, out) == (0, f"The pictures of ponies are in {stored / 'ponies'}. Next: translate train ponies\n")
    assert "unpacking 12/12" in err
    assert json.loads(run("data", "list", "--json")[1])[0]["pictures"] == f"in {stored / 'ponies'}"
    assert json.loads(run("data", "check", "ponies", "--json")[1])["counts"]["train pony"] == 4
    code, _, err = run("train", "ponies", "--config", "tiny.toml", "--device", "cpu", "--download")
    assert code == 0
    assert "cyclegan on ponies: 4 pony, 4 zebra" in err
    assert "directions: zebra to pony, pony to zebra (default: to zebra)" in run("info", "runs/ponies")[1]


def test_a_drawn_dataset_is_written_checked_and_trained_on(run: Run, place: Path) -> None:
    code, out, _ = run("data", "make", "toy-horse2zebra", "toy", "--count", 3, "--size", 40)
    assert code == 0
    assert "Next: translate train toy" in out
    assert run("data", "make", "toy-horse2zebra", "toy")[0] == 7
    code, out, _ = run("data", "check", "toy", "--json")
    assert json.loads(out)["counts"] == {"train A": 3, "train B": 3, "test A": 1, "test B": 1}
    assert run("train", "toy", "--config", "tiny.toml")[0] == 0


@pytest.mark.fault("F-12")
def test_pictures_of_more_pixels_are_checked_where_that_is_allowed(run: Run, place: Path) -> None:
    out = run("data", "check", "horses", "--max-pixels", 1599)[1]
    assert "train A: cannot be read (4)" in out
    assert "a larger --max-pixels reads it" in out
    assert "cannot be read" not in run("data", "check", "horses", "--max-pixels", "1.6k")[1]


@pytest.mark.fault("F-21")
def test_named_domains_are_checked(run: Run, place: Path) -> None:
    words = ("--domain", "horse=horses/trainA", "--domain", "zebra=horses/trainB")
    assert json.loads(run("data", "check", *words, "--json")[1])["counts"] == {"train horse": 4, "train zebra": 4}
    code, out, err = run("data", "check", "horses/trainA")
    assert (code, out.splitlines()[0]) == (0, "train trainA: 4 pictures")
    assert "Next: translate train --domain photo=PHOTOS --domain trainA=horses/trainA --config painting" in err
    assert run("data", "check", "nowhere")[0] == 4
    code, _, err = run("data", "check")
    assert (code, err) == (
        2, "Error: What should be looked over? Name a dataset, a folder, or two --domain NAME=FOLDER.\n"
    )  # fmt: skip


def test_pairs_are_drawn_where_there_are_such(run, place):
    code, out, _ = run("data", "make", "toy-edges2shoes", "pairs", "--count", 1, "--size", 32, "--paired")
    assert (code, "translate train pairs --method pix2pix" in out) == (0, True)
    code, _, err = run("data", "make", "toy-faces", "faces", "--paired")
    assert (code, "toy-faces has no pairs. Drawn ones that have: toy-edges2shoes." in err) == (2, True)


def test_pairs_are_looked_over_where_that_is_asked_for(run, place):
    folder = place / "horses"
    code, _, err = run("data", "check", "horses", "--pairs", "auto")
    assert (code, "4 pairs of pictures with equal names" in err) == (0, True)
    assert "translate train horses --method pix2pix" in err
    for number in range(4):
        (folder / "trainB" / f"{number:05d}.png").rename(folder / "trainB" / f"x{number}.png")
    code, _, err = run("data", "check", "horses", "--pairs", "auto")
    assert code == 4
    assert "8 pictures of A and B without a partner of the same name: trainA/00000.png, trainA/00001.png" in err
    assert "and 5 more" in err
    assert run("data", "check", "horses")[0] == 0
    images.write_pixels(np.zeros((8, 17, 3), np.uint8), place / "photos" / "odd.png")
    code, _, err = run("data", "check", "photos", "--pairs", "side-by-side")
    assert (code, "odd.png is 17 x 8 pixels, an odd width" in err) == (4, True)
