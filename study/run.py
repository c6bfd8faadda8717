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
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from study.command_line import Parser, open_console, outlive_output, run_command, say
from study.config import parse_setting
from study.engine.readiness import check_machine
from study.engine.slots import Placement, Slots, choose_slots, look_at_machine
from study.engine.watching import TRACKERS, Watching, choose_watching
from study.errors import RayLost, StudyFailed, UserError
from study.machine.interruption import exit_status
from study.plan.binding import bind, workplace_of
from study.plan.making import make_plan
from study.plan.plan import Plan, search_width
from study.plan.profiles import PROFILES
from study.plan.request import Request
from study.protocol.closing import close_study, say_how_to_go_on
from study.protocol.looks import parse_looks
from study.results.folder import ResultsFolder
from study.results.kept_folders import check_folders
from study.results.new_folder import check_writable, claim_folder
from study.results.object_store import whole_place
from study.sizes import parse_size
from study.space import list_spaces, load_space

if TYPE_CHECKING:
    from study.engine.launch import StudyRun


# What a study is of stands in its study.json; a resume takes it from there.
_FIXED_BY_A_STUDY = (
    ("space", "profile", "model", "data", "question_column", "answer_column", "code_data")
    + ("looks", "seed", "set", "no_early_stopping", "skip_bad_rows", "keep_leaks", "results")
)  # fmt: skip


def make_parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = Parser(
        prog="python -m study.run",
        description="Compare ways to fine-tune a small language model, and answer with uncertainty.",
        allow_abbrev=False,
    )
    what = parser.add_argument_group("what to run")
    what.add_argument("--space", help="search space: a name from --list, or a file: ./my_space.py")
    what.add_argument("--profile", default="embedded", help=f"scale: {' or '.join(PROFILES)} (embedded)")
    what.add_argument("--model", help="base model: a folder, a Hub name, or 'embedded'")
    what.add_argument("--data", help="a folder or a file, a Hub name, or 'embedded'; see docs/data.md")
    what.add_argument("--question-column", default="question", help="column of the question (question)")
    what.add_argument("--answer-column", default="answer", help="column of the answer (answer)")
    what.add_argument("--code-data", help="code data of stacked LoRA: a folder, a Hub name, or 'embedded'")
    what.add_argument(
        "--replicates",
        type=int,
        metavar="R",
        help=f"independent searches of each arm ({_defaults('replicates')})",
    )
    what.add_argument(
        "--trials", type=int, metavar="M", help=f"trials of each search ({_defaults('search_trials')})"
    )
    what.add_argument(
        "--confirm-seeds",
        type=int,
        metavar="K",
        help="train what a search found again, K times, and test that; 0: test the model it found (0)",
    )
    what.add_argument(
        "--looks",
        metavar="R,R,...",
        help="replicates after which the study may be settled, as 3,6,12; the last is --replicates",
    )
    what.add_argument("--seed", type=int, default=0, help="seed of the whole study (0)")
    what.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="fix a setting; repeatable"
    )
    what.add_argument("--no-early-stopping", action="store_true", help="train every search trial to its end")
    what.add_argument("--skip-bad-rows", action="store_true", help="leave out and count unusable rows")
    what.add_argument("--keep-leaks", action="store_true", help="train on test questions that are in train")
    where = parser.add_argument_group("where to run")
    where.add_argument(
        "--results",
        default="results",
        help="parent of all studies: a folder, or s3://..., gs://... (results)",
    )
    where.add_argument(
        "--resume",
        metavar="RESULTS",
        help="go on with the study in this folder; with a larger --replicates: extend it",
    )
    where.add_argument(
        "--arms", metavar="A,B,...", help="with --resume and --replicates: extend these arms alone"
    )
    where.add_argument("--rerun", metavar="TRIAL", help="run a trial of the study in --results again")
    where.add_argument("--cpus-per-trial", type=int, help="CPUs of each trial (1; on GPUs an even share)")
    where.add_argument(
        "--gpus-per-trial", type=float, help="0.25 runs four trials on a GPU (1, if there is one)"
    )
    where.add_argument(
        "--max-disk",
        metavar="SIZE",
        help="most that the results folder may take up, a tracker's files left out, as 20GB (no limit)",
    )
    where.add_argument("--max-concurrent", type=int, metavar="N", help="at most N trials at once")
    where.add_argument(
        "--address",
        metavar="auto|HOST:PORT",
        default=os.environ.get("RAY_ADDRESS"),
        help="run on this Ray cluster, from a node of it (RAY_ADDRESS, or none)",
    )
    watch = parser.add_argument_group("how to watch it")
    watch.add_argument(
        "--track", action="append", default=[], metavar="NAME", help=f"{', '.join(TRACKERS)}; repeatable"
    )
    watch.add_argument("--no-dashboard", action="store_true", help="leave Ray's dashboard out: 0.2 GB less")
    parser.add_argument("--list", action="store_true", help="list the search spaces and stop")
    parser.add_argument("--dry-run", action="store_true", help="say what would run and its cost, and stop")
    return parser


