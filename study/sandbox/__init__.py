"""Running programs that a language model wrote, for the number that they compute or against tests.

    with Sandbox() as sandbox:
        results = sandbox.run_all(["a = 48/2; answer = a+48", "import os"])
        result = sandbox.check("def twice(x): return 2*x", "assert twice(2) == 4")

Comes in: the text of programs, as hostile as can be. Goes out: for each, one of `OUTCOMES`, and a number
where it is "answered"; for one that is held against tests, one of `TEST_OUTCOMES`. `host` says layer by layer
why a hostile program gets nowhere.

May use no other room.
"""

from study.sandbox.host import Sandbox, SandboxUnavailable
from study.sandbox.inside.checking import refusal_of
from study.sandbox.results import OUTCOMES, TEST_OUTCOMES, Result

__all__ = ["OUTCOMES", "TEST_OUTCOMES", "Result", "Sandbox", "SandboxUnavailable", "refusal_of"]
