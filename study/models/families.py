"""The two families of language models, and all that differs between them: loading, masking, padding.

A family is chosen from a model's configuration (`is_encoder_decoder`), never from its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from study.errors import UserError

Ids = Sequence[int]


class Family(Protocol):
    """What training and scoring need to know of a model's family."""

    task_type: str  # peft's name
    auto_class: str  # transformers' class that loads the model

    def encode(self, tokenizer: Any, sources: list[str], targets: list[str]) -> tuple[list[Ids], list[Ids]]:
        """Return the token ids of inputs and targets.

        Every target ends with one end-of-sequence token, whatever the tokenizer adds; none follows an input
        that a target follows; none begins with two tokens of one beginning.
        """

    def collator(self, tokenizer: Any, model: Any) -> Any:
        """Return the function that pads examples (input_ids, labels) to a training batch.

        A decoder's may have `learnt`: a flag for each of the input's tokens, of an earlier answer.
        """

    def target_logits(
        self, model: Any, sources: list[Ids], targets: list[Ids], pad: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits (rows, longest target, vocabulary) and labels (rows, longest target); -100 pads."""

    def prompt(self, sources: list[Ids], pad: int, device: Any) -> dict[str, torch.Tensor]:
        """Return what a model is given to answer: ids and attention mask, padded."""

    def generate(self, model: Any, sources: list[Ids], pad: int, limit: int) -> torch.Tensor:
        """Return the greedy continuation's ids, (rows, at most `limit`); see `study.models.decoding`."""


class EncoderDecoder:
    """T5 and its like: the input goes to the encoder, the target to the decoder."""

    task_type = "SEQ_2_SEQ_LM"
    auto_class = "AutoModelForSeq2SeqLM"

    def encode(self, tokenizer: Any, sources: list[str], targets: list[str]) -> tuple[list[Ids], list[Ids]]:
        """See `Family`; a tokenizer of two languages is asked for the target's."""
        inputs = _framed(tokenizer, sources)
        frame = _frame(tokenizer, name="text_target")
        answers = _ids(tokenizer, text_target=targets, add_special_tokens=False)
        return inputs, [[*frame.before, *ids, tokenizer.eos_token_id] for ids in answers]

    def collator(self, tokenizer: Any, model: Any) -> Any:
        """See `Family`."""
        from transformers import DataCollatorForSeq2Seq

        pad = DataCollatorForSeq2Seq(tokenizer, padding=True, pad_to_multiple_of=8)
        start = decoder_start(model)

        def collate(features: list[dict[str, Any]]) -> Any:
            # What is learnt of the input goes to a decoder alone.
            batch = pad([{name: f[name] for name in ("input_ids", "labels")} for f in features])
            batch["decoder_input_ids"] = _shifted(batch["labels"], start, tokenizer.pad_token_id)
            return batch

        return collate

    def target_logits(
        self, model: Any, sources: list[Ids], targets: list[Ids], pad: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Family`."""
        inputs, attention = _pad(sources, pad, model.device)
        labels, _ = _pad(targets, -100, model.device)
        shifted = _shifted(labels, decoder_start(model), pad)
        output = model(input_ids=inputs, attention_mask=attention, decoder_input_ids=shifted, labels=labels)
        return output.logits, labels

    def prompt(self, sources: list[Ids], pad: int, device: Any) -> dict[str, torch.Tensor]:
        """See `Family`."""
        ids, attention = _pad(sources, pad, device)
        return {"input_ids": ids, "attention_mask": attention}

    def generate(self, model: Any, sources: list[Ids], pad: int, limit: int) -> torch.Tensor:
        """See `Family`."""
        output = model.generate(**self.prompt(sources, pad, model.device), max_new_tokens=limit)
        return output[:, 1:]  # the first is the decoder's start token


class DecoderOnly:
    """Llama, GPT-2 and their like: the target follows the input, and only the target is learnt."""

    task_type = "CAUSAL_LM"
    auto_class = "AutoModelForCausalLM"

    def encode(self, tokenizer: Any, sources: list[str], targets: list[str]) -> tuple[list[Ids], list[Ids]]:
        """See `Family`; a line break ends the input."""
        prompts = _framed(tokenizer, [f"{source}\n" for source in sources], after=False)
        answers = _ids(tokenizer, text=targets, add_special_tokens=False)
        return prompts, [[*ids, tokenizer.eos_token_id] for ids in answers]

    def collator(self, tokenizer: Any, model: Any) -> Any:
        """See `Family`."""
        from transformers import DataCollatorForSeq2Seq

        pad = DataCollatorForSeq2Seq(tokenizer, padding=True, pad_to_multiple_of=8)

        def collate(features: list[dict[str, Any]]) -> Any:
            return pad([_joined(f["input_ids"], f["labels"], f.get("learnt")) for f in features])

        return collate

    def target_logits(
        self, model: Any, sources: list[Ids], targets: list[Ids], pad: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Family`."""
        inputs, attention = _pad([[*s, *t] for s, t in zip(sources, targets, strict=True)], pad, model.device)
        logits = model(input_ids=inputs, attention_mask=attention).logits
        labels, _ = _pad(targets, -100, model.device)
        # The logits that predict a target begin at the last token of its input.
        starts = torch.tensor([len(source) - 1 for source in sources], device=model.device)
        positions = starts[:, None] + torch.arange(labels.shape[1], device=model.device)
        positions = positions.clamp(max=logits.shape[1] - 1)
        return logits.gather(1, positions[:, :, None].expand(-1, -1, logits.shape[2])), labels

    def prompt(self, sources: list[Ids], pad: int, device: Any) -> dict[str, torch.Tensor]:
        """See `Family`; padded on the left, so that every answer begins at one position."""
        ids, attention = _pad(sources, pad, device, left=True)
        return {"input_ids": ids, "attention_mask": attention}

    def generate(self, model: Any, sources: list[Ids], pad: int, limit: int) -> torch.Tensor:
        """See `Family`."""
        prompt = self.prompt(sources, pad, model.device)
        return model.generate(**prompt, max_new_tokens=limit)[:, prompt["input_ids"].shape[1] :]


def family_of(config: Any) -> Family:
    """Return the family of a model, from its transformers configuration."""
    return EncoderDecoder() if config.is_encoder_decoder else DecoderOnly()


def text_config(config: Any) -> Any:
    """Return the part of a model's configuration that describes what writes: of a plain one, all of it."""
    return config.get_text_config(decoder=True)


def decoder_start(model: Any) -> int | None:
    """Return the id with which an encoder-decoder's decoder starts: in training, in scoring, in decoding."""
    for part in (model.config, text_config(model.config), getattr(model, "generation_config", None)):
        start: int | None = getattr(part, "decoder_start_token_id", None)
        if start is not None:
            return start
    # T5Gemma's is the beginning of a sequence of its decoder.
    return getattr(getattr(model.config, "decoder", None), "bos_token_id", None)


def own_ends(model: Any) -> set[int]:
    """Return the tokens that end a sequence by a model's own account; a part of it names one, or several."""
    parts = (model.config, text_config(model.config), getattr(model, "generation_config", None))
    named = (getattr(part, "eos_token_id", None) for part in parts)
    return {
        token
        for ids in named
        if ids is not None
        for token in (ids if isinstance(ids, list | tuple) else [ids])
    }


@dataclass(frozen=True)
class _Frame:
    """What a tokenizer adds before and after a text; of a beginning that it adds twice, one."""

    before: Ids
    after: Ids


def _frame(tokenizer: Any, name: str = "text", probe: str = "7 + 5") -> _Frame:
    """Return what a tokenizer adds to a text, as its template has it (`name`: "text" or "text_target").

    Raises:
        UserError: it adds tokens within the text.
    """
    (whole,) = _ids(tokenizer, **{name: [probe]})
    (plain,) = _ids(tokenizer, **{name: [probe]}, add_special_tokens=False)
    for start in range(len(whole) - len(plain) + 1):
        if whole[start : start + len(plain)] == plain:
            before = [id for i, id in enumerate(whole[:start]) if i == 0 or id != whole[i - 1]]
            return _Frame(before, whole[start + len(plain) :])
    raise UserError(
        f"the tokenizer makes {whole} of '{probe}', and {plain} without special tokens; "
        "valid: a tokenizer that adds tokens before and after a text alone"
    )


def _framed(tokenizer: Any, texts: list[str], *, after: bool = True) -> list[Ids]:
    """Return the ids of texts with what the tokenizer adds before them, and after them if it is wanted."""
    frame = _frame(tokenizer)
    end = frame.after if after else ()
    return [[*frame.before, *ids, *end] for ids in _ids(tokenizer, text=texts, add_special_tokens=False)]


def _ids(tokenizer: Any, **options: Any) -> list[Ids]:
    ids: list[Ids] = tokenizer(verbose=False, **options)["input_ids"]
    return ids


def _shifted(labels: torch.Tensor, start: int | None, pad: int) -> torch.Tensor:
    """Return the decoder's inputs, (rows, longest): the targets one place later, behind the start token."""
    assert start is not None
    shifted = labels.new_full(labels.shape, start)
    shifted[:, 1:] = labels[:, :-1]
    return shifted.masked_fill(shifted == -100, pad)


def _joined(source: Ids, target: Ids, learnt: Sequence[bool] | None) -> dict[str, Any]:
    """Return an example of a decoder: of its input, the tokens of earlier answers alone are learnt."""
    ids = [*source, *target]
    marks = learnt or [False] * len(source)
    return {
        "input_ids": ids,
        "attention_mask": [1] * len(ids),
        "labels": [*(i if mark else -100 for i, mark in zip(source, marks, strict=True)), *target],
    }


def _pad(
    sequences: Sequence[Ids], value: int, device: torch.device, *, left: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (ids, attention mask), both (rows, longest), padded on the right or the left."""
    longest = max(map(len, sequences))
    ids = torch.full((len(sequences), longest), value)
    mask = torch.zeros((len(sequences), longest), dtype=torch.long)
    for row, sequence in enumerate(sequences):
        where = slice(longest - len(sequence), None) if left else slice(0, len(sequence))
        ids[row, where] = torch.tensor(sequence)
        mask[row, where] = 1
    return ids.to(device), mask.to(device)
