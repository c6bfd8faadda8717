"""The two families of language models, and all that differs between them: loading, masking, padding.

A family is chosen from a model's configuration (`is_encoder_decoder`), never from its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch

Ids = Sequence[int]


class Family(Protocol):
    """What training and scoring need to know of a model's family."""

    task_type: str  # peft's name
    auto_class: str  # transformers' class that loads the model

    def encode(self, tokenizer: Any, sources: list[str], targets: list[str]) -> tuple[list[Ids], list[Ids]]:
        """Return the token ids of inputs and targets; a target ends with the end-of-sequence token."""

    def collator(self, tokenizer: Any, model: Any) -> Any:
        """Return the function that pads examples (input_ids, labels) to a training batch."""

    def target_logits(
        self, model: Any, sources: list[Ids], targets: list[Ids], pad: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits (rows, longest target, vocabulary) and labels (rows, longest target); -100 pads."""

    def prompt(self, sources: list[Ids], pad: int, device: Any) -> dict[str, torch.Tensor]:
        """Return what a model is given to answer: ids and attention mask, padded."""

    def generate(self, model: Any, sources: list[Ids], pad: int, limit: int) -> torch.Tensor:
        """Return the greedy continuation's ids, (rows, at most `limit`); see `study.decoding`."""


class EncoderDecoder:
    """T5 and its like: the input goes to the encoder, the target to the decoder."""

    task_type = "SEQ_2_SEQ_LM"
    auto_class = "AutoModelForSeq2SeqLM"

    def encode(self, tokenizer: Any, sources: list[str], targets: list[str]) -> tuple[list[Ids], list[Ids]]:
        """See `Family`; an encoder-decoder's tokenizer ends every text with its end-of-sequence token."""
        return _ids(tokenizer, sources), _ids(tokenizer, targets)

    def collator(self, tokenizer: Any, model: Any) -> Any:
        """See `Family`."""
        from transformers import DataCollatorForSeq2Seq

        return DataCollatorForSeq2Seq(tokenizer, model=model, pad_to_multiple_of=8)

    def target_logits(
        self, model: Any, sources: list[Ids], targets: list[Ids], pad: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Family`."""
        inputs, attention = _pad(sources, pad, model.device)
        labels, _ = _pad(targets, -100, model.device)
        return model(input_ids=inputs, attention_mask=attention, labels=labels).logits, labels

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
        prompts = _ids(tokenizer, [f"{source}\n" for source in sources])
        answers = _ids(tokenizer, targets, add_special_tokens=False)
        return prompts, [[*ids, tokenizer.eos_token_id] for ids in answers]

    def collator(self, tokenizer: Any, model: Any) -> Any:
        """See `Family`."""
        from transformers import DataCollatorForSeq2Seq

        pad = DataCollatorForSeq2Seq(tokenizer, padding=True, pad_to_multiple_of=8)

        def collate(features: list[dict[str, Any]]) -> Any:
            return pad([_joined(f["input_ids"], f["labels"]) for f in features])

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


def _ids(tokenizer: Any, texts: list[str], **options: Any) -> list[Ids]:
    ids: list[Ids] = tokenizer(texts, verbose=False, **options)["input_ids"]
    return ids


def _joined(source: Ids, target: Ids) -> dict[str, Any]:
    ids = [*source, *target]
    return {
        "input_ids": ids,
        "attention_mask": [1] * len(ids),
        "labels": [*([-100] * len(source)), *target],
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
