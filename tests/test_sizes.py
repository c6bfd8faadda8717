"""No module is longer, no function longer or wider than a reader can hold."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("study", "analysis", "search_spaces", "tasks", "benchmarks", "tests")
MODULE_LINES, FUNCTION_LINES, PARAMETERS = 300, 50, 7


def too_large(name: str, source: str) -> Iterator[str]:
    """Say of a module what of it is over a limit."""
    if (lines := len(source.splitlines())) > MODULE_LINES:
        yield f"{name}: {lines} lines, at most {MODULE_LINES}"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            if (lines := node.end_lineno - node.lineno + 1) > FUNCTION_LINES:
                yield f"{name}: {node.name}: {lines} lines, at most {FUNCTION_LINES}"
            if (count := len(parameters(node))) > PARAMETERS:
                yield f"{name}: {node.name}: {count} parameters, at most {PARAMETERS}"


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The named parameters of a function, the object that a method is of left out."""
    taken = function.args
    named = [*taken.posonlyargs, *taken.args, *taken.kwonlyargs]
    return [one.arg for one in named if one.arg not in ("self", "cls")]


def test_modules_and_functions_keep_to_their_limits() -> None:
    found = [
        line
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for line in too_large(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1\n" * 300, []),
        ("x = 1\n" * 301, ["a.py: 301 lines, at most 300"]),
        ("def f():\n" + "    x = 1\n" * 49, []),
        ("class A:\n    async def f():\n" + "        x = 1\n" * 50, ["a.py: f: 51 lines, at most 50"]),
        ("def f(self, a, b, /, c, d, *e, f, g, h, **i): pass", []),
        ("def f(a, b, /, c, d, *, e, f, g, h): pass", ["a.py: f: 8 parameters, at most 7"]),
    ],
)
def test_what_is_too_large_would_be_found(source: str, said: list[str]) -> None:
    assert [*too_large("a.py", source)] == said
