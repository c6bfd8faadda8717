"""The tables of docs/data.md, as the cases have them."""

from pathlib import Path

from tests.cases.files import CASES
from tests.cases.files.case import Case

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "data.md"
BEGIN, END = "<!-- cases: made by python -m tests.cases.files -->", "<!-- end of cases -->"


def describe_cases() -> str:
    """Return the tables of docs/data.md."""
    lines: list[str] = []
    for kind in dict.fromkeys(case.kind for case in CASES):
        lines += [f"### {kind}", "", "| what | what comes out |", "|---|---|"]
        lines += [f"| {case.name} | {_outcome(case)} |" for case in CASES if case.kind == kind]
        lines.append("")
    return "\n".join(lines)


def _outcome(case: Case) -> str:
    if case.line:
        return f"refused: {_code(case.line)}"
    parts = ["a bad row, named and counted" if case.skipped else "read"]
    if case.note:
        parts.append(f"said: {_code(case.note)}")
    return "; ".join(parts)


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def write_document() -> None:
    """Write the tables into docs/data.md."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    DOCUMENT.write_text(f"{before}{BEGIN}\n{describe_cases()}{END}{after}", encoding="utf-8")
