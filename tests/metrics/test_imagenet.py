"""Classes of ImageNet by name."""

import pytest

from translate.errors import SettingsError
from translate.metrics.imagenet import class_number


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("zebra", 340),
        ("tench", 0),
        ("Great-white_Shark", 2),
        ("great_white-shark", 2),
        ("Cardigan", 264),
        ("cardigan", 474),
    ],
)
def test_names_mean_classes(name, number):
    assert class_number(name) == number


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(SettingsError, match=r"no class 'lakesides'\. Did you mean lakeside\?"):
        class_number("lakesides")
