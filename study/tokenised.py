"""Tokenised examples, made once per (data, prompt, tokenizer) and shared between trials by a cache on disk.

The first trial that needs a split makes it under a lock; the others map the same Arrow file into memory.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from study.answers import format_number, marked_number
from study.config import TrialConfig, digest
from study.data import Problem, choose_held_out, load_code, load_split
from study.durable import replace
from study.prompts import Example, render
from study.workplace import Workplace

# Goes up when what the cache holds changes for the same key.
CACHE_VERSION = 5


@dataclass(frozen=True)
class Examples:
    """The rows of one split, ready for the model.

    Attributes:
        rows: a `datasets.Dataset` with columns input_ids, labels, question_id, question, target,
            reference_number, truncated_source, truncated_target, no_program.
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
    """Return the tokenised examples of a split for a trial.

    Args:
        split: "train", "validation", "test", or "code": the second data set of stacked LoRA.

    Raises:
        UserError: the data can't be used (see `study.data.load_split`).
    """
    from datasets import load_from_disk

    file = "train" if split == "validation" else split
    path = workplace.cache / "tokenised" / _cache_key(config, file)
    if not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            if not path.is_dir():
                _build(config, workplace, file, path)
    rows = load_from_disk(str(path))
    if file == "train":
        # Each replicate divides it otherwise: what is kept is the whole file, and the division is made here.
        rows = rows.select(_side(rows, config, split))
    limit = {"train": config.train_questions, "test": config.test_questions}.get(split)
    return Examples(rows).head(limit)


def _side(rows: Any, config: TrialConfig, split: str) -> list[int]:
    """Return the rows of the train file that are in a split: train or validation."""
    questions = rows["question"][:]
    held_out = choose_held_out(questions, config.validation_questions, config.split_seed)
    if split == "validation":
        return [i for i, question in enumerate(questions) if question in held_out]
    # A problem without a program can't teach one; where it is scored, it is scored.
    return [
        i
        for i, (question, no_program) in enumerate(zip(questions, rows["no_program"], strict=True))
        if question not in held_out and not no_program
    ]


def encode(
    problems: Sequence[Problem], examples: Sequence[Example], config: TrialConfig, tokenizer: Any, family: Any
) -> dict[str, list[Any]]:
    """Return the columns of `Examples` for `problems`, rendered as `examples`.

    An input or a target over its limit is cut at the end, keeping its last token (which ends the sequence,
    or the prompt), and marked in truncated_source or truncated_target; a trial's row counts both.
    """
    sources, targets = family.encode(tokenizer, [e.source for e in examples], [e.target for e in examples])
    numbers = [marked_number(problem.answer) for problem in problems]
    return {
        "input_ids": [cut(ids, config.max_source_tokens) for ids in sources],
        "labels": [cut(ids, config.max_target_tokens) for ids in targets],
        "question_id": [problem.question_id for problem in problems],
        "question": [problem.question for problem in problems],
        "target": [example.target for example in examples],
        "reference_number": [None if number is None else format_number(number) for number in numbers],
        "truncated_source": [len(ids) > config.max_source_tokens for ids in sources],
        "truncated_target": [len(ids) > config.max_target_tokens for ids in targets],
        "no_program": [example.no_program is not None for example in examples],
    }


def cut(ids: Sequence[int], limit: int) -> list[int]:
    """Return at most `limit` ids: the first ones, and the last, which ends the sequence or the prompt."""
    return [*ids] if len(ids) <= limit else [*ids[: limit - 1], ids[-1]]


def _build(config: TrialConfig, workplace: Workplace, file: str, path: Path) -> None:
    from datasets import Dataset

    from study.models import load_family, load_tokenizer

    problems = _problems(config, workplace, file)
    if file == "code":
        examples = [Example(problem.question, problem.answer) for problem in problems]
    else:
        examples = [render(problem, config.prompt_style, config.annotations) for problem in problems]
    columns = encode(
        problems, examples, config, load_tokenizer(workplace.model), load_family(workplace.model)
    )
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        Dataset.from_dict(columns).save_to_disk(str(temporary))
        replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _problems(config: TrialConfig, workplace: Workplace, file: str) -> Sequence[Problem]:
    if file == "code":
        assert workplace.code_data is not None
        return load_code(workplace.code_data.path, skip_bad_rows=workplace.skip_bad_rows).problems
    return load_split(
        workplace.data.path,
        config.variant,
        file,
        columns=workplace.columns,
        skip_bad_rows=workplace.skip_bad_rows,
    ).problems


def _cache_key(config: TrialConfig, file: str) -> str:
    names: tuple[str, ...] = ("model_fingerprint", "max_source_tokens", "max_target_tokens")
    if file == "code":
        names += ("code_fingerprint",)
    else:
        names += ("data_fingerprint", "variant", "prompt_style", "annotations")
    return digest({"version": CACHE_VERSION, "file": file, **{n: getattr(config, n) for n in names}}, 24)
