"""What is wanted of attributes that a picture has or has not, said in words such as "Blond_Hair=1,Young=0"."""

from collections.abc import Sequence

from translate.errors import SettingsError
from translate.settings import nearest


def read_changes(words: str, known: Sequence[str]) -> dict[str, int]:
    """Read the attributes to change and what they become; a name alone means 1.

    Raises:
        SettingsError: an attribute is not among the `known` ones, is named twice, or is to become something else than
            0 or 1.
    """
    changes: dict[str, int] = {}
    for word in words.split(","):
        name, _, value = (part.strip() for part in word.partition("="))
        if name not in known:
            raise SettingsError(f"There is no attribute {name!r}.{nearest(name, known)} Known: {', '.join(known)}.")
        if value not in ("", "0", "1") or word.rstrip().endswith("="):
            raise SettingsError(f"An attribute becomes 0 or 1, as in {name}=1; found {word.strip()!r}.")
        if name in changes:
            raise SettingsError(f"The attribute {name} is named twice in {words!r}.")
        changes[name] = int(value or 1)
    return changes
