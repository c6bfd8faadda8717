"""Whether tokenizer and model go together: ids with rows, texts that end, a start, room for the tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from study.errors import UserError
from study.models.families import Family, decoder_start, own_ends, text_config

# What every study writes: digits, the marker, a line break.
_SAMPLES = ["Mia has 30 apples and eats 12. How many are left?", "7 + 5 = 12\n#### 1980"]
_LIMITS = ("max_position_embeddings", "max_seq_len")


def check_vocabulary(name: str, tokenizer: Any, model: Any, family: Family) -> list[str]:
    """Check that a tokenizer is the model's, and return what the user has to know, a line each.

    Args:
        name: the model's, for the messages.
        model: on any device.

    Raises:
        UserError: an id has no row, digits can't be written, or an encoder-decoder has no start token.
    """
    _check_rows(name, tokenizer, model)
    _check_start(name, model)
    sources, targets = family.encode(tokenizer, _SAMPLES, _SAMPLES)
    end = tokenizer.eos_token_id
    assert all(target[-1] == end for target in targets)
    digits = "".join(filter(str.isdigit, tokenizer.decode(targets[1], skip_special_tokens=True)))
    if digits != "".join(filter(str.isdigit, _SAMPLES[1])):
        raise UserError(
            f"the tokenizer of model '{name}' can't write digits: {_SAMPLES[1]!r} comes back as "
            f"{tokenizer.decode(targets[1], skip_special_tokens=True)!r}; valid: its own tokenizer"
        )
    if not all(sources):
        raise UserError(f"the tokenizer of model '{name}' makes no tokens of a text")
    notes = []
    if "####" not in tokenizer.decode(targets[1], skip_special_tokens=True):
        notes.append(
            f"the tokenizer of model '{name}' can't write the mark ####: "
            "no answer counts under the strict rule"
        )
    ends = own_ends(model)
    if ends and end not in ends:
        notes.append(
            f"the tokenizer of model '{name}' ends a text with {tokenizer.eos_token} ({end}), its "
            f"configuration with {', '.join(map(str, sorted(ends)))}: the targets end with the tokenizer's"
        )
    return notes


def check_limits(name: str, model: Any, source_tokens: int, target_tokens: int, shots: int = 0) -> None:
    """Check that a study's token limits lie within a model's positions.

    Args:
        source_tokens, target_tokens: the largest max_source_tokens and max_target_tokens of its trials.
        shots: examples before each question of its few-shot trials.

    Raises:
        UserError: the model has fewer positions; the message says what fits.
    """
    _check_question(name, model, source_tokens, target_tokens)
    if shots:
        _check_shots(name, model, (source_tokens, target_tokens), shots)


def _check_shots(name: str, model: Any, tokens: tuple[int, int], shots: int) -> None:
    """Check that examples fit before a question; `tokens`: the limits of a source and of a target."""
    is_apart = model.config.is_encoder_decoder  # an encoder reads the examples, and no target
    most = _positions(model, encoder=is_apart)
    own = tokens[0] if is_apart else sum(tokens)
    wanted = shots * sum(tokens) + own
    if most is not None and wanted > most:
        fits = (most - own) // sum(tokens)
        raise UserError(
            f"--shots {shots} with max_source_tokens {tokens[0]} and max_target_tokens {tokens[1]} may take "
            f"{wanted:,} tokens, and model '{name}' has {most:,} positions; valid: "
            + (f"--shots {fits} or less, or " if fits > 0 else "no --shots, or ")
            + "smaller limits (--set max_source_tokens=..., max_target_tokens=...)"
        )


def _check_question(name: str, model: Any, source_tokens: int, target_tokens: int) -> None:
    """Check that a question and an answer fit."""
    if model.config.is_encoder_decoder:
        for side, wanted in (("source", source_tokens), ("target", target_tokens)):
            most = _positions(model, encoder=side == "source")
            if most is not None and wanted > most:
                raise UserError(
                    f"max_{side}_tokens is {wanted}, and model '{name}' has {most} positions for them; "
                    f"valid: --set max_{side}_tokens={most} or less"
                )
        return
    most, wanted = _positions(model, encoder=False), source_tokens + target_tokens
    if most is not None and wanted > most:
        fits = max(8, most * source_tokens // wanted)
        raise UserError(
            f"max_source_tokens + max_target_tokens is {wanted}, and model '{name}' has {most} positions; "
            f"valid: as many, say --set max_source_tokens={fits} --set max_target_tokens={most - fits}"
        )


def _check_rows(name: str, tokenizer: Any, model: Any) -> None:
    ids = {token: i for token, i in tokenizer.get_vocab().items() if i is not None}
    token = max(ids, key=lambda token: ids[token])
    rows = {"embedding": model.get_input_embeddings().weight.shape[0]}
    if (head := model.get_output_embeddings()) is not None:
        rows["head"] = head.weight.shape[0]
    part = min(rows, key=lambda part: rows[part])
    if ids[token] >= rows[part]:
        raise UserError(
            f"the tokenizer of model '{name}' has ids up to {ids[token]} ({token!r}), its {part} "
            f"{rows[part]} rows; valid: its own tokenizer, or the model saved after "
            f"resize_token_embeddings({ids[token] + 1})"
        )
    pad = tokenizer.pad_token_id
    if not 0 <= pad < rows[part]:
        raise UserError(f"the padding token of model '{name}' is {pad}; valid: 0 to {rows[part] - 1}")


def _check_start(name: str, model: Any) -> None:
    if not model.config.is_encoder_decoder:
        return
    start, rows = decoder_start(model), model.get_input_embeddings().weight.shape[0]
    if start is None or not 0 <= start < rows:
        raise UserError(
            f"model '{name}' is an encoder-decoder without a decoder_start_token_id (received {start}); "
            f"valid: an id below {rows} in config.json, the one it was trained with (T5: its pad_token_id)"
        )
    generated = getattr(getattr(model, "generation_config", None), "decoder_start_token_id", None)
    if generated not in (None, start):
        raise UserError(
            f"model '{name}' starts its decoder with {start} by config.json, with {generated} by "
            "generation_config.json; valid: the same in both"
        )


def _positions(model: Any, *, encoder: bool) -> int | None:
    """Return how many tokens a model (or its encoder, or its decoder) has positions for; None: any number."""
    config = model.config.get_text_config(encoder=True) if encoder else text_config(model.config)
    if getattr(config, "relative_attention_num_buckets", None) or getattr(config, "alibi", False):
        return None
    found = [most for name in _LIMITS if isinstance(most := getattr(config, name, None), int)]
    return min([*found, *_learnt_positions(model, encoder=encoder)], default=None)


def _learnt_positions(model: Any, *, encoder: bool) -> Iterator[int]:
    """The rows of each table of positions, less those that stand before the first one."""
    from torch import nn

    from study.models.targets import OTHER_SENSES

    other = "decoder." if encoder else "encoder."
    for name, module in model.named_modules():
        last = name.rpartition(".")[2]
        if not isinstance(module, nn.Embedding) or OTHER_SENSES.match(name):
            continue
        if not (last == "wpe" or "position" in last) or (model.config.is_encoder_decoder and other in name):
            continue
        before = getattr(module, "offset", None)
        if before is None:
            before = 0 if module.padding_idx is None else module.padding_idx + 1
        yield module.num_embeddings - before
