"""A page to look through many pictures and what became of them: one HTML file without scripts or styles of others."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from translate import images
from translate.images import Limits
from translate.report.html import head, link, text
from translate.report.thumbnails import FOLDER, thumbnails

UNSHOWN = ("TIFF", "HEIF", "PPM")  # which browsers do not show

_STYLE = """\
  body { margin: 2rem; font-family: sans-serif; background: #fff; color: #222; }
  main { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1.5rem; }
  figure { margin: 0; }
  figcaption { font-size: .85rem; overflow-wrap: anywhere; }
  .fate { color: #666; }
  .failed, .failed .fate { color: #b00; }
  .pair { position: relative; --at: 50%; background: #eee; cursor: zoom-in; }
  .pair img { display: block; width: 100%; }
  .pair .after { position: absolute; inset: 0; height: 100%; clip-path: inset(0 0 0 var(--at)); }
  .pair::after { content: ""; position: absolute; inset: 0 auto 0 var(--at); width: 2px; background: #fff; }
  input { width: 100%; margin: .25rem 0; }
  dialog { width: min(96vw, 96rem); max-height: 96vh; padding: 1rem; border: 0; }
  dialog .pair { width: fit-content; max-width: 100%; margin: auto; }
  dialog .pair img { width: auto; max-width: 100%; max-height: 80vh; }
  dialog .pair .after { width: 100%; }
  dialog::backdrop { background: #000c; }
"""

_TOP = """\
<body>
<h1>{title}</h1>
<p>{summary}</p>
"""
_SLIDER = """<input type="range" value="50" aria-label="before and after{of}"
 oninput="this.previousElementSibling.style.setProperty('--at', this.value + '%')">
"""
_PAIR = """<figure>
<div class="pair" role="button" tabindex="0" aria-label="enlarge {name}" data-before="{full_before}"
 data-after="{full_after}" onclick="enlarge(this)" onkeydown="if (event.key === 'Enter') enlarge(this)">
<img loading="lazy" decoding="async" src="{before}" alt="before: {name}">
<img loading="lazy" decoding="async" class="after" src="{after}" alt="after: {name}">
</div>
{slider}<figcaption>{name} <span class="fate">{fate}</span></figcaption>
</figure>
"""
_FAILED = """<figure class="failed"><figcaption>{name}: <span class="fate">failed: {reason}</span></figcaption></figure>
"""
_LARGE = """<dialog id="large">
<div class="pair" onclick="this.parentElement.close()">
<img alt="before">
<img class="after" alt="after">
</div>
{slider}<form method="dialog"><button>Close</button> <span></span></form>
</dialog>
<script>
function enlarge(pair) {{
  const large = document.getElementById('large'), shown = large.querySelectorAll('img');
  shown[0].src = pair.dataset.before;
  shown[1].src = pair.dataset.after;
  large.querySelector('span').textContent = pair.parentElement.querySelector('figcaption').textContent;
  large.showModal();
}}
</script>
"""
_TAIL = """</body>
</html>
"""


@dataclass(frozen=True)
class Row:
    """A picture and what became of it."""

    source: Path
    output: Path | None  # None: it failed
    reason: str = ""
    status: str = "done"  # or "skipped", "failed"


def gallery(title: str, summary: str, rows: Sequence[Row], folder: Path, limits: Limits = images.LIMITS) -> str:
    """Write the page, and the small copies that it shows; both are to lie in `folder`, to which links are relative.

    What failed stands first, with its reason. On the left of a slider a picture is as it was, on the right as it
    became; a click opens both in full, where browsers show their format. Small copies are loaded when they come into
    sight. Of a picture that has gone, or is larger than `limits`, there is none.

    Returns:
        the text of an HTML file.
    """
    done = [(row, row.output) for row in rows if row.output is not None]
    small = thumbnails([path for row, output in done for path in (row.source, output)], folder / FOLDER, limits)
    parts = [head(title, _STYLE), _TOP.format(title=text(title), summary=text(summary))]
    failed = [_FAILED.format(name=text(str(row.source)), reason=text(row.reason)) for row in rows if row.output is None]
    parts += ["<h2>Failed</h2>\n<main>\n", *failed, "</main>\n<h2>Results</h2>\n"] if failed else []
    parts.append("<main>\n")
    for number, (row, output) in enumerate(done):
        name = text(str(row.source))
        addresses = {
            key: value
            for which, path, copy in (
                ("before", row.source, small[2 * number]),
                ("after", output, small[2 * number + 1]),
            )
            for key, value in zip((which, f"full_{which}"), _addresses(path, copy, folder), strict=True)
        }
        fate = text(f"{row.status}: {row.reason}" if row.reason else row.status)
        parts.append(_PAIR.format(name=name, fate=fate, slider=_SLIDER.format(of=f": {name}"), **addresses))
    return "".join([*parts, "</main>\n", _LARGE.format(slider=_SLIDER.format(of="")), _TAIL])


def _addresses(path: Path, copy: Path | None, folder: Path) -> tuple[str, str]:
    """Return the addresses of what is shown at once, and of what is shown enlarged."""
    full = link(path, folder)
    small = full if copy is None else link(copy, folder)
    shown = images.SUFFIXES.get(path.suffix.lower()) not in UNSHOWN
    return small, full if shown else small
