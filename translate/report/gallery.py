"""A page to look through many pictures and what became of them: one HTML file without scripts or styles of others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from translate import images
from translate.errors import ImageDecodeError
from translate.images import Encoding, Limits
from translate.report.html import data, head, link, text

UNSHOWN = ("TIFF", "HEIF", "PPM")  # which browsers do not show
SIDE = 640  # pixels of the longer side of what is shown instead

_STYLE = """\
  body { margin: 2rem; font-family: sans-serif; background: #fff; color: #222; }
  main { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1.5rem; }
  figure { margin: 0; }
  figcaption { font-size: .85rem; overflow-wrap: anywhere; }
  .failed { color: #b00; }
  .pair { position: relative; --at: 50%; background: #eee; }
  .pair img { display: block; width: 100%; }
  .pair .after { position: absolute; inset: 0; height: 100%; clip-path: inset(0 0 0 var(--at)); }
  .pair::after { content: ""; position: absolute; inset: 0 auto 0 var(--at); width: 2px; background: #fff; }
  input { width: 100%; margin: .25rem 0; }
"""

_TOP = """\
<body>
<h1>{title}</h1>
<p>{summary}</p>
<main>
"""
_PAIR = """<figure>
<div class="pair">
<img loading="lazy" decoding="async" src="{before}" alt="before: {name}">
<img loading="lazy" decoding="async" class="after" src="{after}" alt="after: {name}">
</div>
<input type="range" value="50" aria-label="before and after: {name}"
 oninput="this.previousElementSibling.style.setProperty('--at', this.value + '%')">
<figcaption>{name}</figcaption>
</figure>
"""
_FAILED = """<figure class="failed"><figcaption>{name}: {reason}</figcaption></figure>
"""
_TAIL = """</main>
</body>
</html>
"""


@dataclass(frozen=True)
class Row:
    """A picture and what became of it."""

    source: Path
    output: Path | None  # None: it failed
    reason: str = ""


def gallery(title: str, summary: str, rows: Sequence[Row], folder: Path, limits: Limits = images.LIMITS) -> str:
    """Write the page; links are relative to `folder`, where it is to lie.

    On the left of a slider a picture is as it was, on the right as it became. Pictures are loaded when they come into
    sight. Of what browsers do not show, such as TIFF, a small copy is in the page, unless it is larger than `limits`.

    Returns:
        the text of an HTML file.
    """
    parts = [head(title, _STYLE), _TOP.format(title=text(title), summary=text(summary))]
    for row in rows:
        name = text(str(row.source))
        if row.output is None:
            parts.append(_FAILED.format(name=name, reason=text(row.reason)))
        else:
            before, after = (_address(path, folder, limits) for path in (row.source, row.output))
            parts.append(_PAIR.format(name=name, before=before, after=after))
    return "".join([*parts, _TAIL])


def _address(path: Path, folder: Path, limits: Limits) -> str:
    """Return the address of a picture, or one that is itself a small copy, where browsers do not show the format."""
    if images.SUFFIXES.get(path.suffix.lower()) not in UNSHOWN:
        return link(path, folder)
    try:
        picture = images.laid_on(images.read(path, limits), images.WHITE)
    except ImageDecodeError:  # it has gone, or is too large
        return link(path, folder)
    height, width, _ = picture.rgb.shape
    share = min(1, SIDE / max(height, width))
    small = images.resize(picture.rgb, max(1, round(share * height)), max(1, round(share * width)))
    return data(images.encode(replace(picture, rgb=small), Encoding("JPEG", quality=85)), "jpeg")
