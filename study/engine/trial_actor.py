"""The name under which the dashboard and `ps` show a worker: the trial that it runs at the moment.

A worker takes one trial after another, so that torch is imported once a slot, while the name that Ray keeps
of an actor is for life. What may change is the title of its process: it holds the arm and stage here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ray.tune.trainable import wrap_function

from study.engine.ray_internals.processes import set_process_title


def titled_by_trial(trainable: Callable[..., None]) -> type:
    """Return a Tune trainable that runs `trainable` in processes titled `ray::<arm>, <stage>`."""

    class Slot(wrap_function(trainable)):  # type: ignore[misc]
        """A slot of the study."""

        def __repr__(self) -> str:
            return "slot"

        def train(self) -> Any:
            # Ray sets its own title at each call.
            set_process_title(f"ray::{self.config['title']}")
            return super().train()

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            # Of a worker that can't take the next trial, Tune tells nobody; of one that fails, it does.
            if not super().reset_config(new_config):
                raise RuntimeError("the last trial of this worker does not end")
            return True

    return Slot
