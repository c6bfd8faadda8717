"""The examples of few-shot prompting: drawn from the training split, the same before every question."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

from study.config import TrialConfig
from study.data.chosen_rows import Choice
from study.data.loading import Problem
from study.data.prompts import Example
from study.data.store import open_problems
from study.errors import UserError
from study.models.conversations import Turn
from study.trial.encoding import conversation_of, turns_of
from study.workplace import Workplace

Render = Callable[[Sequence[Problem]], list[Example]]


def draw_shots(config: TrialConfig, workplace: Workplace, render: Render) -> tuple[Turn, ...]:
    """Return the turns of as many examples as the configuration has shots, in their drawn order.

    They are drawn by its seed from what its replicate may train on, and none is a question that is scored.

    Raises:
        UserError: the training split has fewer.
    """
    if not config.shots:
        return ()
    turns: list[Turn] = []
    drawn = 0
    for problem in _in_drawn_order(config, workplace):
        (example,) = render([problem])
        if example.no_program is not None:  # as in training
            continue
        one = conversation_of(example, config, turns=turns_of(problem), whole=problem.question)
        turns += [*one.earlier, ("user", one.question), ("assistant", one.answer)]
        drawn += 1
        if drawn == config.shots:
            return (*turns,)
    raise UserError(
        f"--shots {config.shots} needs as many training questions that are not scored, received {drawn}; "
        f"valid: --shots {drawn} or less"
    )


def _in_drawn_order(config: TrialConfig, workplace: Workplace) -> Iterator[Problem]:
    stored = open_problems(config, workplace)
    places = Choice(config, workplace, stored).side("train")
    if workplace.keep_leaks:  # then a training question may be scored as well
        names = [*stored.names("train")]
        scored = {*stored.names("test"), *(stored.names("validation") if stored.has_validation else ())}
        places = [place for place in places if names[place] not in scored]
    order: Sequence[int] = random.Random(config.seed).sample(places, len(places))
    for start in range(0, len(order), config.shots):
        for batch in stored.problems("train", order[start : start + config.shots]):
            yield from batch
