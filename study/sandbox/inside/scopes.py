"""Functions of a program in the wider language, and the names that each call of them has."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from .values import ProgramError
from .wide_language import own_names


class Frame:
    """The names of a call or a comprehension, and those around it."""

    __slots__ = ("local_names", "outer", "values")

    def __init__(self, values: dict[str, Any], local_names: frozenset[str], outer: Frame | None):
        self.values, self.local_names, self.outer = values, local_names, outer


class Function:
    """A function of the program: what `def` stores, and what `lambda` gives."""

    __slots__ = ("body", "defaults", "local_names", "name", "outer", "parameters")

    def __init__(
        self, name: str, node: ast.FunctionDef | ast.Lambda, defaults: Sequence[Any], outer: Frame | None
    ):
        self.name, self.body, self.outer = name, node.body, outer
        self.parameters = [parameter.arg for parameter in node.args.args]
        self.defaults = dict(zip(reversed(self.parameters), reversed(defaults), strict=False))
        statements = node.body if isinstance(node, ast.FunctionDef) else []
        self.local_names = frozenset((*self.parameters, *own_names(statements)))


def bind(function: Function, values: Sequence[Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a call's parameters.

    Raises:
        ProgramError: too many, too few, or others.
    """
    given = dict(zip(function.parameters, values, strict=False))
    fits = len(values) <= len(function.parameters) and not given.keys() & keywords.keys()
    bound = {**function.defaults, **given, **keywords}
    if not fits or bound.keys() != {*function.parameters}:
        raise ProgramError(f"{function.name[:40]!r} does not take these arguments")
    return bound
