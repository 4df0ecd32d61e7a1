"""A page that sets models side by side, and on which a person votes without knowing which is which.

It is one file: pictures are in it, votes stay in the browser until they are saved.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from translate.report.html import EMBEDDED, render


@dataclass(frozen=True)
class Column:
    """A model and what it scores, in words by name."""

    model: str
    scores: dict[str, str]


@dataclass(frozen=True)
class Row:
    """A picture and its translations, one for each column, as the bytes of PNG files."""

    name: str
    source: bytes
    outputs: tuple[bytes, ...]


def comparison_page(title: str, summary: str, columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """Write the page: pictures in rows, models in columns, scores in the header.

    In the blind mode the input and two translations are shown, in random order and without names. `votes.json` has, for
    each vote, the input, the models that were on the left and on the right, and "left", "right" or "neither". Votes are
    kept for pages with the same pictures only.

    Returns:
        the text of an HTML file.
    """
    names = dict.fromkeys(name for column in columns for name in column.scores)
    return render(
        "comparison.html",
        EMBEDDED,
        title=title,
        summary=summary,
        key=_key(columns, rows),
        heads=["", *(column.model for column in columns)],
        scores=[(name, [column.scores.get(name, "") for column in columns]) for name in names],
        rows=rows,
    )


def _key(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    found = hashlib.sha256("\n".join(column.model for column in columns).encode("utf-8", "backslashreplace"))
    for row in rows:
        for png in (row.source, *row.outputs):
            found.update(hashlib.sha256(png).digest())
    return f"translate votes {found.hexdigest()[:16]}"
