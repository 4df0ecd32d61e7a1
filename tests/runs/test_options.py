"""Options of a run are settings under a short name, each written once."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from translate import methods, runs
from translate.cli.train import train
from translate.cli.train_options import Config
from translate.errors import SettingsError
from translate.runs import Execution, Recipe, prepare
from translate.runs.options import OPTIONS, PRESETS, resolve
from translate.settings import flat, read_toml

TOY = "toy-horse2zebra"
pytestmark = pytest.mark.usefixtures("shelf")
OTHERS = {"data", "domains", "out", "begin_from", "config", "words"}  # what `prepare` takes besides options


def test_every_option_is_a_setting() -> None:
    known = flat(Recipe.parse({"method": {"name": "cyclegan"}}).model_dump())
    assert set(OPTIONS.values()) <= set(known)
    assert len(set(OPTIONS.values())) == len(OPTIONS)


def test_the_help_names_all_settings_of_ours() -> None:
    (option,) = Config.__metadata__
    assert option.help.endswith(f"or one of ours: {', '.join(sorted(path.stem for path in PRESETS.glob('*.toml')))}.")


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


@pytest.mark.parametrize("name", sorted(path.stem for path in PRESETS.glob("*.toml")))
def test_our_own_settings_are_known_by_name_unless_a_file_has_it(name, photos, tmp_path, monkeypatch):
    resolved = flat(resolve(None, name, [], {}).model_dump())
    read = flat(read_toml(PRESETS / f"{name}.toml"))
    assert all(
        resolved[key] == value for key, value in read.items() if not isinstance(value, list) and key != "extends"
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text("training = {seed = 3}")
    assert prepare(photos, config=name, out=tmp_path / "run", device="cpu").recipe.training.seed == 3
    with pytest.raises(SettingsError, match=r"no settings file smal\. Name a file, or one of ours: cut, enlarge,"):
        prepare(photos, config="smal", out=tmp_path / "run", device="cpu")


def test_settings_lie_over_each_other_card_config_words_options(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text("[method]\nlambda_idt = 2.0\npool = 3\n[training]\nseed = 3\nbatch = 3", encoding="utf-8")
    words = ["method.pool=4", "training.seed=4", "training.batch=4", "training.seed=5"]

    def resolve(**arguments):
        recipe = prepare(TOY, out=tmp_path / "run", device="cpu", **arguments).recipe
        return recipe.method.lambda_idt, recipe.method.pool, recipe.training.seed, recipe.training.batch

    assert resolve() == (1.0, 2, 0, 1)
    assert resolve(config=file) == (2.0, 3, 3, 3)
    assert resolve(config=file, words=words) == (2.0, 4, 5, 4)
    assert resolve(config=file, words=words, batch=6) == (2.0, 4, 5, 6)


def test_an_objective_beside_critics_that_have_their_own_is_refused():
    with pytest.raises(SettingsError, match="Each of several critics has an objective of its own"):
        resolve(None, "quick", ["method.objective=vanilla"], {})


def test_a_precision_that_is_said_lies_over_the_recipe_also_where_it_is_auto(tmp_path):
    words = ["training.precision=fp32"]
    for said, expected in ((None, "fp32"), ("auto", "auto"), ("bf16", "bf16")):
        recipe = prepare(TOY, out=tmp_path / "run", words=words, device="cpu", precision=said).recipe
        assert recipe.training.precision == expected


def test_what_a_layer_does_not_name_stays_as_it_was(tmp_path):
    recipe = prepare(TOY, out=tmp_path / "run", words=["method.generator.width=3"], device="cpu").recipe
    assert (recipe.method.generator.blocks, recipe.method.generator.width) == (1, 3)
    assert (recipe.method.name, recipe.method.lambda_cyc, recipe.data.flip) == ("cyclegan", 10.0, 0.5)
    assert recipe.training.steps == 4


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["method.generator.widht=4"], "Unknown setting method.generator.widht. Did you mean width?"),
        (["method.discriminator.layer=2"], "Unknown setting method.discriminator"),
        (["method.lambda_id=4"], "Unknown setting method.lambda_id. Did you mean lambda_idt?"),
        (["trainings.steps=4"], "Unknown setting trainings.steps. Did you mean training.steps?"),
        (["data.colours=0.5"], "Unknown setting data.colours. Did you mean colour?"),
        (["training.seed=-1"], "The setting training.seed is wrong: Input should be greater than or equal to 0; found"),
        (["method.generator.width=wide"], "The setting method.generator.width is wrong: "),
        (["method.name=cyclegam"], "There is no method 'cyclegam'. Did you mean cyclegan?"),
        (["data.size=10"], "The setting data.size is wrong: "),
        (["method.discriminator.layers=4"], "Size 32 does not suit cyclegan with these networks: it must be a multiple"
         " of 4 and at least 48 pixels."),
    ],
)  # fmt: skip
def test_wrong_settings_are_refused_with_their_full_key(tmp_path, words, sentence):
    with pytest.raises(SettingsError) as caught:
        prepare(TOY, out=tmp_path / "run", words=words, device="cpu")
    assert caught.value.exit_code == 2
    assert str(caught.value).startswith(sentence)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault("R-39")
def test_size_10_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"data\.size is wrong: .*; found 10") as caught:
        prepare(TOY, out=tmp_path / "run", size=10, device="cpu")
    assert caught.value.exit_code == 2


def test_only_one_length_is_given(tmp_path, photos):
    with pytest.raises(SettingsError, match="one of --steps, --epochs and --time"):
        prepare(photos, out=tmp_path / "run", steps=2, seconds=10.0)


@pytest.mark.parametrize(
    ("words", "options", "source"),
    [
        (["method.lambda_idtt=1"], {}, "--set method.lambda_idtt=1"),
        ([], {}, "the file {file}"),
        (["training.seed=4"], {"seed": -1}, "the command's options"),
        (["training.batch=0", "training.batch=-1"], {}, "--set training.batch=-1"),
    ],
)
@pytest.mark.fault("R-49")
def test_a_wrong_setting_is_refused_with_where_it_came_from(tmp_path, photos, words, options, source):
    file = tmp_path / "config.toml"
    file.write_text("[method]\npool = 3\n" if words else "[method.generator]\nwidht = 3\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        prepare(photos, out=tmp_path / "run", config=file, words=words, device="cpu", **options)
    assert str(caught.value).endswith(f" It comes from {source.format(file=file)}.")


@pytest.mark.parametrize(
    "word",
    ["training.epochs=0", "method.optimiser.lr=-1.0", "method.optimiser.beta1=1.0", "method.lambda_cyc=nan",
     "method.lambda_cyc=1e400", "training.average=1.0", "training.batch=0", "data.flip=2.0"],
)  # fmt: skip
@pytest.mark.fault("R-50")
def test_values_out_of_their_range_are_refused_with_the_key(tmp_path, photos, word):
    with pytest.raises(SettingsError) as caught:
        prepare(photos, out=tmp_path / "run", words=[word], device="cpu")
    assert caught.value.exit_code == 2
    assert str(caught.value).startswith(f"The setting {word.partition('=')[0]} is wrong: ")


def test_fewer_held_out_pictures_than_a_choice_needs_are_refused(tmp_path, photos):
    with pytest.raises(SettingsError, match=r"data\.held_out is wrong: it must be 0 or at least 4, .*; found 3"):
        prepare(photos, out=tmp_path / "run", words=["data.held_out=3"], device="cpu")


@pytest.mark.fault("F-21")
@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("lambda_cyc=5", "Unknown setting lambda_cyc. Did you mean method.lambda_cyc? It comes from --set lambda_cyc"),
        ("lamda_cyc=5", "Unknown setting lamda_cyc. Did you mean method.lambda_cyc?"),
        ("generator.blocks=3", "Unknown setting generator.blocks. Did you mean method.generator.blocks?"),
        ("methd.lambda_cyc=5", "Unknown setting methd.lambda_cyc. Did you mean method.lambda_cyc?"),
        ("steps=5", "Unknown setting steps. Did you mean training.steps?"),
        ("quite_another=5", "Unknown setting quite_another. Known keys: data, method, training."),
    ],
)
def test_a_setting_without_the_beginning_of_its_key_is_told_its_whole_key(word, meant):
    with pytest.raises(SettingsError) as caught:
        resolve(None, None, [word], {})
    assert str(caught.value).startswith(meant)


@pytest.mark.fault("F-21")
def test_a_method_that_there_is_not_is_told_where_methods_lie():
    with pytest.raises(SettingsError, match=r"There is no method 'mine'\.") as caught:
        resolve(None, None, ["method.name=mine"], {})
    assert f"They are the files in {Path(methods.__path__[0])}." in str(caught.value)
