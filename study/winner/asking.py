"""What a kept model is asked: its task puts a question as in the training, and reads the answer.

What that takes is written beside the model, so that it can be asked where its data are not. Code is not among
it: a model may come from anywhere. A task of a user's own file is named again, by `--task FILE`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from study.config import MATH, TrialConfig
from study.data.prompts import Example, asked_source
from study.data.rendering import fill_places, put_question, task_row
from study.data.store import open_problems
from study.errors import UserError
from study.models.conversations import Conversation
from study.rows.problems import Problem
from study.tasks import Task
from study.tasks.finding import find_task, list_tasks, task_of
from study.trial.encoding import conversation_of
from study.winner.choosing import TRIAL_FILE
from study.workplace import Workplace


@dataclass(frozen=True)
class Asked:
    """How a kept model is asked.

    Attributes:
        name, fingerprint: of its task.
        labels: of its data, where answers are labels.
        source: the prompt style's text, where it is one and no function.
        task: the task itself; None: of a user's own file that is not at hand.
    """

    name: str = MATH
    fingerprint: str | None = None
    labels: tuple[str, ...] = ()
    source: str | None = None
    task: Task | None = None

    def conversation(self, question: str, config: TrialConfig) -> Conversation:
        """Return what the model is asked with a person's question.

        Raises:
            UserError: its prompt style needs more than a question, or is code that is not at hand.
        """
        return conversation_of(Example(self._source(question, config.prompt_style), ""), config)

    def read(self, text: str, question: str) -> tuple[str | None, bool]:
        """Return (the answer that an output holds or None, whether the task reads any out of it).

        Raises:
            UserError: the task's function raised.
        """
        if self.task is None or (read := self.task.read) is None:
            return None, False
        try:
            found = read(text, task_row(Problem(question, ""), self.task, self.labels))
        except Exception as error:
            raise UserError(f"the task's read raised {type(error).__name__}: {error}") from error
        if isinstance(found, Mapping):
            found = found.get("answer")
        return None if found is None else str(found), True

    @property
    def description(self) -> dict[str, Any]:
        """Itself as it stands in a kept model's folder."""
        names = ("name", "fingerprint", "labels", "source")
        return {"task": {name: getattr(self, name) for name in names}}

    def _source(self, question: str, style: str) -> str:
        if self.name == MATH:
            return asked_source(question, style)
        if self.task is not None:
            return put_question(task_row(Problem(question, ""), self.task, self.labels), style, self.task)
        if self.source is not None:
            return fill_places(self.source, {"question": question, "labels": self.labels}, style)
        raise UserError(
            f"how its task '{self.name}' puts a question is code of the task's own file; --task FILE names it"
        )


def asked_of(config: TrialConfig, workplace: Workplace) -> Asked:
    """Return how the model of a trial is to be asked."""
    task = workplace.task.task
    labels = open_problems(config, workplace).labels() if task.is_labels else ()
    source = task.style(config.prompt_style).source
    return Asked(
        config.task, config.task_fingerprint, labels, source if isinstance(source, str) else None, task
    )


def read_asked(folder: Path, file: str | None = None) -> Asked:
    """Return how the model in a folder is to be asked.

    Args:
        file: the file of its task, where that is a user's own.

    Raises:
        UserError: the folder holds no model of a study, or the file is of another task.
    """
    try:
        about = json.loads((folder / TRIAL_FILE).read_text(encoding="utf-8")).get("task")
        asked = Asked() if about is None else Asked(**{**about, "labels": (*about["labels"],)})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"'{folder}' holds no model of a study: it has no readable {TRIAL_FILE}") from None
    if file is not None:
        found = find_task(file)
        if found.fingerprint != asked.fingerprint:
            raise UserError(
                f"--task {file} is another task than that of the model, '{asked.name}', or has been changed"
            )
        return replace(asked, task=found.task)
    return replace(asked, task=task_of(asked.name)) if asked.name in list_tasks() else asked
