"""The text of the page: a template, styles and scripts that lie beside this file."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment

from translate.images import SUFFIXES, Limits
from translate.report.html import STYLES, environment
from translate.serve.choices import Choice

FOLDER = Path(__file__).parent / "page"
FILES = {  # that browsers may ask for
    "page.css": "text/css",
    "icon.svg": "image/svg+xml",
    **dict.fromkeys(("page.js", "gather.js", "stage.js", "trainings.js"), "text/javascript"),
}


def page(choices: Sequence[Choice], limits: Limits, trains: bool) -> str:
    """Write the page.

    Args:
        choices: the models that can be chosen.
        limits: of pictures.
        trains: whether it has a form that begins trainings.

    Returns:
        the text of an HTML file.
    """
    template = _environment().get_template("page.html")
    return template.render(choices=choices, limits=limits, trains=trains, suffixes=",".join(SUFFIXES))


@cache
def static(name: str) -> tuple[bytes, str]:
    """Return a file of `FILES` and its media type. The styles begin with those that all pages of ours have."""
    begin = (STYLES / "base.css").read_bytes() if name == "page.css" else b""
    return begin + (FOLDER / name).read_bytes(), f"{FILES[name]}; charset=utf-8"


@cache
def _environment() -> Environment:
    return environment(FOLDER)
