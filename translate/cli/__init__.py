"""The command line: words in, library calls, text out. The only place that knows Typer.

Nothing here imports torch before a command needs it, so `--help` is quick.
"""

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from translate.cli import (
    apply,
    compare,
    data,
    demo,
    evaluate,
    exercise,
    export,
    guide,
    info,
    machine,
    sample,
    settings,
    train,
    undo,
    weights,
)  # fmt: skip
from translate.cli.stopping import Stoppable
from translate.cli.terminal import escape_what_stdout_lacks, say
from translate.errors import TranslateError

DEBUG = "--debug"

app = typer.Typer(
    cls=Stoppable,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    help="Learn a style from two folders of pictures that are not paired, then convert any folder of photos with it.",
)
app.command("train")(train.train)
app.command("apply")(apply.apply)
app.command("sample")(sample.sample)
app.command("exercise")(exercise.exercise)
app.command("undo")(undo.undo)
app.command("info")(info.info)
app.command("export")(export.export)
app.command("eval")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("demo")(demo.demo)
app.command("settings")(settings.settings)
app.command("help")(guide.help_)
app.command("bench")(machine.bench)
app.command("doctor")(machine.doctor)
app.add_typer(data.app, name="data")
app.add_typer(weights.app, name="weights")


def main() -> None:
    """Run the command line and exit; errors become one sentence, or with --debug a traceback, and an exit code."""
    escape_what_stdout_lacks()
    words = sys.argv[1:]
    try:
        app([word for word in words if word != DEBUG])
    except Exception as error:
        if DEBUG in words:
            for line in traceback.format_exc().splitlines():
                say(line)
        elif isinstance(error, TranslateError):
            say(f"Error: {error}")
        else:
            say(f"Error: {_told(error)}")
        sys.exit(error.exit_code if isinstance(error, TranslateError) else 1)


def _told(error: Exception) -> str:
    """Describe an error that nobody expected: what it is, where in this package, and what to do."""
    package = Path(__file__).parent.parent
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if package in Path(frame.filename).parents]
    place = f"{Path(frames[-1].filename).relative_to(package).as_posix()}, line {frames[-1].lineno}"
    what = "".join(traceback.format_exception_only(error)).strip()
    return f"{what} ({place}). This is a mistake in translate; {DEBUG} prints a traceback, which helps to mend it."


def _version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        print(f"translate {importlib.metadata.version('image-translate')}")
        raise typer.Exit


@app.callback()
def _common(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option(DEBUG, help="Print a traceback instead of one sentence; also after the name of a command.")
    ] = False,  # `main` looks for it
) -> None:
    if context.invoked_subcommand is None:
        print(guide.FIRST)
