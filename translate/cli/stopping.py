"""What a signal does to a command."""

import signal
from typing import Any

import typer
from typer.core import TyperGroup

from translate.cli.terminal import command_line, say
from translate.errors import STOPPING, exit_code_of

CONTINUING = ("train", "apply", "fetch")  # commands that go on where they were when they are given again


class Stoppable(TyperGroup):
    """Commands that end well and say so when a signal stops them; Typer alone would print an empty line at Ctrl-C."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        before = {number: signal.signal(number, _interrupt) for number in STOPPING}
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stopped:
            goes_on = f" Continue with: {command_line()}" if ctx.invoked_subcommand in CONTINUING else ""
            say(f"Stopped; every written file is whole.{goes_on}")
            raise typer.Exit(exit_code_of(stopped.args[0])) from None
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _interrupt(number: int, _: object) -> None:
    raise KeyboardInterrupt(number)
