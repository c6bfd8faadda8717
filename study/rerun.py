"""Running one trial of a study again, alone and without Ray: does it give the same predictions?"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from study.config import make_config
from study.errors import UserError, unknown_name
from study.machine.scratch import scratch
from study.plan.binding import bind, workplace_of
from study.plan.making import make_plan
from study.protocol.description import check_same_sources, request_of
from study.results.folder import ResultsFolder


def rerun(
    folder: ResultsFolder, trial_id: str, *, on_progress: Callable[[str], None]
) -> tuple[dict[str, Any], bool]:
    """Run a trial again; return its new row, and whether the predictions are those on record.

    Nothing in the results folder changes. On a CPU the predictions are the same, bit for bit, with the
    packages and the kind of processor that the row names.

    Raises:
        UserError: there is no such trial, the model or the data have changed, or the trial fails again.
    """
    from study.trial.record import record_trial
    from study.trial.trial import run_trial

    description = folder.read_description()
    row = folder.read_trial(trial_id)
    if row is None:
        raise unknown_name("trial", trial_id, [found["trial"] for found in folder.read_trials([])])
    plan = bind(make_plan(request_of(description)))
    check_same_sources(plan, description)
    config = make_config(json.loads(row["config_json"]))
    workplace = workplace_of(
        plan,
        config.model,
        use_gpu=row["source_device"] == "cuda",
        threads=row["source_threads"],
    )
    workplace = replace(workplace, accumulation=row.get("source_accumulation") or 1)
    seen: list[str] = []

    def tell(progress: Any) -> None:
        if progress["phase"] not in seen:
            seen.append(progress["phase"])
            on_progress(progress["phase"])

    with scratch("finetune-study-rerun") as place:
        again = ResultsFolder(place)
        again.create()
        new = record_trial(
            run_trial,
            config,
            workplace,
            again,
            about={},
            on_progress=tell,
            cutoffs=row.get("rung_cutoffs") or (),
        )
        if new["status"] != row["status"]:
            raise UserError(
                f"trial {trial_id} was {row['status']} and is now {new['status']}: {new['reason']}"
            )
        return new, _same_predictions(folder, again, trial_id)


def _same_predictions(first: ResultsFolder, second: ResultsFolder, trial_id: str) -> bool:
    one, other = (folder.read_table("predictions", trial_id) for folder in (first, second))
    if one is None or other is None:  # stopped before it was scored
        return one is other
    # What is on record may be older, and have fewer columns.
    return bool(one.equals(other.select(one.column_names)))
