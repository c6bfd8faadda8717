"""The model card of an exported model: how it was made, what was measured, and the code that loads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from study.config import MATH, TrialConfig
from study.results.row_files import Row
from study.sources.finding import HUB_NAME

# Of worked problems, and of every task beside its own scores.
METRICS = (
    *("accuracy", "accuracy_strict", "accuracy_lenient", "answered"),
    *("accuracy_lm_eval_strict", "accuracy_lm_eval_flexible"),
    *("rouge1", "perplexity", "similarity"),
)
_EVERY_TASKS = ("answered", "perplexity", "similarity")


@dataclass(frozen=True)
class Measured:
    """What was measured of an arm.

    Attributes:
        own: the confirm trial of the model that is kept.
        trained: the trial that trained it: the same, or the search trial whose model was scored.
        confirmed: all finished confirm trials of the arm, by replicate and seed.
    """

    own: Row
    trained: Row
    confirmed: Sequence[Row]

    @property
    def has_replicates(self) -> bool:
        """Whether the arm's search was repeated."""
        return len({row["replicate"] for row in self.confirmed}) > 1


def make_card(
    description: Mapping[str, Any], config: TrialConfig, measured: Measured, example: str, *, merged: bool
) -> str:
    """Return the model card: what it is, how it was made, what was measured, and how it is loaded.

    Args:
        description: study.json.
        config: the trial that made the model.
        measured: the arm's figures.
        example: Python code that loads the model and asks it.
        merged: whether the adapter is merged into the base.
    """
    own, rows = measured.own, measured.confirmed
    kind = _kind(config, merged=merged)
    lines = [
        *_metadata(config, merged=merged),
        "",
        f"# {config.model}, fine-tuned: {own['arm']}" + (f" ({kind})" if kind else ""),
        "",
        f"Made by the study `{description['study']}`, which asked: {description['space']['question']}",
        f"Its recipe: {_recipe(own)}.",
        f"Trained on {measured.trained['train_questions']} questions of `{config.data}` ({config.variant})"
        + (
            f", then on {measured.trained['code_rows']} rows of `{config.code_data}`."
            if config.code_data
            else "."
        ),
        "",
        *_measured_lines(measured),
        "",
        "| metric | mean | " + " | ".join(_column(row, measured) for row in rows) + " |",
        "|---|" + "---|" * (len(rows) + 1),
        *(_metric_line(name, rows) for name in _metrics(description, config)),
        "",
        *_about_metrics(description, config),
        *(_caveat(config) if merged else []),
        "",
        "Load it and ask it, in this folder:",
        "",
        "```python",
        example,
        "```",
        "",
        f'Or: `python -m study.ask . "your question"` (prompt style `{config.prompt_style}`'
        + (", through the tokenizer's chat template" if config.template == "chat" else "")
        + ("; it runs the program in a sandbox and shows its value)." if _writes_programs(config) else ")."),
    ]
    return "\n".join(lines) + "\n"


def _scores(description: Mapping[str, Any], config: TrialConfig) -> Sequence[Mapping[str, Any]]:
    """Return the scores of the study's task, or none of worked problems, which have more columns."""
    return [] if config.task == MATH else description["task"]["scores"]


def own_metrics(description: Mapping[str, Any], config: TrialConfig) -> list[str]:
    """Return the names of the scores of the study's task, or none of worked problems."""
    return [score["name"] for score in _scores(description, config)]


def _metrics(description: Mapping[str, Any], config: TrialConfig) -> Sequence[str]:
    names = own_metrics(description, config)
    return [*names, *_EVERY_TASKS] if names else METRICS


def _about_metrics(description: Mapping[str, Any], config: TrialConfig) -> list[str]:
    if config.task == MATH:
        return [
            "Accuracy, strict and lenient accuracy, answered and similarity in %, ROUGE-1 from 0 to 1.",
            "Lenient accuracy is no measure of skill: any output that holds the number's digits meets it.",
            "The lm_eval lines are the same answers by the rules of lm-evaluation-harness (gsm8k).",
        ]
    lines = [f"The task is `{config.task}`: {description['task']['description']}."]
    for score in _scores(description, config):
        unit = f" ({score['unit']})" if score["unit"] else ""
        lines.append(f"- {score['name']}{unit}: {score['description']}")
    return lines


