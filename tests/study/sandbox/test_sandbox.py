"""The sandbox: what programs compute in it, that nothing gets out, and that the host survives its worker."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.sandbox import OUTCOMES, Sandbox, SandboxUnavailable, host
from study.sandbox.inside.limits import REACHED_OUTSIDE
from tests.study.escapes import ESCAPES


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


PROGRAMS = {
    "steps": ("a = 48/2; b = 48+a\nanswer = b", "72"),
    "whole and rest": ("answer = 17//5*10 + 17%5", "32"),
    "power": ("answer = 1000*1.05**2", "1102.5"),
    "floats compare as decimals": ("answer = 0.1*3", "0.3"),
    "a difference of floats": ("answer = 1000000.1-1000000", "0.1"),
    "large integers are exact": ("answer = 2**100", str(2**100)),
    "minus zero": ("answer = -0.0", "0"),
    "percent": ("answer = round(100*20/60, 2)", "33.33"),
    "functions": ("answer = max(3, min([9, 7])) + abs(-2) + sum([1, 2]) + len(range(4)) + int(2.9)", "18"),
    "if": (
        "x = 5\nif x > 3 and not x == 4:\n    answer = 1\nelif x:\n    answer = 2\nelse:\n    answer = 3",
        "1",
    ),
    "if expression": ("answer = 1 if 2 < 1 < 3 else 2", "2"),
    "for": ("answer = 0\nfor i in range(1, 5):\n    answer += i", "10"),
    "for over a list": ("answer = 0\nfor price in [1.5, 2]:\n    answer = answer + price*2", "7"),
    "while": ("n = 0\nwhile True:\n    n += 1\n    if n >= 9:\n        break\nanswer = n", "9"),
    "unpacking": ("hours, minutes = divmod(135, 60)\nanswer = hours*100 + minutes", "215"),
    "places": ("prices = [3, 4, 5]\nanswer = prices[0] * prices[-1]", "15"),
    "a function": ("def solution():\n    '''Text.'''\n    x = 3\n    return x*2\nanswer = solution()", "6"),
    "a recursion": ("def f(n):\n    return 1 if n < 2 else n*f(n-1)\nanswer = f(10)", "3628800"),
    "print does nothing": ("answer = 4\nprint('the answer is', answer)", "4"),
    "a fence": ("Here it is:\n```python\nanswer = 3\n```\nDone.", "3"),
    "a fence without an end": ("```\nanswer = 3", "3"),
    "a comment": ("# two and two\nanswer = 2+2  # four", "4"),
    "names beyond ASCII": ("größe = 3\nanswer = größe", "3"),
    "a built-in's name as a variable": ("sum = 4\nanswer = sum", "4"),
}


@pytest.mark.parametrize(("program", "number"), PROGRAMS.values(), ids=PROGRAMS)
def test_an_ordinary_program_is_answered(sandbox: Sandbox, program: str, number: str) -> None:
    result = sandbox.run(program)
    assert (result.outcome, result.value, result.detail) == ("answered", Decimal(number), "")


@pytest.mark.parametrize(("outcome", "program"), ESCAPES.values(), ids=ESCAPES)
def test_nothing_gets_out(sandbox: Sandbox, tmp_path: Path, outcome: str, program: str) -> None:
    canary = tmp_path / "canary"
    result = sandbox.run(program.replace("CANARY", str(canary)))
    assert result.outcome in outcome.split(" or ")
    assert result.value is None
    assert result.detail
    assert not canary.exists()
    # The language or the interpreter stopped it: the worker lives, and the next program is answered.
    assert "outside of the sandbox" not in result.detail
    assert "worker" not in result.detail
    assert sandbox.run("answer = 7").value == 7


def test_the_corpus_is_large_and_has_every_outcome() -> None:
    assert len(ESCAPES) >= 60
    assert {name for outcome, _ in ESCAPES.values() for name in outcome.split(" or ")} == {
        name for name in OUTCOMES if name != "answered"
    }


def test_programs_share_nothing(sandbox: Sandbox) -> None:
    first, second = sandbox.run_all(["x = 5; answer = x", "answer = x"])
    assert first.value == 5
    assert second.outcome == "runtime_error"


def test_a_function_has_its_own_names(sandbox: Sandbox) -> None:
    assert sandbox.run("x = 1\ndef f():\n    x = 2\n    return x\ny = f()\nanswer = x").value == 1
    # As in Python, where it is an UnboundLocalError.
    assert sandbox.run("x = 1\ndef f():\n    x += 2\n    return x\nanswer = f()").outcome == "runtime_error"


_NUMBERS = st.one_of(st.integers(0, 40), st.sampled_from([0.5, 0.25, 1.1, 3.0, 100, True]))
_LEAVES = st.one_of(_NUMBERS.map(repr), st.sampled_from(["a", "b"]))
_EXPRESSIONS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.tuples(
            inner, st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "<", "==", "and", "or"]), inner
        ).map(lambda parts: "({} {} {})".format(*parts)),
        inner.map(lambda part: f"(-{part})"),
        inner.map(lambda part: f"(not {part})"),
        inner.map(lambda part: f"round({part}, 1)"),
        st.tuples(inner, inner).map(lambda parts: "max({}, {})".format(*parts)),
        st.tuples(inner, inner, inner).map(lambda parts: "({} if {} else {})".format(*parts)),
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_EXPRESSIONS, _EXPRESSIONS, st.integers(0, 4))
def test_an_answer_is_what_python_computes(sandbox: Sandbox, first: str, second: str, rounds: int) -> None:
    program = (
        f"a = 2; b = 3\nfor i in range({rounds}):\n    a = {first}\n    if a > 9:\n        break\n"
        f"def f(a):\n    b = a\n    return {second}\nanswer = f(a)"
    )
    result = sandbox.run(program)
    if result.value is not None:
        names: dict[str, float] = {}
        exec(program, names)  # written by this test, not by a model
        assert float(result.value) == pytest.approx(names["answer"], rel=1e-11, abs=1e-9)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60).map(lambda text: f"answer = {text}"))
def test_any_text_has_an_outcome(sandbox: Sandbox, text: str) -> None:
    result = sandbox.run(text)
    assert result.outcome in OUTCOMES
    assert (result.value is not None) == (result.outcome == "answered")


# The layers below the language, each alone.

_LIMITED = (
    f"import sys; sys.path.insert(0, {str(Path(host.__file__).parent)!r})\n"
    "import ctypes, os, socket, subprocess\n"
    "from inside.limits import end_at_outside_events, give_up_resources\n"
)


def run_limited(code: str) -> int:
    """Run Python code that begins with the worker's imports; return its exit status."""
    return subprocess.run(
        [sys.executable, "-c", _LIMITED + code], stderr=subprocess.DEVNULL, timeout=60
    ).returncode


