"""Reading folders: partial and odd results give a right answer, or one clear line."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import analysis
from analysis.errors import AnalysisError
from analysis.reading.folders import SCHEMA_VERSION, VERSION_KEY, open_studies
from study.results import schema
from tests.analysis.simulated import write_study
from tests.analysis.simulated_trials import SimulatedArm, trial_row, write_row


def test_schema_version_is_the_one_that_study_writes():
    assert SCHEMA_VERSION == schema.SCHEMA_VERSION
    assert VERSION_KEY == schema.VERSION_KEY


def test_load_gives_the_rows_with_the_folder_that_holds_them(tmp_path):
    write_study(tmp_path / "one", questions=10)
    results = analysis.load(tmp_path / "one")
    assert results.trials.num_rows == 6
    assert results.predictions.num_rows == 60
    assert results.history.num_rows == 60
    assert results.trials.schema.field("accuracy").metadata[b"description"].startswith(b"%")
    assert set(results.trials["folder"].to_pylist()) == {"one"}
    assert results.trials.to_pandas().groupby("method").accuracy.count().to_dict() == {"lora": 3, "qlora": 3}


def test_a_parent_holds_several_studies_and_each_counts_once(tmp_path):
    write_study(tmp_path / "one", questions=10)
    write_study(tmp_path / "two", questions=10)
    studies = open_studies([tmp_path, tmp_path / "one"])
    assert [study.name for study in studies] == ["one", "two"]


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_what_is_no_results_folder_is_one_line(tmp_path, make):
    make(tmp_path / "nothing")
    with pytest.raises(AnalysisError, match="results folder"):
        open_studies([tmp_path / "nothing"])


def test_broken_description_is_one_line(tmp_path):
    write_study(tmp_path, questions=5)
    (tmp_path / "study.json").write_text("{", encoding="utf-8")
    with pytest.raises(AnalysisError, match="can't be read"):
        open_studies([tmp_path])


def test_corrupt_file_is_named_skipped_and_counted(tmp_path):
    write_study(tmp_path / "one", questions=10)
    broken = sorted((tmp_path / "one" / "trials").glob("*.parquet"))[0]
    broken.write_bytes(b"PAR1 not a Parquet file")
    (study,) = open_studies([tmp_path / "one"])
    assert len(study.trials) == 5
    assert [exclusion.what for exclusion in study.exclusions] == [f"one/trials/{broken.name}"]


def test_row_of_another_trial_is_no_trial_of_its_file(tmp_path):
    write_study(tmp_path / "one", questions=10)
    path = sorted((tmp_path / "one" / "trials").glob("*.parquet"))[0]
    path.rename(path.with_name("renamed.parquet"))
    (study,) = open_studies([tmp_path / "one"])
    assert len(study.trials) == 5
    assert "not the one row of its trial" in str(study.exclusions[0])


def test_columns_of_another_type_do_not_hide_the_other_trials(tmp_path):
    write_study(tmp_path / "one", questions=10)
    path = sorted((tmp_path / "one" / "trials").glob("*.parquet"))[0]
    table = pq.read_table(path)
    place = table.schema.get_field_index("rank")
    pq.write_table(table.set_column(place, "rank", pa.array([["a", "list"]])), path)
    (study,) = open_studies([tmp_path / "one"])
    assert len(study.trials) == 6
    (note,) = map(str, study.exclusions)
    assert note.endswith("column rank holds list<element: string>, where whole numbers are expected")


def test_file_of_a_later_schema_is_left_out_with_its_version(tmp_path):
    write_study(tmp_path / "one", questions=10)
    path = sorted((tmp_path / "one" / "trials").glob("*.parquet"))[0]
    pq.write_table(pq.read_table(path).replace_schema_metadata({VERSION_KEY: b"3"}), path)
    (study,) = open_studies([tmp_path / "one"])
    assert len(study.trials) == 5
    assert "schema version 3" in str(study.exclusions[0])


def test_columns_that_an_older_study_lacks_are_null(tmp_path):
    write_study(tmp_path, questions=10)
    for path in (tmp_path / "predictions").glob("*.parquet"):
        pq.write_table(pq.read_table(path).drop_columns(["similarity", "correct_strict"]), path)
    (study,) = open_studies([tmp_path])
    table = study.read("predictions", study.trials[0]["trial"], ["similarity", "correct"])
    assert table["similarity"].null_count == 10
    assert table["correct"].type == pa.bool_()


def test_half_written_file_is_not_read(tmp_path):
    write_study(tmp_path, questions=10)
    (tmp_path / "trials" / ".abc.parquet.12345678").write_bytes(b"half")
    (study,) = open_studies([tmp_path])
    assert len(study.trials) == 6
    assert not study.exclusions


def _tree(root: Path) -> list[tuple[str, int, int]]:
    return sorted((str(p), p.stat().st_mtime_ns, p.stat().st_size) for p in root.rglob("*"))


def test_reading_leaves_the_folder_as_it_was(tmp_path):
    write_study(tmp_path, questions=10)
    write_row(tmp_path, trial_row(SimulatedArm("full"), status="failed", reason="no", accuracy=None))
    before = _tree(tmp_path)
    results = analysis.load(tmp_path)
    assert results.predictions.num_rows == 60
    assert _tree(tmp_path) == before


def test_description_may_lack_what_later_studies_add(tmp_path):
    write_study(tmp_path / "one", questions=10)
    (tmp_path / "one" / "study.json").write_text(json.dumps({"study": "one"}), encoding="utf-8")
    (study,) = open_studies([tmp_path / "one"])
    assert study.arms == []
    assert study.is_running
