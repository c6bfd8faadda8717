"""Who may import whom: rooms use the rooms that they name, Ray has one room, the analysis knows no study."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = {path.parent.name: path for path in sorted((ROOT / "study").glob("*/__init__.py"))}
# At the top of `study`: what any room may use, and the commands, which none may.
FOR_ALL = {"command_line", "config", "errors", "printable", "quiet", "sizes", "space", "workplace"}
COMMANDS = {"ask", "export", "rerun", "reuters", "run", "smollm2", "without_program"}


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, at its top or inside a function, and what it imports from it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def neighbours(place: Path) -> set[str]:
    """What the files at `place` import of `study`: rooms, and modules at its top."""
    files = place.rglob("*.py") if place.is_dir() else [place]
    names = {name.split(".")[1] for path in files for name in imports_of(path) if name.startswith("study.")}
    return names - {place.stem}


def rooms_that(room: str) -> set[str]:
    """The rooms that a room says it may use."""
    docstring = ast.get_docstring(ast.parse(ROOMS[room].read_text(encoding="utf-8")))
    assert docstring is not None
    said = re.search(r"^May use (no other room|the rooms:[^.]+)\.$", docstring, re.MULTILINE)
    assert said, f"study/{room}/__init__.py says what it may use in a line 'May use ...'"
    return set(re.findall(r"`(\w+)`", said[1]))


def users_of(package: str) -> set[str]:
    """The files of `study` that import `package`."""
    return {
        path.relative_to(ROOT / "study").as_posix()
        for path in (ROOT / "study").rglob("*.py")
        if any(module.split(".")[0] == package for module in imports_of(path))
    }


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_uses_the_rooms_that_it_names_and_no_command(room: str) -> None:
    assert neighbours(ROOMS[room].parent) - FOR_ALL == rooms_that(room)


def test_no_two_rooms_know_each_other_nor_do_three() -> None:
    """Nor do they by way of what stands at the top for all."""
    graph = {room: neighbours(path.parent) for room, path in ROOMS.items()}
    graph |= {module: neighbours(ROOT / "study" / f"{module}.py") for module in FOR_ALL}
    list(TopologicalSorter(graph).static_order())  # raises CycleError


def test_at_the_top_stand_the_commands_and_what_all_use() -> None:
    modules = {path.stem for path in (ROOT / "study").glob("*.py")} - {"__init__"}
    assert modules == FOR_ALL | COMMANDS
    for module in FOR_ALL:
        assert not neighbours(ROOT / "study" / f"{module}.py") & COMMANDS


def test_only_the_engine_knows_ray() -> None:
    assert {user.split("/")[0] for user in users_of("ray")} == {"engine"}


def test_the_study_calls_the_analysis_at_its_end_to_judge_its_plan_and_to_print() -> None:
    assert users_of("analysis") == {"protocol/closing.py", "command_line.py", "protocol/looks.py"}


def test_the_analysis_imports_nothing_heavy() -> None:
    forbidden = {"torch", "ray", "transformers", "study"}
    for path in (ROOT / "analysis").rglob("*.py"):
        assert not forbidden & {module.split(".")[0] for module in imports_of(path)}, path


def imported_by(modules: Iterable[str], of: set[str]) -> set[str]:
    """Which packages of `of` a process has imported once it has imported these modules of `study`."""
    imports = ", ".join(f"study.{module}" for module in modules)
    code = f"import sys, {imports}; print(*({of} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    return set(done.stdout.split())


def test_the_first_line_does_not_wait_for_torch() -> None:
    """Nor does the bookkeeping of the trials: only workers import torch."""
    light = ("run", "starting.beginning", "starting.resumption", "search.search", "trial.record")
    assert not imported_by(light, {"torch", "ray", "transformers"})


def test_the_driver_imports_ray_and_no_torch() -> None:
    driver = ("starting.runtime", "starting.course", "engine.tuning", "engine.ray_metrics", "cost.preflight")
    assert imported_by(driver, {"torch", "ray", "transformers"}) == {"ray"}
