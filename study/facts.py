"""The facts that an estimate needs: a model without weights, and the size and lengths of each split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from study.methods import with_all_adapters
from study.models import load_skeleton
from study.plan import Arm
from study.tokenised import Examples, load_examples
from study.workplace import Workplace


@dataclass(frozen=True)
class SplitFacts:
    """The rows of a split, and the mean tokens of an input and of a target."""

    rows: int
    source_tokens: float
    target_tokens: float

    @property
    def tokens(self) -> float:
        """Mean tokens of a row."""
        return self.source_tokens + self.target_tokens


@dataclass(frozen=True)
class Facts:
    """What an arm trains and on what: the model with its adapters, on the meta device, and the splits."""

    model: Any
    train: SplitFacts
    validation: SplitFacts
    test: SplitFacts
    code: SplitFacts | None


def read_facts(arm: Arm, workplace: Workplace) -> Facts:
    """Return the facts of an arm of a bound plan, from its model and its data.

    Raises:
        UserError: the model or the data can't be used.
    """
    config = arm.confirm_config({}, arm.confirm_seeds[0])
    model = load_skeleton(workplace.model)
    model = with_all_adapters(model, config)

    def split(name: str) -> SplitFacts:
        return _measure(load_examples(config, workplace, name))

    return Facts(
        model=model,
        train=split("train"),
        validation=split("validation"),
        test=split("test"),
        code=split("code") if config.method == "stacked_lora" else None,
    )


def _measure(examples: Examples) -> SplitFacts:
    def mean(column: Any) -> float:
        return sum(map(len, column)) / len(column)

    return SplitFacts(len(examples), mean(examples.rows["input_ids"]), mean(examples.rows["labels"]))
