"""A page with all that was measured of a model: figures, how they were made, and pictures to compare them with."""

from collections.abc import Sequence
from dataclasses import dataclass

from translate.report.html import EMBEDDED, embedded, head, table, text

_STYLE = """\
  body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; font-family: sans-serif; line-height: 1.45;
    background: #fff; color: #222; }
  h2 { margin: 2.5rem 0 .5rem; font-size: 1.2rem; }
  table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
  td, th { padding: .2rem .9rem .2rem 0; text-align: left; vertical-align: top; }
  td:nth-child(2), td:nth-child(3), td:nth-child(6) { white-space: nowrap; }
  tr + tr td { border-top: 1px solid #eee; }
  .rows { display: grid; grid-template-columns: repeat(auto-fill, minmax(34rem, 1fr)); gap: 1rem; }
  figure { margin: 0; }
  figure div { display: flex; gap: .3rem; }
  figure img { flex: 1; min-width: 0; width: 100%; height: auto; object-fit: contain; }
  figcaption { font-size: .8rem; overflow-wrap: anywhere; }
"""


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
    parts = [head(title, _STYLE, EMBEDDED), f"<body>\n<h1>{text(title)}</h1>\n<p>{text(summary)}</p>\n"]
    for one in tables:
        parts.append(f"<h2>{text(one.title)}</h2>\n")
        parts += [f"<p>{text(one.words)}</p>\n"] if one.words else []
        parts.append(table(one.rows, one.heads))
    if remarks:
        items = "".join(f"<li>{text(remark)}</li>\n" for remark in remarks)
        parts.append(f"<h2>Remarks</h2>\n<ul>\n{items}</ul>\n")
    for album in albums:
        parts.append(f'<h2>{text(album.title)}</h2>\n<p>{text(album.words)}</p>\n<div class="rows">\n')
        parts += [_figure(strip) for strip in album.strips]
        parts.append("</div>\n")
    return "".join([*parts, "</body>\n</html>\n"])


def _figure(strip: Strip) -> str:
    pictures = "".join(embedded(png, strip.words) for png in strip.pictures)
    return f"<figure>\n<div>{pictures}</div>\n<figcaption>{text(strip.words)}</figcaption>\n</figure>\n"
