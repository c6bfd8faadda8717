"""Whether a request and its task go together: the score that decides, the prompt style, what is math's."""

from __future__ import annotations

from study.config import MATH
from study.errors import UserError, unknown_name
from study.methods.table import METHODS
from study.plan.request import Request
from study.plan.values import OF_MATH
from study.space import Space
from study.tasks.finding import FoundTask


def check_style(style: object, found: FoundTask) -> None:
    """Check that a task has a prompt style.

    Raises:
        UserError: it has not.
    """
    if style not in found.task.styles:
        raise unknown_name(f"prompt_style of task {found.name}", str(style), [*found.task.styles])


def check_task(request: Request, found: FoundTask) -> None:
    """Check a request's settings against its task.

    Raises:
        UserError: an unknown score or prompt style, a setting that the task has not, or a floor that is none.
    """
    task = found.task
    if request.primary is not None and request.primary not in [score.name for score in task.scores]:
        raise unknown_name("score", request.primary, [score.name for score in task.scores])
    for name, value in OF_MATH.items():
        if found.name != MATH and request.settings.get(name, value) != value:
            raise UserError(f"--set {name}: task {found.name} has none; valid: task {MATH}")
    for name in task.floors:
        if name not in METHODS or METHODS[name].builder is not None:
            floors = [known for known, method in METHODS.items() if method.builder is None]
            raise unknown_name(f"floor of task {found.name}", name, floors)


def describe_left_out(space: Space, found: FoundTask) -> tuple[str, ...]:
    """Return the line about factors that a space compares and only word problems have, if there are some."""
    left = [name for name in OF_MATH if name in space.compared and found.name != MATH]
    if not left:
        return ()
    return (f"the space compares {' and '.join(left)}, which task {found.name} has not: one of each is run",)