def _measured_lines(measured: Measured) -> list[str]:
    """Say what the columns are, and what this model's own column does not show."""
    own, questions = measured.own, measured.own["questions"]
    if not measured.has_replicates:
        return [
            f"Measured on {questions} test questions: the configuration that one search found, trained with "
            f"{len(measured.confirmed)} seed(s). This model is that of seed {own['seed']}."
        ]
    replicates = len({row["replicate"] for row in measured.confirmed})
    return [
        f"Measured on {questions} test questions: what {replicates} independent searches of this recipe "
        f"found. This model is that of replicate {own['replicate'] + 1}, the best of them on its validation "
        "split. Its own column supports no claim about the recipe; the mean does. The rank, the trainable "
        "parameters and the bytes to ship are those of this model's configuration; other replicates may have "
        "chosen others."
    ]


def _column(row: Row, measured: Measured) -> str:
    name = f"replicate {row['replicate'] + 1}" if measured.has_replicates else f"seed {row['seed']}"
    several = sum(other["replicate"] == row["replicate"] for other in measured.confirmed) > 1
    name += f", seed {row['seed']}" if measured.has_replicates and several else ""
    return f"{name} (this model)" if row is measured.own else name


def _kind(config: TrialConfig, *, merged: bool) -> str:
    if not config.entry.trains_adapter:
        return ""
    if merged:
        return "merged into its base"
    return "two adapters" if config.entry.has_second_phase else "an adapter"


def _metadata(config: TrialConfig, *, merged: bool) -> list[str]:
    """Return the card's header, as the Hub reads it: it takes the name of a base on the Hub alone."""
    adapter = config.entry.trains_adapter and not merged
    return [
        "---",
        *([f"base_model: {config.model}"] if HUB_NAME.fullmatch(config.model) else []),
        f"library_name: {'peft' if adapter else 'transformers'}",
        *([f"datasets: [{config.data}]"] if HUB_NAME.fullmatch(config.data) else []),
        "---",
    ]


def _caveat(config: TrialConfig) -> list[str]:
    if config.quantization == "none":
        return []
    lines = [
        f"Measured over the base in {config.quantization}; merged, the same weights are 32-bit floats, and "
        "the adapter is added."
    ]
    if config.quantization == "int8":
        lines.append("int8 rounds what goes into its products too; without that, a few answers may differ.")
    return lines


def _writes_programs(config: TrialConfig) -> bool:
    return config.prompt_style == "python_code"


def _recipe(row: Row) -> str:
    names = (
        ("method", "quantization", "rank", "alpha", "lora_dropout", "target_modules", "learning_rate")
        + ("second_rank", "second_alpha", "second_learning_rate", "second_max_steps", "second_epochs")
        + ("batch_size", "max_steps", "epochs", "variant", "prompt_style", "template", "system")
    )  # fmt: skip
    return ", ".join(f"{name} {_show(row[name])}" for name in names if row.get(name) not in (None, "none"))


def _show(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else " ".join(str(value).split())


def _metric_line(name: str, rows: Sequence[Row]) -> str:
    # A study of an earlier version lacks columns.
    values = [row[name] for row in rows if row.get(name) is not None]
    if len(values) < len(rows):
        return f"| {name} | not measured |" + " |" * len(rows)
    replicates: dict[Any, list[float]] = {}
    for row in rows:
        replicates.setdefault(row["replicate"], []).append(row[name])
    over_replicates = mean(mean(seeds) for seeds in replicates.values())
    cells = [f"{value:.4g}" for value in (over_replicates, *values)]
    return f"| {name} | " + " | ".join(cells) + " |"
