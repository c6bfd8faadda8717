"""Skips: for what reasons a test may be skipped, and that one which could have run fails instead, in CI.

FAIL_SKIPS names the kinds of tests that can run on this machine, with commas between, as `.ci/tools` prints
them. Where it is set, a skip of such a kind fails, and so does one for a reason that is not in `REASONS`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from typing import Any

import pytest

# A reason, as a pattern -> the kind of tests that can run without it; None: it can't be avoided.
REASONS: dict[str, str | None] = {
    r"Chromium or its driver is not installed": "browser",
    r"no small disk can be mounted here": "disk",
    r"is not installed$": "packages",
    r"GSM8K": None,  # it may not be passed on
    r"less than 3 GB of memory is free": None,
    r"this machine has no GPU": None,
    r"recorded on x86": None,
    r"macOS does not bound the address space": None,
    r"counts descriptors in /proc": None,
}


def why_not_to_skip(reason: str, can_run: str | None) -> str | None:
    """Return why a test must not be skipped for a reason; None if it may be.

    Args:
        can_run: FAIL_SKIPS.
    """
    if can_run is None:
        return None
    kinds = [kind for pattern, kind in REASONS.items() if re.search(pattern, reason)]
    if not kinds:
        return f"skipped for a reason that tests/skips.py does not know: {reason}"
    return f"skipped, though it could have run here: {reason}" if kinds[0] in can_run.split(",") else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Let a test fail that is skipped and need not be."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if complaint := why_not_to_skip(reason, os.environ.get("FAIL_SKIPS")):
            report.outcome, report.longrepr = "failed", complaint
    return report
