"""Settings: what is accepted, what is refused, and the sentences that say why."""

import json
import math
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import Field, ValidationError

from translate.errors import SettingsError
from translate.methods import cyclegan
from translate.settings import Settings, merge, nearest, read_toml, read_word


class Engine(Settings):
    kind: Literal["engine"] = "engine"
    cylinders: int = Field(4, ge=1)


class Motor(Settings):
    kind: Literal["motor"] = "motor"
    volts: float = 48.0
    poles: tuple[int, ...] = (2, 4)


class Car(Settings):
    name: str = "beetle"
    weight_kg: float = Field(800.0, gt=0)
    doors: int = 2
    open: bool = False
    drive: Engine = Engine()
    motor: Motor | None = None


def refusal(tree: dict[str, Any], **options: str) -> str:
    with pytest.raises(SettingsError) as caught:
        Car.parse(tree, **options)
    assert caught.value.exit_code == 2
    return str(caught.value)


# Parsing


def test_nothing_given_means_the_defaults():
    assert Car.parse({}) == Car()


def test_nested_values_are_taken_over_and_the_rest_keeps_its_default():
    car = Car.parse({"doors": 4, "drive": {"cylinders": 6}, "motor": {"poles": [8]}})
    assert car == Car(doors=4, drive=Engine(cylinders=6), motor=Motor(poles=(8,)))
    assert car.weight_kg == 800.0


def test_a_whole_number_is_a_decimal_one():
    assert Car.parse({"weight_kg": 900}).weight_kg == 900.0


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"doors": "four"}, 'The setting doors is wrong: Input should be a valid integer; found "four".'),
        ({"doors": "4"}, 'The setting doors is wrong: Input should be a valid integer; found "4".'),
        ({"doors": 4.0}, "The setting doors is wrong: Input should be a valid integer; found 4.0."),
        ({"doors": True}, "The setting doors is wrong: Input should be a valid integer; found true."),
        ({"open": 1}, "The setting open is wrong: Input should be a valid boolean; found 1."),
        ({"name": 7}, "The setting name is wrong: Input should be a valid string; found 7."),
        ({"weight_kg": "1"}, 'The setting weight_kg is wrong: Input should be a valid number; found "1".'),
        ({"weight_kg": 0}, "The setting weight_kg is wrong: Input should be greater than 0; found 0."),
        (
            {"drive": {"cylinders": 0}},
            "The setting drive.cylinders is wrong: Input should be greater than or equal to 1",
        ),
        ({"motor": {"poles": [2, "x"]}}, "The setting motor.poles.1 is wrong: Input should be a valid integer"),
        ({"drive": 3}, "The setting drive is wrong: Input should be an object; found 3."),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_what_was_found(tree, sentence):
    assert refusal(tree).startswith(sentence)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("key", ["weight_kg", "doors"])
@pytest.mark.fault("R-50")
def test_numbers_that_are_not_finite_are_refused(key, value):
    assert f"The setting {key} is wrong" in refusal({key: value})


def test_the_sentence_says_where_the_value_stood():
    assert refusal({"doors": "x"}, where="car.toml").startswith("The setting doors in car.toml is wrong")
    assert refusal({"dors": 4}, where="car.toml") == "Unknown setting dors in car.toml. Did you mean doors?"
    assert refusal({"dors": 4}, under="garage").startswith("Unknown setting garage.dors. Did you mean doors?")
    assert refusal({"doors": "x"}, under="garage").startswith("The setting garage.doors is wrong")


def test_a_long_value_is_not_repeated_in_full():
    assert len(refusal({"doors": "x" * 10_000})) < 200


# Unknown keys


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"weight": 3}, "Unknown setting weight. Did you mean weight_kg?"),
        ({"drive": {"cylinder": 3}}, "Unknown setting drive.cylinder. Did you mean cylinders?"),
        ({"motor": {"volt": 3}}, "Unknown setting motor.volt. Did you mean volts?"),
        ({"drive": {"volts": 3}}, "Unknown setting drive.volts. Known keys: cylinders, kind."),
        ({"xyz": 3}, "Unknown setting xyz. Known keys: doors, drive, motor, name, open, weight_kg."),
    ],
)
@pytest.mark.fault("R-49")
def test_an_unknown_key_is_refused_with_the_nearest_one(tree, sentence):
    assert refusal(tree) == sentence


