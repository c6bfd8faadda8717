"""Who may import whom: rooms use the rooms that they name, none an entry point, and none the study."""

import ast
import os
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "analysis"
ROOMS = {path.parent.name: path for path in sorted(ROOT.glob("*/__init__.py"))}
# At the top of `analysis`: what any room may use, and what users and the study call, which no room may.
FOR_ALL = {"cells", "command_line", "counts", "errors", "output", "printable", "units"}
ENTRY_POINTS = {"looks", "plots", "query", "report", "searches", "tables", "verdict"}


def neighbours(place: Path) -> set[str]:
    """What the files at `place` import of `analysis`: rooms, and modules at its top."""
    found: set[str] = set()
    for path in place.rglob("*.py") if place.is_dir() else [place]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name.split(".")[1] for name in found if name.startswith("analysis.")} - {place.stem}


def rooms_that(room: str) -> set[str]:
    """The rooms that a room says it may use."""
    docstring = ast.get_docstring(ast.parse(ROOMS[room].read_text(encoding="utf-8")))
    assert docstring is not None
    said = re.search(r"^May use (no other room|the rooms?:[^.]+)\.$", docstring, re.MULTILINE)
    assert said, f"analysis/{room}/__init__.py says what it may use in a line 'May use ...'"
    return set(re.findall(r"`(\w+)`", said[1]))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_uses_the_rooms_that_it_names_and_no_entry_point(room: str) -> None:
    assert neighbours(ROOMS[room].parent) - FOR_ALL == rooms_that(room)


def test_no_two_rooms_know_each_other_nor_do_three() -> None:
    assert len(ROOMS) > 5
    list(TopologicalSorter({room: rooms_that(room) for room in ROOMS}).static_order())  # raises CycleError


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {}
    for path in ROOT.rglob("*.py"):
        module = ".".join(["analysis", *path.relative_to(ROOT).with_suffix("").parts])
        tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        graph[module] = {node.module for node in tree if isinstance(node, ast.ImportFrom) and node.module}
    list(TopologicalSorter(graph).static_order())


def test_at_the_top_stand_the_entry_points_and_what_all_use() -> None:
    modules = {path.stem for path in ROOT.glob("*.py")} - {"__init__"}
    assert modules == FOR_ALL | ENTRY_POINTS
    assert not modules & set(ROOMS)
    for module in FOR_ALL:
        assert neighbours(ROOT / f"{module}.py") <= FOR_ALL
    for module in ENTRY_POINTS:
        assert not neighbours(ROOT / f"{module}.py") & ENTRY_POINTS


def test_analysis_needs_no_torch_no_ray_and_no_study(tmp_path: Path) -> None:
    code = (
        "import sys, pkgutil, importlib, analysis\n"
        "for module in pkgutil.walk_packages(analysis.__path__, 'analysis.'):\n"
        "    importlib.import_module(module.name)\n"
        "heavy = {'torch', 'ray', 'transformers', 'study'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT.parent), "MPLCONFIGDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
