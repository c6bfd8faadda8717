"""The comparison table of one or more studies: every arm's scores and costs with 95% intervals.

    python -m analysis.tables RESULTS                        # in the terminal
    python -m analysis.tables RESULTS --format markdown      # or latex, html, csv
    python -m analysis.tables RESULTS -o table.csv           # the format follows from the name

RESULTS is a study's folder (it has study.json) or a parent of several. Takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import RenderableType

from analysis.command_line import open_console, output_path, results_parser, run_command
from analysis.comparison.comparing import compare_finished
from analysis.errors import AnalysisError
from analysis.layout.documents import SUFFIXES, WRITERS
from analysis.layout.terminal import render
from analysis.reading.folders import open_studies


def closing_table(folder: Path) -> RenderableType:
    """Return a study's table for `rich`, for the end of a run.

    Raises:
        AnalysisError: nothing in the folder can be compared yet.
    """
    return render(compare_finished(open_studies([folder])))


def _main(arguments: Sequence[str] | None) -> None:
    parser = results_parser("analysis.tables", "Compare the arms of one or more studies.")
    kinds = ["terminal", *WRITERS]
    parser.add_argument("--format", choices=kinds, help="default: terminal, or by the name of -o")
    parser.add_argument(
        "-o", "--output", type=output_path, help="write into this file (.md, .tex, .html, .csv)"
    )
    options = parser.parse_args(arguments)
    kind = options.format or _format_of(options.output)
    result = compare_finished(open_studies(options.results))
    if kind == "terminal":
        open_console().print(render(result))
    elif options.output is None:
        print(WRITERS[kind](result), end="")
    else:
        _write(options.output, WRITERS[kind](result))


def _format_of(output: Path | None) -> str:
    if output is None:
        return "terminal"
    if output.suffix not in SUFFIXES:
        raise AnalysisError(
            f"-o {output}: end its name in {', '.join(SUFFIXES)}, or say what it is with --format"
        )
    return SUFFIXES[output.suffix]


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AnalysisError(f"'{path}' can't be written: {error.strerror}") from None
    print(f"wrote {path}")


if __name__ == "__main__":
    run_command(_main)
