"""A study that begins: what is asked for, what it will cost, and a results folder of its own."""

from __future__ import annotations

import argparse
import dataclasses

from rich.console import Console

from study.command_line import say
from study.config import parse_setting
from study.engine.watching import choose_watching
from study.errors import UserError
from study.plan.binding import find_sources
from study.plan.guessing import Guess, guess_task
from study.plan.making import make_plan
from study.plan.plan import Plan, search_width
from study.plan.request import Request
from study.protocol.description import describe_study
from study.protocol.looks import parse_looks
from study.results.folder import ResultsFolder
from study.results.new_folder import check_writable, claim_folder
from study.sources.finding import find_data
from study.starting.place import check_nodes_of, max_disk_of, slots_of
from study.starting.runtime import Runtime, runtime_of


def start(options: argparse.Namespace, console: Console) -> int:
    """Start the study that the options ask for, or say what it would cost; return the exit status.

    Raises:
        UserError: something of it can't be used; nothing has been written.
    """
    request, guess = _with_task(_request(options))
    plan = make_plan(request)
    choose_watching(options.track, dashboard=not options.no_dashboard)  # a dry run refuses what a run does
    check_writable(options.results)
    slots = slots_of(options, plan)
    say(console, f"Study {plan.request.space} ({plan.profile.name}): {plan.space.question}")
    if guess is not None:
        console.print(guess.line, markup=False, highlight=False)
    max_disk = max_disk_of(options)
    if options.dry_run:
        from study.cost.preflight import dry_run  # torch waits until here

        dry_run(plan, slots, ResultsFolder(options.results).root, max_disk, console)
        return 0
    with runtime_of(options, plan.request, slots, console) as runtime:
        plan = find_sources(plan)
        check_nodes_of(options, ResultsFolder(options.results), plan)
        return _run(plan, options.results, max_disk, runtime, console)


def _run(plan: Plan, parent: str, max_disk: float | None, runtime: Runtime, console: Console) -> int:
    from study.cost.preflight import preflight
    from study.engine.launch import StudyRun
    from study.starting.course import run_to_its_end

    place, slots = ResultsFolder(parent), runtime.slots
    beside = None if place.is_remote else place.root
    cost = runtime.call(preflight, plan, slots, place.root, max_disk, (), beside)
    cost.show(place.root, console)
    plan = dataclasses.replace(plan, notes=(*plan.notes, *cost.notes))
    name, folder = claim_folder(parent, plan.request.space)
    description = describe_study(name, plan, slots.count, search_width(plan, slots.count), max_disk)
    with folder.in_use():
        folder.write_description(description)
        study = StudyRun(
            plan, folder, description, slots, cost.disk, runtime.watching, cost.trial_seconds, ray=runtime.ray
        )
        return run_to_its_end(study, console)


def _with_task(request: Request) -> tuple[Request, Guess | None]:
    """Return the request with a task, and how that was guessed, if it was."""
    if request.task is not None or request.data is None:
        return request, None
    try:
        guess = guess_task(find_data(request.data).path, request.columns)
    except UserError:  # which is told where the data are needed
        guess = None
    return (request, None) if guess is None else (dataclasses.replace(request, task=guess.task), guess)


def _request(options: argparse.Namespace) -> Request:
    return Request(
        space=options.space,
        profile=options.profile,
        model=options.model,
        data=options.data,
        code_data=options.code_data,
        task=options.task,
        primary=options.primary,
        shots=options.shots,
        template="auto",
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
