"""Which hyperparameters mattered: the share of the score's variance that each explains (fANOVA)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analysis.arms.arm import Arm
from analysis.reading.folders import Row
from analysis.searching.ranges import varied
from analysis.searching.scores import search_score

if TYPE_CHECKING:
    import optuna


# Below this, an importance says more about chance than about the hyperparameter.
FEWEST_TRIALS = 8


def _is_complete(row: Row) -> bool:
    return row.get("status") == "complete"


def importances(arms: Sequence[Arm]) -> dict[str, float] | None:
    """Return each searched hyperparameter's share of the variance of the score (fANOVA), the largest first.

    The arms are those of one method: their trials count together, each score less its arm's mean, so that
    what separates the arms explains nothing. None where fewer than `FEWEST_TRIALS` completed, or all scored
    the same. Optuna computes it (Hutter et al. 2014), on a study rebuilt in memory from the rows.
    """
    scored = [pair for arm in arms for pair in _centred(arm)]
    # A hyperparameter that some arm fixed, or lacks, would leave holes.
    names = [name for name in varied([row for row, _ in scored]) if _is_whole(scored, name)]
    if len(scored) < FEWEST_TRIALS or not names or len({score for _, score in scored}) < 2:
        return None
    import optuna

    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        found = optuna.importance.get_param_importances(_rebuild(scored, names), evaluator=evaluator)
    finally:
        optuna.logging.set_verbosity(verbosity)
    return {name: float(share) for name, share in found.items()}


def _centred(arm: Arm) -> list[tuple[Row, float]]:
    scored = [(row, search_score(row, arm.task.primary) or 0.0) for row in arm.search if _is_complete(row)]
    mean = sum(score for _, score in scored) / max(len(scored), 1)
    return [(row, score - mean) for row, score in scored]


def _is_whole(scored: Sequence[tuple[Row, float]], name: str) -> bool:
    return all(row.get(name) is not None for row, _ in scored)


def _rebuild(scored: Sequence[tuple[Row, float]], names: Sequence[str]) -> optuna.Study:
    import optuna

    distributions = {name: _distribution(name, [row[name] for row, _ in scored]) for name in names}
    rebuilt = optuna.create_study(storage=optuna.storages.InMemoryStorage(), direction="maximize")
    for row, score in scored:
        parameters = {name: row[name] for name in names}
        trial = optuna.trial.create_trial(params=parameters, distributions=distributions, value=score)
        rebuilt.add_trial(trial)
    return rebuilt


def _distribution(name: str, values: Sequence[Any]) -> optuna.distributions.BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if name in ("learning_rate", "second_learning_rate", "weight_decay") and min(values) > 0:
        return FloatDistribution(min(values), max(values), log=True)
    if any(isinstance(value, str) for value in values) or len(set(values)) <= 6:
        return CategoricalDistribution(sorted(set(values)))
    return FloatDistribution(min(values), max(values))


def importance_lines(arms: Sequence[Arm]) -> list[str]:
    """Return the importances by method in words, and for which methods there are none."""
    methods: dict[str, list[Arm]] = {}
    for arm in arms:
        methods.setdefault(arm.method, []).append(arm)
    found = {method: importances(own) for method, own in methods.items()}
    lines = [
        f"{method}: " + ", ".join(f"{parameter} {share:.0%}" for parameter, share in shares.items())
        for method, shares in found.items()
        if shares is not None
    ]
    none = [method for method, shares in found.items() if shares is None]
    if none:
        lines.append(f"Fewer than {FEWEST_TRIALS} completed trials, or nothing varied: {', '.join(none)}.")
    return lines