@pytest.mark.parametrize("act", ["open('/')", "open('/dev/null')", "socket.socket()", "os.pipe()"])
def test_the_limits_leave_no_way_to_open_a_file_or_a_socket(act: str) -> None:
    code = f"give_up_resources()\ntry:\n    {act}\nexcept OSError as error:\n    os._exit(error.errno)"
    assert run_limited(code) == errno.EMFILE


@pytest.mark.skipif(sys.platform != "linux", reason="macOS does not bound the address space")
def test_the_limits_bound_memory() -> None:
    code = "give_up_resources()\ntry:\n    bytearray(2**30)\nexcept MemoryError:\n    os._exit(3)"
    assert run_limited(code) == 3


def test_the_limits_end_a_worker_that_computes_without_end() -> None:
    code = "from inside import limits\nlimits.CPU_SECONDS = 1\nlimits.renew_cpu_limit()\nwhile True: pass"
    assert run_limited(code) == -signal.SIGXCPU


@pytest.mark.parametrize(
    "act",
    ["open('/dev/null')", "import this", "socket.socket()", "os.remove('CANARY')", "os.system('true')"]
    + ["exec('1')", "subprocess.run(['true'])", "os.mkdir('CANARY')", "ctypes.string_at(0)"],
)
def test_the_audit_hook_ends_a_process_that_reaches_outside(act: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    code = f"end_at_outside_events()\n{act.replace('CANARY', str(canary))}"
    assert run_limited(code) == REACHED_OUTSIDE
    assert not canary.exists()


# The host, with workers that misbehave.

_HELLO = "import os, sys, time, signal, resource; fd = int(sys.argv[1]); os.write(fd, bytes(4)); "


def use_worker(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(host, "_worker_command", lambda fd: [sys.executable, "-c", code, str(fd)])


@pytest.mark.parametrize(
    ("code", "outcome", "detail"),
    [
        ("os.read(fd, 9); time.sleep(60)", "timeout", "no answer"),
        ("os.read(fd, 9); os.write(fd, bytes(3)); time.sleep(60)", "timeout", "no answer"),
        ("os.read(fd, 9); os.kill(os.getpid(), 9)", "runtime_error", "exit status -9"),
        ("os.read(fd, 9); os.kill(os.getpid(), signal.SIGXCPU)", "timeout", "CPU"),
        ("os.read(fd, 9); sys.exit(70)", "refused", "outside"),
        ("os.read(fd, 9); os.write(fd, b'x' * 9999); time.sleep(60)", "runtime_error", "garbled"),
        ("os.read(fd, 9); os.write(fd, b'\\0\\0\\0\\1x'); time.sleep(60)", "runtime_error", "garbled"),
        ("os.read(fd, 9); os.write(fd, b'\\0\\0\\0\\x0banswered\\0x\\0')", "runtime_error", "garbled"),
        ("os.close(fd)", "runtime_error", "worker"),
        ("sys.exit(1)", "runtime_error", "worker"),
    ],
)  # fmt: skip
def test_the_host_survives_its_worker(
    monkeypatch: pytest.MonkeyPatch, code: str, outcome: str, detail: str
) -> None:
    with Sandbox(wall_seconds=0.5) as sandbox:
        with monkeypatch.context() as patch:
            use_worker(patch, _HELLO + code)
            result = sandbox.run("answer = 1")
        assert (result.outcome, result.value) == (outcome, None)
        assert detail in result.detail
        # A new worker serves the next program.
        assert Sandbox.run(sandbox, "answer = 2").value == 2


@pytest.mark.parametrize(
    "code", ["raise SystemExit(3)", "import os, sys; os.write(int(sys.argv[1]), b'hello')"]
)
def test_a_worker_that_does_not_start_is_an_error(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    use_worker(monkeypatch, code)
    with Sandbox() as sandbox, pytest.raises(SandboxUnavailable, match="did not start"):
        sandbox.run("answer = 1")


def test_a_worker_killed_between_programs_costs_no_program_its_answer() -> None:
    with Sandbox() as sandbox:
        assert sandbox.run("answer = 1").value == 1
        assert sandbox._worker is not None
        sandbox._worker._process.kill()
        sandbox._worker._process.wait()
        assert sandbox.run("answer = 2").value == 2


def interrupt(worker: object) -> bytes:
    raise KeyboardInterrupt


def test_an_interrupted_program_leaves_no_answer_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox() as sandbox:
        sandbox.run("answer = 1")
        with monkeypatch.context() as patch:
            patch.setattr(host._Worker, "_receive", interrupt)
            with pytest.raises(KeyboardInterrupt):
                sandbox.run("answer = 2")
        assert sandbox.run("answer = 3").value == 3


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts descriptors in /proc")
def test_restarts_leak_no_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    use_worker(monkeypatch, _HELLO + "sys.exit(1)")
    before = len(os.listdir("/proc/self/fd"))
    with Sandbox() as sandbox:
        for _ in range(3):
            sandbox.run("answer = 1")
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_worker_gets_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    use_worker(monkeypatch, _HELLO + "os.read(fd, 9); os._exit(5 if 'SECRET_TOKEN' in os.environ else 6)")
    with Sandbox() as sandbox:
        assert "exit status 6" in sandbox.run("answer = 1").detail
