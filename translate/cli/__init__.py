"""The command line: words in, library calls, text out. The only place that knows Typer.

Nothing here imports torch before a command needs it, so `--help` is quick.
"""

import sys
from typing import Annotated

import typer

from translate.cli import apply, compare, data, evaluate, export, info, machine, train, weights
from translate.cli.stopping import Stoppable
from translate.cli.terminal import escape_what_stdout_lacks, say
from translate.errors import TranslateError

app = typer.Typer(
    cls=Stoppable,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Learn a style from two folders of pictures that are not paired, then convert any folder of photos with it.",
)
app.command("train")(train.train)
app.command("apply")(apply.apply)
app.command("info")(info.info)
app.command("export")(export.export)
app.command("eval")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("bench")(machine.bench)
app.command("doctor")(machine.doctor)
app.add_typer(data.app, name="data")
app.add_typer(weights.app, name="weights")


def main() -> None:
    """Run the command line and exit; errors a user can act on become one sentence and their exit code."""
    escape_what_stdout_lacks()
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
