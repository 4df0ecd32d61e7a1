"""The command line: words in, library calls, text out. The only place that knows Typer.

Nothing here imports torch before a command needs it, so `--help` is quick.
"""

import signal
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from translate.cli import apply, data, export, machine, train
from translate.cli.options import SIGNAL_EXIT
from translate.cli.terminal import command_line, say
from translate.errors import TranslateError

CONTINUING = ("train", "apply", "data fetch")  # commands that go on where they were when they are given again


class _Stoppable(TyperGroup):
    """Commands that say something when Ctrl-C stops them; Typer alone would print an empty line."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            goes_on = " ".join(sys.argv[1:3]).startswith(CONTINUING)
            say("Stopped; every written file is whole." + (f" Continue with: {command_line()}" if goes_on else ""))
            raise typer.Exit(SIGNAL_EXIT + signal.SIGINT) from None


app = typer.Typer(
    cls=_Stoppable,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Learn a style from two folders of pictures that are not paired, then convert any folder of photos with it.",
)
app.command("train")(train.train)
app.command("apply")(apply.apply)
app.command("info")(apply.info)
app.command("export")(export.export)
app.command("bench")(machine.bench)
app.command("doctor")(machine.doctor)
app.add_typer(data.app, name="data")


def main() -> None:
    """Run the command line and exit; errors a user can act on become one sentence and their exit code."""
    try:
        app()
    except TranslateError as error:
        say(f"Error: {error}")
        sys.exit(error.exit_code)


def _version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        print(f"translate {importlib.metadata.version('image-translate')}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
