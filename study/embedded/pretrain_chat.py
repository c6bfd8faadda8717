"""Make the embedded chat model: a tokenizer with ChatML's template, and a Llama pre-trained on small chats.

    python -m study.embedded.pretrain_chat --steps 20 --to DIR       # a look, seconds
    python -m study.embedded.pretrain_chat --steps 1400 --to A       # minutes
    python -m study.embedded.pretrain_chat --steps 1200 --seed 1 --more-from A    # chat_model/ is this

The chats are those of pretraining_chats.py. One process of one thread; the same command gives the same
weights on the same kind of machine.
"""

from __future__ import annotations

import argparse
import itertools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from study.embedded import CHAT_MODEL_DIR
from study.embedded.batches import IGNORED, Recipe
from study.embedded.pretrain import learning_rate_factor, save_half
from study.embedded.pretraining_chats import Turn, draw_copy, draw_turns
from study.embedded.tokenizer import draw_texts, train_bpe

PAD, START, END = SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TOKENIZER_CHATS, TOKENIZER_SEED = 6000, 0  # the weights go with it, whatever their seed
CONTEXT = 1024  # four examples of the embedded profile's length, and a question
LEARNING_RATE = 2e-3
LOG_EVERY = 50


@dataclass(frozen=True)
class Stage:
    """A part of the run: up to which share of its steps, of how many rows a step, filled with which chats."""

    until: float
    rows: int
    row_tokens: int
    draw: Callable[[random.Random], list[Turn]]


# Copying first, which the other tasks begin with; last, rows that are as long as a prompt with examples.
STAGES: tuple[Stage, ...] = (
    Stage(0.15, 16, 80, draw_copy),
    Stage(0.7, 16, 80, draw_turns),
    Stage(1.0, 8, 160, draw_turns),
)
# Of a run that goes on from another's weights; its learning rate falls from the start.
LATER_STAGES: tuple[Stage, ...] = (Stage(0.6, 16, 80, draw_turns), Stage(1.0, 8, 160, draw_turns))
LATER_DECAY_SHARE = 0.9


def train_chat_tokenizer(seed: int) -> PreTrainedTokenizerFast:
    """Train the tokenizer on the texts of the T5's and on chats; it adds nothing to a text."""
    rng = random.Random(f"{seed}-chat-tokenizer")
    chats = (text for _ in range(TOKENIZER_CHATS) for _, text in draw_turns(rng))
    return PreTrainedTokenizerFast(
        tokenizer_object=train_bpe(itertools.chain(draw_texts(seed), chats), [*SPECIAL_TOKENS]),
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[START],
        chat_template=CHATML,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def build_chat_model(vocabulary: int) -> LlamaForCausalLM:
    """Return the untrained model: 0.6 M parameters, of which the tied embeddings are a third."""
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        initializer_range=0.06,  # at 0.02, made for wider models, this one learns to copy later
        bos_token_id=None,
        pad_token_id=0,
        eos_token_id=2,
    )
    return LlamaForCausalLM(config)


class ChatTokens:
    """Chats to token ids as the template writes them, with labels on what the assistant says."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._start, self._end = (SPECIAL_TOKENS.index(token) for token in (START, END))
        self._break = self._ids("\n")

    def encode(self, turns: Sequence[Turn]) -> tuple[list[int], list[int]]:
        """Return the ids of a chat, and its labels: IGNORED where the assistant doesn't speak."""
        ids: list[int] = []
        labels: list[int] = []
        for role, text in turns:
            head, said = [self._start, *self._ids(f"{role}\n")], [*self._ids(text), self._end]
            ids += [*head, *said, *self._break]
            own = said if role == "assistant" else [IGNORED] * len(said)
            labels += [IGNORED] * len(head) + own + [IGNORED] * len(self._break)
        return ids, labels

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text).ids)


def draw_batches(
    tokens: ChatTokens, recipe: Recipe, stages: Sequence[Stage] = STAGES
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield each step's ids and labels, (rows, tokens): rows of whole chats, one behind the other."""
    rng = random.Random(f"{recipe.seed}-chats")
    for step in range(recipe.steps):
        stage = next(stage for stage in stages if step < stage.until * recipe.steps)
        rows = [_draw_row(tokens, stage, rng) for _ in range(stage.rows)]
        yield torch.tensor([ids for ids, _ in rows]), torch.tensor([labels for _, labels in rows])


def _draw_row(tokens: ChatTokens, stage: Stage, rng: random.Random) -> tuple[list[int], list[int]]:
    ids: list[int] = []
    labels: list[int] = []
    while True:
        more, their_labels = tokens.encode(stage.draw(rng))
        if len(ids) + len(more) > stage.row_tokens:
            missing = stage.row_tokens - len(ids)
            return ids + [0] * missing, labels + [IGNORED] * missing
        ids, labels = ids + more, labels + their_labels


def train(
    model: LlamaForCausalLM, tokens: ChatTokens, recipe: Recipe, stages: Sequence[Stage] = STAGES
) -> None:
    """Train the model; the mean loss of the last steps is printed."""
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )
    started, recent = time.monotonic(), 0.0
    for step, (ids, labels) in enumerate(draw_batches(tokens, recipe, stages)):
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * learning_rate_factor(step, recipe)
        loss = _loss(model, ids, labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.largest_gradient)
        optimizer.step()
        optimizer.zero_grad()
        recent += loss.item()
        if (step + 1) % LOG_EVERY == 0:
            seconds = time.monotonic() - started
            print(f"step {step + 1}: loss {recent / LOG_EVERY:.3f}, {seconds:.0f} s", flush=True)
            recent = 0.0


def _loss(model: LlamaForCausalLM, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    hidden = model.model(input_ids=ids).last_hidden_state[:, :-1]
    follows = labels[:, 1:]
    counted = follows != IGNORED  # only what has a loss goes through the vocabulary
    return torch.nn.functional.cross_entropy(model.lm_head(hidden[counted]), follows[counted])


def main() -> None:
    """Read the command line, train the tokenizer and the model, save both."""
    parser = argparse.ArgumentParser(description="Make the embedded chat model.")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--to", type=Path, default=CHAT_MODEL_DIR)
    parser.add_argument("--more-from", type=Path, help="weights to go on from; --seed draws other chats")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    tokenizer = train_chat_tokenizer(TOKENIZER_SEED)
    model, stages = build_chat_model(len(tokenizer)), STAGES
    recipe = Recipe(steps=options.steps, seed=options.seed, learning_rate=LEARNING_RATE, warmup_steps=100)
    if options.more_from:
        model = LlamaForCausalLM.from_pretrained(str(options.more_from), dtype=torch.float32).train()
        recipe, stages = replace(recipe, decay_share=LATER_DECAY_SHARE), LATER_STAGES
    train(model, ChatTokens(tokenizer.backend_tokenizer), recipe, stages)
    options.to.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(str(options.to))
    save_half(model, options.to, GenerationConfig(pad_token_id=0, eos_token_id=2, max_new_tokens=64))


if __name__ == "__main__":
    main()
