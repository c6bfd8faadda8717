"""The table of a contest, in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

# Heading, and the pattern that the figures of a way fill.
COLUMNS = (
    ("way", "{way}"),
    ("at once", "{at_once} x {threads}"),
    ("1st after", "{first_trial_after_seconds:.0f} s"),
    ("wall", "{wall_seconds:.0f} s"),
    ("trials/h", "{trials_an_hour:.0f}"),
    ("", "{times_the_first_way:.2f}x"),
    ("steady/h", "{steady_trials_an_hour:.0f}"),
    ("", "{steady_times_the_first_way:.2f}x"),
    ("best", "{best_accuracy_percent:.1f}%"),
    ("mean", "{mean_accuracy_percent:.1f}%"),
    ("CPU", "{cpu_busy_percent:.0f}%"),
)
GPU_COLUMNS = (("GPU", "{gpu_busy_percent:.0f}%"), ("memory", "{gpu_memory_mib:.0f} MiB"))
NOTES = (
    "at once: trials at a time x threads of each. 1st after: from the command to the search's first trial. "
    "trials/h: by the whole command, its start and end included. steady/h: from the search's first trial to "
    "the end of its last. x: times the first row's, within a repeat. best, mean: accuracy of the trials on "
    "the same validation questions. CPU: use of all processors over the command."
)
GPU_NOTE = " GPU: share of the time in which a kernel ran (NVML), in the steady part; memory: the most used."
LEAST_WIDTH = 110


def wide_console() -> Console:
    """Return a console as wide as the table, whatever the output is."""
    width = max(LEAST_WIDTH, Console().width)
    return Console(highlight=False, markup=False, emoji=False, width=width)


def print_table(rows: Sequence[Mapping[str, Any]], console: Console, *, gpu: bool = False) -> None:
    """Print the figures of each way, and what the columns are."""
    columns = (*COLUMNS, *GPU_COLUMNS) if gpu else COLUMNS
    table = Table(box=None, pad_edge=False)
    for place, (heading, _) in enumerate(columns):
        table.add_column(heading, justify="right" if place else "left", no_wrap=place > 0)
    for row in rows:
        table.add_row(*(_fill(pattern, row) for _, pattern in columns))
    console.print(table)
    console.print(NOTES + GPU_NOTE * gpu, style="dim")
    for row in rows:
        _print_own(row, console)


def _fill(pattern: str, row: Mapping[str, Any]) -> str:
    try:
        return pattern.format(**row)
    except (KeyError, TypeError):  # there is none: the way failed, or nothing was read
        return "–"


def _print_own(row: Mapping[str, Any], console: Console) -> None:
    if row["failure"]:
        console.print(f"{row['way']} failed: {row['failure']}")
    if "busy_share" in row:
        console.print(
            f"{row['way']}, by its own figures: slots busy {row['busy_share']:.0%}, "
            f"{row['busy_seconds']:.0f} s of trials, {row['other_trials']:.0f} of them beside the search"
        )
