"""Running one trial of a study again, alone and without Ray: does it give the same predictions?"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from study.config import TrialConfig, make_config
from study.errors import UserError, unknown_name
from study.machine.scratch import scratch
from study.plan.binding import bind, workplace_of
from study.plan.making import make_plan
from study.protocol.description import check_same_sources, request_of
from study.results.folder import ResultsFolder
from study.search.pruning import RungLosses
from study.workplace import Workplace

Row = dict[str, Any]


def rerun(folder: ResultsFolder, trial_id: str, *, on_progress: Callable[[str], None]) -> tuple[Row, bool]:
    """Run a trial again; return its new row, and whether the predictions are those on record.

    Nothing in the results folder changes. On a CPU the predictions are the same, bit for bit, with the
    packages and the kind of processor that the row names.

    Raises:
        UserError: there is no such trial, the model or the data have changed, or the trial fails again.
    """
    description = folder.read_description()
    row = folder.read_trial(trial_id)
    if row is None:
        raise unknown_name("trial", trial_id, [found["trial"] for found in folder.read_trials([])])
    config = make_config(json.loads(row["config_json"]))
    workplace = _workplace_of(description, row, config.model)
    with scratch("finetune-study-rerun") as place:
        again = ResultsFolder(place)
        again.create()
        new = _run_again(config, workplace, again, row.get("rung_cutoffs") or (), on_progress)
        if new["status"] != row["status"]:
            raise UserError(
                f"trial {trial_id} was {row['status']} and is now {new['status']}: {new['reason']}"
            )
        return new, _same_predictions(folder, again, trial_id)


def _workplace_of(description: Mapping[str, Any], row: Row, model: str) -> Workplace:
    """Return a workplace like that which a trial ran in.

    Raises:
        UserError: the model or the data have changed.
    """
    plan = bind(make_plan(request_of(description)))
    check_same_sources(plan, description)
    on_gpu, threads = row["source_device"] == "cuda", row["source_threads"]
    workplace = workplace_of(plan, model, use_gpu=on_gpu, threads=threads)
    return replace(workplace, accumulation=row.get("source_accumulation") or 1)


def _run_again(
    config: TrialConfig,
    workplace: Workplace,
    folder: ResultsFolder,
    cutoffs: RungLosses,
    on_progress: Callable[[str], None],
) -> Row:
    """Run a trial into another folder, say each phase once, and return its row."""
    from study.trial.record import StudyContext, record_trial
    from study.trial.trial import run_trial

    seen: set[str] = set()

    def tell(progress: Mapping[str, Any]) -> None:
        if (phase := progress["phase"]) not in seen:
            seen.add(phase)
            on_progress(phase)

    context = StudyContext(cutoffs=cutoffs)
    return record_trial(run_trial, config, workplace, folder, on_progress=tell, context=context)


def _same_predictions(first: ResultsFolder, second: ResultsFolder, trial_id: str) -> bool:
    one, other = (folder.read_table("predictions", trial_id) for folder in (first, second))
    if one is None or other is None:  # stopped before it was scored
        return one is other
    # What is on record may be older, and have fewer columns.
    return bool(one.equals(other.select(one.column_names)))
