"""Reference programs: GSM8K's calculator annotations as a Python program, the target of `python_code`.

    ... <<48/2=24>>24 clips ... <<48+24=72>>72 ...  #### 72      ->      a = 48/2; answer = 48+a

One assignment a step, the last to `answer`. An operand that is the exact result of an earlier step is written
as that step's name: each result is used once, in order, before the latest one is used again. The steps stand
on one line, because T5's tokenizer knows no line break and a program must survive it.

A program is made only if it computes the reference's number exactly, in fractions; the sandbox, which
computes as Python does, rounds to 12 digits and finds the same number. Otherwise `NoProgram` says why. An
answer that equals an earlier step's result and not the last one's gets no program either: in GSM8K that is a
coincidence as often as not (13 rows, where the steps that matter are not annotated). Nor does an answer that
the last step merely states (`<<30=30>>`, where a line of algebra solved the problem).
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from study.answers.reading import format_number, marked_number

NO_NUMBER = "no final number"
NO_ANNOTATIONS = "no annotations"
UNREADABLE = "unreadable annotation"
WRONG = "wrong annotation"
OTHER_RESULT = "last result is not the answer"
NOTHING_COMPUTED = "last annotation computes nothing"
REASONS = (NO_NUMBER, NO_ANNOTATIONS, UNREADABLE, WRONG, OTHER_RESULT, NOTHING_COMPUTED)

SEPARATOR = "; "

# The closing >> is missing in places; an annotation ends with its line at the latest.
_ANNOTATION = re.compile(r"<<([^<>\n]*)")
_STATED = re.compile(r"\s*(-?(?:\d+/\d+|\d+(?:\.\d*)?|\.\d+))")
_SPELLINGS = str.maketrans({"×": "*", "x": "*", "X": "*", "÷": "/", "−": "-", "–": "-", "$": None})
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
# A % is percent unless an operand follows it.
_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d*)?|\.\d+)(\s*%(?!\s*[\d.(]))?|(//|[-+*/%()]))")

_OPERATIONS: dict[type, Callable[[Fraction, Fraction], Fraction | int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}


@dataclass(frozen=True)
class NoProgram:
    """Why no program could be made.

    Attributes:
        reason: one of `REASONS`.
        detail: the annotation or the numbers that it is about; may be "".
    """

    reason: str
    detail: str = ""


@dataclass(frozen=True)
class _Step:
    """One annotation: the parts of its expression (numbers as values), and the result that it states."""

    parts: tuple[Fraction | str, ...]
    stated: str


class _Unreadable(Exception):
    """An annotation is no arithmetic."""


def program_from_annotations(answer: str) -> str | NoProgram:
    """Return the program that the annotations of a worked answer spell, or why there is none."""
    number = marked_number(answer)
    if number is None:
        return NoProgram(NO_NUMBER)
    texts = _ANNOTATION.findall(answer)
    if not texts:
        return NoProgram(NO_ANNOTATIONS)
    lines: list[str] = []
    results = _Results()
    for text in texts:
        try:
            step = _read_step(text)
            expression = _expression(step, results)
            value = _evaluate(expression, results.values)
        except (_Unreadable, ZeroDivisionError, RecursionError):
            return NoProgram(UNREADABLE, text.strip())
        if not _states(step.stated, value):
            return NoProgram(WRONG, text.strip())
        last = len(lines) == len(texts) - 1
        lines.append(f"{'answer' if last else results.next_name()} = {expression}")
        results.add(value)
    if value != Fraction(number):
        return NoProgram(OTHER_RESULT, f"{texts[-1].strip()}, answer {format_number(number)}")
    if _is_number(expression):
        return NoProgram(NOTHING_COMPUTED, texts[-1].strip())
    return SEPARATOR.join(lines)


def has_program(answer: str) -> bool:
    """Tell whether the annotations of a worked answer spell a program."""
    return not isinstance(program_from_annotations(answer), NoProgram)


class _Results:
    """The results of the steps so far, by name, and which have been used."""

    def __init__(self) -> None:
        self.values: dict[str, Fraction] = {}
        self._used: set[str] = set()

    def next_name(self) -> str:
        """Return the name of the step that comes: a, b, ..., z, a1, b1, ..."""
        rounds, letter = divmod(len(self.values), 26)
        return chr(ord("a") + letter) + (str(rounds) if rounds else "")

    def add(self, value: Fraction) -> None:
        """Keep the result of the step that comes."""
        self.values[self.next_name()] = value

    def use(self, value: Fraction) -> str | None:
        """Return the name of the result that equals `value`: the first unused one, else the latest."""
        names = [name for name, result in self.values.items() if result == value]
        if not names:
            return None
        name = next((name for name in names if name not in self._used), names[-1])
        self._used.add(name)
        return name


def _read_step(text: str) -> _Step:
    expression, equals, stated = text.partition("=")
    # <<6*2=12=12>>: the last number is the result.
    found = _STATED.match(_plain(stated.rpartition("=")[2]))
    if not equals or not found:
        raise _Unreadable
    return _Step(tuple(_parts(_plain(expression))), found.group(1))


def _plain(text: str) -> str:
    return _THOUSANDS.sub("", text.translate(_SPELLINGS))


def _parts(expression: str) -> list[Fraction | str]:
    parts: list[Fraction | str] = []
    place, text = 0, expression.strip()
    while place < len(text):
        token = _TOKEN.match(text, place)
        if not token:
            raise _Unreadable
        digits, percent, sign = token.groups()
        parts.append(sign if sign else Fraction(digits) / (100 if percent else 1))
        place = token.end()
    return parts


def _expression(step: _Step, results: _Results) -> str:
    """Return the step as Python, with earlier results by name."""
    return "".join(
        part if isinstance(part, str) else results.use(part) or _write_number(part) for part in step.parts
    )


def _write_number(value: Fraction) -> str:
    # Every number was read from decimal digits, so this division ends.
    return format_number(Decimal(value.numerator) / Decimal(value.denominator))


def _evaluate(expression: str, values: dict[str, Fraction]) -> Fraction:
    """Return the exact value of an expression over the names in `values`."""
    try:
        tree = ast.parse(expression, mode="eval").body
    except (SyntaxError, MemoryError):
        raise _Unreadable from None
    return _value(tree, expression, values)


def _value(node: ast.expr, source: str, values: dict[str, Fraction]) -> Fraction:
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Constant):
        # The digits, not the float that Python made of them.
        return Fraction(ast.get_source_segment(source, node) or "")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand, source, values)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _value(node.left, source, values), _value(node.right, source, values)
        whole = left.denominator == right.denominator == 1
        if isinstance(node.op, ast.FloorDiv | ast.Mod) and not whole:
            raise _Unreadable  # of fractions, floats may give another whole number
        return Fraction(_OPERATIONS[type(node.op)](left, right))
    raise _Unreadable


def _is_number(expression: str) -> bool:
    return expression.strip("()+-").replace(".", "", 1).isdigit()


def _states(stated: str, value: Fraction) -> bool:
    """Tell whether a stated result is the value, or the value rounded or cut to the digits stated."""
    if "/" in stated:
        return Fraction(stated) == value
    unit = Fraction(1, 10 ** len(stated.partition(".")[2]))
    return abs(Fraction(stated.rstrip(".")) - value) < unit
