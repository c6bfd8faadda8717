"""What to use: the recipe, its hyperparameters, the model that is kept, and the commands that go on from it.

The recommendation is the arm with the best mean among those that are shown to beat the rows without
training, with every arm that can't be told apart from it. It returns text.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from analysis.arms.arm import Arm
from analysis.arms.scores import read_texts
from analysis.comparison.rows import Comparison, ComparisonRow
from analysis.judgement.verdicts import Verdict
from analysis.reading.folders import Study
from analysis.searching.choices import Choice, describe_choice, describe_spread, find_choices, kept_choice
from analysis.units import show_bytes, show_seconds
from analysis.words.phrases import join_names, scored, shorten
from analysis.words.rivals import nothing_beats

LONGEST_QUESTION = 120
QUESTION = "Mia has 30 apples and eats 12. How many are left?"


@dataclass(frozen=True)
class Recommendation:
    """What to use, in words.

    Attributes:
        lines: sentences, the recommendation first, or that there is none, and why.
        commands: what for -> a command line.
    """

    lines: list[str]
    commands: Mapping[str, str] = field(default_factory=dict)


def recommend(comparison: Comparison, verdicts: Sequence[Verdict]) -> Recommendation:
    """Return what to use: of each set of test questions, where arms were scored on several."""
    if not verdicts:
        return Recommendation(["Nothing can be recommended: no trained arm has scores yet."])
    found = [_recommend_of_set(verdict) for verdict in verdicts]
    if len(found) == 1:
        return found[0]
    sets = [_name_set(verdict) for verdict in verdicts]
    lines = [f"{name}: {line}" for name, one in zip(sets, found, strict=True) for line in one.lines]
    commands = {
        f"{what} ({name})": command
        for name, one in zip(sets, found, strict=True)
        for what, command in one.commands.items()
    }
    return Recommendation(lines, commands)


def _name_set(verdict: Verdict) -> str:
    names = dict.fromkeys(study.name for row in verdict.rows for study in row.arm.studies)
    return f"Questions of {join_names(list(names))}"


def _recommend_of_set(verdict: Verdict) -> Recommendation:
    best, nothing = _best(verdict), _why_nothing(verdict)
    first = [f"Use: {scored(best)}.", *_ties(verdict, best)] if nothing is None else [nothing]
    choices = find_choices(best.arm)
    return Recommendation(
        [*first, *_hyperparameters(best, choices), *_kept(best, choices)], _commands(best, choices)
    )


def _best(verdict: Verdict) -> ComparisonRow:
    """Return the arm with the best mean of those that are shown to beat no training, or of all."""
    return next((row for row in verdict.rows if row.name in verdict.shown_to_gain), verdict.rows[0])


def _why_nothing(verdict: Verdict) -> str | None:
    """Return why no arm can be recommended, in a sentence; None where one can."""
    tests = verdict.gains if verdict.reference is not None else verdict.differences
    untested = bool(tests) and not any(d.p is not None for d in tests)
    if untested and verdict.looks is not None and not verdict.looks.taken:
        return "Nothing can be recommended yet: before the first look that is planned nothing is tested."
    if untested:
        return "Nothing can be recommended yet: every arm was run once, and that can't say what is luck."
    if verdict.reference is not None and not verdict.shown_to_gain:
        return nothing_beats(verdict)
    if len(verdict.rows) == 1:
        return f"Nothing can be recommended over another recipe: {scored(verdict.rows[0])} is the only arm."
    return None


def _ties(verdict: Verdict, best: ComparisonRow) -> list[str]:
    ahead = [effect for effect in verdict.effects if effect.is_clear and effect.arms.get(best.name, 0) > 0]
    behind = {name for effect in ahead for name, weight in effect.arms.items() if weight < 0}
    equal = [
        row
        for row in verdict.rows
        if row is not best and row.name not in behind and not verdict.pair(best.name, row.name).is_clear
    ]
    lines = [
        f"Averaged over {join_names(effect.over)}, {effect.better} beats {effect.worse}: arms with "
        f"{effect.worse} are no alternative to it."
        for effect in ahead
    ]
    if not equal:
        return lines
    names = join_names(shorten([row.name for row in equal]))
    together = [best, *equal]
    said = (
        [] if best.times.conflict else _cheapest(together, best.times.column, show_seconds, "trains fastest")
    )
    said += _cheapest(together, "model_bytes", show_bytes, "ships least")
    cheaper = f" Of these {' and '.join(said)}." if said else ""
    return [f"Can't be told apart from it: {names}.{cheaper}", *lines]


def _cheapest(rows: Sequence[ComparisonRow], cost: str, show: Callable[[float], str], what: str) -> list[str]:
    """Return which row costs least, the first of equals; nothing where all are alike or one is unknown."""
    if any(cost not in row.costs for row in rows):
        return []
    shown = {row.name: show(row.costs[cost].median) for row in rows}
    least = min(row.costs[cost].median for row in rows)
    if len(set(shown.values())) == 1:
        return []
    name = next(name for name, text in shown.items() if text == show(least))
    return [f"{name} {what} ({show(least)})"]


def _hyperparameters(row: ComparisonRow, choices: Sequence[Choice]) -> list[str]:
    spread = describe_spread(choices)
    if not spread:
        return []
    if len(choices) > 1:
        return [f"Hyperparameters of {row.name}, as {len(choices)} searches chose them: {spread}."]
    return [
        f"Hyperparameters of {row.name}: {spread}. It was searched once: what is measured is this "
        "configuration, and another search may choose another."
    ]


def _kept(row: ComparisonRow, choices: Sequence[Choice]) -> list[str]:
    kept = kept_choice(choices)
    if kept is None:
        return []
    models = sum(trial.get("status") == "complete" for trial in row.arm.search)
    parts = [describe_choice(kept)] if len(choices) > 1 else []
    parts += [f"replicate {kept.replicate}"] if len(choices) > 1 and kept.replicate else []
    measure = row.task.primary.measure
    parts += [] if kept.validation is None else [f"validation {measure.show(kept.validation)}"]
    did_best = f"did best on validation ({', '.join(part for part in parts if part)})"
    score = f" ({measure.show(kept.tests[0])})" if kept.tests else ""
    is_scored = kept.confirm[0].get("trained_by") is not None
    what = f"the one that {did_best}" if is_scored else f"a new training of the configuration that {did_best}"
    picked = "it was picked for its" if is_scored else "its configuration was picked for a"
    among = f"among {models} models" if models > 1 else "alone, the only one of its search"
    return [
        f"The model that is kept, models/{_slug(row.arm)}, is {what}. Its own test score{score} supports no "
        f"claim about the recipe: {picked} validation score {among}."
    ]


def _slug(arm: Arm) -> str:
    return str(arm.plan.get("slug") or arm.label)


def _commands(row: ComparisonRow, choices: Sequence[Choice]) -> dict[str, str]:
    kept = kept_choice(choices)
    study = row.arm.study_of(kept.confirm[0]) if kept else row.arm.study
    export = ["study.export", str(study.root), "--arm", row.arm.label, "--to", "my-model"]
    ask = ["study.ask", str(study.root / "models" / _slug(row.arm)), _question(row)]
    return {
        "Repeat the study with another seed": _line(
            ["study.run", *_arguments_of_repeat(study, row.arm.studies)]
        ),
        "Export the model": _line(export),
        "Ask it": _line(ask),
    }


def _question(row: ComparisonRow) -> str:
    """Return something to ask: of another task than word problems a question of its own, if it is short."""
    if row.task.is_math:
        return QUESTION
    first = row.arm.scored_trials[0]
    read = read_texts(row.arm.study_of(first), first["trial"], ["question"])
    asked = [text for text in (read[1]["question"] if read else []) if text]
    short = [text for text in asked if len(text) <= LONGEST_QUESTION and text.isprintable()]
    return short[0] if short else "YOUR QUESTION"


def _line(parts: Sequence[str]) -> str:
    return f"python -m {shlex.join(parts)}"


def _arguments_of_repeat(study: Study, pooled: Sequence[Study]) -> list[str]:
    """Return the study's own arguments with a seed that none of those `pooled` had.

    Without arguments on record they are its space and profile.
    """
    own = [str(argument) for argument in study.description.get("arguments") or []]
    if "--space" not in {argument.partition("=")[0] for argument in own}:
        own = ["--space", str(study.space.get("name")), "--profile", study.profile]
    kept, skip = [], False
    for argument in own:
        if skip or argument == "--seed":
            skip = not skip
        elif not argument.startswith("--seed="):
            kept.append(argument)
    seeds = [one.description.get("seed") for one in pooled]
    return [*kept, "--seed", str(1 + max((seed for seed in seeds if isinstance(seed, int)), default=0))]
