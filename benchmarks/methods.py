"""What each method costs: training speed, peak memory and generation speed, by model, method and precision.

    python -m benchmarks.methods DATA            # a folder laid out as openai/gsm8k; 4 minutes on a GPU
    python -m benchmarks.methods DATA t5-small   # the smaller model alone: minutes on a CPU

The models have the shapes of T5-small and T5-base and random weights, on which neither the time of a step nor
the memory depends. Trials run one after another in this process, on the GPU if there is one, by the trainer
that studies use, and the file is written anew after each: one that is cut off lists what it has measured, out
of `recipes`. A training step's time is the median over intervals between two log lines, without the
first; a decoding step makes one token of all 64 answers, which are one batch. The figures go to
benchmarks/results/methods_gpu.json, or methods_cpu.json, with their machine.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import torch
from transformers import T5Config, T5ForConditionalGeneration

from benchmarks.origin import command_of, describe_origin
from study import embedded
from study.config import TrialConfig, make_config
from study.cost.on_record import SHAPES
from study.machine.hardware import describe_machine, describe_versions
from study.methods.table import METHODS
from study.plan.profiles import PAPER
from study.quiet import quiet_imports
from study.sources.finding import find_data, find_model
from study.trial.record import Outcome
from study.trial.trial import run_trial
from study.workplace import Workplace, available_cpus

Progress = Mapping[str, Any]

RESULTS = Path(__file__).parent / "results"
WARM_UP_STEPS, STEPS, QUESTIONS = 10, 50, 64
RECIPES: list[dict[str, Any]] = [
    {"method": "full", "precision": "fp32"},
    {"method": "full", "precision": "bf16"},
    {"method": "lora", "precision": "fp32"},
    {"method": "lora", "precision": "bf16"},
    {"method": "qlora", "quantization": "nf4", "precision": "bf16"},
    {"method": "qlora", "quantization": "int8", "precision": "bf16"},
]


def main(arguments: list[str]) -> None:
    """Measure every recipe on every model, print the figures as they come, and save them."""
    data, models = Path(arguments[0]), arguments[1:] or ["t5-small", "t5-base"]
    use_gpu = torch.cuda.is_available()
    about, figures = describe(data, models, use_gpu=use_gpu), []
    quiet_imports()
    with tempfile.TemporaryDirectory() as parent:
        for name in models:
            folder = make_model(Path(parent) / name)
            workplace = Workplace(
                find_model(str(folder)),
                find_data(str(data)),
                cache=Path(parent) / "cache",
                threads=available_cpus(),
                use_gpu=use_gpu,
            )
            for recipe in RECIPES:
                figures.append({"model": name, **recipe, **measure(configure(recipe), workplace)})
                print(json.dumps(figures[-1]), flush=True)
                save({**about, "trials": figures}, use_gpu=use_gpu)


def describe(data: Path, models: list[str], *, use_gpu: bool) -> dict[str, Any]:
    """Return what stands above the figures."""
    return {
        **describe_origin(command_of("methods", ["DATA", *models])),
        "device": describe_machine(use_gpu=use_gpu),
        "versions": describe_versions(),
        "data": data.name,
        "batch_size": PAPER.defaults["batch_size"],
        "recipes": len(models) * len(RECIPES),
    }


def save(result: dict[str, Any], *, use_gpu: bool) -> None:
    """Write the file of the device."""
    device = "gpu" if use_gpu else "cpu"
    (RESULTS / f"methods_{device}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def make_model(folder: Path) -> Path:
    """Write a random model of the shape that is on record under the folder's name; return the folder."""
    torch.manual_seed(0)
    shape = SHAPES[f"google-t5/{folder.name}"]
    config = T5Config(vocab_size=32128, decoder_start_token_id=0, **shape)
    T5ForConditionalGeneration(config).save_pretrained(folder)
    for path in embedded.MODEL_DIR.glob("tokenizer*"):
        shutil.copy(path, folder)
    return folder


def configure(recipe: dict[str, Any]) -> TrialConfig:
    """Return the paper profile's configuration of a recipe, cut to a few steps and questions."""
    values = {**PAPER.defaults, **PAPER.scale_of(METHODS[recipe["method"]]).defaults, **recipe}
    names = dict.fromkeys(("model", "model_fingerprint", "data", "data_fingerprint"), "random")
    budget = {"epochs": None, "max_steps": STEPS, "evaluations": 0, "test_questions": QUESTIONS}
    return make_config({**values, **names, **budget, "stage": "confirm", "seed": 0})


def measure(config: TrialConfig, workplace: Workplace) -> dict[str, Any]:
    """Run a trial and return its figures."""
    outcome = Outcome()
    training: list[Progress] = []

    def keep(progress: Progress) -> None:
        if progress.get("phase") == "training" and progress.get("step", 0) >= WARM_UP_STEPS:
            training.append(progress)

    run_trial(config, workplace, outcome, on_progress=keep)
    intervals = list(pairwise(training))
    row = outcome.row
    return {
        "optimizer": row["source_optimizer"],
        "trainable_parameters": row["trainable_parameters"],
        "ms_a_training_step": round(
            1000 * median(_difference(*two, "seconds", "step") for two in intervals), 1
        ),
        "trained_tokens_a_second": round(median(_difference(*two, "tokens", "seconds") for two in intervals)),
        "ms_a_decoding_step": round(1000 * row["generation_seconds"] / _longest(outcome), 1),
        "peak_mib": round(row["peak_memory_bytes"] / 2**20),
    }


def _difference(first: Progress, last: Progress, of: str, over: str) -> float:
    return float(last[of] - first[of]) / float(last[over] - first[over])


def _longest(outcome: Outcome) -> int:
    return max(prediction["generated_tokens"] for prediction in outcome.predictions)


if __name__ == "__main__":
    main(sys.argv[1:])
