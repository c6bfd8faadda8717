"""The wider language, in which programs are held against tests: what it has beside that of `language.py`.

It has lists, tuples, dicts and sets that programs change, texts, slices, comprehensions, `lambda`, functions
within functions, default values, `assert`, the functions of `wide_functions.py`, the methods of `methods.py`,
and `math`. Attributes are methods that are called, or those of `math`; annotations are read over. No classes,
no `try`, `raise`, `with`, `yield`, `global`, `del`, `*` in calls, f-strings or other imports.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .language import ALLOWED_NODES, MAX_DEPTH, Refused, check_constant, check_name, refusal, walk
from .methods import MATH, METHOD_NAMES
from .wide_functions import FUNCTION_NAMES

_NODES = ALLOWED_NODES | frozenset(
    (
        *(
            ast.Assert,
            ast.AnnAssign,
            ast.Import,
            ast.ImportFrom,
            ast.alias,
            ast.keyword,
            ast.Attribute,
            ast.Lambda,
        ),
        *(
            ast.Dict,
            ast.Set,
            ast.Slice,
            ast.ListComp,
            ast.SetComp,
            ast.DictComp,
            ast.GeneratorExp,
            ast.comprehension,
        ),
        *(ast.In, ast.NotIn, ast.Is, ast.IsNot),
        *(ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift, ast.Invert),
    )
)


def check_wide_tree(tree: ast.Module, known: frozenset[str] = frozenset()) -> frozenset[str]:
    """Hold a whole program against the wider allow-list and return the names that it gives values.

    Args:
        tree: the program, or the tests that follow one.
        known: names that have a value before it runs.

    Raises:
        Refused: at the first construct that is not allowed.
    """
    named = frozenset(_bound_names(tree))
    callable_names = FUNCTION_NAMES | named | known
    methods: set[ast.AST] = set()  # attributes that are called; a parent comes before its parts
    for node, depth in walk(tree):
        if depth > MAX_DEPTH:
            raise Refused(f"nested deeper than {MAX_DEPTH}")
        if type(node) not in _NODES:
            raise refusal(node, f"{type(node).__name__} is not allowed")
        if isinstance(node, ast.Call):
            _check_call(node, callable_names)
            methods.add(node.func)
        elif isinstance(node, ast.Attribute):
            _check_attribute(node, is_called=node in methods)
        else:
            _check_part(node)
    return named


def own_names(body: list[ast.stmt] | list[ast.expr]) -> Iterator[str]:
    """Yield the names that get values here, but for those within functions and comprehensions."""
    waiting: list[ast.AST] = [*body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            waiting.extend(ast.iter_child_nodes(node))


def _bound_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _check_call(node: ast.Call, callable_names: frozenset[str]) -> None:
    if isinstance(node.func, ast.Name):
        if node.func.id not in callable_names:
            raise refusal(node, f"a call of {node.func.id[:40]!r} is not allowed")
    elif not isinstance(node.func, ast.Attribute):
        raise refusal(node, "only a function's name or a method can be called")
    if any(keyword.arg is None for keyword in node.keywords):
        raise refusal(node, "** in a call is not allowed")


def _check_attribute(node: ast.Attribute, *, is_called: bool) -> None:
    if isinstance(node.value, ast.Name) and node.value.id == "math":
        if node.attr not in MATH:
            raise refusal(node, f"math.{node.attr[:40]} is not allowed")
    elif not is_called:
        raise refusal(node, "an attribute that is no call of a method is not allowed")
    elif node.attr not in METHOD_NAMES:
        raise refusal(node, f"a method {node.attr[:40]!r} is not allowed")


def _check_part(node: ast.AST) -> None:
    if isinstance(node, ast.Name):
        check_name(node, node.id)
    elif isinstance(node, ast.arg):
        check_name(node, node.arg)
    elif isinstance(node, ast.Constant):
        if node.value is not None:
            check_constant(node)
    elif isinstance(node, ast.FunctionDef | ast.Lambda):
        _check_function(node)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            _check_target(target)
    elif isinstance(node, ast.AugAssign | ast.For | ast.comprehension):
        _check_target(node.target)
    elif isinstance(node, ast.AnnAssign) and not isinstance(node.target, ast.Name):
        raise refusal(node, "only a plain name can be annotated")
    elif isinstance(node, ast.Import | ast.ImportFrom):
        _check_import(node)
    elif isinstance(node, ast.Dict) and None in node.keys:
        raise refusal(node, "** in a dict is not allowed")


def _check_function(node: ast.FunctionDef | ast.Lambda) -> None:
    given = node.args
    if given.posonlyargs or given.kwonlyargs or given.vararg or given.kwarg:
        raise refusal(node, "a function has plain parameters, with or without default values")
    if isinstance(node, ast.FunctionDef):
        check_name(node, node.name)
        if node.decorator_list:
            raise refusal(node, "a decorator is not allowed")


def _check_target(target: ast.expr) -> None:
    if isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            _check_target(part)
    elif isinstance(target, ast.Subscript):
        if isinstance(target.slice, ast.Slice):
            raise refusal(target, "a slice can't be assigned to")
    elif not isinstance(target, ast.Name):
        raise refusal(target, "only names and places in lists and dicts can be assigned to")


def _check_import(node: ast.Import | ast.ImportFrom) -> None:
    """`import math` and `from typing import ...`; neither imports anything."""
    if isinstance(node, ast.Import):
        fits = [(alias.name, alias.asname) for alias in node.names] == [("math", None)]
    else:
        fits = node.module == "typing" and node.level == 0
    if not fits:
        raise refusal(node, "of imports, 'import math' and 'from typing import ...' alone are allowed")
