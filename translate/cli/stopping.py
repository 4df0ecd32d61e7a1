"""What Ctrl-C does to a command."""

import signal
from typing import Any

import typer
from typer.core import TyperGroup

from translate.cli.options import SIGNAL_EXIT
from translate.cli.terminal import command_line, say

CONTINUING = ("train", "apply", "fetch")  # commands that go on where they were when they are given again


class Stoppable(TyperGroup):
    """Commands that say something when Ctrl-C stops them; Typer alone would print an empty line."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            goes_on = f" Continue with: {command_line()}" if ctx.invoked_subcommand in CONTINUING else ""
            say(f"Stopped; every written file is whole.{goes_on}")
            raise typer.Exit(SIGNAL_EXIT + signal.SIGINT) from None
