"""Text is UTF-8 by name wherever it is read or written: what a machine's locale says never counts."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("study", "analysis", "search_spaces", "tasks", "benchmarks")
# What starts a program, and reads its output as text where it is told to.
PROGRAMS = ("run", "Popen", "check_output", "check_call")


def locale_calls(source: str) -> Iterator[ast.Call]:
    """Yield the calls that leave the encoding of a text to the locale."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _reads_text(node):
            yield node


def _reads_text(call: ast.Call) -> bool:
    if {"encoding", None} & {word.arg for word in call.keywords}:
        return False
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("read_text", "write_text"):
        return len(call.args) <= (name == "write_text")
    if name == "open":
        return _opens_text(call)
    return name in PROGRAMS and any(word.arg in ("text", "universal_newlines") for word in call.keywords)


def _opens_text(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Attribute) and ast.unparse(call.func) == "os.open":
        return False
    place = 0 if isinstance(call.func, ast.Attribute) else 1
    modes = [*call.args[place : place + 1], *(word.value for word in call.keywords if word.arg == "mode")]
    return not modes or (isinstance(modes[0], ast.Constant) and "b" not in str(modes[0].value))


def test_no_text_file_is_left_to_the_locale() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}: {ast.unparse(call)[:60]}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for call in locale_calls(path.read_text(encoding="utf-8"))
    ]
    assert not found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("open('a')", 1),
        ("open('a', 'w')", 1),
        ("open('a', mode='r')", 1),
        ("path.open()", 1),
        ("path.open('ab')", 0),
        ("path.read_text()", 1),
        ("path.write_text('x')", 1),
        ("path.write_text('x', 'utf-8')", 0),
        ("path.read_text(encoding='utf-8')", 0),
        ("subprocess.run(['a'], text=True)", 1),
        ("subprocess.run(['a'])", 0),
        ("os.open('a', os.O_RDONLY)", 0),
    ],
)
def test_such_a_call_would_be_found(code: str, found: int) -> None:
    assert len(list(locale_calls(code))) == found
