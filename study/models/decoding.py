"""Greedy decoding, the project's own: what a model's `generation_config.json` says changes no answer.

The likeliest token, one after another, until an end-of-sequence token or the limit. No beams, no sampling, no
penalties, no least length, nothing forced or suppressed; not even the first token that mBART or BART would
force, since a training teaches the model to begin as its targets do. Nor could such a file refuse a save:
transformers checks what it saves. What is left of it are the tokens that end a sequence, and those alone that
the tokenizer too knows as special: an untrained model, which may end with another one of them than the
tokenizer's, stops where the trained ones stop. Under a chat template its end of a turn is one more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import GenerationConfig

from study.models.chat import ChatTemplate
from study.models.families import decoder_start, family_of, own_ends

# Of the spread of the logits: rounding comes to a millionth in 32 bits and a hundredth in 16 or 4, and
# padding that a model takes for text, or rows that it mixes up, to a third and more (RWKV, XLNet).
BATCH_MATTERS = 0.1


def decode_greedily(model: Any, tokenizer: Any, template: str = "none") -> None:
    """Put the project's generation settings in the place of the model's own.

    Args:
        template: "chat": an answer also ends where the tokenizer's chat template ends one.
    """
    ends = end_tokens(base_of(model), tokenizer)
    if template == "chat":
        ends += sorted({ChatTemplate(tokenizer.name_or_path, tokenizer).end} - {*ends})
    base = base_of(model)
    base.generation_config = GenerationConfig(
        do_sample=False,
        num_beams=1,
        eos_token_id=ends,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        decoder_start_token_id=decoder_start(base) if base.config.is_encoder_decoder else None,
    )


def base_of(model: Any) -> Any:
    """Return the model under its adapters."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def end_tokens(model: Any, tokenizer: Any) -> list[int]:
    """Return the tokens that end an answer: the tokenizer's, and the model's own that are special in it."""
    known = {*tokenizer.all_special_ids}
    known |= {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
    return [tokenizer.eos_token_id, *sorted((own_ends(model) & known) - {tokenizer.eos_token_id})]


def batch_matters(model: Any, sources: Sequence[Sequence[int]], pad: int) -> bool:
    """Tell whether a model's answer to an input depends on the batch that it is in.

    It is tried out on the shortest of the inputs, alone and beside the longest, which pads it: there are too
    many models to know them by name. Two tokens are made: the second comes from what the model remembers.
    """
    shortest, *_, longest = sorted(sources, key=len)
    alone, beside = (_first_logits(model, batch, pad) for batch in ([shortest], [shortest, longest]))
    return bool(((alone - beside).abs().amax(1) > BATCH_MATTERS * alone.std(1)).any())


def _first_logits(model: Any, sources: list[Sequence[int]], pad: int) -> torch.Tensor:
    """Return the logits of the first two tokens of the first input's answer, (2, vocabulary)."""
    prompt = family_of(model.config).prompt(sources, pad, model.device)
    two = {"max_new_tokens": 2, "min_new_tokens": 2}
    output = model.generate(**prompt, **two, output_logits=True, return_dict_in_generate=True)
    return torch.stack([logits[0].float() for logits in output.logits])
