"""Run a study: the command line.

    python -m study.run --space lora_vs_qlora            # embedded: minutes on two cores, no network
    python -m study.run --space lora_vs_qlora --dry-run  # what it would run, and what that would cost
    python -m study.run --list                           # the search spaces
    python -m study.run --resume results/NAME            # go on with a study that was stopped

Exit status: 0 done, 1 no trial finished, 2 bad input (nothing is written), 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console

from study.config import parse_setting
from study.errors import UserError
from study.plan import Plan, Request, bind, make_plan, search_width
from study.profiles import PROFILES
from study.results import ResultsFolder, check_writable
from study.slots import Placement, Slots, choose_slots, look_at_machine
from study.space import list_spaces, load_space


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see python -m study.run --help")


def make_parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = _Parser(
        prog="python -m study.run",
        description="Compare ways to fine-tune a small language model, and answer with uncertainty.",
        allow_abbrev=False,
    )
    what = parser.add_argument_group("what to run")
    what.add_argument("--space", help="search space: a name from --list")
    what.add_argument("--profile", default="embedded", help=f"scale: {' or '.join(PROFILES)} (embedded)")
    what.add_argument("--model", help="base model: a folder, a Hub name, or 'embedded'")
    what.add_argument("--data", help="a folder laid out as openai/gsm8k, a Hub name, or 'embedded'")
    what.add_argument("--trials", type=int, help="search trials of each arm")
    what.add_argument("--confirm-seeds", type=int, help="seeds of each arm's confirm stage")
    what.add_argument("--seed", type=int, default=0, help="seed of the whole study (0)")
    what.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="fix a setting; repeatable"
    )
    what.add_argument("--skip-bad-rows", action="store_true", help="leave out and count unusable rows")
    where = parser.add_argument_group("where to run")
    where.add_argument(
        "--results", type=Path, default=Path("results"), help="parent of all studies (results)"
    )
    where.add_argument("--resume", type=Path, metavar="RESULTS", help="go on with the study in this folder")
    where.add_argument("--cpus-per-trial", type=int, help="CPUs of each trial (1; on GPUs an even share)")
    where.add_argument(
        "--gpus-per-trial", type=float, help="0.25 runs four trials on a GPU (1, if there is one)"
    )
    parser.add_argument("--list", action="store_true", help="list the search spaces and stop")
    parser.add_argument("--dry-run", action="store_true", help="say what would run and its cost, and stop")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    console = Console()
    try:
        options = make_parser().parse_args(arguments)
        if options.list:
            return _list(console)
        if options.resume:
            return _resume(options, console)
        if not options.space:
            raise UserError(f"--space is needed; valid: {', '.join(list_spaces())}")
        return _start(options, console)
    except UserError as error:
        _complain(f"error: {error}")
        return 2


def _list(console: Console) -> int:
    for name in list_spaces():
        _say(console, f"{name:16} {load_space(name).question}")
    return 0


def _start(options: argparse.Namespace, console: Console) -> int:
    request = Request(
        space=options.space,
        profile=options.profile,
        model=options.model,
        data=options.data,
        trials=options.trials,
        confirm_seeds=options.confirm_seeds,
        seed=options.seed,
        settings=dict(parse_setting(text) for text in options.set),
        skip_bad_rows=options.skip_bad_rows,
    )
    plan = make_plan(request)
    check_writable(options.results)
    slots = _slots(options, plan)
    _say(console, f"Study {request.space} ({plan.profile.name}): {plan.space.question}")
    plan = bind(plan)
    if options.dry_run:
        from study.estimate import print_estimate

        print_estimate(plan, slots, console)
        return 0
    from study.launch import describe_study, new_study_name

    name = new_study_name(request.space)
    folder = ResultsFolder(options.results / name)
    folder.create()
    description = describe_study(name, plan, slots.count, search_width(plan, slots.count))
    folder.write_description(description)
    return _run(plan, folder, description, slots, console)


def _resume(options: argparse.Namespace, console: Console) -> int:
    from study.launch import check_unchanged, request_of

    folder = ResultsFolder(options.resume)
    description = folder.read_description()
    plan = bind(make_plan(request_of(description)))
    check_unchanged(plan, description)
    _say(console, f"Going on with {description['study']}: {plan.space.question}")
    return _run(plan, folder, description, _slots(options, plan), console)


def _run(
    plan: Plan, folder: ResultsFolder, description: Mapping[str, Any], slots: Slots, console: Console
) -> int:
    from study.launch import run_study

    searches = sum(arm.search_trials for arm in plan.arms)
    confirms = plan.trials - searches
    _say(
        console,
        f"{len(plan.arms)} arms, {plan.trials} trials: {searches} to search, {confirms} to confirm; "
        f"{slots.count} at once",
    )
    if plan.skipped_rows:
        _say(console, f"{plan.skipped_rows} rows of the data can't be used and are left out")
    _say(console, f"Results: {folder.root}")
    try:
        run_study(plan, folder, description, slots, console)
    except KeyboardInterrupt:
        kept = len(folder.read_trials())
        _say(console, f"Stopped. {kept} of {plan.trials} trials have finished and are kept in {folder.root}.")
        _say(console, f"Go on with: python -m study.run --resume {folder.root}")
        return 130
    return _close(folder, console)


def _close(folder: ResultsFolder, console: Console) -> int:
    from analysis.tables import closing_table

    if not any(row["status"] == "complete" for row in folder.read_trials()):
        _complain(f"no trial finished; reasons and logs: {folder.root}")
        return 1
    console.print(closing_table(folder.root))
    _say(console, f"Results: {folder.root} (trials, predictions and history in Parquet; models; logs)")
    _say(console, f"Next: python -m analysis.tables {folder.root} --help")
    return 0


def _slots(options: argparse.Namespace, plan: Plan) -> Slots:
    placement = Placement(options.cpus_per_trial, options.gpus_per_trial)
    return choose_slots(look_at_machine(), placement, plan.trials)


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _complain(text: str) -> None:
    Console(stderr=True).print(text, style="red", markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
