"""What every command line of the project shares: bad input is one line on standard error, and status 2."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from typing import NoReturn

from rich.console import Console

from study.errors import UserError
from study.machine.interruption import exit_status, stoppable
from study.machine.launchers import leave_launcher
from study.printable import printable
from study.quiet import quiet_imports


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are `UserError`."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print with its usage."""
        raise UserError(f"{message}; see {self.prog} --help")


def run_command(command: Callable[[Sequence[str] | None], int], arguments: Sequence[str] | None) -> int:
    """Run a command line and return its exit status: 2 and one line for a `UserError`, 130 for Ctrl-C.

    SIGTERM and SIGHUP end it as Ctrl-C does, with 143 and 129. Output that can't be written is said on
    standard error, and makes 1 of a 0.
    """
    from analysis.output import steady_output

    with steady_output() as output, stoppable():
        status = _run(command, arguments)
        sys.stdout.flush()
        if output.fault:
            complain(f"standard output can't be written: {output.fault}")
        return status or int(output.fault is not None)


def _run(command: Callable[[Sequence[str] | None], int], arguments: Sequence[str] | None) -> int:
    try:
        _settle_environment()
        return command(arguments)
    except UserError as error:
        complain(f"error: {' '.join(str(error).splitlines())}")
        return 2
    except KeyboardInterrupt:
        complain("stopped")
        return exit_status()


# The launcher's variables that this process was started with.
left_aside: list[str] = []


def _settle_environment() -> None:
    """Take out of this process's environment, and so of its children's, what was meant for other programs.

    Raises:
        UserError: there is no folder for temporary files.
    """
    quiet_imports()
    left_aside[:] = leave_launcher(os.environ) or left_aside
    # Under `uv run` Ray would start its workers by `uv run` again, each in an environment of its own.
    os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
    if any(option.startswith("error") for option in sys.warnoptions):
        # The libraries warn of each other, at imports too: as errors these would end every trial.
        os.environ.pop("PYTHONWARNINGS", None)
        warnings.simplefilter("default")
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        raise UserError("no folder for temporary files can be written; name one in TMPDIR") from None


def open_console() -> Console:
    """Return a console on standard output: one that shows a live table only where there is a terminal.

    FORCE_COLOR makes rich take a pipe for one.
    """
    return Console(force_interactive=None if sys.stdout.isatty() else False)


def outlive_output(how: str) -> None:
    """Let the command go on when standard output can't be written, and say so and `how` on standard error."""
    from analysis.output import tell_of_fault

    tell_of_fault(lambda reason: complain(f"standard output can't be written any more ({reason}): {how}"))


def say(console: Console, text: str) -> None:
    """Print a line as it is: no markup, no wrapping; what a terminal would obey is escaped."""
    console.print(printable(text), markup=False, highlight=False, soft_wrap=True)


def complain(text: str) -> None:
    """Print a line to standard error; what a terminal would obey is escaped."""
    Console(stderr=True).print(printable(text), style="red", markup=False, highlight=False, soft_wrap=True)
