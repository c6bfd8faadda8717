"""Parts of the page as HTML: paragraphs, cells, tables. Texts are escaped here."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence


def paragraphs(lines: Sequence[str], kind: str = "") -> str:
    """Return lines of text as paragraphs."""
    attribute = f' class="{kind}"' if kind else ""
    return "\n".join(f"<p{attribute}>{html.escape(line)}</p>" for line in lines)


def leading_number(text: str) -> float | None:
    """Return the number that a text begins with; None where it begins with none."""
    match = re.match(r"[+-]?\d+(\.\d+)?", text)
    return float(match[0]) if match else None


def to_cell(text: str, value: object = None, title: str = "") -> str:
    """Return a cell: its text, the value it is sorted by, and what it says where the pointer is on it."""
    data = "" if value is None else f' data-value="{html.escape(str(value))}"'
    hint = f' title="{html.escape(title)}"' if title else ""
    return f"<td{data}{hint}>{html.escape(text)}</td>"


def scrolling_table(headers: Sequence[str], rows: str, kind: str = "") -> str:
    """Return a table of rows that are HTML, which scrolls where the page is too narrow for it."""
    head = "".join(f'<th scope="col">{html.escape(header)}</th>' for header in headers)
    table = f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>'
    return f'<div class="scroll">{table}</div>\n'
