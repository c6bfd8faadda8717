"""Tokenised examples, made once per (data, prompt, tokenizer) and shared between trials by a cache on disk.

The first trial that needs a split makes it under a lock; the others map the same Arrow file into memory.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from filelock import FileLock

from study.answers.reading import format_number, marked_number
from study.config import MATH, Template, TrialConfig, digest
from study.data.chosen_rows import Choice
from study.data.loading import Problem, load_code
from study.data.prompts import Example
from study.data.rendering import render_problems
from study.data.store import open_problems
from study.errors import UserError
from study.machine.durable import replace
from study.models.conversations import Turn
from study.trial.encoding import conversation_of, cut, encode_conversations, turns_of
from study.trial.shots import Render, draw_shots
from study.workplace import Workplace

# Goes up when what the cache holds changes for the same key.
CACHE_VERSION = 9
_TOKENS, _TEXT, _FLAG = pa.list_(pa.int32()), pa.string(), pa.bool_()
_SCHEMA = pa.schema(
    [("input_ids", _TOKENS), ("labels", _TOKENS), ("question_id", _TEXT), ("question", _TEXT)]
    + [("answer", _TEXT), ("extra", _TEXT), ("target", _TEXT), ("reference_number", _TEXT)]
    + [(name, _FLAG) for name in ("truncated_source", "truncated_target", "no_program")]
    + [("learnt", pa.list_(_FLAG))]
)


@dataclass(frozen=True)
class Examples:
    """The rows of one split, ready for the model.

    Attributes:
        rows: a `datasets.Dataset` with columns input_ids, labels, question_id, question, answer, extra (see
            `Problem`), target, reference_number (of worked problems), truncated_source, truncated_target,
            no_program, and learnt: for each of the input's tokens whether it is of an earlier answer, which
            is learnt too; null where there is none.
        template: "chat" where they went through the tokenizer's chat template, else "none".
    """

    rows: Any
    template: Template = "none"

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def to_train(self) -> Any:
        """What a model is trained on."""
        learnt = ["learnt"] if self.template == "chat" else []
        return self.rows.select_columns(["input_ids", "labels", *learnt])

    def count(self, column: str) -> int:
        """Return the number of rows in which the boolean `column` is true."""
        total = pc.sum(self.rows.with_format("arrow").select_columns([column])[:][column])
        return int(total.as_py())


def load_examples(config: TrialConfig, workplace: Workplace, split: str) -> Examples:
    """Return the tokenised examples of a split for a trial.

    Args:
        split: "train", "validation", "test", or "code": the second data set of stacked LoRA.

    Raises:
        UserError: the data can't be used (see `study.data.loading.load_data`), or leave nothing to train on.
    """
    if split == "code":
        rows = _tokenised(config, workplace, "code", {}, lambda: _code_problems(workplace))
        return Examples(rows, config.template)
    stored = open_problems(config, workplace)
    choice = Choice(config, workplace, stored)
    is_drawn = split == "train" or (split == "validation" and not stored.has_validation)
    is_divided = is_drawn and choice.is_whole(split)
    file = "train" if is_divided else split
    rows = _tokenised(config, workplace, file, choice.key(split), lambda: choice.problems(file))
    if is_divided:
        # Each replicate divides the file otherwise: what is kept is the file, and divided it is here.
        rows = rows.select(_side(choice, split, rows["no_program"][:]))
    examples = Examples(rows, config.template)
    if not len(examples):
        raise UserError(
            f"the {config.variant} data leave nothing for the {split} split under {config.prompt_style}"
        )
    return examples


def _side(choice: Choice, split: str, no_program: Sequence[bool]) -> list[int]:
    """Return the rows of the tokenised train file that are in a split: train or validation."""
    # A problem without a program can't teach one; where it is scored, it is scored.
    return [i for i in choice.side(split) if split == "validation" or not no_program[i]]


def encode(
    problems: Sequence[Problem],
    examples: Sequence[Example],
    config: TrialConfig,
    tokenizer: Any,
    family: Any,
    shots: Sequence[Turn] = (),
) -> dict[str, list[Any]]:
    """Return the columns of `Examples` for `problems`, rendered as `examples`, behind `shots`.

    An input or a target over its limit is cut at the end, keeping its last token (which ends the sequence,
    or the prompt), and marked in truncated_source or truncated_target; a trial's row counts both.
    """
    encoded = encode_conversations(
        [
            conversation_of(example, config, shots, turns_of(problem), problem.question)
            for example, problem in zip(examples, problems, strict=True)
        ],
        config,
        tokenizer,
        family,
    )
    targets = [one.target for one in encoded]
    is_math = config.task == MATH
    numbers = [marked_number(problem.answer) if is_math else None for problem in problems]
    return {
        "input_ids": [one.source for one in encoded],
        "labels": [cut(ids, config.max_target_tokens) for ids in targets],
        "question_id": [problem.question_id for problem in problems],
        "question": [problem.question for problem in problems],
        "answer": [None if is_math else problem.answer for problem in problems],
        "extra": [problem.extra for problem in problems],
        "target": [example.target for example in examples],
        "reference_number": [None if number is None else format_number(number) for number in numbers],
        "truncated_source": [one.lost_tokens > 0 for one in encoded],
        "truncated_target": [len(ids) > config.max_target_tokens for ids in targets],
        "no_program": [example.no_program is not None for example in examples],
        "learnt": [one.learnt for one in encoded],
    }


def _tokenised(
    config: TrialConfig,
    workplace: Workplace,
    file: str,
    choice: Mapping[str, Any],
    problems: Callable[[], Iterable[Sequence[Problem]]],
) -> Any:
    """Return the rows of `problems`, from the cache, or tokenised and kept there.

    Args:
        choice: what decides which rows of the file they are; they are all of it where there is nothing.
    """
    from datasets import load_from_disk

    path = workplace.cache / "tokenised" / _cache_key(config, file, choice)
    if not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            if not path.is_dir():
                _build(config, workplace, file, problems(), path)
    return load_from_disk(str(path))


def _build(
    config: TrialConfig,
    workplace: Workplace,
    file: str,
    batches: Iterable[Sequence[Problem]],
    path: Path,
) -> None:
    from datasets import Dataset

    from study.models.loading import load_family, load_tokenizer

    tokenizer, family = load_tokenizer(workplace.model), load_family(workplace.model)
    rendered = _render_code if file == "code" else _renderer(config, workplace)
    shots = () if file == "code" else draw_shots(config, workplace, rendered)
    tables = [_SCHEMA.empty_table()]
    for problems in batches:
        examples = rendered(problems)
        columns = encode(problems, examples, config, tokenizer, family, shots)
        # As Arrow at once: as lists of Python's numbers they would take up many times as much.
        tables.append(pa.table(columns, schema=_SCHEMA))
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        Dataset(pa.concat_tables(tables)).save_to_disk(str(temporary))
        replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _renderer(config: TrialConfig, workplace: Workplace) -> Render:
    task = workplace.task.task
    labels = open_problems(config, workplace).labels() if task.is_labels else ()
    return partial(render_problems, config=config, task=task, labels=labels)


def _render_code(problems: Sequence[Problem]) -> list[Example]:
    return [Example(problem.question, problem.answer) for problem in problems]


def _code_problems(workplace: Workplace) -> Iterator[Sequence[Problem]]:
    assert workplace.code_data is not None
    yield from load_code(workplace.code_data.path, skip_bad_rows=workplace.skip_bad_rows).problems.batches()


def _cache_key(config: TrialConfig, file: str, choice: Mapping[str, Any]) -> str:
    names: tuple[str, ...] = ("model_fingerprint", "max_source_tokens", "max_target_tokens")
    names += ("template", "system")
    if file == "code":
        names += ("code_fingerprint",)
    else:
        names += ("data_fingerprint", "variant", "prompt_style", "annotations", "task", "task_fingerprint")
        if config.shots:  # which are the replicate's own
            names += ("shots", "seed", "split_seed", "validation_questions")
    own = {n: getattr(config, n) for n in names}
    return digest({"version": CACHE_VERSION, "file": file, **own, "choice": dict(choice)}, 24)