@pytest.mark.parametrize(
    ("tree", "suggestion"),
    [
        ({"kind": "patchgan", "layer": 2}, "layers"),
        ({"kind": "pixelgan", "widht": 32}, "width"),
        ({"nrom": "batch"}, "norm"),
    ],
)
def test_keys_below_a_choice_of_settings_are_suggested_as_well(tree, suggestion):
    with pytest.raises(SettingsError, match=rf"Unknown setting discriminator\.\S+\. Did you mean {suggestion}\?"):
        cyclegan.Settings.parse({"discriminator": tree})


def test_only_keys_of_the_chosen_settings_are_suggested():
    with pytest.raises(SettingsError, match=r"Unknown setting discriminator\S*\.layers\.") as caught:
        cyclegan.Settings.parse({"discriminator": {"kind": "pixelgan", "layers": 2}})
    assert "Did you mean layers" not in str(caught.value)


@pytest.mark.parametrize("value", ["pixelgan", 3, None, [], {"kind": "unet"}, {"kind": 3}])
def test_a_choice_that_is_none_of_the_known_ones_is_refused_with_a_sentence(value):
    with pytest.raises(SettingsError, match="The setting discriminator"):
        cyclegan.Settings.parse({"discriminator": value})


def test_nearest_suggests_one_name_or_nothing():
    assert nearest("hores2zebra", ["horse2zebra", "monet2photo"]) == " Did you mean horse2zebra?"
    assert nearest("qqq", ["horse2zebra", "monet2photo"]) == ""
    assert nearest("qqq", []) == ""


# They do not change and travel as JSON


def test_settings_are_frozen_at_every_depth():
    car = Car(motor=Motor())
    for owner, name in [(car, "doors"), (car.drive, "cylinders"), (car.motor, "volts"), (car, "new")]:
        with pytest.raises(ValidationError, match=r"frozen|extra"):
            setattr(owner, name, 1)
    with pytest.raises(ValidationError, match="frozen"):
        del car.doors


@pytest.mark.parametrize(
    "settings",
    [
        Car(),
        Car(name="ä\n\"'", weight_kg=1e-300, motor=Motor(poles=())),
        cyclegan.Settings(),
        cyclegan.Settings(lambda_cyc=0.1),
    ],
)
def test_json_gives_the_same_settings_back(settings):
    text = settings.to_json()
    again = type(settings).parse(json.loads(text))
    assert again == settings
    assert again.to_json() == text


def test_json_holds_every_key_also_of_a_more_special_class():
    class Truck(Car):
        axles: int = 3

    class Garage(Settings):
        car: Car = Car()

    assert json.loads(Garage(car=Truck()).to_json())["car"]["axles"] == 3
    assert list(json.loads(Car().to_json())) == ["name", "weight_kg", "doors", "open", "drive", "motor"]


# Words


@pytest.mark.parametrize(
    ("word", "tree"),
    [
        ("a=1", {"a": 1}),
        ("a=-3", {"a": -3}),
        ("a=1_000", {"a": 1000}),
        ("a=1.5", {"a": 1.5}),
        ("a=2e-4", {"a": 2e-4}),
        ("a=true", {"a": True}),
        ("a=batch", {"a": "batch"}),
        ("a='3'", {"a": "3"}),
        ('a="x y"', {"a": "x y"}),
        ("a=", {"a": ""}),
        ("a=x=y", {"a": "x=y"}),
        ("a=C:\\pictures", {"a": "C:\\pictures"}),
        ("a=photos/été #3", {"a": "photos/été #3"}),
        ("a=[1, 2]", {"a": [1, 2]}),
        ("a=['x', 'y']", {"a": ["x", "y"]}),
        ("a={b = 1}", {"a": {"b": 1}}),
        ("a.b.c=1", {"a": {"b": {"c": 1}}}),
        (" a . b = 1", {"a": {"b": 1}}),
        ("a=True", {"a": "True"}),  # not TOML, so the setting refuses it
        ("a=None", {"a": "None"}),
    ],
)
def test_a_word_is_a_key_and_a_value(word, tree):
    found = read_word(word)
    assert found == tree
    assert repr(found) == repr(tree)  # 1, 1.0 and True are equal


