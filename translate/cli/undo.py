"""`translate undo`."""

from pathlib import Path
from typing import Annotated

import typer

from translate.cli.options import Json
from translate.cli.terminal import printable, say, say_next, show
from translate.errors import SomeFailed, counted


def undo(
    place: Annotated[Path, typer.Argument(help="A folder, or a picture, that `apply --in-place` has converted.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be put back, and stop.")] = False,
    json_: Json = False,
) -> None:
    """Put the originals of pictures back that were replaced by their results, bit for bit."""
    from translate.conversion.originals import kept_below, put_back

    kept = kept_below(place)
    good, left = [one for one in kept if not one.reason], [one for one in kept if one.reason]
    for one in left:
        say(f"Left: {one.picture}: {one.reason}")
    for one in [] if dry_run else good:
        put_back(one)
    done = "Would put back" if dry_run else "Put back"
    lines = [printable(one.picture) for one in good] if dry_run else []
    tree = {"put_back": [str(one.picture) for one in good], "left": {str(one.picture): one.reason for one in left}}
    show({**tree, "dry_run": dry_run}, [*lines, f"{done} {counted(len(good), 'original')}."], json_)
    say_next("translate apply MODEL PHOTOS --out RESULTS leaves the pictures as they are", json_)
    if left:
        raise SomeFailed(f"{counted(len(left), 'picture')} stayed, for the reasons above.")
