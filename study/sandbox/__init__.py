"""Running programs that a language model wrote, to read the number that they compute.

    with Sandbox() as sandbox:
        results = sandbox.run_all(["a = 48/2; answer = a+48", "import os"])

Every program ends as one of `OUTCOMES`; only "answered" has a value. Why a hostile program gets nowhere,
layer by layer, the outermost defence last:

1. The language (`inside/language.py`). A program is parsed and its tree is held against an allow-list:
   arithmetic, assignments to plain names, if, for, while, plain functions, calls of twelve named functions.
   Attributes, imports, keyword arguments, comprehensions, f-strings and names that begin with an underscore
   are refused before anything runs.
2. The interpreter (`inside/interpreter.py`). What passed is walked, not executed: no bytecode of the program
   ever runs and no `exec` is called. A construct that the interpreter has no method for can't happen, and a
   value is a number, a text, or a flat list of these. Steps are counted and the size of numbers is bounded,
   so a bomb ends in the same way on every machine.
3. The process (`inside/limits.py`). The interpreter runs in a process of its own: isolated Python, its own
   session, nothing of the environment but the library path, no output, limits on memory, CPU seconds, files
   and processes, no new file descriptor (so no file and no socket), and an audit hook that ends the process
   at whatever reaches outside.
4. The host (`host.py`) parses nothing that the program wrote but a short answer of a fixed form, waits for a
   bounded time, and replaces a worker that is late, dead or talks nonsense.

What is not claimed: protection against a fault in CPython's parser that lets text take over the process; the
third layer then narrows what is left, and is itself no virtual machine. Limits that a system does not have
(address space and processes on macOS, processes for root) are skipped; the first two layers do not need them.

May use no other room.
"""

from study.sandbox.host import OUTCOMES, Result, Sandbox, SandboxUnavailable

__all__ = ["OUTCOMES", "Result", "Sandbox", "SandboxUnavailable"]
