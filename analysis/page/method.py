"""The report's last section: how the study was done, so that a reader can judge it and repeat it."""

from __future__ import annotations

import html
import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.comparison.notes import exclusion_notes
from analysis.comparison.rows import Comparison
from analysis.counts import count_of
from analysis.reading.folders import Study
from analysis.reading.tasks import Task
from analysis.searching.spending import PRUNED
from analysis.words.protocol import describe_protocol


def method_section(studies: Sequence[Study], comparison: Comparison) -> str:
    """Return the section: the protocol, each study's provenance, and what was left out."""
    parts = [f"<p>{html.escape(text)}</p>" for text in describe_protocol(studies, comparison)]
    for study in studies:
        parts.append(f"<h3>{html.escape(study.name)}</h3>")
        parts.append(_definitions(_provenance(study)))
    left_out = exclusion_notes(studies, most=50)
    parts.append("<h3>Exclusions</h3>")
    parts += [f"<p>{html.escape(note)}</p>" for note in left_out or ["None: every file could be read."]]
    return "\n".join([*parts, *_failures(comparison)])


def _provenance(study: Study) -> dict[str, str]:
    description = study.description
    arguments = [str(argument) for argument in description.get("arguments") or []]
    share = description.get("busy_share")
    facts = {
        "space": str(study.space.get("name") or ""),
        "task": "" if study.task.is_math else _show_task(study.task),
        "profile": study.profile,
        "seed": _show(description.get("seed")),
        "replicates x trials": _size(study),
        "looks planned": _planned_looks(description.get("looks")),
        "looks taken": "; ".join(map(_show_look, _entries(description, "looks_taken"))),
        "extensions": "; ".join(map(_show_extension, _entries(description, "extensions"))),
        "command": f"python -m study.run {shlex.join(arguments)}" if arguments else "",
        "commit": _show(description.get("commit")),
        "machine": _show(description.get("machine")),
        "trials at a time": _show(description.get("slots")),
        "slots busy": f"{share:.0%}" if isinstance(share, int | float) else "",
        "started": _show(description.get("started_at")),
        "ended": _show(description.get("finished_at")) or "not yet",
        "versions": _show(description.get("versions")),
        **_of_trials(study),
    }
    return {name: text for name, text in facts.items() if text}


def _show_task(task: Task) -> str:
    labels = f"; {count_of(len(task.labels), 'label')}" if task.is_labels else ""
    return f"{task.name}, by {task.primary.name}{labels}"


def _size(study: Study) -> str:
    """Return the replicates and search trials of the trained arms: 5 x 2 (scored), 1 x 10 (5 seeds)."""
    sizes: dict[str, int] = {}
    trained = [arm for arm in study.arms if arm.get("search_trials")]
    for arm in trained:
        text = _size_of_arm(arm)
        sizes[text] = sizes.get(text, 0) + 1
    if len(sizes) < 2:
        return "".join(sizes)
    return "; ".join(f"{text}: {count_of(count, 'arm')}" for text, count in sizes.items())


def _size_of_arm(arm: Mapping[str, Any]) -> str:
    seeds = arm.get("confirm_seeds")
    count = len(seeds) if isinstance(seeds, list) else seeds
    how = f"trained anew with {count_of(count, 'seed')}" if count else "the search's model scored"
    return f"{arm.get('replicates') or 1} x {arm.get('search_trials')} ({how})"


def _planned_looks(looks: Any) -> str:
    if not isinstance(looks, Mapping):
        return ""
    return f"after {_list(looks.get('replicates'))} replicates, with {_list(looks.get('weights'))} of the 5%"


def _list(values: Any) -> str:
    return ", ".join(map(str, values or []))


def _entries(description: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    return [entry for entry in description.get(name) or [] if isinstance(entry, Mapping)]


def _show_look(look: Mapping[str, Any]) -> str:
    stopped = look.get("stopped")
    reasons = (
        [f"{arm} stopped: {why}" for arm, why in stopped.items()] if isinstance(stopped, Mapping) else []
    )
    settled = ["settled"] if look.get("settled") else []
    said = ", ".join([*settled, *reasons]) or "all arms went on"
    return f"after {look.get('replicates')} replicates ({said})"


def _show_extension(extension: Mapping[str, Any]) -> str:
    arms = extension.get("arms")
    which = f" of {', '.join(map(str, arms))}" if arms else ""
    grown = f"to {extension.get('replicates')} replicates{which}"
    return f"{_show(extension.get('at'))}: {grown}, after {extension.get('trials_before')} trials"


def _of_trials(study: Study) -> dict[str, str]:
    names = {
        "source_model_fingerprint": "model",
        "source_data_fingerprint": "data",
        "source_machine": "machines of the trials",
        "source_precision": "precision",
        "source_optimizer": "optimizer",
    }
    found = {}
    for column, name in names.items():
        values = sorted({str(row[column]) for row in study.trials if row.get(column)})
        found[name] = ", ".join(values)
    return found


def _show(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_show(entry)}" for name, entry in value.items())
    return value if isinstance(value, str) else json.dumps(value)


def _definitions(facts: Mapping[str, str]) -> str:
    entries = "".join(f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>\n" for k, v in facts.items())
    return f"<dl>\n{entries}</dl>"


def _failures(comparison: Comparison, most: int = 100) -> list[str]:
    """Return the trials that failed, each with its reason; those that were stopped early are no failures."""
    lines = [
        f"{row.name}, {trial.get('stage')}, {trial.get('status')}: {trial.get('reason') or 'no reason given'}"
        for row in comparison.rows
        for study in row.arm.studies
        for trial in study.trials
        if trial.get("arm") == row.arm.label and trial.get("status") not in ("complete", PRUNED)
    ]
    if not lines:
        return []
    left_out = [f"{len(lines) - most} more are in the results folder."] if len(lines) > most else []
    said = [*lines[:most], *left_out]
    return ["<h3>Trials that did not complete</h3>", *(f"<p>{html.escape(line)}</p>" for line in said)]
