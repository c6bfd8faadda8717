"""Walks the checked tree of a program in the wider language; see `interpreter.py`, whose statements it has.

Names are looked up as Python does: in the function or comprehension, in those around it, in the program,
among the language's functions.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .interpreter import Interpreter, Returned
from .methods import MATH, call_math, call_method
from .scopes import Frame, Function, bind
from .values import ProgramError, require_number
from .wide_functions import FUNCTION_NAMES, call_builtin, sort_by
from .wide_language import own_names
from .wide_values import Builtin, combine, compare, get_item, get_slice, items_of, iterable, measure, set_item

MAX_WIDE_STEPS = 300_000
MAX_WIDE_CALL_DEPTH = 200


class Failed(Exception):
    """An assertion does not hold; the message says on which line."""


class WideInterpreter(Interpreter):
    """Runs programs; `names` holds their variables and functions."""

    def __init__(self, steps: int = MAX_WIDE_STEPS):
        super().__init__(steps)
        self._frame: Frame | None = None
        self._depth = 0

    # Statements

    def _run_Assert(self, node: ast.Assert) -> None:
        if not self._value(node.test):
            raise Failed(f"line {node.lineno}: an assertion does not hold")

    def _run_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._assign(node.target, self._value(node.value))

    def _run_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        """Nothing: what the check lets pass is there already."""

    _run_ImportFrom = _run_Import

    def _run_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Subscript):
            items, index = self._value(node.target.value), self._value(node.target.slice)
            old = get_item(items, index, self.spend)
            set_item(items, index, self._changed(node, old), self.spend)
        else:
            assert isinstance(node.target, ast.Name)
            self._store(node.target.id, self._changed(node, self._load(node.target.id)))

    def _changed(self, node: ast.AugAssign, old: Any) -> Any:
        value, kind = self._value(node.value), type(node.op)
        if type(old) is list and kind is ast.Add:  # which is changed itself, wherever it stands
            old.extend(items_of(value, self.spend))
            return old
        if type(old) is set and type(value) is set:
            changed = combine(kind, old, value, self.spend)
            old.clear()
            old.update(changed)
            return old
        return combine(kind, old, value, self.spend)

    def _run_For(self, node: ast.For) -> None:
        for item in iterable(self._value(node.iter)):
            self.spend(1)
            self._assign(node.target, item)
            if not self._run_round(node.body):
                return
        self._run_block(node.orelse)

    def _run_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._store(node.name, Function(node.name, node, self._values(node.args.defaults), self._frame))

    # Names

    def _assign(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            self._store(target.id, value)
        elif isinstance(target, ast.Subscript):
            set_item(self._value(target.value), self._value(target.slice), value, self.spend)
        else:
            assert isinstance(target, ast.Tuple | ast.List)
            items = items_of(value, self.spend)
            if len(items) != len(target.elts):
                raise ProgramError(f"{len(target.elts)} values are needed to assign to as many names")
            for part, item in zip(target.elts, items, strict=True):
                self._assign(part, item)

    def _store(self, name: str, value: Any) -> None:
        (self.names if self._frame is None else self._frame.values)[name] = value

    def _load(self, name: str) -> Any:
        frame = self._frame
        while frame is not None:
            if name in frame.local_names:
                if name not in frame.values:
                    raise ProgramError(f"name {name[:40]!r} has no value")
                return frame.values[name]
            frame = frame.outer
        if name in self.names:
            return self.names[name]
        if name in FUNCTION_NAMES:
            return Builtin(name)
        raise ProgramError(f"name {name[:40]!r} has no value")

    # Expressions

    def _value_BinOp(self, node: ast.BinOp) -> Any:
        return combine(type(node.op), self._value(node.left), self._value(node.right), self.spend)

    def _value_UnaryOp(self, node: ast.UnaryOp) -> Any:
        if type(node.op) is not ast.Invert:
            return super()._value_UnaryOp(node)
        return ~require_number(self._value(node.operand))

    def _value_Compare(self, node: ast.Compare) -> bool:
        left = self._value(node.left)
        for kind, part in zip(node.ops, node.comparators, strict=True):
            right = self._value(part)
            if not compare(type(kind), left, right, self.spend):
                return False
            left = right
        return True

    def _value_Tuple(self, node: ast.Tuple | ast.List) -> Any:
        return self._values(node.elts)

    def _value_List(self, node: ast.Tuple | ast.List) -> Any:
        return list(self._values(node.elts))

    def _value_Set(self, node: ast.Set) -> Any:
        items = self._values(node.elts)
        measure(items, self.spend)
        return set(items)

    def _value_Dict(self, node: ast.Dict) -> Any:
        made: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            assert key is not None
            set_item(made, self._value(key), self._value(value), self.spend)
        return made

    def _value_Subscript(self, node: ast.Subscript) -> Any:
        items = self._value(node.value)
        if not isinstance(node.slice, ast.Slice):
            return get_item(items, self._value(node.slice), self.spend)
        places = (node.slice.lower, node.slice.upper, node.slice.step)
        return get_slice(items, slice(*(place and self._value(place) for place in places)), self.spend)

    def _value_Attribute(self, node: ast.Attribute) -> Any:
        if callable(MATH[node.attr]) or MATH[node.attr] is None:
            raise ProgramError(f"math.{node.attr} is a function")
        return MATH[node.attr]

    def _value_Lambda(self, node: ast.Lambda) -> Function:
        return Function("lambda", node, self._values(node.args.defaults), self._frame)

    # Comprehensions

    def _value_ListComp(self, node: ast.ListComp | ast.GeneratorExp) -> list[Any]:
        return [self._value(node.elt) for _ in self._rounds(node.generators)]

    _value_GeneratorExp = _value_ListComp

    def _value_SetComp(self, node: ast.SetComp) -> set[Any]:
        items = [self._value(node.elt) for _ in self._rounds(node.generators)]
        measure(items, self.spend)
        return set(items)

    def _value_DictComp(self, node: ast.DictComp) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for _ in self._rounds(node.generators):
            set_item(made, self._value(node.key), self._value(node.value), self.spend)
        return made

    def _rounds(self, generators: Sequence[ast.comprehension]) -> Iterator[None]:
        """Run the loops of a comprehension in names of its own; the first finds its items outside of them."""
        first = items_of(self._value(generators[0].iter), self.spend)
        outer = self._frame
        targets: list[ast.expr] = [generator.target for generator in generators]
        self._frame = Frame({}, frozenset(own_names(targets)), outer)
        try:
            yield from self._inner_rounds(generators, first)
        finally:
            self._frame = outer

    def _inner_rounds(self, generators: Sequence[ast.comprehension], items: Sequence[Any]) -> Iterator[None]:
        for item in items:
            self._assign(generators[0].target, item)
            if not self._all_hold(generators[0].ifs):
                continue
            if len(generators) == 1:
                yield
            else:
                inner = items_of(self._value(generators[1].iter), self.spend)
                yield from self._inner_rounds(generators[1:], inner)

    def _all_hold(self, tests: Sequence[ast.expr]) -> bool:
        # No generator: what it would end in is not what a test raises.
        for test in tests:  # noqa: SIM110
            if not self._value(test):
                return False
        return True

    # Calls

    def _value_Call(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Attribute):
            return self._call_attribute(node, node.func)
        function = self._value(node.func)
        return self.call_value(function, self._values(node.args), self._keywords(node))

    def _keywords(self, node: ast.Call) -> dict[str, Any]:
        return {str(keyword.arg): self._value(keyword.value) for keyword in node.keywords}

    def _call_attribute(self, node: ast.Call, attribute: ast.Attribute) -> Any:
        if isinstance(attribute.value, ast.Name) and attribute.value.id == "math":
            if node.keywords:
                raise ProgramError(f"math.{attribute.attr} takes no keywords here")
            return call_math(attribute.attr, self._values(node.args))
        value, arguments, keywords = (
            self._value(attribute.value),
            self._values(node.args),
            self._keywords(node),
        )
        if (
            type(value) is list
            and attribute.attr == "sort"
            and not arguments
            and {*keywords} <= {"key", "reverse"}
        ):
            value[:] = sort_by(self, value, **keywords)
            return None
        if keywords:
            raise ProgramError(f"{attribute.attr}() takes no keywords here")
        return call_method(value, attribute.attr, arguments, self.spend)

    def call_value(self, function: Any, values: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
        """Call a function of the program or of the language.

        Raises:
            ProgramError: it is no function, or takes other values.
        """
        if isinstance(function, Builtin):
            return call_builtin(self, function.name, values, keywords)
        if not isinstance(function, Function):
            raise ProgramError(f"{type(function).__name__} is no function")
        self.spend(1 + len(values))
        if self._depth >= MAX_WIDE_CALL_DEPTH:
            raise ProgramError(f"calls nested deeper than {MAX_WIDE_CALL_DEPTH}")
        outer, self._depth = self._frame, self._depth + 1
        self._frame = Frame(bind(function, values, keywords), function.local_names, function.outer)
        try:
            return self._body_value(function)
        finally:
            self._frame, self._depth = outer, self._depth - 1

    def _body_value(self, function: Function) -> Any:
        if not isinstance(function.body, list):
            return self._value(function.body)
        try:
            self._run_block(function.body)
        except Returned as returned:
            return returned.value
        return None
