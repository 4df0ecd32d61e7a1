"""Options of a run are settings under a short name, each written once."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from translate import runs
from translate.cli.train import train
from translate.errors import SettingsError
from translate.runs import Execution, Recipe, prepare
from translate.runs.options import OPTIONS, resolve
from translate.settings import flat

OTHERS = {"data", "domains", "out", "begin_from", "config", "words"}  # what `prepare` takes besides options


def test_every_option_is_a_setting() -> None:
    known = flat(Recipe.parse({"method": {"name": "cyclegan"}}).model_dump())
    assert set(OPTIONS.values()) <= set(known)
    assert len(set(OPTIONS.values())) == len(OPTIONS)


def test_an_option_lies_over_the_same_setting_in_words_and_none_leaves_it() -> None:
    words = ["training.seed=1", "data.size=64", "method.name=discogan"]
    for options, expected in (
        ({"seed": 2, "size": 128, "method": "stargan"}, (2, 128, "stargan")),
        ({"seed": None, "size": None, "method": None}, (1, 64, "discogan")),
        ({"seed": 0}, (0, 64, "discogan")),
    ):
        recipe = resolve(None, None, words, options)
        assert (recipe.training.seed, recipe.data.size, recipe.method.name) == expected


@pytest.mark.parametrize("length", ["steps", "epochs", "seconds"])
def test_a_length_takes_the_place_of_another_one_below_it(length: str) -> None:
    recipe = resolve(None, None, ["training.steps=7", "training.seconds=8.0"], {length: 3})
    expected = {"steps": (3, None, 200), "epochs": (None, None, 3), "seconds": (None, 3.0, 200)}
    assert (recipe.training.steps, recipe.training.seconds, recipe.training.epochs) == expected[length]


def test_an_option_that_does_not_exist_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^There is no option stesp\. Did you mean steps\?$"):
        prepare(tmp_path, stesp=3)
    with pytest.raises(SettingsError, match=r"^There is no option worker\. Did you mean workers\?$"):
        prepare(tmp_path, worker=3)


def test_the_command_line_hands_every_option_over(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: dict[str, Any] = {}

    class Stop(Exception):
        pass

    def prepare(data: str, **options: Any) -> None:
        taken.update(options, data=data)
        raise Stop

    monkeypatch.setattr(runs, "prepare", prepare)
    with pytest.raises(Stop):
        train("toy", steps=3, batch="auto", grace="25s")
    assert set(taken) == {*OPTIONS, *(field.name for field in fields(Execution)), *OTHERS}
    assert (taken["steps"], taken["batch"], taken["grace_s"], taken["deterministic"]) == (3, "auto", 25.0, None)
