"""The report's last section: how the study was done, so that a reader can judge it and repeat it."""

from __future__ import annotations

import html
import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.comparison import Comparison, exclusion_notes
from analysis.folders import Study
from analysis.spending import PRUNED

PROTOCOL = (
    "Every arm has the same number of search trials and the same training budget; Optuna searches within an "
    "arm, never across arms. Search trials see the training split alone and are scored on a validation split "
    "held out of it; one whose validation loss lags behind its arm's earlier trials may be stopped early, a "
    "confirm trial never. The best configuration of each arm is trained again with several seeds and scored "
    "once on the test split.",
    "Intervals are 95%, over seeds and questions as crossed random effects (analysis of variance; Cochran's "
    "critical value, a mean of the seeds' t and the questions' t; Wilson's for shares); those of the rows "
    "without training are over questions alone. Arms are compared on the same questions; p-values are those "
    "of the same model after Holm's correction over all pairs. With two seeds an interval is wide and says "
    "little: three are the least to rely on.",
    "Accuracy: the last number of the output equals the reference's. Strict: the number after ####. "
    "Lenient: the reference's number occurs anywhere, which the solution of another question does for one "
    "question in five. ROUGE-1 never ranks arms: an echoed question scores high.",
)


def method_section(studies: Sequence[Study], comparison: Comparison) -> str:
    """Return the section: the protocol, each study's provenance, and what was left out."""
    parts = [f"<p>{html.escape(text)}</p>" for text in PROTOCOL]
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
        "profile": study.profile,
        "seed": _show(description.get("seed")),
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
