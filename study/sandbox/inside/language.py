"""The language of the sandbox: which syntax trees are programs, and which are refused.

The list names what is allowed; whatever Python has or will have besides is refused by not being named.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

MAX_NUMBER_BITS = 1024
MAX_DEPTH = 200

FUNCTIONS = frozenset(
    ("abs", "divmod", "float", "int", "len", "max", "min", "pow", "print", "range", "round", "sum")
)

_STATEMENTS = (
    (ast.Assign, ast.AugAssign, ast.Expr, ast.Pass)
    + (ast.If, ast.For, ast.While, ast.Break, ast.Continue)
    + (ast.FunctionDef, ast.Return)
)  # fmt: skip
_EXPRESSIONS = (
    (ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.UnaryOp)
    + (ast.Call, ast.Constant, ast.List, ast.Name, ast.Subscript, ast.Tuple)
)  # fmt: skip
_OPERATORS = (
    (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
    + (ast.UAdd, ast.USub, ast.Not, ast.And, ast.Or)
    + (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
)  # fmt: skip
_PARTS = (ast.Module, ast.arguments, ast.arg, ast.Load, ast.Store)

# Exact types: a subclass is another construct.
ALLOWED_NODES = frozenset(_STATEMENTS + _EXPRESSIONS + _OPERATORS + _PARTS)


class Refused(Exception):
    """The program uses what is not in the language; the message says what, and on which line."""


def check_tree(tree: ast.Module) -> None:
    """Hold a whole program against the allow-list.

    Raises:
        Refused: at the first construct that is not allowed.
    """
    callable_names = FUNCTIONS | {node.name for node in tree.body if type(node) is ast.FunctionDef}
    for node, depth in walk(tree):
        if depth > MAX_DEPTH:
            raise Refused(f"nested deeper than {MAX_DEPTH}")
        if type(node) not in ALLOWED_NODES:
            raise refusal(node, f"{type(node).__name__} is not allowed")
        _check_node(node, callable_names, top_level=depth == 1)


def walk(tree: ast.AST) -> Iterator[tuple[ast.AST, int]]:
    """Yield every node and its depth, without recursion: the tree's depth is the program's choice."""
    waiting: list[tuple[ast.AST, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting.extend((child, depth + 1) for child in ast.iter_child_nodes(node))


def _check_node(node: ast.AST, callable_names: frozenset[str], *, top_level: bool) -> None:
    if isinstance(node, ast.Name):
        check_name(node, node.id)
    elif isinstance(node, ast.arg):
        check_name(node, node.arg)
        if node.annotation:
            raise refusal(node, "an annotation is not allowed")
    elif isinstance(node, ast.Constant):
        check_constant(node)
    elif isinstance(node, ast.Call):
        _check_call(node, callable_names)
    elif isinstance(node, ast.FunctionDef):
        _check_function(node, top_level=top_level)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            _check_target(target)
    elif isinstance(node, ast.AugAssign | ast.For):
        _check_target(node.target)


def check_name(node: ast.AST, name: str) -> None:
    """Refuse a name that begins with an underscore."""
    # The parser has normalised it (NFKC), so a look-alike of an underscore is an underscore here.
    if name.startswith("_"):
        raise refusal(node, "a name that begins with an underscore is not allowed")


def check_constant(node: ast.Constant) -> None:
    """Refuse a constant that is no number of bounded size, no text, True or False."""
    # bool is no subclass that matters here: the exact types are named.
    if type(node.value) not in (int, float, bool, str):
        raise refusal(node, f"a constant of type {type(node.value).__name__} is not allowed")
    if type(node.value) is int and node.value.bit_length() > MAX_NUMBER_BITS:
        raise refusal(node, f"a number of more than {MAX_NUMBER_BITS} bits is not allowed")


def _check_call(node: ast.Call, callable_names: frozenset[str]) -> None:
    if not isinstance(node.func, ast.Name):
        raise refusal(node, "only a function's plain name can be called")
    if node.func.id not in callable_names:
        raise refusal(node, f"a call of {node.func.id[:40]!r} is not allowed")
    if node.keywords:
        raise refusal(node, "keyword arguments are not allowed")


def _check_function(node: ast.FunctionDef, *, top_level: bool) -> None:
    check_name(node, node.name)
    given = node.args
    extras = (given.posonlyargs, given.kwonlyargs, given.defaults, given.vararg, given.kwarg)
    if any(extras) or node.decorator_list or node.returns:
        raise refusal(node, "a function has plain parameters and nothing else")
    if not top_level:
        raise refusal(node, "a function inside of another block is not allowed")


def _check_target(target: ast.expr) -> None:
    parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    if not all(isinstance(part, ast.Name) for part in parts):
        raise refusal(target, "only plain names can be assigned to")


def refusal(node: ast.AST, what: str) -> Refused:
    """Return the refusal of a node, which says on which line it stands."""
    return Refused(f"line {getattr(node, 'lineno', '?')}: {what}")
