"""What notebooks show of results."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from translate import images
from translate.errors import TranslateError
from translate.report.html import data, text

SIDE = 480  # pixels, at most, of the longer side of a picture


def result_html(source: Path, output: Path | None, words: Sequence[str]) -> str:
    """Show a picture and its result side by side, and what became of it.

    Args:
        source: the picture.
        output: its result; None: there is none.
        words: what became of it, and what a user may want to know.

    Returns:
        HTML, with small copies of those pictures that can be read.
    """
    shown = "".join(_image(path) for path in (source, output) if path is not None)
    name = source if output is None else f"{source} -> {output}"
    told = "".join(f"<br>{text(line)}" for line in words if line)
    return f"<figure>{shown}<figcaption>{text(str(name))}{told}</figcaption></figure>"


def _image(path: Path) -> str:
    try:
        picture = images.laid_on(images.read(path), images.WHITE)
    except (OSError, TranslateError):
        return ""
    height, width, _ = picture.rgb.shape
    share = min(1.0, SIDE / max(height, width))
    small = images.resize(images.to_depth(picture.rgb, 8), max(1, round(share * height)), max(1, round(share * width)))
    jpeg = images.encode(replace(picture, rgb=small), images.Encoding("JPEG", quality=85))
    return (
        f'<img src="{data(jpeg, "jpeg")}" alt="{text(path.name)}" style="display: inline-block; margin: 0 .5rem 0 0">'
    )
