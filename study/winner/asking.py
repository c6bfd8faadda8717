"""What a kept model is asked: its task puts a question as in the training, and reads the answer.

It is written beside the model, so that it can be asked where its task's file and its data are not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study.config import MATH, TrialConfig
from study.data.prompts import Example, asked_source
from study.data.rendering import put_question, task_row
from study.data.store import open_problems
from study.errors import UserError
from study.models.conversations import Conversation
from study.rows.problems import Problem
from study.tasks.finding import MATH_TASK, FoundTask
from study.trial.encoding import conversation_of
from study.winner.choosing import TRIAL_FILE
from study.workplace import Workplace


@dataclass(frozen=True)
class Asked:
    """The task of a kept model, and its labels if it has some."""

    task: FoundTask = MATH_TASK
    labels: tuple[str, ...] = ()

    def conversation(self, question: str, config: TrialConfig) -> Conversation:
        """Return what the model is asked with a person's question.

        Raises:
            UserError: its prompt style needs more than a question.
        """
        return conversation_of(Example(self._source(question, config.prompt_style), ""), config)

    def read(self, text: str, question: str) -> tuple[str | None, bool]:
        """Return (the answer that an output holds or None, whether the task reads any out of it).

        Raises:
            UserError: the task's function raised.
        """
        read = self.task.task.read
        if read is None:
            return None, False
        try:
            found = read(text, task_row(Problem(question, ""), self.task.task, self.labels))
        except Exception as error:
            raise UserError(f"the task's read raised {type(error).__name__}: {error}") from error
        if isinstance(found, Mapping):
            found = found.get("answer")
        return None if found is None else str(found), True

    @property
    def description(self) -> dict[str, Any]:
        """Itself as it stands in a kept model's folder."""
        task = {"name": self.task.name, "text": self.task.text, "fingerprint": self.task.fingerprint}
        return {"task": {**task, "labels": [*self.labels]}}

    def _source(self, question: str, style: str) -> str:
        if self.task.name == MATH:
            return asked_source(question, style)
        row = task_row(Problem(question, ""), self.task.task, self.labels)
        return put_question(row, style, self.task.task)


def asked_of(config: TrialConfig, workplace: Workplace) -> Asked:
    """Return what the model of a trial is to be asked."""
    labels = open_problems(config, workplace).labels() if workplace.task.task.is_labels else ()
    return Asked(workplace.task, (*labels,))


def read_asked(folder: Path) -> Asked:
    """Return what the model in a folder is to be asked.

    Raises:
        UserError: its task is none of the project's any more, or its file can't be run.
    """
    try:
        about = json.loads((folder / TRIAL_FILE).read_text(encoding="utf-8"))["task"]
        asked = Asked(FoundTask(about["name"], about["text"], about["fingerprint"]), (*about["labels"],))
    except KeyError:  # of a worked problem
        return Asked()
    except (OSError, ValueError, TypeError):
        raise UserError(f"'{folder}' holds no model of a study: it has no readable {TRIAL_FILE}") from None
    try:
        assert asked.task.task
    except ModuleNotFoundError:
        raise UserError(
            f"the model in '{folder}' is of the task '{about['name']}', which is none here"
        ) from None
    return asked
