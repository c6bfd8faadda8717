"""The facts that an estimate needs: a model without weights, and the size and lengths of each split."""

from __future__ import annotations

from dataclasses import dataclass
from operator import add
from statistics import fmean
from typing import Any

from study.config import TrialConfig
from study.methods.method import Phase
from study.models.building import with_all_adapters
from study.models.counting import count_parameters
from study.models.loading import load_skeleton
from study.plan.arms import Arm
from study.results.disk import tokenizer_bytes
from study.trial.evaluation import lengths_of
from study.trial.tokenised import Examples, load_examples
from study.workplace import Workplace

# So many rows of a split give its mean lengths.
SAMPLE_ROWS = 2000
# Searched settings that decide how large what trains is.
_SIZES = ("rank", "second_rank", "batch_size")


@dataclass(frozen=True)
class SplitFacts:
    """A split.

    Attributes:
        rows: how many there are.
        source_tokens, target_tokens: mean tokens of an input and of a target.
        longest_source, longest_target, longest_row: tokens of the longest input, the longest target, and of
            the longest row, which is both; None where they were not read.
        cut_sources, cut_targets: inputs and targets over their limit; None where they were not read.
    """

    rows: int
    source_tokens: float
    target_tokens: float
    longest_source: int | None = None
    longest_target: int | None = None
    longest_row: int | None = None
    cut_sources: int | None = None
    cut_targets: int | None = None

    @property
    def tokens(self) -> float:
        """Mean tokens of a row."""
        return self.source_tokens + self.target_tokens


@dataclass(frozen=True)
class Facts:
    """What an arm trains and on what.

    Attributes:
        model: the model with its adapters, on the meta device.
        largest_model: the same with the largest adapters among the arm's ranges.
        tokenizer_bytes: of the files that are saved with every model.
    """

    model: Any
    largest_model: Any
    tokenizer_bytes: float
    train: SplitFacts
    validation: SplitFacts
    test: SplitFacts
    code: SplitFacts | None

    @property
    def most_trainable(self) -> int:
        """Trainable parameters of the largest adapters."""
        return count_parameters(self.largest_model)[0]

    def trained_on(self, phase: Phase) -> SplitFacts:
        """Return the split that a phase trains on."""
        split = self.train if phase.split == "train" else self.code
        assert split is not None
        return split

    @property
    def cut(self) -> tuple[int, int, int] | None:
        """(inputs, targets) over their token limit and the rows of all splits; None if they were not read."""
        splits = [split for split in (self.train, self.validation, self.test, self.code) if split is not None]
        sources = [split.cut_sources for split in splits if split.cut_sources is not None]
        targets = [split.cut_targets for split in splits if split.cut_targets is not None]
        if len(sources) < len(splits):
            return None
        return sum(sources), sum(targets), sum(split.rows for split in splits)


def read_facts(arm: Arm, workplace: Workplace, skeletons: dict[Any, Any]) -> Facts:
    """Return the facts of an arm of a bound plan, from its model and its data.

    Args:
        skeletons: what earlier arms have built; arms that differ in their data alone share a model.

    Raises:
        UserError: the model or the data can't be used.
    """
    config = arm.confirm_config({}, 0)

    def skeleton(config: TrialConfig) -> Any:
        key = (workplace.model, config.rank, config.second_rank, config.target_modules)
        if key not in skeletons:
            skeletons[key] = with_all_adapters(load_skeleton(workplace.model), config)
        return skeletons[key]

    def split(name: str) -> SplitFacts:
        return _measure(load_examples(config, workplace, name))

    return Facts(
        model=skeleton(config),
        largest_model=skeleton(largest_config(arm)),
        tokenizer_bytes=tokenizer_bytes(workplace.model.path),
        train=split("train"),
        validation=split("validation"),
        test=split("test"),
        code=split("code") if config.entry.has_second_phase else None,
    )


def largest_config(arm: Arm) -> TrialConfig:
    """Return the configuration of an arm's largest adapters and batches, as far as its ranges go."""
    sizes: dict[str, Any] = {name: _largest(arm.ranges[name]) for name in _SIZES if name in arm.ranges}
    modules = getattr(arm.ranges.get("target_modules"), "choices", ())
    if modules:
        sizes["target_modules"] = "all-linear" if "all-linear" in modules else max(modules, key=len)
    return arm.confirm_config(sizes, 0)


def _largest(distribution: Any) -> int:
    return int(max(distribution.choices) if hasattr(distribution, "choices") else distribution.high)


def _measure(examples: Examples) -> SplitFacts:
    sources, targets = (lengths_of(examples.rows, name) for name in ("input_ids", "labels"))
    return SplitFacts(
        rows=len(examples),
        source_tokens=fmean(sources[:SAMPLE_ROWS]),
        target_tokens=fmean(targets[:SAMPLE_ROWS]),
        longest_source=max(sources),
        longest_target=max(targets),
        longest_row=max(map(add, sources, targets)),
        cut_sources=examples.count("truncated_source"),
        cut_targets=examples.count("truncated_target"),
    )
