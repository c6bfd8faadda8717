"""Who may read a kept and an exported model: whom the umask lets."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from study.export import export
from study.machine.permissions import follow_umask
from study.workplace import Workplace
from tests.study.winner.trained import Maker, study_of


@pytest.fixture(params=[0o022, 0o077], ids=["022", "077"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def check_modes(folder: Path, umask: int) -> None:
    found = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
    assert found == {path: (0o777 if path.is_dir() else 0o666) & ~umask for path in found}


@pytest.mark.parametrize("method", [pytest.param("stacked_lora", marks=pytest.mark.slow), "full"])
def test_all_files_of_a_study_and_of_an_export_follow_the_umask(
    config_for: Maker, workplace: Workplace, tmp_path: Path, umask: int, method: str
) -> None:
    root, to = tmp_path / "study", tmp_path / "exported"
    folder, _ = study_of(config_for(method), workplace, root)
    with folder.in_use():
        check_modes(root, umask)
    assert list(root.glob("models/my-arm/**/*.safetensors"))
    for merged in (False, True):
        to.mkdir(exist_ok=True)
        export(folder, "my arm", to / str(merged), merged=merged)
        check_modes(to / str(merged), umask)


def test_a_folder_of_another_umask_is_exported_by_the_present_one(tmp_path: Path, umask: int) -> None:
    """As a study of an earlier version kept its weights."""
    (tmp_path / "kept").mkdir(mode=0o755)
    (tmp_path / "kept" / "weights").write_bytes(b"w")
    (tmp_path / "kept" / "weights").chmod(0o600)
    follow_umask(tmp_path / "kept")
    check_modes(tmp_path / "kept", umask)
