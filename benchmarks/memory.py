"""How near a trial's memory estimate comes to its measured peak, over the families of the zoo.

    python -m benchmarks.memory                  # about 50 trials, one after another: minutes
    python -m benchmarks.memory T5 Llama         # these families alone, printed and not saved

Each case is a trial in a process of its own, forked from one that has imported the libraries, which first
runs a tiny trial: what a worker has in memory before its next one is there then. The models are random, of
some tens of millions of parameters; the longest rows are cut at the limits. A line a case: what the trial
adds to its process by the estimate and by measurement, in MB, their ratio, and the ratio of the whole. The
figures go to benchmarks/results/memory.json with their machine. On a CPU, in 32-bit floats, one thread.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.origin import command_of, describe_origin
from study.quiet import quiet_imports
from study.sources.finding import Source, find_data, find_model
from tests.cases.zoo import METHODS, TYPES, Size, build

RESULT = Path(__file__).parent / "results" / "memory.json"
TINY = {"max_source_tokens": 32, "batch_size": 2}
# Families of which each method and each kind of size is tried; the others train in one way each.
THOROUGH = ("GPT-2", "Llama", "T5", "BART")


USUAL = Size(wider=6, deeper=2, vocabulary=8000)


@dataclass(frozen=True)
class Case:
    """One trial: a type, how it trains, its size, and what of its configuration is not the usual."""

    kind: str
    method: str
    size: Size = USUAL
    settings: Mapping[str, Any] = field(default_factory=dict)


def cases() -> Iterator[Case]:
    """Yield all cases."""
    for number, kind in enumerate(TYPES):
        ways = METHODS if kind.name in THOROUGH else ("LoRA", "full")[number % 2 :][:1]
        yield from (Case(kind.name, way) for way in ways)
    for name in THOROUGH:
        yield Case(name, "LoRA", settings={"max_source_tokens": 440})
        yield Case(name, "LoRA", settings={"batch_size": 16, "max_source_tokens": 96})
        yield Case(name, "full", size=Size(wider=4, deeper=2, vocabulary=50_000))


def main(names: list[str]) -> None:
    """Measure, print a line a case, and save the figures of all."""
    figures = []
    with tempfile.TemporaryDirectory() as parent:
        data = write_data(Path(parent) / "data")
        for number, case in enumerate(cases()):
            if not names or case.kind in names:
                figures.append(measure(case, Path(parent) / str(number), data))
                print(json.dumps(figures[-1]), flush=True)
    worst = max(figures, key=lambda row: abs(row["ratio"] - 1))
    print(f"farthest off: {worst['kind']}, {worst['method']}: {worst['ratio']}")
    if not names:
        about = describe_origin(command_of("memory"), cpus=1)
        RESULT.write_text(json.dumps({**about, "trials": figures}, indent=2) + "\n", encoding="utf-8")


def write_data(folder: Path) -> Source:
    """Write problems of all lengths up to some 600 tokens."""
    (folder / "main").mkdir(parents=True)
    for split, rows in (("train", 24), ("test", 8)):
        lines = [
            {
                "question": f"{split} {i}: {'Mia eats 3 apples. ' * (1 + i * 100 // rows)}",
                "answer": f"{'3 ' * i}#### {i}",
            }
            for i in range(rows)
        ]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / "main" / f"{split}.jsonl").write_text(text, encoding="utf-8")
    return find_data(str(folder))


def measure(case: Case, folder: Path, data: Source) -> dict[str, Any]:
    """Return a case's figures, from a process of its own."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(case, folder, data, sender))
    process.start()
    sender.close()
    try:
        estimated, before, peak = receiver.recv()
    finally:
        process.join()
    from study.cost.memory import PROCESS_BYTES

    return {
        **asdict(case),
        "estimated_mb": round(estimated / 1e6),
        "measured_mb": round((peak - before) / 1e6),
        "ratio": round(estimated / (peak - before), 2),
        "process_mb": round(before / 1e6),
        "ratio_of_whole": round((PROCESS_BYTES + estimated) / peak, 2),
    }


def _run(case: Case, folder: Path, data: Source, sender: Any) -> None:
    from study.cost.estimate import estimate_arm
    from study.cost.facts import read_facts
    from study.machine.memory import free_memory
    from study.trial.record import Outcome
    from study.trial.trial import run_trial
    from study.workplace import Workplace

    kind = next(kind for kind in TYPES if kind.name == case.kind)
    tiny = Workplace(find_model("embedded"), data, cache=folder / "cache")
    modules = kind.target_modules if case.method != "full" else None
    run_trial(
        arm_of("tiny", case.method, "all-linear" if modules else None, TINY).search_config({}, 0),
        tiny, Outcome(), on_progress=lambda progress: None,
    )  # fmt: skip
    place = Workplace(
        Source(case.kind, build(kind, folder / "model", case.size)), data, cache=folder / "cache"
    )
    arm = arm_of(case.kind, case.method, modules, case.settings)
    estimated = estimate_arm(arm, read_facts(arm, place, {}), 1e10, on_gpu=False).memory_bytes
    free_memory()
    before, outcome = psutil.Process().memory_info().rss, Outcome()
    run_trial(arm.search_config({}, 0), place, outcome, on_progress=lambda progress: None)
    sender.send((estimated, before, outcome.row["peak_memory_bytes"]))


def arm_of(model: str, method: str, modules: str | None, settings: Mapping[str, Any]) -> Any:
    """Return an arm of short trainings of a model."""
    from study.plan.arms import Arm

    name, quantization = METHODS[method]
    adapter = {"rank": 8, "alpha": 16.0, "lora_dropout": 0.0, "target_modules": modules}
    values = {
        **{"method": name, "quantization": quantization, "variant": "main"},
        **{"model": model, "model_fingerprint": model, "data": "data", "data_fingerprint": "data"},
        **{"max_source_tokens": 192, "max_target_tokens": 8, "precision": "fp32", "evaluations": 1},
        **{"validation_questions": 8, "learning_rate": 1e-4, "batch_size": 4, "max_steps": 2},
        **(adapter if modules else {}),
        **settings,
    }
    return Arm(
        label=model, slug="arm", factors={}, values=values, ranges={}, guesses=(), replicates=1,
        search_trials=1, confirm_seeds=0, seed=0,
    )  # fmt: skip


if __name__ == "__main__":
    quiet_imports()
    import bitsandbytes  # noqa: F401  so that no case imports it anew
    import torch

    from study.trial import trial  # noqa: F401

    torch.set_num_threads(1)  # threads of products would not outlive a fork
    main(sys.argv[1:])
