"""Pre-train the embedded base from scratch on the mixtures of mixture.py.

    python -m study.embedded.pretrain --steps 20 --to DIR       # a look, under a minute
    python -m study.embedded.pretrain --steps 4200 --stop-at 4000 --to A         # half an hour on two cores
    python -m study.embedded.pretrain --steps 720 --seed 1 --second-stage-from A --to B
    python -m study.embedded.pretrain --steps 1280 --seed 2 --second-stage-from B --to C   # model/ is this

Two processes with one thread each average their gradients (gloo): faster than one process with two threads.
The same commands give the same weights on the same kind of machine. DIR gets fp16 weights every 160 steps,
log.jsonl, and training_state.pt, from which the same command goes on. What losses and accuracy to expect
is in model/README.md.
"""

from __future__ import annotations

import argparse
import copy
import json
import tempfile
import time
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.multiprocessing.spawn import spawn
from transformers import GenerationConfig, PreTrainedModel, T5Config, T5ForConditionalGeneration

from study.embedded import MODEL_DIR
from study.embedded.batches import IGNORED, Batch, Recipe, Tokens, draw_steps

SAVE_EVERY = 160  # a multiple of batches.POOL_STEPS
LOG_EVERY = 50
LOGIT_SCALE = 128**-0.5  # what T5 does to tied embeddings: d_model ** -0.5
# Single steps of solutions, for a short while at a lower learning rate. Give it another seed: new examples.
SECOND_STAGE: dict[str, Any] = {
    "drill_steps": 0,
    "examples_then": 44,
    "last_mixture": "steps_last",
    "learning_rate": 1.0e-3,
    "warmup_steps": 40,
    "decay_share": 0.8,
}
STATE_FILE = "training_state.pt"
LARGEST_HALF = 60000.0  # fp16 ends at 65504
GENERATION = GenerationConfig(decoder_start_token_id=0, pad_token_id=0, eos_token_id=1, max_new_tokens=128)


def build_model(vocabulary: int) -> T5ForConditionalGeneration:
    """The untrained T5: 1.6 M parameters, small enough for a trial of half a minute on one core."""
    config = T5Config(
        vocab_size=vocabulary,
        d_model=128,
        d_kv=32,
        d_ff=512,
        num_layers=3,
        num_decoder_layers=3,
        num_heads=4,
        dropout_rate=0.0,
        tie_word_embeddings=True,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
    )
    return T5ForConditionalGeneration(config)


def learning_rate_factor(step: int, recipe: Recipe) -> float:
    """Warm up, stay, and fall in a line over the last part of the run.

    Until the fall it does not depend on the number of steps: a run may be resumed with more or fewer of them.
    """
    warm = min(1.0, (step + 1) / recipe.warmup_steps)
    left = (recipe.steps - step) / (recipe.steps * recipe.decay_share)
    return warm * max(0.02, min(1.0, left))


def _precision() -> AbstractContextManager[None]:
    """bf16 where the processor multiplies it in hardware; elsewhere it would be slower than fp32."""
    fast = torch.cpu._is_avx512_bf16_supported()
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=fast)


def _average_gradients(model: torch.nn.Module, processes: int) -> None:
    if processes == 1:
        return
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= processes
    position = 0
    for gradient in gradients:
        gradient.copy_(flat[position : position + gradient.numel()].view_as(gradient))
        position += gradient.numel()


def _loss_sum(model: T5ForConditionalGeneration, batch: Batch) -> torch.Tensor:
    encoded = model.encoder(input_ids=batch.source, attention_mask=batch.mask).last_hidden_state
    hidden = model.decoder(
        input_ids=batch.inputs, encoder_hidden_states=encoded, encoder_attention_mask=batch.mask
    ).last_hidden_state
    # Only what has a loss goes through the vocabulary: in the drills that is a quarter of the tokens.
    counted = batch.labels != IGNORED
    logits = model.lm_head(hidden[counted] * LOGIT_SCALE)
    return torch.nn.functional.cross_entropy(logits.float(), batch.labels[counted], reduction="sum")


def _step(model: T5ForConditionalGeneration, batches: list[tuple[str, Batch]]) -> dict[str, float]:
    """Forward and backward over a step's batches; every token with a loss weighs the same."""
    counted = sum(int((batch.labels != IGNORED).sum()) for _, batch in batches)
    sums = {"drill": 0.0, "text": 0.0}
    counts = {"drill": 0, "text": 0}
    for kind, batch in batches:
        with _precision():
            loss = _loss_sum(model, batch)
        (loss / counted).backward()
        sums[kind] += loss.item()
        counts[kind] += int((batch.labels != IGNORED).sum())
    return {kind: sums[kind] / max(1, counts[kind]) for kind in sums}


