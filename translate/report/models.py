"""A page of models: what each does in pictures and words, how good it is, and how it is used and was made."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from translate.report.html import EMBEDDED, render


@dataclass(frozen=True)
class Shown:
    """A model.

    Attributes:
        name: what commands call it.
        title: what it does.
        picture: the bytes of a JPEG or PNG file that shows it; empty: there is none.
        kind: "jpeg" or "png".
        facts: what is known, in words by name.
        figures: what was measured, in words by name.
        commands: how it is used.
        training: the command that made it; empty: it is not known.
    """

    name: str
    title: str
    picture: bytes = b""
    kind: str = "jpeg"
    facts: dict[str, str] = field(default_factory=dict)
    figures: dict[str, str] = field(default_factory=dict)
    commands: Sequence[str] = ()
    training: str = ""


def models_page(title: str, summary: str, groups: Sequence[tuple[str, Sequence[Shown]]]) -> str:
    """Write the page. Pictures are in it: it is one file.

    Args:
        title: of the page.
        summary: below it.
        groups: models under a heading each.

    Returns:
        the text of an HTML file.
    """
    return render("models.html", EMBEDDED, title=title, summary=summary, groups=groups)
