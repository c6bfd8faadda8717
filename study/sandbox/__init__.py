"""Running programs that a language model wrote, to read the number that they compute.

    with Sandbox() as sandbox:
        results = sandbox.run_all(["a = 48/2; answer = a+48", "import os"])

Comes in: the text of programs, as hostile as can be. Goes out: for each, one of `OUTCOMES`, and a number
where it is "answered". `host` says layer by layer why a hostile program gets nowhere.

May use no other room.
"""

from study.sandbox.host import OUTCOMES, Result, Sandbox, SandboxUnavailable

__all__ = ["OUTCOMES", "Result", "Sandbox", "SandboxUnavailable"]
