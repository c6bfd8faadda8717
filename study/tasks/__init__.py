"""Tasks: what a row is, how it is put to a model, how an answer is read, and how it is scored.

Comes in: the name of a task, or a file of the user's. Goes out: a `Task`, which the data, the trial and the
floors ask. A task is a short Python file, as a search space is; those of the project are in `tasks/`.

May use no other room.
"""

from study.tasks.task import Aggregate, BadRow, Given, Score, Style, Task

__all__ = ["Aggregate", "BadRow", "Given", "Score", "Style", "Task"]