def _defaults(name: str) -> str:
    return ", ".join(f"{profile.name}: {getattr(profile, name)}" for profile in PROFILES.values())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return run_command(_main, arguments)


def _main(arguments: Sequence[str] | None) -> int:
    console = open_console()
    options = make_parser().parse_args(arguments)
    if options.list:
        return _list(console)
    if options.rerun:
        return _rerun(options, console)
    if options.arms is not None and not options.resume:
        raise UserError("--arms goes with --resume and --replicates: it extends some arms of a study")
    if not options.space and not options.resume:
        raise UserError(f"--space is needed; valid: {', '.join(list_spaces())}, or a file")
    with _cluster(options):
        return (_resume if options.resume else _start)(options, console)


def _list(console: Console) -> int:
    for name in list_spaces():
        say(console, f"{name:16} {load_space(name).question}")
    return 0


def _start(options: argparse.Namespace, console: Console) -> int:
    request = Request(
        space=options.space,
        profile=options.profile,
        model=options.model,
        data=options.data,
        code_data=options.code_data,
        question_column=options.question_column,
        answer_column=options.answer_column,
        replicates=options.replicates,
        trials=options.trials,
        confirm_seeds=options.confirm_seeds,
        looks=None if options.looks is None else parse_looks(options.looks),
        seed=options.seed,
        settings=dict(parse_setting(text) for text in options.set),
        skip_bad_rows=options.skip_bad_rows,
        keep_leaks=options.keep_leaks,
        early_stopping=not options.no_early_stopping,
    )
    plan = make_plan(request)
    check_writable(options.results)
    slots = _slots(options, plan)
    say(console, f"Study {request.space} ({plan.profile.name}): {plan.space.question}")
    max_disk = None if options.max_disk is None else parse_size("--max-disk", options.max_disk)
    if options.dry_run:
        from study.cost.preflight import dry_run

        dry_run(plan, slots, ResultsFolder(options.results).root, max_disk, console)
        return 0
    plan = bind(plan)
    watching = _watching(options, console)
    from study.cost.preflight import preflight
    from study.engine.launch import StudyRun
    from study.protocol.description import describe_study

    parent = ResultsFolder(options.results)
    _check_nodes(options, parent, plan)
    beside = None if parent.is_remote else parent.root
    disk, trial_seconds = preflight(plan, slots, parent.root, max_disk, console, studies=beside)
    name, folder = claim_folder(options.results, request.space)
    description = describe_study(name, plan, slots.count, search_width(plan, slots.count), max_disk)
    with folder.in_use():
        folder.write_description(description)
        on_cluster = _on_cluster(options)
        study = StudyRun(
            plan, folder, description, slots, disk, watching, trial_seconds, on_cluster=on_cluster
        )
        return _run(study, console)


def _resume(options: argparse.Namespace, console: Console) -> int:
    from study.protocol.description import where_it_began

    _check_resume_options(options)
    folder = ResultsFolder(whole_place(options.resume))
    check_folders(folder)
    with where_it_began(folder.read_description()):
        return _go_on(options, folder, console)


def _go_on(options: argparse.Namespace, folder: ResultsFolder, console: Console) -> int:
    from study.protocol.description import check_same_arms, check_same_sources, request_of

    description, is_extended = _description_to_go_on(options, folder)  # which may refuse: torch can wait
    from study.cost.preflight import preflight
    from study.engine.launch import StudyRun
    from study.results.finished import read_finished

    plan = bind(make_plan(request_of(description)))
    check_same_sources(plan, description)
    check_same_arms(plan, description)
    slots = _slots(options, plan)
    max_disk = description.get("max_disk")
    if options.max_disk is not None:
        max_disk = parse_size("--max-disk", options.max_disk)
    beside = _studies_beside(folder)
    if options.dry_run:
        preflight(plan, slots, folder.root, max_disk, console, read_finished(folder).values(), beside)
        console.print("Nothing was run.")
        return 0
    watching = _watching(options, console)
    _check_nodes(options, folder, plan)
    with folder.in_use():
        # Another run may have ended since it was read.
        again, _ = _description_to_go_on(options, folder)
        if again["arms"] != description["arms"]:
            raise UserError(f"the study in '{folder}' was extended just now; start again")
        what = "Extending" if is_extended else "Going on with"
        say(console, f"{what} {description['study']}: {plan.space.question}")
        finished = read_finished(folder)
        disk, seconds = preflight(plan, slots, folder.root, max_disk, console, finished.values(), beside)
        if is_extended:
            folder.write_description(again)
        on_cluster = _on_cluster(options)
        study = StudyRun(plan, folder, again, slots, disk, watching, seconds, finished, on_cluster)
        return _run(study, console)


