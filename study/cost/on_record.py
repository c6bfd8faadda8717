"""What is on record of the paper's models and data: for a `--dry-run` where the Hub can't be reached.

The models' shapes are those of their published configurations, the sizes those of the data sets' cards, the
lengths were counted in characters on GSM8K's files. Tokens are estimated from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from study.config import TrialConfig
from study.cost.facts import Facts, SplitFacts, largest_config
from study.errors import UserError
from study.models.building import with_all_adapters
from study.plan.arms import Arm

# T5Config's arguments; the vocabulary is 32,128 in both.
SHAPES: Mapping[str, Mapping[str, int]] = {
    "google-t5/t5-small": {"d_model": 512, "d_ff": 2048, "num_heads": 8, "num_layers": 6},
    "google-t5/t5-base": {"d_model": 768, "d_ff": 3072, "num_heads": 12, "num_layers": 12},
}
TRAIN_QUESTIONS, TEST_QUESTIONS = 7473, 1319  # openai/gsm8k, both variants
CODE_ROWS = 156_526  # m-a-p/CodeFeedback-Filtered-Instruction
# Mean characters of a question and of an answer without annotations, by variant.
CHARACTERS = {"main": (235, 248), "socratic": (239, 422)}
CHARACTERS_A_TOKEN = 3.5
TOKENIZER_BYTES = 2.4e6  # T5's
ON_RECORD = ("openai/gsm8k", "m-a-p/CodeFeedback-Filtered-Instruction", *SHAPES)


def facts_on_record(arm: Arm) -> Facts:
    """Return what is on record of an arm's model and data.

    Raises:
        UserError: something of them is not on record.
    """
    config = arm.confirm_config({}, 0)
    for name in (config.model, config.data, config.code_data):
        if name is not None and name not in ON_RECORD:
            raise UserError(f"nothing is on record of '{name}', and the Hub can't be reached")
    source, target = (
        min(characters / CHARACTERS_A_TOKEN, limit)
        for characters, limit in zip(
            CHARACTERS[config.variant], (config.max_source_tokens, config.max_target_tokens), strict=True
        )
    )

    def split(questions: int) -> SplitFacts:
        return SplitFacts(questions, source, target)

    return Facts(
        model=_skeleton(config),
        largest_model=_skeleton(largest_config(arm)),
        tokenizer_bytes=TOKENIZER_BYTES,
        train=split(TRAIN_QUESTIONS - config.validation_questions),
        validation=split(config.validation_questions),
        test=split(config.test_questions or TEST_QUESTIONS),
        code=SplitFacts(CODE_ROWS, config.max_source_tokens, config.max_target_tokens)
        if config.code_data
        else None,
    )


def _skeleton(config: TrialConfig) -> Any:
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    with torch.device("meta"):
        model = T5ForConditionalGeneration(T5Config(vocab_size=32128, **SHAPES[config.model]))
    return with_all_adapters(model, config)
