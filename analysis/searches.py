"""What the search itself shows: how good the best of n trials is, and which hyperparameters mattered.

    python -m analysis.searches RESULTS

Scores are accuracies on the validation split. A search trial that failed scores 0: it used up its place. One
that early stopping ended was never scored; it lagged behind its arm's others, so it counts as the lowest of
those that completed. Takes seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from analysis.arms import Arm, group_arms, name_arms
from analysis.command_line import open_console, results_parser, run_command
from analysis.errors import AnalysisError
from analysis.folders import Row, open_studies
from analysis.spending import PRUNED, saving_sentence, spending, spending_table, total_spending
from analysis.units import MISSING

if TYPE_CHECKING:
    import optuna

HYPERPARAMETERS = (
    *("rank", "alpha", "lora_dropout", "target_modules", "learning_rate"),
    *("batch_size", "warmup_fraction", "weight_decay"),
    *("second_rank", "second_alpha", "second_learning_rate"),
)
# Below this, an importance says more about chance than about the hyperparameter.
FEWEST_TRIALS = 8


@dataclass(frozen=True)
class BestOf:
    """The best of `trials` search trials: its expectation, and the range that holds 95% of the draws (%)."""

    trials: int
    expected: float
    low: float
    high: float


def search_score(row: Row) -> float | None:
    """Return a search trial's accuracy on the validation split (%): 0 if it failed, None if stopped early."""
    if row.get("status") == PRUNED:
        return None
    score = row.get("accuracy")
    return float(score) if row.get("status") == "complete" and score is not None else 0.0


def search_scores(arm: Arm) -> list[float]:
    """Return the scores of an arm's search trials (%); one stopped early gets the lowest complete one."""
    scores = [search_score(row) for row in arm.search]
    complete = [score for row, score in zip(arm.search, scores, strict=True) if _is_complete(row)]
    lowest = min((score for score in complete if score is not None), default=0.0)
    return [lowest if score is None else score for score in scores]


def _is_complete(row: Row) -> bool:
    return row.get("status") == "complete"


def expected_best(scores: Sequence[float]) -> list[BestOf]:
    """Return the expected best of 1, 2, ... all of an arm's search trials.

    Dodge et al. 2019 (arXiv 1909.03004), in the unbiased form that draws without replacement (Tang et al.
    2020, arXiv 2004.13705): the i-th smallest of N scores is the best of n with probability
    C(i - 1, n - 1) / C(N, n).
    """
    ordered, count = sorted(scores), len(scores)
    curve = []
    for n in range(1, count + 1):
        chances = [math.comb(i, n - 1) / math.comb(count, n) for i in range(count)]
        expected = sum(chance * score for chance, score in zip(chances, ordered, strict=True))
        curve.append(
            BestOf(n, expected, _quantile(ordered, chances, 0.025), _quantile(ordered, chances, 0.975))
        )
    return curve


def _quantile(ordered: Sequence[float], chances: Sequence[float], share: float) -> float:
    reached = 0.0
    for score, chance in zip(ordered, chances, strict=True):
        reached += chance
        if reached >= share - 1e-12:
            return score
    return ordered[-1]


def searched(rows: Sequence[Row]) -> list[str]:
    """Return the hyperparameters that took more than one value in an arm's search."""
    return [name for name in HYPERPARAMETERS if len({row.get(name) for row in rows} - {None}) > 1]


def slices(arm: Arm, name: str) -> list[tuple[Any, float]]:
    """Return an arm's scored search trials as (value of a hyperparameter, score), by value."""
    scored = [(row.get(name), search_score(row)) for row in arm.search]
    points = [(value, score) for value, score in scored if value is not None and score is not None]
    return sorted(points, key=lambda point: (isinstance(point[0], str), point[0]))


def importances(arms: Sequence[Arm]) -> dict[str, float] | None:
    """Return each searched hyperparameter's share of the variance of the score (fANOVA), the largest first.

    The arms are those of one method: their trials count together, each score less its arm's mean, so that
    what separates the arms explains nothing. None where fewer than `FEWEST_TRIALS` completed, or all scored
    the same. Optuna computes it (Hutter et al. 2014), on a study rebuilt in memory from the rows.
    """
    scored = [pair for arm in arms for pair in _centred(arm)]
    # A hyperparameter that some arm fixed, or lacks, would leave holes.
    names = [name for name in searched([row for row, _ in scored]) if _is_whole(scored, name)]
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
    scored = [(row, search_score(row) or 0.0) for row in arm.search if _is_complete(row)]
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


def best_table(arms: Sequence[Arm], names: Sequence[str]) -> Table:
    """Return the table of the expected best of 1, 2, 4, ... trials (% on the validation split)."""
    most = max(len(arm.search) for arm in arms)
    counts = sorted({n for n in (1, 2, 4, 8, 16, 32, 64, 128, most) if n <= most})
    table = Table(
        title="expected best of n trials, validation accuracy %", box=box.SIMPLE_HEAD, title_justify="left"
    )
    table.add_column("arm", overflow="fold")
    for n in counts:
        table.add_column(f"n = {n}", justify="right")
    for arm, name in zip(arms, names, strict=True):
        curve = {best.trials: best.expected for best in expected_best(search_scores(arm))}
        table.add_row(Text(name), *(f"{curve[n]:.1f}" if n in curve else MISSING for n in counts))
    return table


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


def _main(arguments: Sequence[str] | None) -> None:
    parser = results_parser("analysis.searches", "Show what each arm's search found, and what it cost.")
    options = parser.parse_args(arguments)
    arms = [arm for study in open_studies(options.results) for arm in group_arms(study)]
    names = name_arms(arms)
    found = [(arm, name) for arm, name in zip(arms, names, strict=True) if arm.search]
    if not found:
        raise AnalysisError(f"no search trial is finished in {', '.join(options.results)}")
    console = open_console()
    console.print(best_table([arm for arm, _ in found], [name for _, name in found]))
    console.print("share of the score's variance that each hyperparameter explains (fANOVA):")
    for line in importance_lines([arm for arm, _ in found]):
        console.print(Text(f"  {line}"))
    spent = [spending(arm, name) for arm, name in zip(arms, names, strict=True) if not arm.is_reference]
    console.print(spending_table(spent))
    if (saved := saving_sentence(total_spending(spent).saving)) is not None:
        console.print(Text(saved))


if __name__ == "__main__":
    run_command(_main)
