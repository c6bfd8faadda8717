"""Finding a task: one of the project's by its name, or a file of the user's.

A file is run, as any program is that its user names. Its text goes with the trials to other machines.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
import sys
import types
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from study.config import MATH
from study.errors import UserError, unknown_name
from study.tasks.task import Task


@dataclass(frozen=True)
class FoundTask:
    """A task and where it is from.

    Attributes:
        name: of the project's, or the file's without its ending.
        text: the file's, where it is the user's own; None for the project's.
        fingerprint: 16 digits of a hash of the file's text; None for the task of a study that names none.
    """

    name: str
    text: str | None = None
    fingerprint: str | None = None

    @property
    def task(self) -> Task:
        """The task itself."""
        return task_of(self.name, self.text)


MATH_TASK = FoundTask(MATH)


def list_tasks() -> list[str]:
    """Return the names of the project's tasks."""
    package = importlib.import_module("tasks")
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def find_task(name: str) -> FoundTask:
    """Return the task called `name`, or the one in the Python file of that path.

    Raises:
        UserError: there is no such task (the message lists the nearest names), or the file holds none.
    """
    if not name.endswith(".py"):
        if name not in list_tasks():
            raise unknown_name("task", name, [*list_tasks(), "a file: ./my_task.py"])
        if name == MATH:
            return FoundTask(name)
        file = Path(importlib.import_module(f"tasks.{name}").__file__ or "")
        return FoundTask(name, None, _fingerprint(file.read_text(encoding="utf-8")))
    path = Path(name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise UserError(f"no task '{path}': {why}") from None
    if path.stem in list_tasks():
        raise UserError(f"task '{path}': a task of the project has that name; valid: another file name")
    found = FoundTask(path.stem, text, _fingerprint(text))
    assert found.task  # which refuses what can't be used
    return found


@cache
def task_of(name: str, text: str | None = None) -> Task:
    """Return the project's task called `name`, or the one that the text of a file makes.

    Raises:
        UserError: the text can't be run, or makes no task.
    """
    if text is None:
        module = importlib.import_module(f"tasks.{name}")
    else:
        # Registered, so that what it defines can be pickled and its data classes find their names.
        module = sys.modules[f"task_{name}"] = types.ModuleType(f"task_{name}")
        try:
            exec(compile(text, f"{name}.py", "exec"), module.__dict__)
        except (Exception, SystemExit) as error:
            raise UserError(f"task '{name}.py' can't be used: {type(error).__name__}: {error}") from None
    task = getattr(module, "TASK", None)
    if not isinstance(task, Task):
        raise UserError(f"task '{name}' must assign TASK = Task(...), found {type(task).__name__}")
    return task


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
