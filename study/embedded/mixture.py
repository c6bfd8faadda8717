"""The pre-training text: what the base reads before anybody fine-tunes it, in other forms than the target.

    python -m study.embedded.mixture --count 20     # print examples

Every skill that a worked solution needs occurs, but never the solution itself: no example ends in `#### n`,
and `####` is only a heading, `<<12+7=19>>` only a lone drill. A plain question, with or without an
instruction, is answered by sub-questions, so the base scores about 0 until it is fine-tuned.

| task     | input                                       | output                             |
|----------|---------------------------------------------|------------------------------------|
| calc     | `calc`                                      | an equation, its result has a loss |
| plan     | a question, `plan:` before it mostly        | `plan: 30-12=18; 18+5=23`          |
| ask      | an instruction or nothing, a question       | `ask: ` and the sub-questions      |
| blanks   | a question, its solution without equations  | the equations                      |
| wording  | a question, its equations                   | the words of the solution          |
| next     | `next:`, a question, sentences of a solution  | `next:` and one more sentence      |
| copy     | `repeat:` or `numbers:`, a question          | the question, or its numbers        |
| span     | a text with spans taken out                 | the spans                          |
| continue | the beginning of a text                     | the rest                           |
| program  | assignments with values taken out           | the values                         |
| code     | a programming task                          | its program                        |
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable

from study.embedded.tasks import (
    Example,
    ask,
    blanks,
    calc,
    code,
    continuation,
    copy,
    next_step,
    plan,
    program,
    span,
    wording,
)

Mixture = tuple[tuple[Callable[[random.Random], Example], float], ...]

# Drills first: the results of calculations are what a small model learns slowest.
DRILLS_FIRST: Mixture = (
    (calc, 0.84),
    (plan, 0.045),
    (ask, 0.02),
    (blanks, 0.045),
    (wording, 0.015),
    (span, 0.01),
    (continuation, 0.01),
    (program, 0.01),
    (code, 0.005),
)
THEN_TEXTS: Mixture = (
    (calc, 0.6),
    (plan, 0.11),
    (ask, 0.03),
    (blanks, 0.12),
    (copy, 0.06),
    (wording, 0.03),
    (span, 0.015),
    (continuation, 0.01),
    (program, 0.015),
    (code, 0.01),
)


STEPS_LAST: Mixture = (
    (calc, 0.45),
    (plan, 0.10),
    (ask, 0.05),
    (blanks, 0.06),
    (copy, 0.03),
    (next_step, 0.28),
    (wording, 0.01),
    (program, 0.01),
    (code, 0.01),
)
MIXTURES = {"drills_first": DRILLS_FIRST, "then_texts": THEN_TEXTS, "steps_last": STEPS_LAST}


def draw_example(rng: random.Random, mixture: Mixture = DRILLS_FIRST) -> Example:
    """One example of a mixture."""
    (task,) = rng.choices([task for task, _ in mixture], [weight for _, weight in mixture])
    return task(rng)


def main() -> None:
    """Print examples."""
    parser = argparse.ArgumentParser(description="Print examples of the pre-training mixture.")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    for _ in range(options.count):
        example = draw_example(rng, THEN_TEXTS)
        print(f"[{example.task}] {example.source!r}\n    -> {example.target!r}")


if __name__ == "__main__":
    main()
