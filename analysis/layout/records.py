"""The rows that a query found, as a table in the terminal, CSV or JSON."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from rich import box
from rich.table import Table
from rich.text import Text

from analysis.cells import plain_cell
from analysis.printable import printable
from analysis.units import MISSING

MOST_ROWS = 1000


def to_csv(found: pa.Table) -> str:
    """Return the rows as CSV; no text in it is run by a spreadsheet."""
    frame = found.to_pandas()
    frame.columns = [plain_cell(name) for name in frame.columns]
    for place, kind in enumerate(found.schema.types):
        if not pa.types.is_primitive(kind):
            frame.isetitem(place, frame.iloc[:, place].map(plain_cell))
    return str(frame.to_csv(index=False))


def to_table(found: pa.Table) -> Table:
    """Return the first `MOST_ROWS` rows for the terminal, and how many more there are."""
    hidden = found.num_rows - MOST_ROWS
    caption = f"{hidden} more rows: LIMIT, or --format csv" if hidden > 0 else None
    table = Table(box=box.SIMPLE_HEAD, caption=caption, caption_justify="left")
    for field in found.schema:
        numeric = pa.types.is_floating(field.type) or pa.types.is_integer(field.type)
        table.add_column(Text(printable(field.name)), justify="right" if numeric else "left", overflow="fold")
    for row in found.slice(0, MOST_ROWS).to_pylist():
        table.add_row(*(Text(_show(value)) for value in row.values()))
    return table


def _show(value: Any) -> str:
    if value is None:
        return MISSING
    return f"{value:.6g}" if isinstance(value, float) else printable(str(value))
