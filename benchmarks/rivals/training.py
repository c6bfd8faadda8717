"""One trial as a user of transformers and peft would write it: LoRA, a trainer, greedy answers in batches.

It runs on a CPU and on a GPU, with encoder-decoders and with decoders. Rows of similar length share a batch
(`group_by_length`), and all answers are made in few large batches: both are a line each, and both pay.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
)

from benchmarks.rivals.work import TRIALS_FILE, Texts, Work, read_texts, read_work
from study.answers.reading import answer_number

# As many as the project takes at most.
ANSWERED_AT_ONCE = 200


@dataclass(frozen=True)
class Exercise:
    """A work that was read, with its rows tokenised.

    Attributes:
        train: a `datasets.Dataset` with columns input_ids and labels.
        precision: "fp32" or "bf16".
        threads: of this process, or of each trial's.
        output: the folder of what the trainers write, and of `TRIALS_FILE`.
    """

    work: Work
    tokenizer: Any
    train: Any
    validation: Texts
    precision: str
    threads: int
    output: Path


def read_exercise(folder: Path, output: Path, precision: str, threads: int) -> Exercise:
    """Return the exercise of the work that was prepared in a folder."""
    work = read_work(folder)
    tokenizer = AutoTokenizer.from_pretrained(work.model_folder)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    train = tokenise(read_texts(folder, "train"), tokenizer, work)
    return Exercise(work, tokenizer, train, read_texts(folder, "validation"), precision, threads, output)


def tokenise(texts: Texts, tokenizer: Any, work: Work) -> Any:
    """Return the rows to train on; a decoder's target follows its question, which has no loss."""
    questions, targets = _question_ids(texts.questions, tokenizer, work), _target_ids(texts, tokenizer, work)
    if work.has_encoder:
        return Dataset.from_dict({"input_ids": questions, "labels": targets})
    pairs = list(zip(questions, targets, strict=True))
    return Dataset.from_dict(
        {
            "input_ids": [question + target for question, target in pairs],
            "labels": [[-100] * len(question) + target for question, target in pairs],
        }
    )


def _question_ids(questions: Sequence[str], tokenizer: Any, work: Work) -> list[list[int]]:
    asked = list(questions) if work.has_encoder else [f"{question}\n" for question in questions]
    limit = work.config["max_source_tokens"]
    ids: list[list[int]] = tokenizer(asked, max_length=limit, truncation=True)["input_ids"]
    return ids


def _target_ids(texts: Texts, tokenizer: Any, work: Work) -> list[list[int]]:
    limit = work.config["max_target_tokens"] - 1
    bare = tokenizer(texts.targets, add_special_tokens=False, max_length=limit, truncation=True)
    return [[*ids, tokenizer.eos_token_id] for ids in bare["input_ids"]]


def make_model(work: Work, rank: int) -> Any:
    """Return the base model with a new LoRA adapter."""
    auto = AutoModelForSeq2SeqLM if work.has_encoder else AutoModelForCausalLM
    base = auto.from_pretrained(work.model_folder, dtype=torch.float32)
    targets = work.config["target_modules"]
    lora = LoraConfig(
        task_type="SEQ_2_SEQ_LM" if work.has_encoder else "CAUSAL_LM",
        r=rank,
        lora_alpha=work.config["alpha"],
        lora_dropout=work.config["lora_dropout"],
        target_modules=None if targets == "query-value" else targets,  # None: peft's own, which are these
    )
    return get_peft_model(base, lora)


def make_arguments(exercise: Exercise, learning_rate: float) -> Seq2SeqTrainingArguments:
    """Return the arguments of a trainer."""
    work, config = exercise.work, exercise.work.config
    return Seq2SeqTrainingArguments(
        output_dir=str(exercise.output / "trainer"),
        max_steps=config["max_steps"],
        per_device_train_batch_size=config["batch_size"],
        learning_rate=learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=round(config["warmup_fraction"] * config["max_steps"]),
        weight_decay=config["weight_decay"],
        train_sampling_strategy="group_by_length",
        bf16=exercise.precision == "bf16",
        use_cpu=work.device == "cpu",
        dataloader_pin_memory=work.device != "cpu",
        seed=config["seed"],
        logging_steps=max(1, config["max_steps"] // 10),
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )


class AnsweringTrainer(Seq2SeqTrainer):
    """A trainer whose evaluation is the share of questions that the model answers right.

    Each trial leaves a line in `TRIALS_FILE`: its point, when it began and ended (s since the epoch), and
    the share.
    """

    def __init__(self, exercise: Exercise, **options: Any):
        collator = DataCollatorForSeq2Seq(exercise.tokenizer, pad_to_multiple_of=8)
        super().__init__(
            train_dataset=exercise.train,
            data_collator=collator,
            processing_class=exercise.tokenizer,
            **options,
        )
        self.exercise, self.began = exercise, time.time()

    def train(self, *arguments: Any, **options: Any) -> Any:
        """Train, on the threads that the trial was given."""
        self.began = time.time()
        torch.set_num_threads(self.exercise.threads)
        return super().train(*arguments, **options)

    def evaluate(self, *arguments: Any, **options: Any) -> dict[str, float]:
        """Answer the validation questions."""
        share = share_right(self.model, self.exercise)
        self._note(share)
        return {"eval_accuracy": share}

    def _note(self, share: float) -> None:
        trial = {
            "rank": self.model.peft_config["default"].r,
            "learning_rate": self.args.learning_rate,
            "began": self.began,
            "ended": time.time(),
            "accuracy": share,
            "threads": torch.get_num_threads(),
            "precision": self.exercise.precision,
        }
        with (self.exercise.output / TRIALS_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(trial) + "\n")


def share_right(model: Any, exercise: Exercise) -> float:
    """Return the share of the validation questions whose greedy answer comes to the right number."""
    model.eval()
    texts = exercise.validation
    said = [text for batch in _batches(texts.questions) for text in answer(model, exercise, batch)]
    pairs = zip(said, texts.numbers, strict=True)
    return sum(answer_number(text) == Fraction(number) for text, number in pairs) / len(said)


@torch.no_grad()
def answer(model: Any, exercise: Exercise, questions: Sequence[str]) -> list[str]:
    """Return greedy answers to a batch of questions."""
    work, tokenizer = exercise.work, exercise.tokenizer
    ids = _question_ids(questions, tokenizer, work)
    side = "right" if work.has_encoder else "left"
    batch = tokenizer.pad({"input_ids": ids}, padding_side=side, return_tensors="pt").to(model.device)
    with _autocast(exercise):
        output = model.generate(
            **batch, max_new_tokens=work.config["max_target_tokens"], do_sample=False, num_beams=1
        )
    new = output if work.has_encoder else output[:, batch["input_ids"].shape[1] :]
    texts: list[str] = tokenizer.batch_decode(new, skip_special_tokens=True)
    return texts


def _autocast(exercise: Exercise) -> AbstractContextManager[Any]:
    if exercise.precision == "fp32":
        return nullcontext()
    return torch.autocast(exercise.work.device, dtype=torch.bfloat16)


def _batches(questions: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(questions), ANSWERED_AT_ONCE):
        yield questions[start : start + ANSWERED_AT_ONCE]


def make_trainer(exercise: Exercise, point: Mapping[str, Any]) -> AnsweringTrainer:
    """Return a trainer of a point."""
    model = make_model(exercise.work, point["rank"])
    return AnsweringTrainer(exercise, model=model, args=make_arguments(exercise, point["learning_rate"]))
