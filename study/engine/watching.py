"""What the user asked for to watch a study by: Ray's dashboard, and trackers. Knows neither Ray nor them."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass

from study.errors import UserError, unknown_name

# Tracker -> the package that has to be there, and the extra of this project that brings it.
TRACKERS = {
    "tensorboard": ("tensorboardX", "tensorboard"),
    "mlflow": ("mlflow", "mlflow"),
    "wandb": ("wandb", "wandb"),
}


@dataclass(frozen=True)
class Watching:
    """How a study can be watched: with Ray's dashboard or without, and by which of `TRACKERS`."""

    dashboard: bool = True
    trackers: tuple[str, ...] = ()


def choose_watching(tracks: Sequence[str], *, dashboard: bool) -> Watching:
    """Return what the command line asks for.

    Args:
        tracks: the values of --track, each one name or several with commas.
        dashboard: whether Ray's dashboard is wanted.

    Raises:
        UserError: there is no such tracker, or its package is not installed.
    """
    names = [name.strip() for text in tracks for name in text.split(",")]
    for name in names:
        if name not in TRACKERS:
            raise unknown_name("tracker", name, TRACKERS)
        package, extra = TRACKERS[name]
        if importlib.util.find_spec(package) is None:
            raise UserError(
                f"--track {name} needs the package {package}, which is not installed: "
                f"pip install 'finetune-study[{extra}]'"
            )
    return Watching(dashboard, tuple(dict.fromkeys(names)))
