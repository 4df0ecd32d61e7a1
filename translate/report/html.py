"""What pages have in common: names are shown as names, links are relative, nothing is fetched from elsewhere."""

import base64
import os
from functools import cache
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

STYLES = Path(__file__).parent / "pages"  # and the templates of pages that are files

# Pictures beside the page and in it, and the styles and scripts within it; browsers refuse everything else.
POLICY = "default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
# The same of a page with all pictures in it.
EMBEDDED = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def environment(*folders: Path) -> Environment:
    """Return what fills templates of these folders and of `STYLES`; what is filled in is escaped, and never missing."""
    loader = FileSystemLoader([*folders, STYLES])
    found = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_shown
    )
    found.filters["data"] = data
    return found


def render(page: str, policy: str, **content: Any) -> str:
    """Fill a template of `STYLES`, with what browsers allow the page."""
    return _environment().get_template(page).render(policy=policy, **content)


@cache
def _environment() -> Environment:
    return environment()


def _shown(value: Any) -> Any:
    """Show bytes that are no UTF-8 as they are escaped in Python."""
    return value.encode("utf-8", "backslashreplace").decode() if type(value) is str else value


def text(words: str) -> str:
    """Escape for HTML; bytes that are no UTF-8 are shown as they are escaped in Python."""
    return escape(words.encode("utf-8", "backslashreplace").decode())


def link(path: Path, folder: Path) -> str:
    """Return the address of a file for a page that lies in `folder`."""
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:  # another drive
        return path.absolute().as_uri()
    return quote(os.fsencode(Path(relative).as_posix()))


def data(picture: bytes, kind: str = "png") -> str:
    """Return an address that is itself a picture, from the bytes of a file of this kind."""
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
