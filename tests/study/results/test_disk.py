"""The disk budget: what a study takes up, and what each trial's checkpoints may."""

from pathlib import Path

import pytest

from study.errors import UserError
from study.results.disk import DiskPlan, check_free, check_limit, checkpoints_that_fit, folder_bytes
from study.sizes import parse_size, show_size

PLAN = DiskPlan(models=3e9, tables=1e9, candidates=1e9, model=1e9, checkpoint=3e9, slots=2)


@pytest.mark.parametrize(
    ("text", "size"), [("20GB", 20e9), ("1.5 tb", 1.5e12), ("500M", 5e8), ("7", 7), ("3kB", 3000)]
)
def test_sizes_are_read_as_people_write_them(text: str, size: float) -> None:
    assert parse_size("--max-disk", text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "20 litres", "1e3"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--max-disk must be a size"):
        parse_size("--max-disk", text)


def test_sizes_are_shown_with_a_unit() -> None:
    assert [show_size(n) for n in (7, 12_345_678, 2.5e9)] == ["7 B", "12.3 MB", "2.5 GB"]


@pytest.mark.parametrize(
    ("limit", "kept", "checkpoints"),
    [(None, 2, 12e9), (17e9, 2, 12e9), (16e9, 1, 11e9), (11e9, 1, 6e9), (10e9, 0, 5e9), (5e9, 0, 0)],
)
def test_the_limit_is_shared_out_so_that_it_is_kept(
    limit: float | None, kept: int, checkpoints: float
) -> None:
    plan = DiskPlan(**{**vars(PLAN), "limit": limit})
    check_limit(plan)
    assert (plan.kept, plan.checkpoints) == (kept, checkpoints)
    assert plan.total <= (limit or 17e9)
    # Each slot with as many as it may have at once.
    assert plan.least + plan.slots * kept * plan.checkpoint <= plan.total
    assert checkpoints_that_fit(plan.share, plan.checkpoint) == kept


def test_a_limit_below_the_models_and_tables_is_refused_with_the_need() -> None:
    with pytest.raises(UserError, match=r"at least 5 GB, .*; received 4.9 GB"):
        check_limit(DiskPlan(**{**vars(PLAN), "limit": 4.9e9}))


def test_a_study_that_starts_does_not_come_to_the_floor_by_itself() -> None:
    for limit in (None, 16e9, 10e9, 5e9):
        plan = DiskPlan(**{**vars(PLAN), "limit": limit})
        left_at_the_end = plan.need - plan.least
        saved = plan.slots * plan.checkpoint if plan.kept == 2 else 0  # beside which another is written
        assert left_at_the_end - saved >= plan.floor


def test_too_little_free_is_refused_with_both_figures_and_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.results.disk.free_bytes", lambda folder: 12e9)
    with pytest.raises(UserError, match=r"needs 17.1 GB of disk, and 12 GB are free in '.*study'; .*5 GB"):
        check_free(PLAN, tmp_path / "study")
    monkeypatch.setattr("study.results.disk.free_bytes", lambda folder: 1e9)
    with pytest.raises(UserError, match=r"with --results$"):  # no limit would help
        check_free(PLAN, tmp_path / "study")
    monkeypatch.setattr("study.results.disk.free_bytes", lambda folder: 17.2e9)
    check_free(PLAN, tmp_path / "study")


def test_what_a_resumed_study_has_on_disk_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = DiskPlan(models=4e6, tables=1e6, candidates=0, model=1e6, checkpoint=3e6, slots=2)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "weights").write_bytes(bytes(4_000_000))
    assert folder_bytes(tmp_path) == 4_000_000
    monkeypatch.setattr("study.results.disk.free_bytes", lambda folder: plan.need - 4e6)
    check_free(plan, tmp_path)
    with pytest.raises(UserError, match="the study needs"):
        check_free(plan, tmp_path / "elsewhere")
