"""Walks the checked tree of a program, as Python would execute it, and counts steps.

Nothing of the program is compiled to bytecode that runs. Names hold values (see `values.py`) in plain
dictionaries that begin empty, so there is no built-in, module or object of Python to reach.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .language import FUNCTIONS
from .values import ProgramError, call_function, compare, compute, require_number

MAX_STEPS = 100_000
MAX_CALL_DEPTH = 50


class OutOfSteps(Exception):
    """The program did not end within its steps."""


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


class Returned(Exception):
    """A `return` on its way out of the function."""

    def __init__(self, value: Any):
        self.value = value


@dataclass(frozen=True)
class _Function:
    """A function of the program: what `def` stores."""

    name: str
    parameters: tuple[str, ...]
    local_names: frozenset[str]
    body: list[ast.stmt]


class Interpreter:
    """Runs one program; `names` holds the program's own variables and functions.

    Every method may raise ProgramError, OutOfSteps, or what Python's arithmetic raises.
    """

    def __init__(self, steps: int = MAX_STEPS):
        self.names: dict[str, Any] = {}
        self._steps = steps
        # The calls under way: each one's local values, and which names are local to it.
        self._calls: list[tuple[dict[str, Any], frozenset[str]]] = []

    def run(self, tree: ast.Module) -> None:
        """Run the statements of a tree that `language.check_tree` let pass."""
        self._run_block(tree.body)

    def spend(self, steps: int) -> None:
        """Charge steps.

        Raises:
            OutOfSteps: there are not so many left.
        """
        self._steps -= steps
        if self._steps < 0:
            raise OutOfSteps

    # Statements

    def _run_block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.spend(1)
            getattr(self, f"_run_{type(statement).__name__}")(statement)

    def _run_Expr(self, node: ast.Expr) -> None:
        self._value(node.value)

    def _run_Pass(self, node: ast.Pass) -> None:
        pass

    def _run_Assign(self, node: ast.Assign) -> None:
        value = self._value(node.value)
        for target in node.targets:
            self._assign(target, value)

    def _run_AugAssign(self, node: ast.AugAssign) -> None:
        assert isinstance(node.target, ast.Name)
        old = self._load(node.target.id)
        self._store(node.target.id, compute(type(node.op), old, self._value(node.value)))

    def _run_If(self, node: ast.If) -> None:
        self._run_block(node.body if self._value(node.test) else node.orelse)

    def _run_While(self, node: ast.While) -> None:
        while self._value(node.test):
            if not self._run_round(node.body):
                return
        self._run_block(node.orelse)

    def _run_For(self, node: ast.For) -> None:
        items = self._value(node.iter)
        if type(items) not in (tuple, range):
            raise ProgramError(f"a loop needs a list or a range, not {type(items).__name__}")
        for item in items:
            self._assign(node.target, item)
            if not self._run_round(node.body):
                return
        self._run_block(node.orelse)

    def _run_round(self, body: Sequence[ast.stmt]) -> bool:
        """Run a loop's body once and tell whether the loop goes on."""
        try:
            self._run_block(body)
        except _Break:
            return False
        except _Continue:
            pass
        return True

    def _run_Break(self, node: ast.Break) -> None:
        raise _Break

    def _run_Continue(self, node: ast.Continue) -> None:
        raise _Continue

    def _run_FunctionDef(self, node: ast.FunctionDef) -> None:
        parameters = tuple(parameter.arg for parameter in node.args.args)
        local_names = frozenset((*parameters, *_assigned_names(node)))
        self._store(node.name, _Function(node.name, parameters, local_names, node.body))

    def _run_Return(self, node: ast.Return) -> None:
        raise Returned(None if node.value is None else self._value(node.value))

    # Names

    def _assign(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            self._store(target.id, value)
            return
        assert isinstance(target, ast.Tuple | ast.List)
        if type(value) is not tuple or len(value) != len(target.elts):
            raise ProgramError(f"{len(target.elts)} values are needed to assign to as many names")
        for part, item in zip(target.elts, value, strict=True):
            self._assign(part, item)

    def _store(self, name: str, value: Any) -> None:
        # A function's assigned names are local: the language has neither `global` nor `nonlocal`.
        (self._calls[-1][0] if self._calls else self.names)[name] = value

    def _load(self, name: str) -> Any:
        values = self.names
        if self._calls and name in self._calls[-1][1]:
            values = self._calls[-1][0]
        if name not in values:
            raise ProgramError(f"name {name[:40]!r} has no value")
        return values[name]

    # Expressions

    def _value(self, node: ast.expr) -> Any:
        self.spend(1)
        return getattr(self, f"_value_{type(node).__name__}")(node)

    def _values(self, nodes: Sequence[ast.expr]) -> tuple[Any, ...]:
        return tuple([self._value(node) for node in nodes])

    def _value_Constant(self, node: ast.Constant) -> Any:
        return node.value

    def _value_Name(self, node: ast.Name) -> Any:
        return self._load(node.id)

    def _value_BinOp(self, node: ast.BinOp) -> Any:
        return compute(type(node.op), self._value(node.left), self._value(node.right))

    def _value_UnaryOp(self, node: ast.UnaryOp) -> Any:
        value = self._value(node.operand)
        if type(node.op) is ast.Not:
            return not value
        return -require_number(value) if type(node.op) is ast.USub else +require_number(value)

    def _value_BoolOp(self, node: ast.BoolOp) -> Any:
        ends = type(node.op) is ast.Or
        for part in node.values:
            value = self._value(part)
            if bool(value) is ends:
                break
        return value

    def _value_Compare(self, node: ast.Compare) -> bool:
        left = self._value(node.left)
        for kind, part in zip(node.ops, node.comparators, strict=True):
            right = self._value(part)
            if not compare(type(kind), left, right):
                return False
            left = right
        return True

    def _value_IfExp(self, node: ast.IfExp) -> Any:
        return self._value(node.body if self._value(node.test) else node.orelse)

    def _value_Tuple(self, node: ast.Tuple | ast.List) -> tuple[Any, ...]:
        items = self._values(node.elts)
        for item in items:
            if type(item) not in (int, float, bool, str):
                raise ProgramError("a list holds numbers and texts")
        return items

    _value_List = _value_Tuple

    def _value_Subscript(self, node: ast.Subscript) -> Any:
        items, index = self._value(node.value), self._value(node.slice)
        if type(items) not in (tuple, range) or type(index) is not int:
            raise ProgramError("only a list has places, and these are numbered")
        return items[index]

    def _value_Call(self, node: ast.Call) -> Any:
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        # The program's own names hide the language's functions, as in Python.
        own = name in self.names or (self._calls and name in self._calls[-1][1])
        if not own and name in FUNCTIONS:
            return call_function(name, self._values(node.args), self.spend)
        function = self._load(name)
        if not isinstance(function, _Function):
            raise ProgramError(f"{name[:40]!r} is no function")
        return self._call(function, self._values(node.args))

    def _call(self, function: _Function, values: tuple[Any, ...]) -> Any:
        if len(values) != len(function.parameters):
            raise ProgramError(f"{function.name[:40]!r} takes {len(function.parameters)} arguments")
        if len(self._calls) >= MAX_CALL_DEPTH:
            raise ProgramError(f"calls nested deeper than {MAX_CALL_DEPTH}")
        self._calls.append((dict(zip(function.parameters, values, strict=True)), function.local_names))
        try:
            self._run_block(function.body)
        except Returned as returned:
            return returned.value
        finally:
            self._calls.pop()
        return None


def _assigned_names(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
