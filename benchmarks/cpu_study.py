"""Trials an hour on this machine's CPUs: a plain loop, transformers' own search on Ray, and this project.

    python -m benchmarks.cpu_study                            # about 14 minutes on two quiet cores
    python -m benchmarks.cpu_study --trials 2 --repeats 1     # a look

The search of one LoRA arm of the embedded default: the same model, data, 50 steps at batch 16, the same list
of ranks and learning rates, and greedy answers to the same validation questions. The plain loop is one
process with a `Seq2SeqTrainer` after another, all CPUs its threads; `hyperparameter_search(backend="ray")`
and this project run as many trials at once as there are CPUs, with a thread each. What this project does
besides is in its time: validation losses on the way, likelihoods, five rules of scoring, every prediction
kept, the rows without training, the test of the best, the report. No cache is shared between runs.

The figures go to benchmarks/results/cpu_study.json, with the machine that they come from.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.origin import command_of, describe_origin
from benchmarks.rivals.contest import hold
from benchmarks.rivals.options import add_options, without_paths
from benchmarks.rivals.table import print_table, wide_console
from benchmarks.rivals.ways import Way
from benchmarks.rivals.work import Asked, describe_work, prepare
from study.errors import UserError
from study.machine.hardware import describe_versions
from study.quiet import quiet_imports, quiet_libraries
from study.workplace import available_cpus

RESULT = Path(__file__).parent / "results" / "cpu_study.json"
TRIALS, REPEATS = 8, 3
# Of the load average: above it other programs take part of what is measured.
QUIET = 0.5


def ways(cpus: int) -> tuple[Way, ...]:
    """Return the ways, the one that the others are compared with first."""
    return (
        Way("plain loop", "plain", at_once=1, threads=cpus),
        Way("hyperparameter_search on Ray", "ray_search", at_once=cpus, threads=1),
        Way("this project", "study", at_once=cpus, threads=1),
    )


def main(arguments: Sequence[str]) -> int:
    """Hold the contest, print the table and save the figures; exit status 1: a way failed; 2: nothing ran."""
    options = _parser().parse_args(arguments)
    quiet_imports()
    quiet_libraries()
    console = wide_console()
    origin = describe_origin(command_of("cpu_study", without_paths(arguments, {options.to: "FILE"})))
    if (load := os.getloadavg()[0]) > QUIET:
        console.print(f"The machine is not quiet: its load is {load:.1f}.")
    with tempfile.TemporaryDirectory() as folder:
        try:
            work = prepare(Asked("embedded", options.trials, dict(options.settings)), Path(folder))
        except UserError as error:
            print(error, file=sys.stderr)
            return 2
        rows = hold(ways(available_cpus()), work, Path(folder), options.repeats, tell=console.print)
    print_table(rows, console)
    about = {"versions": describe_versions(), "work": describe_work(work), "repeats": options.repeats}
    text = json.dumps({**origin, **about, "ways": rows}, indent=2)
    options.to.write_text(text + "\n", encoding="utf-8")
    return int(any(row["failure"] for row in rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add_options(parser, trials=TRIALS, repeats=REPEATS, result=RESULT)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
