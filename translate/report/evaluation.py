"""A page with all that was measured of a model: figures, how they were made, and pictures to compare them with."""

from collections.abc import Sequence
from dataclasses import dataclass

from translate.report.html import EMBEDDED, render


@dataclass(frozen=True)
class Table:
    """Words in rows and columns."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: str = ""  # above it


@dataclass(frozen=True)
class Strip:
    """Pictures side by side, as the bytes of PNG files."""

    pictures: Sequence[bytes]
    words: str


@dataclass(frozen=True)
class Album:
    """Strips that show the same of different pictures."""

    title: str
    words: str  # what each strip shows, from left to right
    strips: Sequence[Strip]


def evaluation_page(
    title: str, summary: str, tables: Sequence[Table], albums: Sequence[Album], remarks: Sequence[str]
) -> str:
    """Write the page. Pictures are in it: it is one file.

    Returns:
        the text of an HTML file.
    """
    content = {"title": title, "summary": summary, "tables": tables, "albums": albums, "remarks": remarks}
    return render("measured.html", EMBEDDED, **content)
