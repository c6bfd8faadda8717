"""What pyproject.toml asks for: what was tested, no release that may break it, and all that is imported."""

import ast
import functools
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OWN = ("analysis", "benchmarks", "search_spaces", "study", "tasks", "tests")
NEEDED = [Requirement(text) for text in PROJECT["dependencies"]]
EXTRAS = {name: list(map(Requirement, texts)) for name, texts in PROJECT["optional-dependencies"].items()}
ALL = {str(need): need for need in [*NEEDED, *(need for extra in EXTRAS.values() for need in extra)]}
PINNED = {
    canonicalize_name(name): Version(version)
    for name, version in re.findall(r"^(\S+)==(\S+)$", (ROOT / "constraints.txt").read_text("utf-8"), re.M)
}
# Of which private or fast-moving parts are used.
FAST_MOVING = ("ray", "transformers", "peft", "optuna")


@pytest.mark.parametrize("need", ALL.values(), ids=str)
def test_what_is_asked_for_was_tested_and_nothing_older(need: Requirement) -> None:
    pinned = PINNED[canonicalize_name(need.name)]
    (lowest,) = (Version(part.version) for part in need.specifier if part.operator == ">=")
    assert need.specifier.contains(pinned)
    assert lowest <= pinned
    assert lowest.release[:2] == pinned.release[:2]


@pytest.mark.parametrize("name", FAST_MOVING)
def test_a_release_that_may_break_it_is_not_asked_for(name: str) -> None:
    (need,) = (need for need in NEEDED if need.name == name)
    assert not need.specifier.contains(f"{PINNED[name].major + 1}.0")
    assert any(part.operator == "<" for part in need.specifier)


homes = functools.cache(packages_distributions)


def imported(package: str) -> set[str]:
    """The packages of others that a package of this project imports."""
    files = list((ROOT / package).rglob("*.py"))
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_bytes()))]
    own = {path.stem for path in files}  # what a sandbox's process finds beside it
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {*OWN, *own}


@pytest.mark.parametrize("package", OWN)
def test_what_is_imported_is_asked_for(package: str) -> None:
    extras = [need for name, extra in EXTRAS.items() for need in extra if name != "dev" or package == "tests"]
    asked = {canonicalize_name(need.name) for need in [*NEEDED, *extras]}
    for name in imported(package):
        distributions = {canonicalize_name(home) for home in homes().get(name, [name.replace("_", "-")])}
        assert distributions & asked, name
