"""What the analysis writes as CSV runs nothing in a spreadsheet."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis import query, tables
from analysis.cells import plain_cell
from tests.cases.folders import (
    CELLS,
    first_file,
)


@pytest.mark.parametrize(("cell", "written"), CELLS)
def test_a_cell_of_csv_is_no_formula(cell: object, written: object) -> None:
    assert plain_cell(cell) == written


def test_csv_of_the_table_and_of_a_query_runs_nothing(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = first_file(study, "trials")
    for file in path.parent.glob("*.parquet"):
        table = pq.read_table(file)
        place = table.column_names.index("arm")
        pq.write_table(table.set_column(place, "arm", pa.array(["=1+1"])), file)
    tables._main([str(study), "--format", "csv"])
    out = capsys.readouterr().out
    assert "\n'=1+1," in out
    assert "\n=" not in out
    query._main([str(study), "SELECT DISTINCT arm, -1.5 AS x FROM trials", "--format", "csv"])
    assert capsys.readouterr().out.splitlines() == ["arm,x", "'=1+1,-1.5"]