def _description_to_go_on(options: argparse.Namespace, folder: ResultsFolder) -> tuple[dict[str, Any], bool]:
    """Return study.json, extended if the options say so, and whether they do."""
    from study.protocol.description import check_same_protocol, request_of

    description = folder.read_description()
    request_of(description)
    check_same_protocol(description)
    return _extended(options, folder, description)


def _studies_beside(folder: ResultsFolder) -> Path | None:
    """Return where this and earlier studies lie; at an address none are looked at."""
    return None if folder.is_remote else folder.root.absolute().parent


def _extended(
    options: argparse.Namespace, folder: ResultsFolder, description: dict[str, Any]
) -> tuple[dict[str, Any], bool]:
    """Return study.json, extended if the options say so, and whether they do."""
    from study.protocol.extension import Extension, extend

    if options.trials is not None:
        raise UserError(
            "--resume can't change --trials: more trials a search would be another protocol, whose results "
            "can't stand beside those at hand; --replicates N adds whole searches"
        )
    if options.replicates is None and options.confirm_seeds is None:
        if options.arms is not None:
            raise UserError("--arms goes with --replicates N: these arms get so many in all")
        return description, False
    labels = [label.strip() for label in (options.arms or "").split(",") if label.strip()]
    if options.arms is not None and not labels:
        raise UserError(f"--arms names arms, with commas between them, received '{options.arms}'")
    more = Extension(options.replicates, options.confirm_seeds, labels)
    return extend(description, more, len(folder.trial_ids())), True


def _check_resume_options(options: argparse.Namespace) -> None:
    defaults = make_parser().parse_args([])
    given = [name for name in _FIXED_BY_A_STUDY if getattr(options, name) != getattr(defaults, name)]
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UserError(f"--resume goes on with a study as it was started; leave out: {names}")


def _rerun(options: argparse.Namespace, console: Console) -> int:
    from study.protocol.description import where_it_began
    from study.rerun import rerun

    folder = ResultsFolder(whole_place(options.results))
    with where_it_began(folder.read_description()):
        trial, same = rerun(folder, options.rerun, on_progress=lambda phase: say(console, phase))
    accuracy = "" if trial.get("accuracy") is None else f", accuracy {trial['accuracy']:.1f}%"
    say(console, f"{trial['trial']}: {trial['status']}{accuracy}")
    say(console, "the predictions are the same" if same else "the predictions differ from those on record")
    return 0 if same else 1


def _run(study: StudyRun, console: Console) -> int:
    from study.engine.launch import notes, run_study

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


def _on_cluster(options: argparse.Namespace) -> bool:
    return options.address not in (None, "", "local")


def _cluster(options: argparse.Namespace) -> AbstractContextManager[None]:
    """Return the connection to the cluster that the user names, if one is named."""
    if not _on_cluster(options):
        return nullcontext()
    from study.engine.cluster import cluster_ray

    return cluster_ray(options.address)


def _check_nodes(options: argparse.Namespace, folder: ResultsFolder, plan: Plan) -> None:
    if _on_cluster(options):
        from study.engine.cluster import check_nodes

        check_nodes(folder.address, [workplace_of(plan, name) for name in plan.models])


def _slots(options: argparse.Namespace, plan: Plan) -> Slots:
    placement = Placement(options.cpus_per_trial, options.gpus_per_trial, options.max_concurrent)
    if not _on_cluster(options):
        return choose_slots([look_at_machine()], placement, plan.trials)
    from study.engine.cluster import cluster_machines

    return choose_slots(cluster_machines(), placement, plan.trials, where="this cluster's nodes")


def _watching(options: argparse.Namespace, console: Console) -> Watching:
    watching = choose_watching(options.track, dashboard=not options.no_dashboard)
    for note in check_machine(local=not _on_cluster(options)):
        say(console, f"Note: {note}")
    return watching


if __name__ == "__main__":
    sys.exit(main())
