"""The course of a study: it runs to its end, or it is stopped and says how to go on with it."""

from __future__ import annotations

from rich.console import Console

from study.command_line import outlive_output, say
from study.engine.launch import StudyRun, notes, run_study
from study.errors import RayLost, StudyFailed
from study.machine.interruption import exit_status
from study.protocol.closing import close_study, say_how_to_go_on


def run_to_its_end(study: StudyRun, console: Console) -> int:
    """Run what a study has left to run and print what it found; return the exit status."""
    plan, folder = study.plan, study.folder
    outlive_output(f"the study goes on without it, and its results go to {folder}")
    for note in (*plan.notes, *notes(plan, study.slots)):
        say(console, f"Note: {note}")
    say(console, f"Results: {folder}")
    try:
        run_study(study, console)
    except KeyboardInterrupt:
        say_how_to_go_on("Stopped.", plan, folder, console)
        return exit_status()
    except (RayLost, StudyFailed) as error:
        say_how_to_go_on(f"Stopped: {error}.", plan, folder, console)
        return 1
    return close_study(folder, console)
