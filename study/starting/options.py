"""The options of `python -m study.run`, and which of them a resume takes."""

from __future__ import annotations

import argparse
import os
from typing import Any

from study.command_line import Parser
from study.engine.watching import TRACKERS
from study.errors import UserError
from study.plan.profiles import PROFILES
from study.space import list_spaces

# What a study is of stands in its study.json; a resume takes it from there.
_FIXED_BY_A_STUDY = (
    ("space", "profile", "model", "data", "question_column", "answer_column", "code_data")
    + ("task", "primary", "shots")
    + ("looks", "seed", "set", "no_early_stopping", "skip_bad_rows", "keep_leaks", "results")
)  # fmt: skip
_NAMES = (
    ("space", "profile", "model", "data", "question_column", "answer_column", "code_data")
    + ("results", "resume", "task", "primary")
)  # fmt: skip


def make_parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = Parser(
        prog="python -m study.run",
        description="Compare ways to fine-tune a small language model, and answer with uncertainty.",
        allow_abbrev=False,
    )
    what = parser.add_argument_group("what to run")
    _add_recipe(what)
    _add_searches(what)
    _add_details(what)
    where = parser.add_argument_group("where to run")
    _add_folders(where)
    _add_shares(where)
    watch = parser.add_argument_group("how to watch it")
    watch.add_argument(
        "--track", action="append", default=[], metavar="NAME", help=f"{', '.join(TRACKERS)}; repeatable"
    )
    watch.add_argument("--no-dashboard", action="store_true", help="leave Ray's dashboard out: 0.2 GB less")
    parser.add_argument("--list", action="store_true", help="list the search spaces and the tasks, and stop")
    parser.add_argument("--dry-run", action="store_true", help="say what would run and its cost, and stop")
    return parser


def check_together(options: argparse.Namespace) -> None:
    """Check that a study is named, to start or to go on with, and that no name is empty.

    Raises:
        UserError: none is, a name is empty, or --arms stands without --resume.
    """
    for name in _NAMES:
        if getattr(options, name) == "":
            raise UserError(f"--{name.replace('_', '-')} takes a name, received ''")
    if options.arms is not None and not options.resume:
        raise UserError("--arms goes with --resume and --replicates: it extends some arms of a study")
    if not options.space and not options.resume:
        raise UserError(f"--space is needed; valid: {', '.join(list_spaces())}, or a file")


def check_rerun_options(options: argparse.Namespace) -> None:
    """Check that a trial that runs again is given nothing but the folder that has it.

    Raises:
        UserError: something else is given.
    """
    defaults = vars(make_parser().parse_args([]))
    given = [name for name, value in vars(options).items() if value != defaults[name]]
    if others := [name for name in given if name not in ("rerun", "results")]:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in others)
        raise UserError(f"--rerun runs a trial of --results as it was; leave out: {names}")


def check_resume_options(options: argparse.Namespace) -> None:
    """Check that nothing is given which the study to go on with has settled.

    Raises:
        UserError: something is.
    """
    defaults = make_parser().parse_args([])
    given = [name for name in _FIXED_BY_A_STUDY if getattr(options, name) != getattr(defaults, name)]
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UserError(f"--resume goes on with a study as it was started; leave out: {names}")


def _add_recipe(group: Any) -> None:
    group.add_argument("--space", help="search space: a name from --list, or a file: ./my_space.py")
    group.add_argument("--profile", default="embedded", help=f"scale: {' or '.join(PROFILES)} (embedded)")
    group.add_argument("--model", help="base model: a folder, a Hub name, or 'embedded'")
    group.add_argument("--data", help="a folder or a file, a Hub name, or 'embedded'; see docs/data.md")
    group.add_argument("--task", help="what is asked: a name from --list, or a file: ./my_task.py")
    group.add_argument("--primary", metavar="SCORE", help="the score that decides (the task's own)")
    group.add_argument("--question-column", help="column of the question (as the task has it: question)")
    group.add_argument("--answer-column", help="column of the answer (as the task has it: answer)")
    group.add_argument(
        "--shots",
        type=int,
        default=0,
        metavar="K",
        help="also ask the base with K examples before each question",
    )
    group.add_argument("--code-data", help="code data of stacked LoRA: a folder, a Hub name, or 'embedded'")


def _add_searches(group: Any) -> None:
    group.add_argument(
        "--replicates",
        type=int,
        metavar="R",
        help=f"independent searches of each arm ({_defaults('replicates')})",
    )
    group.add_argument(
        "--trials", type=int, metavar="M", help=f"trials of each search ({_defaults('search_trials')})"
    )
    group.add_argument(
        "--confirm-seeds",
        type=int,
        metavar="K",
        help="train what a search found again, K times, and test that; 0: test the model it found (0)",
    )
    group.add_argument(
        "--looks",
        metavar="R,R,...",
        help="replicates after which the study may be settled, as 3,6,12; the last is --replicates",
    )


def _defaults(name: str) -> str:
    return ", ".join(f"{profile.name}: {getattr(profile, name)}" for profile in PROFILES.values())


def _add_details(group: Any) -> None:
    group.add_argument("--seed", type=int, default=0, help="seed of the whole study (0)")
    group.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="fix a setting; repeatable"
    )
    group.add_argument("--no-early-stopping", action="store_true", help="train every search trial to its end")
    group.add_argument("--skip-bad-rows", action="store_true", help="leave out and count unusable rows")
    group.add_argument("--keep-leaks", action="store_true", help="train on test questions that are in train")


def _add_folders(group: Any) -> None:
    group.add_argument(
        "--results",
        default="results",
        help="parent of all studies: a folder, or s3://..., gs://... (results)",
    )
    group.add_argument(
        "--resume",
        metavar="RESULTS",
        help="go on with the study in this folder; with a larger --replicates: extend it",
    )
    group.add_argument(
        "--arms", metavar="A,B,...", help="with --resume and --replicates: extend these arms alone"
    )
    group.add_argument("--rerun", metavar="TRIAL", help="run a trial of the study in --results again")


def _add_shares(group: Any) -> None:
    group.add_argument("--cpus-per-trial", type=int, help="CPUs of each trial (1; on GPUs an even share)")
    group.add_argument(
        "--gpus-per-trial", type=float, help="0.25 runs four trials on a GPU (1, if there is one)"
    )
    group.add_argument(
        "--max-disk",
        metavar="SIZE",
        help="most that the results folder may take up, a tracker's files left out, as 20GB (no limit)",
    )
    group.add_argument("--max-concurrent", type=int, metavar="N", help="at most N trials at once")
    group.add_argument(
        "--address",
        metavar="auto|HOST:PORT",
        default=os.environ.get("RAY_ADDRESS"),
        help="run on this Ray cluster, from a node of it (RAY_ADDRESS, or none)",
    )
