"""How people call the folders of training, test and validation pictures."""

import re
from typing import Literal

Part = Literal["train", "test", "validation"]

# trainA, Train, training, test_horse, val; but not trains, valley or testament. Letters are those of official archives.
_NAME = re.compile(
    r"(?:(?P<train>train(?:ing)?)|(?P<test>test(?:ing)?)|(?P<validation>val(?:id(?:ation)?)?))"
    r"(?:[ _-](?P<name>.+)|(?P<letter>[a-f]))?",
    re.IGNORECASE,
)


def part_of(folder: str) -> tuple[Part, str] | None:
    """Return which part of a dataset a folder's name means, and the domain in it: ("train", "A") of "trainA".

    The domain is empty where the name is that of the part alone. None: the name means no part.
    """
    match = _NAME.fullmatch(folder)
    if match is None:
        return None
    part: Part = "train" if match["train"] else "test" if match["test"] else "validation"
    return part, match["name"] or match["letter"] or ""
