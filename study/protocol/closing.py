"""The last lines of a study: what it found, or how to go on with it."""

from __future__ import annotations

import shlex

from rich.console import Console

from study.command_line import complain, say
from study.machine.room import when_there_is_room
from study.methods.table import trained_methods
from study.plan.plan import Plan
from study.results.folder import ResultsFolder
from study.results.schema import TABLES


def say_how_to_go_on(why: str, plan: Plan, folder: ResultsFolder, console: Console) -> None:
    """Say that a study has ended early, what is kept of it, and the command that goes on from any folder."""
    kept = len(folder.read_trials([]))
    say(console, f"{why} {kept} of {plan.trials} trials have finished and are kept in {folder}.")
    say(console, f"Go on with: python -m study.run --resume {shlex.quote(folder.address)}")


def close_study(folder: ResultsFolder, console: Console) -> int:
    """Print the table and the verdict of a study that has ended, write its report, return its exit status."""
    from analysis.report import write_report
    from analysis.tables import closing_table
    from analysis.verdict import print_closing_verdict

    rows = folder.read_trials(["method", "status"])
    if not any(row["method"] in trained_methods() and row["status"] == "complete" for row in rows):
        complain(f"no training finished; reasons and logs: {folder}")
        return 1
    # The analysis reads folders on a disk.
    folder.fetch(folder.description_path, *(folder.root / table for table in TABLES))
    console.print(closing_table(folder.root))
    print_closing_verdict(folder.root, console)
    report = when_there_is_room(lambda: write_report(folder.root))
    folder.publish(report)
    say(console, f"Results: {folder} (trials, predictions and history in Parquet; models; logs)")
    where = "its report.html" if folder.is_remote else str(report)
    say(console, f"Next: open {where}")
    return 0
