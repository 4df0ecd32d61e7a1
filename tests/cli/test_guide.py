"""`translate` alone, `translate help`, `translate settings`."""

import json

import pytest

from translate.cli.guide import ORDER
from translate.methods.base import available


def test_translate_alone_says_what_to_type_first(run):
    code, out, err = run()
    assert (code, err) == (0, "")
    assert len(out.splitlines()) <= 12
    assert "translate apply monet" in out
    assert "--config painting" in out


def test_help_lists_its_pages_and_shows_one(run):
    code, out, _ = run("help")
    assert code == 0
    assert [line.split()[2] for line in out.splitlines()] == [*ORDER]
    for page in ORDER:
        code, out, _ = run("help", page)
        assert (code, out.startswith("# ")) == (0, True)


def test_a_page_that_is_not_there_is_refused_with_the_nearest(run):
    code, _, err = run("help", "convertng")
    assert (code, "Did you mean converting?" in err) == (2, True)


@pytest.mark.parametrize("method", available())
def test_every_setting_has_a_meaning_and_can_be_set(run, method):
    code, out, _ = run("settings", method, "--json")
    groups = json.loads(out)
    assert code == 0
    assert {group["key"].split(".")[0] for group in groups} == {"method", "data", "training"}
    settings = [setting for group in groups for setting in group["settings"]]
    assert [setting["key"] for setting in settings if not setting["meaning"]] == []
    assert {"data.size", "training.steps", "method.optimiser.lr"} <= {setting["key"] for setting in settings}


def test_settings_are_listed_with_their_choices_units_and_defaults(run):
    code, out, _ = run("settings", "cut")
    assert code == 0
    line = next(line for line in out.splitlines() if line.lstrip().startswith("data.size"))
    assert line.split()[:2] == ["data.size", "256"]
    assert "in pixels" in line
    assert "method.generator = skip-resnet (another kind)" in out
    assert "(one of nce, decoupled)" in out
    assert "There is no method" in run("settings", "cu")[2]


def test_apply_without_a_model_lists_those_that_are_here_with_a_word_each(run, place):
    (place / "runs/mine").mkdir(parents=True)
    (place / "runs/mine/model.safetensors").touch()
    code, out, _ = run("apply")
    assert code == 0
    rows = [line.split(maxsplit=1) for line in out.splitlines() if line.startswith("  ")]
    assert ["monet", "Photos become paintings by Monet"] in rows
    assert ["runs/mine", "your own"] in rows
    assert out.splitlines()[-1].startswith("Next: translate apply monet PHOTOS --out painted")


def test_apply_without_pictures_says_what_is_missing(run):
    code, _, err = run("apply", "monet", "--out", "painted")
    assert (code, err) == (2, "Error: What should monet translate? Name pictures or folders, and --out RESULTS.\n")
