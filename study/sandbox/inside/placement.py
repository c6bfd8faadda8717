"""The syntax errors that Python finds after parsing: `return`, `break`, `continue`, parameters out of place.

Python itself would find them by compiling the tree, and would then open files to quote the line.
"""

from __future__ import annotations

import ast


class Misplaced(Exception):
    """A statement stands where Python does not allow it; the message says which and where."""


def check_placement(tree: ast.Module) -> None:
    """Check the places of a tree's statements.

    Raises:
        Misplaced: at the first statement that is out of place.
    """
    waiting: list[tuple[ast.AST, bool, bool]] = [(tree, False, False)]
    while waiting:
        node, in_function, in_loop = waiting.pop()
        if isinstance(node, ast.Return) and not in_function:
            raise Misplaced(f"line {node.lineno}: 'return' outside function")
        if isinstance(node, ast.Break | ast.Continue) and not in_loop:
            raise Misplaced(f"line {node.lineno}: '{type(node).__name__.lower()}' outside loop")
        if isinstance(node, ast.FunctionDef):
            _check_parameters(node)
            in_function, in_loop = True, False
        if isinstance(node, ast.For | ast.While):
            # The `else` of a loop is not inside of it.
            waiting.extend((child, in_function, in_loop) for child in node.orelse)
            waiting.extend((child, in_function, True) for child in node.body)
        else:
            waiting.extend((child, in_function, in_loop) for child in ast.iter_child_nodes(node))


def _check_parameters(node: ast.FunctionDef) -> None:
    names = [parameter.arg for parameter in node.args.args]
    if len(set(names)) < len(names):
        raise Misplaced(f"line {node.lineno}: duplicate argument in function definition")
