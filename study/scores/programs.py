"""Programs: held against the tests of their rows, in the sandbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from study.sandbox import Sandbox
from study.tasks.task import Row

# Outcomes of programs that ran to their end, or to an assertion that does not hold.
_RAN = ("passed", "failed")


def run_programs(outputs: Sequence[str], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return what comes of each output before the tests in its row's `tests`.

    Returns:
        Of each its `outcome` (`study.sandbox.TEST_OUTCOMES`), a `detail`, and as its `answer` the output,
        None if there is no program in it.

    Raises:
        SandboxUnavailable: the sandbox can't be started.
    """
    found = []
    with Sandbox() as sandbox:
        for output, row in zip(outputs, rows, strict=True):
            result = sandbox.check(output, row["tests"])
            answer = None if result.outcome == "no_program" else output
            found.append({"answer": answer, "outcome": result.outcome, "detail": result.detail})
    return found


def passes(prediction: Mapping[str, Any] | None, reference: str, row: Row) -> bool:
    """Tell whether every test of the row passed."""
    return prediction is not None and prediction["outcome"] == "passed"


def runs(prediction: Mapping[str, Any] | None, reference: str, row: Row) -> bool:
    """Tell whether the program and its tests ran: no error, no refusal, no end of the steps."""
    return prediction is not None and prediction["outcome"] in _RAN
