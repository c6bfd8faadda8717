"""Trials an hour on one GPU: a plain loop, transformers' own search on Ray, and this project.

    python -m benchmarks.gpu_study DATA                       # T5-small's shape, random weights
    python -m benchmarks.gpu_study DATA --model FOLDER        # SmolLM2, or any model of transformers
    python -m benchmarks.gpu_study DATA --trials 8 --repeats 1 --only "4 a GPU"

DATA is GSM8K: a folder with main/train.jsonl and main/test.jsonl, or one that holds it as gsm8k/. The search
of one LoRA arm: batch 16, 100 steps, the same list of ranks and learning rates, and greedy answers to the
same 200 validation questions. `VARIANTS` has a line for each choice of this project, and beside each row
stand the GPU's utilisation and memory by NVML. What this project does besides its search is in its time:
benchmarks.cpu_study says what that is.

Without a GPU, or NVML to read it by, it says so and ends with exit status 2. The figures go to
benchmarks/results/gpu_study.json, with the machine that they come from.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.origin import command_of, describe_origin
from benchmarks.rivals.contest import hold
from benchmarks.rivals.gpu_meter import describe_gpu, reading_gpu, why_no_gpu
from benchmarks.rivals.options import add_options, without_paths
from benchmarks.rivals.table import print_table, wide_console
from benchmarks.rivals.ways import Way
from benchmarks.rivals.work import Asked, describe_work, prepare
from study import embedded
from study.errors import UserError
from study.machine.hardware import describe_versions
from study.quiet import quiet_imports, quiet_libraries
from study.workplace import available_cpus

RESULT = Path(__file__).parent / "results" / "gpu_study.json"
TRIALS, REPEATS = 16, 3
SETTINGS = {"batch_size": 16, "max_steps": 100, "validation_questions": 200, "test_questions": 200}
# Of this project: name, trials that share the GPU, precision, options of study.run.
VARIANTS = (
    ("one a GPU, fp32", 1, "fp32", ()),
    ("one a GPU, bf16", 1, "bf16", ()),
    ("2 a GPU, bf16", 2, "bf16", ()),
    ("4 a GPU, bf16", 4, "bf16", ()),
    ("8 a GPU, bf16", 8, "bf16", ()),
    ("8 a GPU, fp32", 8, "fp32", ()),
    ("8 a GPU, bf16, no validation losses", 8, "bf16", ("--set", "evaluations=0")),
)


def ways(cpus: int) -> list[Way]:
    """Return the ways, the one that the others are compared with first; a trial has a CPU at least."""

    def threads(at_once: int) -> int:
        return max(1, cpus // at_once)

    every = (
        Way("plain loop, fp32", "plain", 1, cpus, "fp32"),
        Way("plain loop, bf16", "plain", 1, cpus, "bf16"),
        Way("hyperparameter_search, one a GPU, bf16", "ray_search", 1, cpus, "bf16"),
        Way("hyperparameter_search, 4 a GPU, bf16", "ray_search", 4, threads(4), "bf16"),
        *(
            Way(f"this project, {name}", "study", at_once, threads(at_once), precision, options)
            for name, at_once, precision, options in VARIANTS
        ),
    )
    return [way for way in every if way.at_once <= cpus]


def main(arguments: Sequence[str]) -> int:
    """Hold the contest, print the table and save the figures.

    The exit status is 1 where a way failed, 2 where nothing ran.
    """
    options = _parser().parse_args(arguments)
    if (why := why_no_gpu()) is not None:
        print(f"benchmarks.gpu_study needs a GPU: {why}", file=sys.stderr)
        return 2
    quiet_imports()
    quiet_libraries()
    console = wide_console()
    names = {options.data: "DATA", options.model: "FOLDER", options.to: "FILE"}
    origin = describe_origin(command_of("gpu_study", without_paths(arguments, names)))
    with tempfile.TemporaryDirectory() as folder:
        try:
            work = prepare(asked(options, Path(folder)), Path(folder))
        except UserError as error:
            print(error, file=sys.stderr)
            return 2
        chosen = choose(ways(available_cpus()), options.only)
        rows = hold(chosen, work, Path(folder), options.repeats, meter=reading_gpu, tell=console.print)
    print_table(rows, console, gpu=True)
    about = {"versions": describe_versions(), "work": describe_work(work), "repeats": options.repeats}
    text = json.dumps({**origin, "gpu": describe_gpu(), **about, "ways": rows}, indent=2)
    options.to.write_text(text + "\n", encoding="utf-8")
    return int(any(row["failure"] for row in rows))


def asked(options: argparse.Namespace, folder: Path) -> Asked:
    """Return what a command line asks for; without a model, one is made in a folder."""
    model = options.model or write_random_t5(folder / "t5-small-random")
    inner = options.data / "gsm8k"
    return Asked(
        "paper",
        options.trials,
        {**SETTINGS, **dict(options.settings)},
        model=str(model.resolve()),
        data=str((inner if inner.is_dir() else options.data).resolve()),
        device="cuda",
    )


def choose(every: Sequence[Way], only: Sequence[str]) -> list[Way]:
    """Return the first way, and those whose names hold one of the texts (all, where there is none)."""
    named = [way for way in every[1:] if not only or any(text in way.name for text in only)]
    return [every[0], *named]


def write_random_t5(folder: Path, **sizes: int) -> Path:
    """Write a T5 of T5-small's shape with random weights and the embedded tokenizer; return its folder."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    folder.mkdir(parents=True)
    for path in embedded.MODEL_DIR.glob("tokenizer*"):
        shutil.copy(path, folder)
    torch.manual_seed(0)
    config = T5Config(**sizes, decoder_start_token_id=0)  # its defaults are T5-small's
    T5ForConditionalGeneration(config).save_pretrained(folder)
    return folder


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", metavar="DATA", type=Path, help="GSM8K: a folder with main/*.jsonl")
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="a model (T5-small's shape, random)")
    parser.add_argument(
        "--only", metavar="TEXT", action="append", default=[], help="ways with TEXT in their names"
    )
    add_options(parser, trials=TRIALS, repeats=REPEATS, result=RESULT)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
