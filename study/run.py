"""Run a study: the command line.

    python -m study.run --space lora_vs_qlora            # embedded: minutes on two cores, no network
    python -m study.run --space lora_vs_qlora --dry-run  # what it would run, and what that would cost
    python -m study.run --list                           # the search spaces
    python -m study.run --resume results/NAME            # go on with a study that was stopped
    python -m study.run --rerun TRIAL --results results/NAME    # one trial again, without Ray

Exit status: 0 done, 1 no training finished or Ray died, 2 bad input (nothing is written), 130 Ctrl-C, 143
SIGTERM, 129 SIGHUP; docs/machines.md says more.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from study.command_line import open_console, run_command, say
from study.results.finished import primary_score
from study.results.folder import ResultsFolder
from study.results.object_store import whole_place
from study.space import list_spaces, load_space
from study.starting.options import check_rerun_options, check_together, make_parser
from study.starting.place import connect
from study.tasks.finding import list_tasks, task_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return run_command(_main, arguments)


def _main(arguments: Sequence[str] | None) -> int:
    console = open_console()
    options = make_parser().parse_args(arguments)
    if options.list:
        return _list(console)
    if options.rerun is not None:
        check_rerun_options(options)
        return _rerun(options, console)
    check_together(options)
    with connect(options):
        return _run(options, console)


def _list(console: Console) -> int:
    for name in list_spaces():
        say(console, f"{name:16} {load_space(name).question}")
    say(console, "\nTasks, for --task:")
    for name in list_tasks():
        say(console, f"{name:18} {task_of(name).description}")
    return 0


def _run(options: argparse.Namespace, console: Console) -> int:
    # What a study needs takes a while to load: a list or a wrong option does not wait for it.
    from study.starting.beginning import start
    from study.starting.resumption import resume

    return (resume if options.resume else start)(options, console)


def _rerun(options: argparse.Namespace, console: Console) -> int:
    from study.protocol.description import where_it_began
    from study.rerun import rerun

    folder = ResultsFolder(whole_place(options.results))
    with where_it_began(folder.read_description()):
        trial, same = rerun(folder, options.rerun, on_progress=lambda phase: say(console, phase))
    score = "" if primary_score(trial) is None else f", score {primary_score(trial):.1f}"
    say(console, f"{trial['trial']}: {trial['status']}{score}")
    say(console, "the predictions are the same" if same else "the predictions differ from those on record")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
