"""What an export says of itself, and what follows for what it can be asked for."""

import pytest

from translate.errors import SettingsError
from translate.models.about import About

ABOUT = About(method={}, domains=["horse", "zebra"], target="zebra", size=16, steps=3, planned=5)
THREE = ABOUT.model_copy(update={"domains": ["a", "b", "c"], "target": ""})


@pytest.mark.parametrize(
    ("about", "to", "expected"),
    [
        (ABOUT, None, "zebra"),
        (ABOUT, "horse", "horse"),
        (THREE, "b", "b"),
        (THREE.model_copy(update={"target": "c"}), None, "c"),
    ],
)
def test_a_domain_is_chosen_by_name_or_by_default(about: About, to: str | None, expected: str) -> None:
    assert about.targets.choose(to) == expected


@pytest.mark.parametrize(
    ("about", "to", "sentence"),
    [
        (THREE, None, "The model knows the domains a, b, c; name one with --to."),
        (THREE, "", "The model has no domain ''. It knows a, b, c."),
        (ABOUT, "zbra", "The model has no domain 'zbra'. Did you mean zebra? It knows horse, zebra."),
    ],
)
def test_a_domain_that_is_not_said_or_not_known_is_refused(about: About, to: str | None, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        about.targets.choose(to)
    assert str(caught.value) == sentence
    assert caught.value.exit_code == 2


def test_all_means_every_domain_or_every_attribute_switched_on() -> None:
    assert ABOUT.targets.several("all") == list(ABOUT.domains)
    assert ABOUT.targets.several(ABOUT.domains[0]) == []
    named = ABOUT.model_copy(update={"domains": ["all", "none"], "target": "none"})
    assert named.targets.several("all") == []
    faces = ABOUT.model_copy(update={"domains": ["hat", "scarf"], "attributes": True, "target": ""})
    assert faces.targets.several("all") == ["hat", "scarf"]
    assert [faces.targets.choose(to) for to in faces.targets.several("all")] == ["hat", "scarf"]
    assert faces.targets.choose("hat=0,scarf=1") == "hat=0,scarf=1"
    with pytest.raises(SettingsError, match="changes the attributes hat, scarf; say how, as in --to hat=1"):
        faces.targets.choose()


def test_a_model_of_one_direction_translates_nowhere_else() -> None:
    one = ABOUT.model_copy(update={"only": "zebra", "source": "elsewhere"})
    assert one.targets.directions == [("horse", "zebra")]
    assert one.targets.choose() == one.targets.choose("zebra") == "zebra"
    with pytest.raises(SettingsError, match=r"The model translates to zebra alone\.$"):
        one.targets.choose("horse")
    trained = ABOUT.model_copy(update={"only": "zebra", "method": {"target": None}})
    with pytest.raises(SettingsError, match=r"alone\. For horse, train another one with --set method\.target=horse\.$"):
        trained.targets.choose("horse")
    with pytest.raises(SettingsError, match=r"The model translates to zebra alone\.$"):
        trained.targets.choose("lion")


@pytest.mark.parametrize("name", ["../../esc", "/etc", "a/b", "a\\b", "..", "", ".hidden", "a\0b", "a\nb"])
def test_a_name_that_would_leave_the_output_folder_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="cannot be the name of a folder"):
        About.parse({**ABOUT.model_dump(), "domains": [name, "b"], "target": "b"})
