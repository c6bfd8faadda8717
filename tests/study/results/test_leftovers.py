"""What a killed run leaves behind is cleaned up, and what a resume needs is kept."""

from pathlib import Path

from study.results.folder import ResultsFolder
from study.results.leftovers import remove_leftovers


def test_only_what_no_run_needs_again_goes(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path)
    folder.create()
    row = {"trial": "done", "status": "complete"}
    folder.finish_trial(row)
    for trial in ("done", "half-way"):
        (folder.checkpoints_path(trial) / "1" / "checkpoint-4").mkdir(parents=True)
    model = folder.model_path(".lora-main.0123abcd")  # half-written
    for part in (model, folder.model_path("lora-main")):
        part.mkdir()
        (part / "weights").write_bytes(b"w")
    for name in ("trials/.x.parquet.0123abcd", "predictions/.x.parquet.0123abcd", ".study.json.0123abcd"):
        (tmp_path / name).write_bytes(b"half")
    (tmp_path / ".hidden").write_text("the user's own", encoding="utf-8")
    remove_leftovers(folder)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == [".hidden", "models/lora-main/weights", "trials/done.parquet"]
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["half-way"]
    assert folder.read_trial("done") == {**folder.read_trials()[0]}