def save_half(model: PreTrainedModel, folder: Path, generation: GenerationConfig) -> None:
    """Write fp16 weights, clipped to fp16's range."""
    half = copy.deepcopy(model)
    with torch.no_grad():
        for weight in half.parameters():
            weight.clamp_(-LARGEST_HALF, LARGEST_HALF)
    half = half.half()
    half.generation_config = generation
    half.save_pretrained(str(folder))


def _save_state(
    file: Path, model: T5ForConditionalGeneration, optimizer: torch.optim.Optimizer, step: int
) -> None:
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
    unfinished = file.with_suffix(".unfinished")
    torch.save(state, unfinished)
    unfinished.rename(file)


def _restore(file: Path, model: T5ForConditionalGeneration, optimizer: torch.optim.Optimizer) -> int:
    """Load the state if there is one; the number of steps done."""
    if not file.exists():
        return 0
    state = torch.load(file, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


def train(
    rank: int,
    recipe: Recipe,
    tokenizer_folder: Path,
    folder: Path,
    meeting_file: str,
    weights_from: Path | None = None,
) -> None:
    """One process's share of the run; rank 0 logs and saves."""
    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    if recipe.processes > 1:
        dist.init_process_group("gloo", f"file://{meeting_file}", rank=rank, world_size=recipe.processes)
    tokens = Tokens(tokenizer_folder)
    model = build_model(len(tokens))
    if weights_from:
        model = T5ForConditionalGeneration.from_pretrained(str(weights_from), dtype=torch.float32).train()
    weights = [p for name, p in model.named_parameters() if name != "shared.weight"]
    optimizer = torch.optim.AdamW(
        [
            {"params": weights, "peak": recipe.learning_rate},
            {"params": [model.shared.weight], "peak": recipe.learning_rate * recipe.embedding_factor},
        ],
        betas=(0.9, 0.98),
        weight_decay=0.0,
        fused=True,
    )
    start = _restore(folder / STATE_FILE, model, optimizer)
    log = TrainingLog(folder, recipe) if rank == 0 else None
    end = recipe.stop_at or recipe.steps
    steps = draw_steps(tokens, recipe, rank, start)
    for step, batches in zip(range(start, end), steps, strict=False):
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * learning_rate_factor(step, recipe)
        losses = _step(model, batches)
        _average_gradients(model, recipe.processes)
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.largest_gradient)
        optimizer.step()
        optimizer.zero_grad()
        if log:
            log.add(step, losses, sum(batch.tokens for _, batch in batches))
            if (step + 1) % SAVE_EVERY == 0 or step + 1 == end:
                save_half(model, folder, GENERATION)
                _save_state(folder / STATE_FILE, model, optimizer, step + 1)
    if recipe.processes > 1:
        dist.destroy_process_group()


class TrainingLog:
    """Rank 0's record: recipe.json, and a line of log.jsonl every LOG_EVERY steps."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n", encoding="utf-8")
        self._file = folder / "log.jsonl"
        self._processes = recipe.processes
        self._start = time.monotonic()
        self._tokens = 0
        self._recent: list[dict[str, float]] = []

    def add(self, step: int, losses: dict[str, float], tokens: int) -> None:
        """Note a step; tokens are those of one process."""
        self._tokens += tokens * self._processes
        self._recent.append(losses)
        if (step + 1) % LOG_EVERY:
            return
        row = {kind: sum(r[kind] for r in self._recent) / len(self._recent) for kind in ("drill", "text")}
        seconds = time.monotonic() - self._start
        line = {"step": step + 1, **row, "tokens": self._tokens, "seconds": round(seconds, 1)}
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self._recent = []


def run(recipe: Recipe, tokenizer_folder: Path, folder: Path, weights_from: Path | None = None) -> None:
    """Start the processes and wait for them."""
    with tempfile.TemporaryDirectory() as scratch:
        meeting_file = str(Path(scratch) / "meeting")
        arguments = (recipe, tokenizer_folder, folder, meeting_file, weights_from)
        if recipe.processes == 1:
            train(0, *arguments)
        else:
            spawn(train, args=arguments, nprocs=recipe.processes)


def main() -> None:
    """Read the command line and pre-train."""
    parser = argparse.ArgumentParser(description="Pre-train the embedded base.")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, default=MODEL_DIR)
    parser.add_argument("--stop-at", type=int, help="end after this step; --steps plans the learning rate")
    parser.add_argument("--second-stage-from", type=Path, help="weights to go on from, with SECOND_STAGE")
    options = parser.parse_args()
    recipe = Recipe(
        steps=options.steps, seed=options.seed, stop_at=options.stop_at, processes=options.processes
    )
    if options.second_stage_from:
        recipe = replace(recipe, **SECOND_STAGE)
    run(recipe, options.tokenizer, options.to, options.second_stage_from)


if __name__ == "__main__":
    main()
