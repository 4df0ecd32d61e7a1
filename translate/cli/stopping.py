"""What all commands share: what a signal does to them, and what the help of all of them looks like."""

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

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help of all commands as plain text: the imports of a page in colours take longer than all else."""
        mode, self.rich_markup_mode = self.rich_markup_mode, None
        try:
            super().format_help(ctx, formatter)
        finally:
            self.rich_markup_mode = mode

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write all that is said of each command, on as many lines as that takes."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(1000)) for name, command in self.commands.items()])


def _interrupt(number: int, _: object) -> None:
    raise KeyboardInterrupt(number)
