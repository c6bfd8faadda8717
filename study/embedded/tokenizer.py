"""Train the tokenizer: byte-level BPE that keeps newlines, spaces and single digits.

    python -m study.embedded.tokenizer              # into study/embedded/model, a few seconds
    python -m study.embedded.tokenizer --to DIR --seed 0

It is saved as a `PreTrainedTokenizerFast`, so `AutoTokenizer.from_pretrained` loads it without this code.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from study.embedded import MODEL_DIR
from study.embedded.code_tasks import draw_code_task
from study.embedded.mixture import draw_example
from study.embedded.problems import draw_problem
from study.embedded.tasks import INSTRUCTIONS, SENTINELS

VOCABULARY = 1536
LONGEST_INPUT = 512
TRAINING_TEXTS = 6000
# Markers of the format stay whole; digits stay single, so that arithmetic sees places.
MARKERS = Regex(r"<<|>>|####|\*\*|=|\n")
EXTRA_TEXT = (
    *INSTRUCTIONS,
    "Breakdown:\n1. \n2. \n3. \n4. \n",
    "step_1 = 2*3\nanswer = step_1+4\n",
    "The answer is so we get therefore because first, second, third, finally.",
)


def draw_texts(seed: int) -> Iterator[str]:
    """Draw what it is trained on: problems of the pre-training and train buckets, code, instructions."""
    rng = random.Random(f"{seed}-tokenizer")
    yield from EXTRA_TEXT * 40
    for index in range(TRAINING_TEXTS):
        problem = draw_problem(rng, "train" if index % 2 else "pretrain")
        yield problem.question
        yield problem.answer(socratic=True)
        if index % 6 == 0:
            yield "\n".join(draw_code_task(rng))
            yield draw_example(rng).source


def train_bpe(texts: Iterable[str], special_tokens: list[str]) -> Tokenizer:
    """Train byte-level BPE of `VOCABULARY` entries, of which the special tokens are the first."""
    unknown = "<unk>" if "<unk>" in special_tokens else None
    tokenizer = Tokenizer(models.BPE(unk_token=unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(MARKERS, behavior="isolated"),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=special_tokens,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def train_tokenizer(seed: int) -> PreTrainedTokenizerFast:
    """Train and wrap the tokenizer; it appends `</s>` as T5's does."""
    sentinels = [f"<extra_id_{index}>" for index in range(SENTINELS)]
    tokenizer = train_bpe(draw_texts(seed), ["<pad>", "</s>", "<unk>", *sentinels])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=sentinels,
        model_max_length=LONGEST_INPUT,
        clean_up_tokenization_spaces=False,
    )


def main() -> None:
    """Read the command line, train, save."""
    parser = argparse.ArgumentParser(description="Train the tokenizer of the embedded base.")
    parser.add_argument("--to", type=Path, default=MODEL_DIR)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    train_tokenizer(options.seed).save_pretrained(str(options.to))


if __name__ == "__main__":
    main()
