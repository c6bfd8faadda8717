"""SQL over the results: DuckDB with the views `trials`, `predictions` and `history`.

    python -m analysis.query RESULTS "SELECT arm, avg(accuracy) FROM trials GROUP BY arm"
    python -m analysis.query RESULTS "..." --format csv       # or table, json

Several folders are read as one; `folder` says which a row is from. Only reading is possible: the database
is in memory and can reach no file but the results. QUERIES.md beside this file has queries to start with.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from analysis.command_line import open_console, results_parser, run_command, say_left_out
from analysis.layout.records import to_csv, to_table
from analysis.printable import printable
from analysis.reading.frames import load
from analysis.reading.sql import query


def _main(arguments: Sequence[str] | None) -> None:
    parser = results_parser("analysis.query", "Run SQL over the views trials, predictions and history.")
    parser.add_argument("sql", metavar="SQL", help="one SELECT")
    parser.add_argument("--format", choices=["table", "csv", "json"], default="table")
    options = parser.parse_args(arguments)
    frames = load(*options.results)
    found = query(frames, options.sql)
    if frames.exclusions:
        from analysis.comparison.notes import exclusion_notes  # with all of the statistics

        say_left_out(exclusion_notes(frames.studies))
    if options.format == "table":
        open_console().print(to_table(found))
    elif options.format == "csv":
        _write(to_csv(found))
    else:
        _write(f"{json.dumps(found.to_pylist(), default=str, ensure_ascii=False, indent=1)}\n")


def _write(text: str) -> None:
    """Write to stdout: into a file as it is, to a terminal without what a terminal would obey."""
    print(printable(text) if sys.stdout.isatty() else text, end="")


if __name__ == "__main__":
    run_command(_main)
