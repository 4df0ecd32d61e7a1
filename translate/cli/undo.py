"""`translate undo`."""

from pathlib import Path
from typing import Annotated

import typer

from translate.cli.options import Json
from translate.cli.terminal import printable, say, say_next, show
from translate.errors import OutputError, SomeFailed, counted


def undo(
    place: Annotated[Path, typer.Argument(help="A folder, or a picture, that `apply --in-place` has converted.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be put back, and stop.")] = False,
    json_: Json = False,
) -> None:
    """Put the originals of pictures back that were replaced by their results, bit for bit."""
    from translate.conversion.originals import Kept, kept_below, put_back

    good, left = list[Kept](), dict[str, str]()
    for one in kept_below(place):
        reason = one.reason
        if not (reason or dry_run):
            try:
                put_back(one)
            except OutputError as error:
                reason = str(error)
        if reason:
            say(f"Left: {one.picture}: {reason}")
            left[str(one.picture)] = reason
        else:
            good.append(one)
    done = "Would put back" if dry_run else "Put back"
    lines = [printable(one.picture) for one in good] if dry_run else []
    tree = {"put_back": [str(one.picture) for one in good], "left": left}
    show({**tree, "dry_run": dry_run}, [*lines, f"{done} {counted(len(good), 'original')}."], json_)
    say_next("translate apply MODEL PHOTOS --out RESULTS leaves the pictures as they are", json_)
    if left:
        raise SomeFailed(f"{counted(len(left), 'picture')} stayed, for the reasons above.")
