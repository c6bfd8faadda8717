"""Who may import whom: the training code knows no Ray, the analysis knows neither Ray nor torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def users_of(package: str) -> set[str]:
    """The files of `study` that import `package`."""
    return {
        path.name
        for path in (ROOT / "study").rglob("*.py")
        if any(module.split(".")[0] == package for module in imports_of(path))
    }


def test_only_the_scheduler_knows_ray() -> None:
    users = {
        path.name
        for path in (ROOT / "study").rglob("*.py")
        if {"ray"} & {m.split(".")[0] for m in imports_of(path)}
    }
    assert users == {
        *("autoscaler.py", "cluster.py", "local_ray.py", "tuning.py", "worker.py"),
        *("trial_actor.py", "ray_metrics.py", "tracking.py"),
    }


def test_the_study_calls_the_analysis_at_its_end_to_judge_its_plan_and_to_print() -> None:
    assert users_of("analysis") == {"closing.py", "command_line.py", "judging.py"}


def test_the_analysis_imports_nothing_heavy() -> None:
    forbidden = {"torch", "ray", "transformers", "study"}
    for path in (ROOT / "analysis").rglob("*.py"):
        assert not forbidden & {module.split(".")[0] for module in imports_of(path)}, path


@pytest.mark.parametrize("module", ["study.run", "study.search", "study.record"])
def test_the_first_line_does_not_wait_for_torch(module: str) -> None:
    """Nor does the bookkeeping of the trials: only workers import torch."""
    code = f"import sys, {module}; print(sorted({{'torch', 'ray', 'transformers'}} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert done.stdout.strip() == "[]"
