"""What every command line of the project shares: bad input is one line on standard error, and status 2."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import NoReturn

from rich.console import Console

from study.errors import UserError
from study.printable import printable
from study.quiet import quiet_imports


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are `UserError`."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print with its usage."""
        raise UserError(f"{message}; see {self.prog} --help")


def run_command(command: Callable[[Sequence[str] | None], int], arguments: Sequence[str] | None) -> int:
    """Run a command line and return its exit status: for a `UserError` one line and 2, for Ctrl-C 130."""
    quiet_imports()
    try:
        return command(arguments)
    except UserError as error:
        complain(f"error: {error}")
        return 2
    except KeyboardInterrupt:
        complain("stopped")
        return 130


def say(console: Console, text: str) -> None:
    """Print a line as it is: no markup, no wrapping; what a terminal would obey is escaped."""
    console.print(printable(text), markup=False, highlight=False, soft_wrap=True)


def complain(text: str) -> None:
    """Print a line to standard error; what a terminal would obey is escaped."""
    Console(stderr=True).print(printable(text), style="red", markup=False, highlight=False, soft_wrap=True)
