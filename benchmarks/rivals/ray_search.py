"""transformers' own search: `Trainer.hyperparameter_search(backend="ray")` over the same points.

python -m benchmarks.rivals.ray_search WORK OUTPUT PRECISION THREADS AT_ONCE    # as .ways calls it
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.search.basic_variant import BasicVariantGenerator

from benchmarks.rivals.training import AnsweringTrainer, Exercise, make_arguments, make_model, read_exercise


def main(arguments: Sequence[str]) -> None:
    """Do the work that was prepared in a folder, AT_ONCE trials at a time, each on THREADS CPUs."""
    folder, output, precision, threads, at_once = arguments
    exercise = read_exercise(Path(folder), Path(output), precision, int(threads))
    on_gpu = exercise.work.device == "cuda"
    ray.init(
        address="local",  # and no cluster that happens to run here
        num_cpus=int(threads) * int(at_once),
        num_gpus=int(on_gpu),
        include_dashboard=False,
        log_to_driver=False,
    )
    share = {"gpu": 1 / int(at_once)} if on_gpu else {}
    search(exercise, {"cpu": int(threads), **share})
    ray.shutdown()


def search(exercise: Exercise, resources: dict[str, float]) -> None:
    """Search, with so much of the machine for each trial."""
    points = [dict(point) for point in exercise.work.points]

    def model_init(trial: Any = None) -> Any:
        return make_model(exercise.work, (trial or points[0])["rank"])

    trainer = AnsweringTrainer(
        exercise, model_init=model_init, args=make_arguments(exercise, points[0]["learning_rate"])
    )
    ranks, rates = ([point[name] for point in points] for name in ("rank", "learning_rate"))
    trainer.hyperparameter_search(
        hp_space=lambda _: {
            "rank": tune.choice(ranks),
            "learning_rate": tune.loguniform(min(rates), max(rates) * 1.01),
        },
        compute_objective=lambda metrics: metrics["eval_accuracy"],
        n_trials=len(points),
        direction="maximize",
        backend="ray",
        resources_per_trial=resources,
        search_alg=BasicVariantGenerator(points_to_evaluate=points),
        storage_path=str(exercise.output.resolve()),
        name="ray",
    )


if __name__ == "__main__":
    main(sys.argv[1:])
