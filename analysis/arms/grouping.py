"""The trials of a study grouped into arms."""

from __future__ import annotations

from typing import Any

from analysis.arms.arm import FACTORS, Arm, is_reference_method
from analysis.reading.folders import Row, Study


def group_arms(study: Study) -> list[Arm]:
    """Return the study's arms: the planned ones in their order, others after them, reference rows last."""
    arms: dict[Any, Arm] = {}
    for plan in study.arms:
        label = str(plan.get("label"))
        arms[label] = _planned_arm(study, label, plan)
    for row in study.trials:
        label = str(row.get("arm") or row.get("method"))
        key = label if label in arms else _key(label, row)
        _add(arms.setdefault(key, Arm(study, label)), row)
    for arm in arms.values():
        keep_latest(arm)
    return sorted(arms.values(), key=_place)


def _planned_arm(study: Study, label: str, plan: Row) -> Arm:
    seeds, replicates = plan.get("confirm_seeds"), plan.get("replicates")
    if isinstance(seeds, list):
        # Schema 1 knew one search an arm, and listed the seeds.
        seeds, replicates = len(seeds), 1
    return Arm(
        study,
        label,
        replicates=replicates,
        search_trials=plan.get("search_trials"),
        confirm_seeds=seeds,
        plan=plan,
    )


def _key(label: str, row: Row) -> Any:
    # A label that was not planned may serve several untrained rows: what they are tells them apart.
    method = str(row.get("method"))
    if is_reference_method(method):
        return (label, *(row.get(name) for name in FACTORS))
    return label


def _add(arm: Arm, row: Row) -> None:
    if row.get("stage") == "search":
        arm.search.append(row)
    elif row.get("status") == "complete":
        arm.confirm.append(row)
    else:
        arm.unfinished[str(row.get("status"))] += 1


def keep_latest(arm: Arm) -> None:
    """Keep the latest of the confirm trials that stand for the same thing, and sort them by repeat.

    A search that went on may have confirmed another configuration, or another of its models: two of them
    are not two repeats.
    """
    latest: dict[Any, Row] = {}
    for row in sorted(arm.confirm, key=lambda row: str(row.get("ended_at") or "")):
        own = None if row.get("trained_by") else row.get("seed")
        place = (*arm.replicate_of(row), own is None, own or 0)
        if (old := latest.get(place)) is not None and old["trial"] != row["trial"]:
            what = "replicate" if own is None and row.get("trained_by") else "seed"
            reason = f"a later one has its arm and {what} ({arm.label})"
            arm.study_of(old).exclude(f"trial {old['trial']}", reason)
        latest[place] = row
    arm.confirm = [latest[place] for place in sorted(latest)]


def _place(arm: Arm) -> int:
    return 3 if arm.is_floor else 2 if arm.is_rival else 1 if arm.is_reference else 0
