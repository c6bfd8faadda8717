"""The tasks of the pre-training text: each draws one example (mixture.py lists them)."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from study.embedded.code_tasks import draw_code_task
from study.embedded.families import load_families
from study.embedded.problems import NUMBER_WORDS, Problem, draw_problem

WITHOUT_LOSS = False
WITH_LOSS = True
SENTINELS = 32
INSTRUCTIONS = (
    "Solve the problem step by step.\n",
    "Write a Python program that solves the problem.\n",
    "Answer the question.\n",
    "Read the problem.\n",
)
_NUMBER = re.compile(r"\d+|\b(?:" + "|".join(NUMBER_WORDS) + r")\b", re.IGNORECASE)
LEAD_INS = (
    "There are ",
    "In all it is $",
    "plan: ",
    "That is ",
    "<extra_id_0>",
    "Each gets ",
    "The rest is ",
)
HEADINGS = ("Notes", "Problem", "Question", "Today", "List", "Breakdown")


@dataclass(frozen=True)
class Example:
    """An input and its output; only the pieces of the output marked True have a loss."""

    task: str
    source: str
    pieces: tuple[tuple[str, bool], ...]

    @property
    def target(self) -> str:
        """The whole output."""
        return "".join(text for text, _ in self.pieces)


def _sentinel(index: int) -> str:
    return f"<extra_id_{index}>"


def _whole(task: str, source: str, target: str) -> Example:
    return Example(task, source, ((target, WITH_LOSS),))


def _equation(rng: random.Random) -> tuple[str, str]:
    """A calculation of the kind that the families need, and its value."""
    if rng.random() < 0.6:
        family = rng.choice(load_families()[0])
        while True:
            values = {name: rng.choice(choices) for name, choices in family.numbers.items()}
            if family.accepts(values):
                written, value = rng.choice(family.calculate(values))
                return written, str(value)
    kind = rng.choice("++---**/")
    if kind == "+":
        a, b = rng.randint(1, 90), rng.randint(1, 40)
        return rng.choice([(f"{a}+{b}", str(a + b)), (f"{b}+{a}", str(a + b))])
    if kind == "-":
        a = rng.randint(3, 110)
        b = rng.randint(1, min(a, 45))
        return f"{a}-{b}", str(a - b)
    small, large = rng.randint(2, 10), rng.randint(2, 14)
    if kind == "*":
        return rng.choice([f"{small}*{large}", f"{large}*{small}"]), str(small * large)
    return f"{small * large}/{small}", str(large)


def calc(rng: random.Random) -> Example:
    """A drill: one equation, now and then after another or after some words.

    Only the result has a loss, for nobody could predict the operands. Rows of ten equations taught nothing
    in 2,000 steps where single ones did in 200: the model had to find the operands before it could use them.
    """
    pieces: list[tuple[str, bool]] = []
    roll = rng.random()
    if roll < 0.15:
        pieces.append((rng.choice(LEAD_INS), WITHOUT_LOSS))
    elif roll < 0.3:
        written, value = _equation(rng)
        pieces.append((f"{written}={value}" + rng.choice(["; ", "\n", " left.\n", ". "]), WITHOUT_LOSS))
    written, value = _equation(rng)
    if rng.random() < 0.04:
        return Example("calc", "calc", (*pieces, (f"{written}=<<{written}={value}>>{value}", WITH_LOSS)))
    return Example("calc", "calc", (*pieces, (f"{written}=", WITHOUT_LOSS), (value, WITH_LOSS)))


def _equations(problem: Problem) -> str:
    return "; ".join(f"{step.written}={step.value}" for step in problem.steps)


def _asked(rng: random.Random, problem: Problem) -> str:
    """The question as it may come: bare, or under an instruction."""
    return problem.question if rng.random() < 0.5 else rng.choice(INSTRUCTIONS) + problem.question


def plan(rng: random.Random) -> Example:
    """Problem to equations."""
    problem = draw_problem(rng, "pretrain")
    # Rarer than `ask` where the question is bare: what the base then says is sub-questions, not numbers.
    source = f"plan: {problem.question}" if rng.random() < 0.6 else _asked(rng, problem)
    return _whole("plan", source, f"plan: {_equations(problem)}")


def ask(rng: random.Random) -> Example:
    """Problem to sub-questions: what the base answers to a plain question."""
    problem = draw_problem(rng, "pretrain")
    questions = " ".join(step.ask for step in problem.steps)
    return _whole("ask", _asked(rng, problem), f"ask: {questions}")


def blanks(rng: random.Random) -> Example:
    """Fill the equations into the words of a solution."""
    problem = draw_problem(rng, "pretrain")
    mark = rng.choice([" ", "\n"])
    said = mark.join(step.say.replace("{}", _sentinel(i)) for i, step in enumerate(problem.steps))
    filled = "".join(f"{_sentinel(i)}{step.written}={step.value}" for i, step in enumerate(problem.steps))
    return _whole("blanks", f"{problem.question}\n{said}", filled)


def wording(rng: random.Random) -> Example:
    """Put the words of a solution around its equations."""
    problem = draw_problem(rng, "pretrain")
    mark = rng.choice([" ", "\n"])
    said = mark.join(step.say.replace("{}", _sentinel(i)) for i, step in enumerate(problem.steps))
    return _whole("wording", f"{problem.question}\n{_equations(problem)}", said)


def _text(rng: random.Random) -> str:
    """Running text: a question, sub-questions, instructions, a heading now and then."""
    problem = draw_problem(rng, "pretrain")
    parts = [problem.question]
    roll = rng.random()
    if roll < 0.25:
        listed = "\n".join(f"{i}. {step.ask}" for i, step in enumerate(problem.steps, start=1))
        parts = [problem.question, "Breakdown:", listed]
    elif roll < 0.35:
        parts.insert(0, f"#### {rng.choice(HEADINGS)}")
    elif roll < 0.5:
        parts.insert(0, rng.choice(INSTRUCTIONS).strip())
    elif roll < 0.6:
        parts.append(" ** ".join(step.ask for step in problem.steps))
    return "\n".join(parts)


def _take_out(words: list[str], starts: list[tuple[int, int]]) -> tuple[str, str]:
    source: list[str] = []
    target: list[str] = []
    position = 0
    for index, (start, length) in enumerate(starts):
        source += [*words[position:start], _sentinel(index)]
        target += [_sentinel(index), *words[start : start + length]]
        position = start + length
    return " ".join([*source, *words[position:]]), " ".join(target)


def span(rng: random.Random) -> Example:
    """Span corruption on words, as T5 was pre-trained."""
    words = _text(rng).split(" ")
    starts: list[tuple[int, int]] = []
    position = rng.randint(0, 6)
    while position < len(words) and len(starts) < SENTINELS:
        length = rng.randint(1, 4)
        starts.append((position, min(length, len(words) - position)))
        position += length + rng.randint(4, 12)
    return _whole("span", *_take_out(words, starts))


def continuation(rng: random.Random) -> Example:
    """The beginning of a text, to be continued."""
    words = _text(rng).split(" ")
    cut = rng.randint(1, max(1, len(words) - 1))
    return _whole("continue", " ".join(words[:cut]), " ".join(words[cut:]))


def program(rng: random.Random) -> Example:
    """Assignments in isolation, the last to `answer`, some of their right sides taken out."""
    source: list[str] = []
    target: list[str] = []
    count = rng.randint(1, 4)
    for index in range(count):
        written, _ = _equation(rng)
        left = "answer" if index == count - 1 else rng.choice(["step_", "x", "result_", "r"]) + str(index + 1)
        if rng.random() < 0.5:
            source.append(f"{left} = {_sentinel(len(target))}  # {written}")
            target.append(f"{_sentinel(len(target))}{written}")
        else:
            source.append(f"{_sentinel(len(target))} = {written}")
            target.append(f"{_sentinel(len(target))}{left}")
    return _whole("program", "\n".join(source), "\n".join(target))


def code(rng: random.Random) -> Example:
    """A programming task and its program."""
    query, text = draw_code_task(rng)
    return _whole("code", query, f"```python\n{text}\n```")


def copy(rng: random.Random) -> Example:
    """Say a question again, or list its numbers in digits: a solution copies both."""
    question = draw_problem(rng, "pretrain").question
    if rng.random() < 0.5:
        return _whole("copy", f"repeat: {question}", question)
    found = _NUMBER.findall(question)
    digits = [word if word.isdigit() else str(NUMBER_WORDS.index(word.lower())) for word in found]
    return _whole("copy", f"numbers: {question}", "; ".join(digits))


def next_step(rng: random.Random) -> Example:
    """One sentence of a solution, after those before it: never a whole solution, never its last line."""
    problem = draw_problem(rng, "pretrain")
    said = [s.say.replace("{}", f"{s.written}={s.value}") for s in problem.steps]
    index = rng.randrange(len(said))
    before = "".join(f"\n{sentence}" for sentence in said[:index])
    return _whole("next_step", f"next: {problem.question}{before}", f"next: {said[index]}")
