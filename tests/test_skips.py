"""What CI installs, and that no test is skipped there which could have run."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.skips import REASONS, why_not_to_skip

ROOT = Path(__file__).parents[1]
SKIPPED = """
import pytest

@pytest.mark.skipif(True, reason="Chromium or its driver is not installed")
def test_browser(): pass

@pytest.fixture
def absent(): pytest.importorskip("no_such_package", reason="no_such_package is not installed")

def test_package(absent): pass

def test_gpu(): pytest.skip("this machine has no GPU")

def test_moon(): pytest.skip("the moon is down")

@pytest.mark.xfail(reason="it can't be done")
def test_expected(): assert False
"""


def test_a_skip_that_could_have_been_avoided_fails_in_ci(tmp_path: Path) -> None:
    (tmp_path / "test_skipped.py").write_text(SKIPPED, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "tests.skips", "-p", "no:cacheprovider", "-rfE"]
    done = subprocess.run(
        [*command, f"--rootdir={tmp_path}", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "FAIL_SKIPS": "packages,disk", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    # What is skipped before it is called becomes an error, and not a failure: both fail the run.
    said = re.findall(r"^(?:FAILED|ERROR) \S+::(\w+)", done.stdout, re.MULTILINE)
    assert set(said) == {"test_package", "test_moon"}, done.stdout
    assert "skipped, though it could have run here: no_such_package is not installed" in done.stdout
    assert done.returncode == 1
    assert "2 skipped, 1 xfailed" in done.stdout


def test_elsewhere_any_test_may_be_skipped() -> None:
    assert why_not_to_skip("the moon is down", None) is None
    assert why_not_to_skip("Chromium or its driver is not installed", "packages,browser") is not None


def reasons_in(path: Path) -> list[str]:
    """Each reason that a file names for a skip; what it fills in is left out."""
    found: list[ast.expr] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and "skip" in (name := ast.unparse(node.func)):
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            found += (
                [given["reason"]] if "reason" in given else node.args[:1] if name == "pytest.skip" else []
            )
    return [
        "".join(part.value for part in ast.walk(text) if isinstance(part, ast.Constant)) for text in found
    ]


def test_every_reason_for_a_skip_is_known() -> None:
    files = [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]
    reasons = [reason for path in files for reason in reasons_in(path)]
    assert len(reasons) > len(REASONS)
    for reason in reasons:
        assert why_not_to_skip(reason, "") is None, reason


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A folder that is all of PATH: a bare machine's commands, and an apt-get that has what is in `apt`."""
    folder = tmp_path / "bin"
    (tmp_path / "apt").mkdir()
    folder.mkdir()
    for name in ("bash", "env", "mktemp", "rmdir", "cp", "touch"):
        (folder / name).symlink_to(str(shutil.which(name)))
    stub(folder / "id", "echo 0")
    stub(folder / "mount", "exit 1")
    install = f'[ "$1" = update ] || cp {tmp_path}/apt/"$4"/* {folder}'
    stub(folder / "apt-get", f'echo "$*" >>{tmp_path}/asked; {install}')
    return folder


def stub(path: Path, script: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def run_tools(commands: Path) -> tuple[list[str], str, list[str]]:
    """What `.ci/tools` prints: kinds and complaints; and the packages that it has asked for."""
    bash = str(shutil.which("bash"))
    done = subprocess.run(
        [bash, str(ROOT / ".ci" / "tools")],
        env={"PATH": str(commands)},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    asked = commands.parent / "asked"
    lines = asked.read_text(encoding="utf-8").splitlines() if asked.exists() else []
    return (
        done.stdout.strip().split(","),
        done.stderr,
        [line.split()[-1] for line in lines if "install" in line],
    )


@pytest.mark.parametrize("browser", ["chromium", "google-chrome"])
def test_a_browser_without_its_driver_gets_the_driver(browser: str, commands: Path) -> None:
    stub(commands / browser)
    stub(commands.parent / "apt" / "chromium-driver" / "chromedriver")
    kinds, said, asked = run_tools(commands)
    assert "chromium-driver" in asked
    assert "chromium" not in asked
    assert "browser" in kinds
    assert "the tests of the report" not in said


def test_a_driver_that_cannot_be_had_is_said_and_may_be_skipped(commands: Path) -> None:
    stub(commands / "chromium")
    kinds, said, _ = run_tools(commands)
    assert "browser" not in kinds
    assert "no chromedriver, and chromium-driver can't be installed here: the tests of the report" in said


def test_each_tool_is_asked_for_by_itself(commands: Path) -> None:
    stub(commands / "ip")
    stub(commands.parent / "apt" / "rsync" / "rsync")
    _, said, asked = run_tools(commands)
    assert "rsync" in asked
    assert "iproute2" not in asked
    assert "rsync can't" not in said
    assert "there is no ssh, and openssh-client can't be installed here: ray up is not tried" in said


def test_who_is_not_root_installs_nothing(commands: Path) -> None:
    stub(commands / "id", "echo 1000")
    kinds, said, asked = run_tools(commands)
    assert kinds == ["packages"]
    assert asked == []
    assert "there is no chromium, and chromium can't be installed here" in said


def test_what_two_hosts_need_is_asked_for() -> None:
    script = (ROOT / "tests" / "cluster" / "two_hosts.sh").read_text(encoding="utf-8")
    needed = re.search(r"^for tool in (.+); do$", script, re.MULTILINE)
    assert needed
    tools = (ROOT / ".ci" / "tools").read_text(encoding="utf-8")
    for tool in needed[1].split():
        assert re.search(rf'^want "\$hosts" \S+ {tool}$', tools, re.MULTILINE), tool
