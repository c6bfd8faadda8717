"""What the search itself shows: what it chose, the best of n trials, which hyperparameters mattered.

    python -m analysis.searches RESULTS

Scores are accuracies on the validation split; `analysis.searching.best_of` says how trials count that failed
or were stopped early. Takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from analysis.arms.arm import Arm, name_arms
from analysis.arms.pooling import pool_arms
from analysis.command_line import open_console, results_parser, run_command
from analysis.errors import AnalysisError
from analysis.reading.folders import Row, open_studies
from analysis.searching.best_of import CAPTION, best_of_random, search_score, too_few_sentence
from analysis.searching.choices import choice_table, find_choices, overstatement
from analysis.searching.ranges import varied
from analysis.searching.spending import saving_sentence, spending, spending_table, total_spending
from analysis.units import MISSING

if TYPE_CHECKING:
    import optuna

# Below this, an importance says more about chance than about the hyperparameter.
FEWEST_TRIALS = 8


def _is_complete(row: Row) -> bool:
    return row.get("status") == "complete"


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


def best_table(arms: Sequence[Arm], names: Sequence[str]) -> Table | None:
    """Return the table of the expected best of 1, 2, 4, ... trials (validation, %), if there is any."""
    curves = {name: best_of_random(arm) for arm, name in zip(arms, names, strict=True)}
    most = max(map(len, curves.values()))
    if not most:
        return None
    counts = sorted({n for n in (1, 2, 4, 8, 16, 32, 64, 128, most) if n <= most})
    table = Table(
        title="expected best of n trials, validation accuracy %", box=box.SIMPLE_HEAD, title_justify="left"
    )
    table.add_column("arm", overflow="fold")
    for n in counts:
        table.add_column(f"n = {n}", justify="right")
    for name, curve in curves.items():
        expected = {best.trials: best.expected for best in curve}
        table.add_row(Text(name), *(f"{expected[n]:.1f}" if n in expected else MISSING for n in counts))
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


def _overstatement(arms: Sequence[Arm]) -> Text | None:
    sentence = overstatement([choice for arm in arms for choice in find_choices(arm)])
    return None if sentence is None else Text(sentence)


def _main(arguments: Sequence[str] | None) -> None:
    parser = results_parser("analysis.searches", "Show what each arm's search found, and what it cost.")
    options = parser.parse_args(arguments)
    arms, _ = pool_arms(open_studies(options.results))
    names = name_arms(arms)
    found = [(arm, name) for arm, name in zip(arms, names, strict=True) if arm.search]
    if not found:
        raise AnalysisError(f"no search trial is finished in {', '.join(options.results)}")
    console = open_console()
    searched, named = [arm for arm, _ in found], [name for _, name in found]
    for part in (choice_table(searched, named), _overstatement(searched)):
        if part is not None:
            console.print(part)
    if (best := best_table(searched, named)) is not None:
        console.print(best)
        console.print(Text(f"{' '.join(CAPTION.split())}."))
    if (sentence := too_few_sentence(searched, named)) is not None:
        console.print(Text(sentence))
    console.print("share of the score's variance that each hyperparameter explains (fANOVA):")
    for line in importance_lines(searched):
        console.print(Text(f"  {line}"))
    spent = [spending(arm, name) for arm, name in zip(arms, names, strict=True) if not arm.is_reference]
    console.print(spending_table(spent))
    if (saved := saving_sentence(total_spending(spent).saving)) is not None:
        console.print(Text(saved))


if __name__ == "__main__":
    run_command(_main)
