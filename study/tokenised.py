"""Tokenised examples, made once per (data, prompt, tokenizer) and shared between trials by a cache on disk.

The first trial that needs a split makes it under a lock; the others map the same Arrow file into memory.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from study.answers import format_number, marked_number
from study.config import TrialConfig, digest
from study.data import Problem, hold_out, load_split
from study.prompts import render
from study.workplace import Workplace

# Goes up when what the cache holds changes for the same key.
CACHE_VERSION = 1


@dataclass(frozen=True)
class Examples:
    """The rows of one split, ready for the model.

    Attributes:
        rows: a `datasets.Dataset` with columns input_ids, labels, question_id, question, target,
            reference_number, truncated_source, truncated_target.
    """

    rows: Any

    def __len__(self) -> int:
        return len(self.rows)

    def count(self, column: str) -> int:
        """Return the number of rows in which the boolean `column` is true."""
        return sum(self.rows[column])

    def head(self, questions: int | None) -> Examples:
        """Return the first `questions` rows, or all of them."""
        if questions is None or questions >= len(self):
            return self
        return Examples(self.rows.select(range(questions)))


def load_examples(config: TrialConfig, workplace: Workplace, split: str) -> Examples:
    """Return the tokenised examples of `split` ("train", "validation" or "test") for a trial.

    Raises:
        UserError: the data can't be used (see `study.data.load_split`).
    """
    from datasets import load_from_disk

    path = workplace.cache / "tokenised" / _cache_key(config, split)
    if not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            if not path.is_dir():
                _build(config, workplace, split, path)
    limit = {"train": config.train_questions, "test": config.test_questions}.get(split)
    return Examples(load_from_disk(str(path))).head(limit)


def encode(problems: Sequence[Problem], config: TrialConfig, tokenizer: Any) -> dict[str, list[Any]]:
    """Return the columns of `Examples` for `problems`.

    An input or a target over its limit is cut at the end, keeping the end-of-sequence token, and marked
    in truncated_source or truncated_target; a trial's row counts both.
    """
    examples = [render(problem, config.prompt_style) for problem in problems]
    sources, long_sources = _encode(tokenizer, [e.source for e in examples], config.max_source_tokens)
    targets, long_targets = _encode(tokenizer, [e.target for e in examples], config.max_target_tokens)
    numbers = [marked_number(problem.answer) for problem in problems]
    return {
        "input_ids": sources,
        "labels": targets,
        "question_id": [problem.question_id for problem in problems],
        "question": [problem.question for problem in problems],
        "target": [example.target for example in examples],
        "reference_number": [format_number(number) for number in numbers if number is not None],
        "truncated_source": long_sources,
        "truncated_target": long_targets,
    }


def _encode(tokenizer: Any, texts: list[str], limit: int) -> tuple[list[list[int]], list[bool]]:
    whole = tokenizer(texts, verbose=False)["input_ids"]
    cut = tokenizer(texts, truncation=True, max_length=limit)["input_ids"]
    return cut, [len(ids) > limit for ids in whole]


def _build(config: TrialConfig, workplace: Workplace, split: str, path: Path) -> None:
    from datasets import Dataset

    from study.models import load_tokenizer

    file = "test" if split == "test" else "train"
    problems = load_split(
        workplace.data.path, config.variant, file, skip_bad_rows=workplace.skip_bad_rows
    ).problems
    if split != "test":
        train, validation = hold_out(problems, config.validation_questions, config.split_seed)
        problems = tuple(validation if split == "validation" else train)
    columns = encode(problems, config, load_tokenizer(workplace.model))
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        Dataset.from_dict(columns).save_to_disk(str(temporary))
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _cache_key(config: TrialConfig, split: str) -> str:
    names = (
        ("model_fingerprint", "data_fingerprint", "variant", "prompt_style")
        + ("validation_questions", "split_seed", "max_source_tokens", "max_target_tokens")
    )  # fmt: skip
    return digest({"version": CACHE_VERSION, "split": split, **{n: getattr(config, n) for n in names}}, 24)
