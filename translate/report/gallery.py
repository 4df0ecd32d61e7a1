"""A page to look through many pictures and what became of them: one HTML file without scripts or styles of others."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from translate import images
from translate.images import Limits
from translate.report.html import POLICY, link, render
from translate.report.thumbnails import FOLDER, thumbnails

UNSHOWN = ("TIFF", "HEIF", "PPM")  # which browsers do not show


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
    pairs: list[dict[str, str]] = []
    for number, (row, output) in enumerate(done):
        before, full_before = _addresses(row.source, small[2 * number], folder)
        after, full_after = _addresses(output, small[2 * number + 1], folder)
        fate = f"{row.status}: {row.reason}" if row.reason else row.status
        pairs.append({
            "name": str(row.source), "fate": fate, "before": before, "after": after,
            "full_before": full_before, "full_after": full_after,
        })  # fmt: skip
    failed = [row for row in rows if row.output is None]
    return render("gallery.html", POLICY, title=title, summary=summary, pairs=pairs, failed=failed)


def _addresses(path: Path, copy: Path | None, folder: Path) -> tuple[str, str]:
    """Return the addresses of what is shown at once, and of what is shown enlarged."""
    full = link(path, folder)
    small = full if copy is None else link(copy, folder)
    shown = images.SUFFIXES.get(path.suffix.lower()) not in UNSHOWN
    return small, full if shown else small
