"""`translate help`, and what `translate` alone says."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from translate.errors import SettingsError

PAGES = Path(__file__).parent.parent / "guide"
ORDER = ("training", "converting", "films", "evaluating", "page", "weights", "datasets", "methods", "generating",
         "settings", "many-gpus", "python", "layout")  # fmt: skip
FIRST = """\
translate learns a style from two folders of pictures that are not paired, and converts photos with it.

  translate apply monet PHOTOS --out painted      paint photos now; also cezanne, horse2zebra (translate weights list)
  translate train --domain photo=PHOTOS --domain mine=PAINTINGS --config painting
                                                  learn your own painter, in ten minutes
  translate apply runs/photo2mine PHOTOS --out mine     and paint with it
  translate train toy-horse2zebra                 see it learn, from pictures that it draws itself

translate help tells more, translate COMMAND --help has all options, translate --help all commands."""


def topics(begun: str = "") -> list[str]:
    """List the pages whose name begins so."""
    return [name for name in ORDER if name.startswith(begun)]


def help_(
    topic: Annotated[
        str | None, typer.Argument(help=f"One of {', '.join(ORDER)}; without, a list.", autocompletion=topics)
    ] = None,
) -> None:
    """Show a page about a topic."""
    if topic is None:
        width = max(map(len, ORDER)) + 2
        print("\n".join(f"translate help {name:<{width}}{_title(name)}" for name in ORDER))
        return
    if topic not in ORDER:
        from translate.settings import nearest

        raise SettingsError(f"There is no page {topic!r}.{nearest(topic, ORDER)} There are {', '.join(ORDER)}.")
    text = _page(topic)
    if not sys.stdout.isatty():  # another program reads it, or a file
        print(text.rstrip("\n"))
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text, hyperlinks=False))


def _page(topic: str) -> str:
    return (PAGES / f"{topic}.md").read_text(encoding="utf-8")


def _title(topic: str) -> str:
    return _page(topic).splitlines()[0].removeprefix("# ")
