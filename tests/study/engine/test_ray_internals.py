"""What is used of Ray beyond what it documents: it is there, used in one place, and its loss is told."""

import ast
import importlib
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from ray.exceptions import ActorUnavailableError
from ray.tune.experiment import Trial
from ray.tune.experiment import trial as trial_module

from study.engine.ray_internals.names import INTERNALS, VALID_RAY, Internal, check_ray
from study.engine.ray_internals.tune import NO_ANSWER, last_error, trainable_found_once
from study.errors import UserError
from study.run import main

ROOT = Path(__file__).parents[3]
THE_DOOR = "study/engine/ray_internals"
# Words by which something that Ray does not document is reached: attributes and options.
ALL_WORDS = {internal.inside or internal.name.rpartition(".")[2] for internal in INTERNALS}
OWN_VARIABLES = {word for word in ALL_WORDS if word.startswith("RAY_")}
WORDS = ALL_WORDS - OWN_VARIABLES
# Variables that Ray documents.
VARIABLES = {"RAY_ADDRESS", "RAY_AIR_NEW_OUTPUT", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}
# Where Ray does not know it, it starts slower, and that is all.
VARIABLES |= {"RAY_prestart_worker_first_driver"}
# Tests that are about Ray's own insides.
EXCEPTIONS = {
    # cluster.yaml by the schema that `ray up` checks it with
    "tests/cluster/test_cluster_file.py": {"ray.autoscaler._private.util"},
    # thirty drivers within minutes: the services of Ray that no trial needs are left out
    "tests/study/engine/disturbance.py": {"ray._private.node"},
}


@pytest.mark.parametrize("internal", INTERNALS, ids=str)
def test_ray_still_has(internal: Internal) -> None:
    assert internal.is_there(), internal


def take_away(internal: Internal, patch: pytest.MonkeyPatch) -> None:
    if internal.inside:
        patch.setattr(internal.name, lambda: None)
    else:
        patch.delattr(internal.name)


@pytest.mark.parametrize("internal", INTERNALS, ids=str)
def test_what_ray_has_no_longer_is_noticed_and_told_in_a_line(
    internal: Internal, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_ray()
    take_away(internal, monkeypatch)
    assert not internal.is_there()
    with pytest.raises(UserError, match=r"^Ray must be >=2\.\d+,<2\.\d+, received .*, which lacks .*$"):
        check_ray()


@pytest.mark.parametrize("where", [[], ["--address", "127.0.0.1:1"]])
def test_a_study_on_a_ray_that_lacks_something_says_which_is_valid_and_writes_nothing(
    where: list[str],
    tiny_model: Path,
    small_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delattr("ray._private.utils.set_sigterm_handler")
    source = ["--model", str(tiny_model), "--data", str(small_data), "--results", str(tmp_path / "results")]
    assert main(["--space", "lora_vs_qlora", *source, *where]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "which lacks ray._private.utils.set_sigterm_handler" in error
    assert f"pip install 'ray[default,tune]{VALID_RAY}'" in error
    assert not (tmp_path / "results").exists()


def test_the_valid_releases_are_those_that_are_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {need.name: need.specifier for need in map(Requirement, project["dependencies"])}
    assert asked["ray"] == SpecifierSet(VALID_RAY)


def test_ray_still_says_of_a_worker_that_it_does_not_answer() -> None:
    assert NO_ANSWER in str(ActorUnavailableError("connection reset", None))


def test_of_a_trials_errors_the_last_one_counts(tmp_path: Path) -> None:
    file = tmp_path / "error.txt"
    file.write_text("Failure # 1 (occurred at noon)\nlow on memory\nFailure # 2\nit died\n", encoding="utf-8")
    trial: Any = SimpleNamespace(error_file=file)
    assert "it died" in last_error(trial)
    assert "memory" not in last_error(trial)


def is_private(module: str) -> bool:
    first, *rest = module.split(".")
    return first == "ray" and any(part.startswith("_") for part in rest)


def chain_of(node: ast.expr) -> str:
    """`a.b.c` of an attribute's expression, "" of any other."""
    if isinstance(node, ast.Attribute):
        return f"{chain_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def private_uses(source: str) -> set[str]:
    """What a file takes of Ray that is private."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names if is_private(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found.update({node.module} if is_private(node.module) else filter(is_private, names))
        elif isinstance(node, ast.Attribute):
            found.update({node.attr} & WORDS, filter(is_private, [chain_of(node)]))
        elif isinstance(node, ast.keyword):
            found.update({node.arg} & WORDS)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.update({node.value} & WORDS, filter(is_private, [node.value]))
    return found


def variables(path: Path) -> set[str]:
    """The variables of Ray's that a file names."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    strings = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {word for word in strings if word.startswith("RAY_") and word.isidentifier()}


@pytest.mark.parametrize(
    "source",
    [
        "import ray._private.worker",
        "from ray.air.execution._internal import actor_manager",
        "from ray import _raylet",
        "import ray\nray._private.worker.print_to_stdstream = None",
        "trial.temporary_state",
        "ray.init(_temp_dir='/tmp')",
        "monkeypatch.setattr('ray._private.node', None)",
    ],
)
def test_a_private_name_is_seen(source: str) -> None:
    assert private_uses(source)


@pytest.mark.parametrize("package", ["study", "analysis", "search_spaces", "benchmarks", "tests"])
def test_no_other_file_reaches_into_ray(package: str) -> None:
    files = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / package).rglob("*.py")}
    for name, path in files.items():
        if not name.startswith((THE_DOOR, "tests/study/engine/test_ray_internals.py")):
            assert private_uses(path.read_text(encoding="utf-8")) == EXCEPTIONS.get(name, set()), name


def test_a_variable_of_rays_is_one_that_it_documents_or_is_told_of() -> None:
    named = set().union(*(variables(path) for path in (ROOT / "study").rglob("*.py")))
    assert OWN_VARIABLES
    assert named - VARIABLES == OWN_VARIABLES


def imports_from_ray(path: Path) -> list[tuple[str, str]]:
    """The names that a file imports from Ray, each with its module."""
    nodes = [
        node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)
    ]
    found = [(node.module or "", alias.name) for node in nodes for alias in node.names]
    return [(module, name) for module, name in found if module.split(".")[0] == "ray"]


def test_what_else_is_imported_from_ray_is_marked_as_public_or_for_developers() -> None:
    files = [path for path in (ROOT / "study").rglob("*.py") if THE_DOOR not in path.as_posix()]
    names = {found for path in files for found in imports_from_ray(path)} - {("ray", "tune")}
    assert len(names) > 10
    for module, name in names:
        # By the decorators of ray.util.annotations.
        assert hasattr(getattr(importlib.import_module(module), name), "_annotated_type"), f"{module}.{name}"


def test_tune_finds_what_it_runs_once_and_looks_for_it_itself_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(trial_module, "get_trainable_cls", lambda name: asked.append(name) or object())
    trial = SimpleNamespace(stub=False, trainable_name="Slot")
    with trainable_found_once():
        assert Trial.get_trainable_cls(trial) is Trial.get_trainable_cls(trial)
    assert asked == ["Slot"]
    Trial.get_trainable_cls(trial)
    assert asked == ["Slot"] * 2
