import pytest

from translate.errors import SettingsError
from translate.targets import read_changes

KNOWN = ("Blond_Hair", "Young")


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("Blond_Hair=1,Young=0", {"Blond_Hair": 1, "Young": 0}),
        ("Young", {"Young": 1}),
        (" Young = 0 , Blond_Hair ", {"Young": 0, "Blond_Hair": 1}),
    ],
)
def test_changes_are_read(words, changes):
    assert read_changes(words, KNOWN) == changes


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("Yuong=1", r"no attribute 'Yuong'\. Did you mean Young\? Known: Blond_Hair, Young"),
        ("", "no attribute ''"),
        ("Young=2", "becomes 0 or 1, as in Young=1; found 'Young=2'"),
        ("Young=", "becomes 0 or 1"),
        ("Young=1,Young=0", "named twice"),
    ],
)
def test_wrong_words_are_refused_with_a_sentence(words, sentence):
    with pytest.raises(SettingsError, match=sentence):
        read_changes(words, KNOWN)
