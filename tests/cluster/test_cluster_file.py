"""cluster.yaml, without credentials: valid by Ray's own schema, and it opens nothing to the world."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import ValidationError
from ray.autoscaler._private.util import prepare_config, validate_config

from study.run import make_parser

ROOT = Path(__file__).parents[2]
FILE = ROOT / "cluster.yaml"


@pytest.fixture
def config() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def commands(config: dict[str, Any]) -> list[str]:
    """Every shell command in the file."""
    names = ("setup_commands", "head_start_ray_commands", "worker_start_ray_commands")
    return [command for name in names for command in config[name]]


def test_ray_accepts_it(config: dict[str, Any]) -> None:
    validate_config(prepare_config(config))


@pytest.mark.parametrize(
    "fault",
    [
        {"max_wrokers": 3},
        {"max_workers": "many"},
        {"head_node_type": "nobody"},
        {"provider": {"region": "us-west-2"}},
    ],
)
def test_ray_refuses_it_with_a_fault(config: dict[str, Any], fault: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, ValueError, KeyError, NotImplementedError)):
        validate_config(prepare_config({**copy.deepcopy(config), **fault}))


def test_trials_run_on_workers_that_come_and_go(config: dict[str, Any]) -> None:
    types = config["available_node_types"]
    assert types[config["head_node_type"]]["resources"]["CPU"] == 0
    workers = [node for name, node in types.items() if name != config["head_node_type"]]
    assert all(node["resources"]["GPU"] >= 1 and node["min_workers"] == 0 for node in workers)
    assert any(node["node_config"]["InstanceMarketOptions"] == {"MarketType": "spot"} for node in workers)


def test_nothing_is_opened_to_the_world(config: dict[str, Any]) -> None:
    # Without a group of the user's own on every node, Ray makes one that opens ssh to 0.0.0.0/0.
    for node in config["available_node_types"].values():
        assert node["node_config"]["SecurityGroupIds"]
    assert "security_group" not in config["provider"]
    effective = [line.partition("#")[0] for line in FILE.read_text(encoding="utf-8").splitlines()]
    assert not re.search(r"0\.0\.0\.0|::/0|IpPermissions", "\n".join(effective))
    (head,) = (command for command in commands(config) if "--head" in command)
    assert "--dashboard-host=127.0.0.1" in head
    assert "--ray-client-server-port" not in head


def test_every_start_of_ray_asks_for_the_token(config: dict[str, Any]) -> None:
    starts = [command for command in commands(config) if "ray start" in command]
    assert len(starts) == 2
    assert all("RAY_AUTH_MODE=token" in command for command in starts)
    assert config["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"


def test_every_node_installs_what_the_project_pins(config: dict[str, Any]) -> None:
    installs = [command for command in config["setup_commands"] if "uv pip install" in command]
    assert all("--constraint constraints.txt" in command for command in installs)
    # torch first: a later step would otherwise choose its build.
    assert installs[0].endswith(" torch")
    extras = re.findall(r"\.\[(\w+)\]", " ".join([*installs, *config["head_setup_commands"]]))
    assert extras == ["similarity", "cluster"]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for extra in extras:
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE), extra


def test_the_options_that_the_guide_names_exist() -> None:
    options = {name for action in make_parser()._actions for name in action.option_strings}
    guide = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    for command in re.findall(r"study\.run(?:[^`'\n]|\\\n)*", guide):
        assert set(re.findall(r"--[a-z-]+", command)) <= options, command
