"""What comes of a program: its outcome and its value, read out of the few bytes that a worker answers.

A worker is believed in one form alone, for the program that it ran may have taken it over.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

OUTCOMES = ("answered", "no_program", "syntax_error", "refused", "runtime_error", "timeout")
TEST_OUTCOMES = ("passed", "failed", *OUTCOMES[1:])

# Floats carry 15 to 17 digits; what a short program gets wrong stands in the last of them.
SIGNIFICANT_DIGITS = 12
DECIMAL_PLACES = 9

_INTEGER = re.compile(r"-?\d{1,40}", re.ASCII)
_FLOAT = re.compile(r"-?\d{1,40}(\.\d{1,40})?(e[-+]\d{1,3})?", re.ASCII)


@dataclass(frozen=True)
class Result:
    """What came of one program.

    Attributes:
        outcome: one of `OUTCOMES`; of a program that was held against tests, of `TEST_OUTCOMES`.
        value: the program's `answer`, for "answered" alone. A float is rounded to 12 significant digits and
            9 decimal places, so that 0.1*3 compares equal to 0.3; an int is exact.
        detail: what happened, in a line; "" for "answered".
    """

    outcome: str
    value: Decimal | None
    detail: str


class WorkerFailed(Exception):
    """A worker did not answer; `outcome` and the message are the program's result."""

    def __init__(self, outcome: str, detail: str):
        super().__init__(detail)
        self.outcome = outcome


def encode(text: str) -> bytes:
    """Return the bytes in which a text goes to a worker."""
    return text.encode("utf-8", "surrogatepass")


def read_result(message: bytes, outcomes: Sequence[str]) -> Result:
    """Return the result that an answer spells.

    Raises:
        WorkerFailed: it spells none.
    """
    outcome, number, detail = (message.decode("utf-8", "replace").split("\0", 2) + ["", ""])[:3]
    value = _read_number(number)
    if outcome not in outcomes or (outcome == "answered") != (value is not None):
        raise WorkerFailed("runtime_error", "the worker's answer is garbled")
    return Result(outcome, value, detail)


def _read_number(text: str) -> Decimal | None:
    if _INTEGER.fullmatch(text):
        return Decimal(text)
    if not _FLOAT.fullmatch(text):
        return None
    rounded = Context(prec=SIGNIFICANT_DIGITS).create_decimal(text)
    exponent = rounded.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -DECIMAL_PLACES:
        rounded = rounded.quantize(Decimal(1).scaleb(-DECIMAL_PLACES), context=Context(prec=60))
    return abs(rounded) if rounded.is_zero() else rounded