@pytest.mark.parametrize("word", ["", "a", "a.b", "=1", " =1", "a.=1", ".a=1", "a..b=1"])
def test_a_word_without_key_or_equals_sign_is_refused_with_an_example(word):
    with pytest.raises(SettingsError) as caught:
        read_word(word)
    assert str(caught.value) == f"--set takes KEY=VALUE such as method.lambda_idt=0; found {word!r}."


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-31",
        "12:30:00",
        "2026-01-31T12:30:00Z",
        pytest.param("9" * 5000, id="more digits than Python reads"),
        pytest.param("[" * 3000, id="deeper than Python reads"),
        "nan",
        "1e999",
    ],
)
def test_any_word_that_is_no_setting_ends_in_a_sentence(value):
    with pytest.raises(SettingsError):
        Car.parse(read_word(f"doors={value}"))


def test_a_date_can_be_a_string_setting():
    assert Car.parse(read_word("name=2026-01-31")).name == "2026-01-31"


def test_a_word_is_one_value_and_nothing_after_it_is_lost():
    assert read_word("a=1\nb = 2") == {"a": "1\nb = 2"}


# Layers


def test_the_later_layer_wins_key_by_key():
    layers = [
        {"doors": 2, "drive": {"cylinders": 4, "fuel": {"kind": "petrol", "litres": 40}}},
        {"drive": {"fuel": {"litres": 50}}, "open": True},
        {"doors": 4, "drive": {"fuel": {"litres": 60}}},
    ]
    before = json.dumps(layers)
    assert merge(layers) == {
        "doors": 4,
        "open": True,
        "drive": {"cylinders": 4, "fuel": {"kind": "petrol", "litres": 60}},
    }
    assert json.dumps(layers) == before


@pytest.mark.parametrize(
    ("layers", "result"),
    [
        ([], {}),
        ([{}, {"a": 1}], {"a": 1}),
        ([{"a": [1, 2]}, {"a": [3]}], {"a": [3]}),  # lists are values
        ([{"a": {"b": 1}}, {"a": 2}], {"a": 2}),
        ([{"a": 2}, {"a": {"b": 1}}], {"a": {"b": 1}}),
        ([{"a": {"b": 1}}, {"a": {}}], {"a": {"b": 1}}),
        ([{"a": 0}, {"a": None}], {"a": None}),
        ([{"a": {"kind": "x", "b": 1}}, {"a": {"kind": "y", "c": 2}}], {"a": {"kind": "y", "c": 2}}),
        ([{"a": {"kind": "x", "b": 1}}, {"a": {"kind": "x", "c": 2}}], {"a": {"kind": "x", "b": 1, "c": 2}}),
        ([{"a": {"b": 1}}, {"a": {"kind": "y"}}], {"a": {"b": 1, "kind": "y"}}),
    ],
)
def test_layers_that_do_not_match(layers, result):
    assert merge(layers) == result


def test_words_lie_over_a_file_and_a_file_over_the_defaults(tmp_path: Path):
    path = tmp_path / "car.toml"
    path.write_text("doors = 4\n[drive]\ncylinders = 8\n", encoding="utf-8")
    words = [read_word("drive.cylinders=12"), read_word("name=herbie"), read_word("drive.cylinders=16")]
    car = Car.parse(merge([{"doors": 3, "open": True}, read_toml(path), *words]))
    assert car == Car(doors=4, open=True, name="herbie", drive=Engine(cylinders=16))


# Files


@pytest.mark.parametrize("content", [b"doors = 4\n", b"\xef\xbb\xbfdoors = 4\r\n", "doors = 4 # Türen".encode()])
@pytest.mark.fault("R-49")
def test_toml_is_read_also_as_windows_editors_write_it(content, tmp_path: Path):
    path = tmp_path / "car.toml"
    path.write_bytes(content)
    assert read_toml(path) == {"doors": 4}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"doors = \n", "{path} is not valid TOML: "),
        (b"doors = 1\ndoors = 2\n", "{path} is not valid TOML: "),
        (b"name = '\xff'\n", "Cannot read the settings file {path}: "),
        ("name = 'x'".encode("utf-16"), "Cannot read the settings file {path}: "),
        (None, "There is no settings file {path}."),
    ],
)
@pytest.mark.fault("R-49")
def test_a_file_that_cannot_be_read_is_refused_by_name(content, sentence, tmp_path: Path):
    path = tmp_path / "car.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        read_toml(path)
    assert str(caught.value).startswith(sentence.format(path=path))


def test_a_folder_is_no_settings_file(tmp_path: Path):
    with pytest.raises(SettingsError, match="Cannot read the settings file"):
        read_toml(tmp_path)
