"""Programs that are held against tests: what the wider language computes, and that nothing gets out of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.sandbox import TEST_OUTCOMES, Sandbox, refusal_of
from tests.study.escapes import ESCAPES, TIMEOUT
from tests.study.wide_escapes import TESTS, WIDE_ESCAPES


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


# Programs as MBPP and HumanEval have them, each with its tests.
PROGRAMS = {
    "shared elements": (
        "def similar(a, b):\n    res = tuple(set(a) & set(b))\n    return res",
        "assert set(similar((3, 4, 5, 6), (5, 7, 4, 10))) == set((4, 5))",
    ),
    "primes": (
        "import math\ndef is_not_prime(n):\n    result = False\n"
        "    for i in range(2, int(math.sqrt(n)) + 1):\n"
        "        if n % i == 0:\n            result = True\n    return result",
        "assert is_not_prime(2) == False\nassert is_not_prime(10) == True",
    ),
    "counting": (
        "def count(text):\n    found = {}\n    for letter in text.lower():\n        if letter.isalpha():\n"
        "            found[letter] = found.get(letter, 0) + 1\n"
        "    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))",
        "assert count('Banana b') == [('a', 3), ('b', 2), ('n', 2)]",
    ),
    "a grid": (
        "def cost(grid, m, n):\n    best = [[0 for i in range(n + 1)] for j in range(m + 1)]\n"
        "    best[0][0] = grid[0][0]\n    for i in range(1, m + 1):\n"
        "        best[i][0] = best[i-1][0] + grid[i][0]\n"
        "    for j in range(1, n + 1):\n        best[0][j] = best[0][j-1] + grid[0][j]\n"
        "    for i in range(1, m + 1):\n        for j in range(1, n + 1):\n"
        "            best[i][j] = min(best[i-1][j-1], best[i-1][j], best[i][j-1]) + grid[i][j]\n"
        "    return best[m][n]",
        "assert cost([[1, 2, 3], [4, 8, 2], [1, 5, 3]], 2, 2) == 8",
    ),
    "sorting in place": (
        "def bubble(xs):\n    for i in range(len(xs)):\n        for j in range(len(xs) - 1 - i):\n"
        "            if xs[j] > xs[j+1]:\n                xs[j], xs[j+1] = xs[j+1], xs[j]\n",
        "a = [3, 1, 2]\nb = a\nassert bubble(a) is None\nassert b == [1, 2, 3]",
    ),
    "annotations and defaults": (
        "from typing import List, Optional\ndef close(xs: List[float], by: float = 0.5) -> bool:\n"
        "    '''Text.'''\n    least: Optional[float] = None\n    for i, a in enumerate(xs):\n"
        "        for j, b in enumerate(xs):\n            if i != j and abs(a - b) < by:\n"
        "                return True\n"
        "    return False",
        "def check(candidate):\n    assert candidate([1.0, 2.0, 2.2]) == True\n"
        "    assert candidate([1.0, 2.0], by=2) == True\n    assert not candidate([1.0, 2.0])\n"
        "check(close)",
    ),
    "closures": (
        "def adder(n):\n    def add(x):\n        return x + n\n    return add\n"
        "fs = [adder(i) for i in range(3)]",
        "assert [f(10) for f in fs] == [10, 11, 12]\nassert list(map(lambda x: x*2, (1, 2))) == [2, 4]",
    ),
    "names of a comprehension are its own": (
        "x = [1, 2]\ny = [x for x in x if x > 1]\ndef f(x):\n    return [x for x in [x, x]]",
        "assert x == [1, 2] and y == [2] and f(3) == [3, 3]",
    ),
    "texts": (
        "def title(text):\n    words = text.strip().split()\n"
        "    return ' '.join(w[0].upper() + w[1:] for w in words)[::-1]",
        "assert title(' ab cd ') == 'dC bA'\nassert 'b' in 'abc' and 'x' not in 'abc'\n"
        "assert 'a,b'.replace(',', ';') == 'a;b'",
    ),
    "aliases": (
        "def f(xs, seen):\n    seen += xs\n    xs = xs + [9]\n    return xs",
        "s = [0]\nassert f([1], s) == [1, 9]\nassert s == [0, 1]\n"
        "assert f([2], s) == [2, 9] and s == [0, 1, 2]",
    ),
    "bits and bases": (
        "def f(n):\n    return bin(n)[2:].count('1'), n & (n - 1), n ^ 1, n << 2, n >> 1, ~n",
        "assert f(6) == (2, 4, 7, 24, 3, -7)\n"
        "assert hex(255) == '0xff' and int('ff', 16) == 255 and ord('a') == 97",
    ),
    "types": (
        "def flat(xs):\n    out = []\n    for x in xs:\n        if isinstance(x, (list, tuple)):\n"
        "            out.extend(flat(x))\n"
        "        elif type(x) is int:\n            out.append(x)\n    return out",
        "assert flat([1, [2, (3, [4]), 'x'], True]) == [1, 2, 3, 4]\nassert type([]) == list",
    ),
    "loops with else": (
        "def f(xs):\n    for x in xs:\n        if x < 0:\n            break\n    else:\n"
        "        return 'none'\n    return x",
        "assert f([1]) == 'none'\nassert f([1, -2]) == -2",
    ),
    "zip, any, all, sum": (
        "def f(a, b):\n    return sum(x*y for x, y in zip(a, b)), any(x == y for x, y in zip(a, b)), all(a)",
        "assert f([1, 2], [3, 2]) == (7, True, True)\n"
        "assert max('abc', 'z', key=len) == 'abc' and min([], default=7) == 7",
    ),
    "dicts and sets": (
        "def f():\n    d = dict([('a', 1)])\n    d.update({'b': 2})\n    d['b'] += 5\n"
        "    s = {1, 2}\n    s |= {3}\n    s.discard(1)\n"
        "    return d, s, {v: k for k, v in d.items()}, d.pop('a'), list(d.keys()), s - {2}, s ^ {9}",
        "assert f() == ({'b': 7}, {2, 3}, {1: 'a', 7: 'b'}, 1, ['b'], {3}, {2, 3, 9})",
    ),
    "sorting": (
        "def f(xs):\n    xs.sort(key=lambda x: x[1], reverse=True)\n    return xs",
        "assert f([('a', 1), ('b', 2), ('c', 1)]) == [('b', 2), ('a', 1), ('c', 1)]\n"
        "assert sorted('cab') == ['a', 'b', 'c']",
    ),
    "a fence": ("Here:\n```python\ndef f(x):\n    return x\n```\nDone.", "assert f(1) == 1"),
}


# Those that the wider language ends by its steps as the narrow one does are not waited for twice.
OTHERS = {name: program for name, (outcome, program) in ESCAPES.items() if outcome != TIMEOUT}


@pytest.mark.parametrize(("program", "tests"), PROGRAMS.values(), ids=PROGRAMS)
def test_an_ordinary_program_passes_as_it_does_in_python(sandbox: Sandbox, program: str, tests: str) -> None:
    result = sandbox.check(program, tests)
    assert (result.outcome, result.value, result.detail) == ("passed", None, "")
    assert refusal_of(program, tests) is None
    if "```" not in program:
        exec(f"{program}\n{tests}", {})  # written by this test, not by a model


@pytest.mark.parametrize("wrong", ["def f(x):\n    return 5", "def f(x):\n    if x == 2:\n        return 4"])
def test_a_wrong_program_fails(sandbox: Sandbox, wrong: str) -> None:
    result = sandbox.check(wrong, TESTS)
    assert result.outcome == "failed"
    assert "an assertion does not hold" in result.detail


@pytest.mark.parametrize(("outcome", "program"), WIDE_ESCAPES.values(), ids=WIDE_ESCAPES)
def test_nothing_gets_out(sandbox: Sandbox, tmp_path: Path, outcome: str, program: str) -> None:
    canary = tmp_path / "canary"
    result = sandbox.check(program.replace("CANARY", str(canary)), TESTS)
    assert result.outcome in outcome.split(" or "), result.detail
    assert not canary.exists()
    # The language or the interpreter stopped it, and not the process or the clock.
    assert "worker" not in result.detail
    assert "outside of the sandbox" not in result.detail
    assert "no answer within" not in result.detail
    assert "CPU" not in result.detail
    assert sandbox.check("def f(x):\n    return 2*x", TESTS).outcome == "passed"


@pytest.mark.parametrize("program", OTHERS.values(), ids=OTHERS)
def test_nothing_of_the_other_corpus_gets_out_either(sandbox: Sandbox, tmp_path: Path, program: str) -> None:
    canary = tmp_path / "canary"
    result = sandbox.check(program.replace("CANARY", str(canary)), TESTS)
    assert result.outcome in TEST_OUTCOMES
    assert result.outcome != "passed"
    assert not canary.exists()
    assert "worker" not in result.detail
    assert "outside of the sandbox" not in result.detail
    assert "no answer within" not in result.detail


def test_no_text_passes_and_tests_that_are_none_are_no_fault_of_the_program(sandbox: Sandbox) -> None:
    assert sandbox.check(" \n", TESTS).outcome == "no_program"
    assert sandbox.check("def f(x):\n    return 2*x", "assert f(").outcome == "syntax_error"
    assert sandbox.check("x" * 10_001, TESTS).outcome == "refused"
    assert sandbox.check("x = 1", "#" * 10_001).outcome == "refused"


def test_programs_share_nothing_and_sets_have_one_order() -> None:
    order = "x = list({'a', 'b', 'c', 'd', 'e', 'f', 'g'})"
    found = []
    for _ in range(2):
        with Sandbox() as sandbox:
            found.append(
                [
                    sandbox.check(order, f"assert ''.join(x) < {text!r}").outcome
                    for text in ("b", "c", "d", "e", "f", "g", "h")
                ]
            )
            assert sandbox.check("y = 1", "assert x").outcome == "runtime_error"
    assert found[0] == found[1]


def test_a_row_that_the_language_does_not_have_is_told() -> None:
    assert refusal_of("import re\ndef f(x):\n    return x", TESTS) == (
        "line 1: of imports, 'import math' and 'from typing import ...' alone are allowed"
    )
    assert "SyntaxError" not in str(refusal_of("def f(", TESTS))
    assert refusal_of("def f(x):\n    return x", "with f(1):\n    pass") == "line 1: With is not allowed"


_ITEMS = st.sampled_from(["1", "2", "-3", "2.5", "'a'", "'bc'", "True", "None", "a", "b"])
# Sets of numbers have the same order everywhere, those of texts have not.
_NUMBERS = st.sampled_from(["1", "2", "-3", "2.5", "True"])
_OPERATORS = st.sampled_from(["+", "*", "-", "%", "&", "|", "==", "!=", "<", "in", "and", "not in"])
_FUNCTIONS = st.sampled_from(["len", "sorted", "list", "str", "sum", "max", "bool", "tuple", "int"])
_WIDE = st.recursive(
    _ITEMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
        st.lists(inner, max_size=3).map(lambda parts: f"({''.join(p + ', ' for p in parts)})"),
        st.lists(_NUMBERS, min_size=1, max_size=3).map(lambda parts: f"{{{', '.join(parts)}}}"),
        st.tuples(inner, _OPERATORS, inner).map(
            lambda parts: "({} {} {})".format(*parts)
        ),
        st.tuples(inner, inner).map(lambda parts: "{}[{}]".format(*parts)),
        st.tuples(inner, inner).map(lambda parts: "{}[{}:]".format(*parts)),
        st.tuples(_FUNCTIONS, inner).map(
            lambda parts: "{}({})".format(*parts)
        ),
        inner.map(lambda part: f"[x for x in {part} if x]"),
        st.tuples(inner, inner).map(lambda parts: "{{{}: {}}}".format(*parts)),
        st.tuples(inner, inner).map(lambda parts: "({}).count({})".format(*parts)),
    ),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_WIDE, _WIDE)
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_what_passes_is_what_python_computes(sandbox: Sandbox, first: str, second: str) -> None:
    program = f"a = [1, 2]\nb = 'ab'\na += {first}\ndef f(a):\n    return {second}\nresult = f(a)"
    names: dict[str, Any] = {}
    try:
        exec(program, names)  # written by this test, not by a model
    except Exception:
        assert sandbox.check(program, "assert True").outcome in ("runtime_error", "refused")
        return
    wanted = (
        repr(names["result"])
        if type(names["result"]) is not set
        else f"set({sorted(names['result'], key=repr)})"
    )
    result = sandbox.check(program, f"assert result == {wanted} and type(result) is type({wanted})")
    # What the language lacks is told, and never another value.
    assert result.outcome in ("passed", "refused", "runtime_error"), result.detail
