"""A plain loop: one process, a `Seq2SeqTrainer` for each point, its answers, the next.

python -m benchmarks.rivals.plain WORK OUTPUT PRECISION THREADS    # as benchmarks.rivals.ways calls it
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from transformers import set_seed

from benchmarks.rivals.training import make_trainer, read_exercise


def main(arguments: Sequence[str]) -> None:
    """Do the work that was prepared in a folder."""
    folder, output, precision, threads = arguments
    exercise = read_exercise(Path(folder), Path(output), precision, int(threads))
    for point in exercise.work.points:
        set_seed(exercise.work.config["seed"])
        trainer = make_trainer(exercise, point)
        trainer.train()
        trainer.evaluate()


if __name__ == "__main__":
    main(sys.argv[1:])
