"""The command line that the package's entry points share: RESULTS folders in, one-line errors out."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from analysis.errors import AnalysisError
from analysis.output import steady_output
from analysis.printable import printable


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line and exit status 2, like every other error here."""

    def error(self, message: str) -> NoReturn:
        """Print the error in one line and leave."""
        self.exit(2, f"error: {message} (--help lists the options)\n")


def results_parser(command: str, description: str) -> Parser:
    """Return a parser that takes one or more RESULTS folders first."""
    parser = Parser(prog=f"python -m {command}", description=description)
    what = "a study's folder (it has study.json), or a parent of several"
    parser.add_argument("results", nargs="+", metavar="RESULTS", help=what)
    return parser


def open_console() -> Console:
    """Return a console on stdout; where that is a file or a pipe it is 100 columns wide, not 80."""
    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(width=100 if piped else None)


def run_command(main: Callable[[Sequence[str] | None], None]) -> None:
    """Run an entry point; bad input leaves one line on stderr and exit status 2, Ctrl-C 130.

    Output that can't be written is an error too, with status 1; that its reader has gone (`head`) is none.
    """
    with steady_output() as output:
        status = _status_of(main)
        sys.stdout.flush()
        if output.fault and status == 0:
            status = _say(f"standard output can't be written: {output.fault}", 1)
    if status:
        sys.exit(status)


def output_path(text: str) -> Path:
    """Return the path that an option names.

    Raises:
        argparse.ArgumentTypeError: it names none; `argparse` makes one line of it.
    """
    if not text:
        raise argparse.ArgumentTypeError("the name of a file or a folder is needed, received ''")
    return Path(text)


def say_left_out(notes: Sequence[str]) -> None:
    """Say on standard error what was left out: what a command prints may be read by a program."""
    for note in notes:
        print(printable(note), file=sys.stderr)


def _status_of(main: Callable[[Sequence[str] | None], None]) -> int:
    try:
        main(None)
    except AnalysisError as error:
        return _say(str(error))
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except SystemExit as ended:  # of --help, and of the parser's errors
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def _say(message: str, status: int = 2) -> int:
    print(f"error: {printable(' '.join(message.split()))}", file=sys.stderr)
    return status
