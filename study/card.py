"""The model card of an exported model: how it was made, what was measured, and the code that loads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from study.config import ADAPTER_METHODS, TrialConfig
from study.prompts import question_source
from study.results import Row
from study.sources import HUB_NAME
from study.winner import adapter_folders

METRICS = (
    *("accuracy", "accuracy_strict", "accuracy_lenient", "answered"),
    *("accuracy_lm_eval_strict", "accuracy_lm_eval_flexible"),
    *("rouge1", "perplexity", "similarity"),
)
# What the card's example asks.
QUESTION = "Mia has 30 apples and eats 12. How many are left?"


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
        *(_metric_line(name, rows) for name in METRICS),
        "",
        "Accuracy, strict and lenient accuracy, answered and similarity in %, ROUGE-1 from 0 to 1. Lenient",
        "accuracy is no measure of skill: it is met by any output that holds the number's digits. The",
        "lm_eval lines are the same answers by the rules of lm-evaluation-harness (gsm8k).",
        *(_caveat(config) if merged else []),
        "",
        "Load it and ask it, in this folder:",
        "",
        "```python",
        example,
        "```",
        "",
        f'Or: `python -m study.ask . "your question"` (prompt style `{config.prompt_style}`'
        + ("; it runs the program in a sandbox and shows its value)." if _writes_programs(config) else ")."),
    ]
    return "\n".join(lines) + "\n"


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
    if config.method not in ADAPTER_METHODS:
        return ""
    if merged:
        return "merged into its base"
    return "two adapters" if config.method == "stacked_lora" else "an adapter"


def _metadata(config: TrialConfig, *, merged: bool) -> list[str]:
    """Return the card's header, as the Hub reads it: it takes the name of a base on the Hub alone."""
    adapter = config.method in ADAPTER_METHODS and not merged
    return [
        "---",
        *([f"base_model: {config.model}"] if HUB_NAME.fullmatch(config.model) else []),
        f"library_name: {'peft' if adapter else 'transformers'}",
        *([f"datasets: [{config.data}]"] if HUB_NAME.fullmatch(config.data) else []),
        "---",
    ]


def loading_example(folder: Path, config: TrialConfig) -> str:
    """Return Python code that loads the model in `folder` and asks it, with transformers and peft alone."""
    adapters = adapter_folders(folder)
    about = next(iter(adapters.values()), folder) / ("adapter_config.json" if adapters else "config.json")
    shape = json.loads(about.read_text(encoding="utf-8"))
    causal = shape["task_type"] == "CAUSAL_LM" if adapters else not shape.get("is_encoder_decoder")
    auto = "AutoModelForCausalLM" if causal else "AutoModelForSeq2SeqLM"
    where = shape["base_model_name_or_path"] if adapters else "."
    question = question_source(QUESTION, config.prompt_style) + ("\n" if causal else "")
    lines = [
        *(["from peft import PeftModel"] if adapters else []),
        f"from transformers import {auto}, AutoTokenizer",
        "",
        'tokenizer = AutoTokenizer.from_pretrained(".")',
        f'model = {auto}.from_pretrained("{where}", dtype="float32")',
    ]
    for i, (name, place) in enumerate(adapters.items()):
        path = place.relative_to(folder)
        loaded = f'model.load_adapter("{path}", "{name}")'
        lines.append(loaded if i else f'model = PeftModel.from_pretrained(model, "{path}", "{name}")')
    if len(adapters) > 1:
        lines.append(f"model.base_model.set_adapter({list(adapters)})")
    lines += [
        f'inputs = tokenizer({json.dumps(question)}, return_tensors="pt")',
        f"limit = {config.max_target_tokens}",
        "output = model.eval().generate(**inputs, max_new_tokens=limit, do_sample=False)",
        "print(tokenizer.decode(output[0], skip_special_tokens=True))",
    ]
    return "\n".join(lines)


def _caveat(config: TrialConfig) -> list[str]:
    if config.quantization == "none":
        return []
    return [f"Measured over the base in {config.quantization}; merged, the base is in 32-bit floats again."]


def _writes_programs(config: TrialConfig) -> bool:
    return config.prompt_style == "python_code"


def _recipe(row: Row) -> str:
    names = (
        ("method", "quantization", "rank", "alpha", "lora_dropout", "target_modules", "learning_rate")
        + ("second_rank", "second_alpha", "second_learning_rate", "second_max_steps", "second_epochs")
        + ("batch_size", "max_steps", "epochs", "variant", "prompt_style")
    )  # fmt: skip
    return ", ".join(f"{name} {_show(row[name])}" for name in names if row[name] not in (None, "none"))


def _show(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


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
