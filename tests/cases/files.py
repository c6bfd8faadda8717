"""Files as people have them, small, and what must come out of each: rows, a note, or one line.

tests/study/rows/test_file_cases.py runs all of it, and holds docs/data.md to it:

    python -m tests.cases.files        # writes the table of docs/data.md anew
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from study.rows.problems import GSM8K_COLUMNS, Columns

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "data.md"
BEGIN, END = "<!-- cases: made by python -m tests.cases.files -->", "<!-- end of cases -->"

Row = Mapping[str, Any]
# The rows that a case brings where it says nothing else: five questions, answered 11 to 15.
ROWS: list[Row] = [{"question": f"Question {word}?", "answer": 11 + i} for i, word in enumerate("ABCDE")]
MORE: list[Row] = [{"question": f"Another {word}?", "answer": 21 + i} for i, word in enumerate("FGH")]
THIRD: list[Row] = [{"question": f"Third {word}?", "answer": 31 + i} for i, word in enumerate("IJ")]
QUESTIONS = tuple(str(row["question"]) for row in ROWS)


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        kind, name: where it stands in the table of docs/data.md, and what it is.
        files: path -> bytes; they are written into an empty folder.
        links: path -> target, within that folder.
        data: what the user names, within the folder; "": the only file, or the folder of several.
        rows: the questions of train, of the data's own validation split (None: it has none) and of test.
        answers: question -> the number, where they are not those of `ROWS`, `MORE` and `THIRD`.
        note: what is said before the first trial; a part of one of the lines.
        line: what is refused in one line; a part of it.
        skipped: rows left out under --skip-bad-rows, which a case with some is run with.
    """

    kind: str
    name: str
    files: Mapping[str, bytes]
    rows: tuple[int, int | None, int] = (4, None, 1)
    note: str | None = None
    line: str | None = None
    skipped: int = 0
    answers: Mapping[str, str] = field(default_factory=dict)
    data: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    columns: Columns = GSM8K_COLUMNS
    variant: str = "main"
    keep_leaks: bool = False


def jsonl(rows: Sequence[Row | str]) -> bytes:
    """Return rows as JSON Lines; a string goes in as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")


def table(rows: Sequence[Row], delimiter: str = ",", encoding: str = "utf-8", end: str = "\r\n") -> bytes:
    """Return rows as CSV."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [*rows[0]], delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def parquet(rows: Sequence[Row], schema: Any = None) -> bytes:
    """Return rows as Parquet."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([*rows], schema=schema), sink)
    return sink.getvalue().to_pybytes()


def arrow(rows: Sequence[Row], *, stream: bool = True) -> bytes:
    """Return rows as an Arrow stream, as `datasets` saves them, or as an Arrow file."""
    sink, rows_table = pa.BufferOutputStream(), pa.Table.from_pylist([*rows])
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(sink, rows_table.schema) as writer:
        writer.write_table(rows_table)
    return sink.getvalue().to_pybytes()


def zstd(content: bytes) -> bytes:
    """Return the content compressed by Zstandard."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


def renamed(rows: Sequence[Row], question: str, answer: str) -> list[Row]:
    """Return rows with other names of the columns."""
    return [{question: row["question"], answer: row["answer"]} for row in rows]


def chats(rows: Sequence[Row], system: str = "") -> list[Row]:
    """Return rows as chats."""
    head = [{"role": "system", "content": system}] if system else []
    turns = [(str(row["question"]), f"#### {row['answer']}") for row in rows]
    return [
        {"messages": [*head, {"role": "user", "content": q}, {"role": "assistant", "content": a}]}
        for q, a in turns
    ]


def card(configs: str) -> bytes:
    """Return a README.md with configurations."""
    return f"---\nlicense: mit\nconfigs:\n{configs}---\n# A set\n".encode()


def _text_files() -> list[Case]:
    kind = "CSV and its kin"
    latin = [{"question": f"Où est {word}é?", "answer": 11 + i} for i, word in enumerate("ABCDE")]
    accents = {f"Où est {word}é?": str(11 + i) for i, word in enumerate("ABCDE")}
    quoted = [
        {"question": f'He said "{word}", and\nwent?', "answer": 11 + i} for i, word in enumerate("ABCDE")
    ]
    quotes = {f'He said "{word}", and\nwent?': str(11 + i) for i, word in enumerate("ABCDE")}
    plain = table(ROWS)
    noted = [{**row, "note": ""} for row in ROWS]
    numbers = [{"question": 100 + i, "answer": 200 + i} for i in range(5)]
    digits = {str(100 + i): str(200 + i) for i in range(5)}
    crossed = b'question,answer\n"Question A?,11\nQuestion B?,12\nQuestion C?,13\nQuestion D?",14\n'
    return [
        Case(kind, "a CSV file with a header", {"mine.csv": plain}),
        Case(kind, "a byte order mark", {"mine.csv": table(ROWS, encoding="utf-8-sig")}),
        Case(kind, "semicolons between cells", {"mine.csv": table(ROWS, ";")}),
        Case(kind, "tabs between cells", {"mine.csv": table(ROWS, "\t")}),
        Case(kind, "bars between cells", {"mine.csv": table(ROWS, "|")}),
        Case(kind, "a TSV file", {"mine.tsv": table(ROWS, "\t")}),
        Case(kind, "Excel's first line `sep=;`", {"mine.csv": b"sep=;\r\n" + table(ROWS, ";")}),
        Case(kind, "Excel's Unicode text: UTF-16 with tabs", {"mine.tsv": table(ROWS, "\t", "utf-16")}),
        Case(kind, "Excel's empty rows at the end", {"mine.csv": table(ROWS, ";") + b";\r\n;\r\n"}),
        Case(kind, "Excel's empty columns at the end", {"mine.csv": plain.replace(b"\r\n", b",,\r\n")}),
        Case(kind, "old line ends (CR)", {"mine.csv": table(ROWS, end="\r")}),
        Case(
            kind,
            "Latin-1, or Windows-1252",
            {"mine.csv": table(latin, ";", "cp1252")},
            answers=accents,
            note="mine.csv is not UTF-8 and is read as Windows-1252 (Latin-1): 'Où'",
        ),
        Case(
            kind,
            "UTF-8 with a byte that is none",
            {"mine.csv": table(latin) + b"broken \xff\xfe?,9\r\n"},
            answers=accents,
            skipped=1,
        ),
        Case(kind, "quotes, commas and lines within a cell", {"mine.csv": table(quoted)}, answers=quotes),
        Case(
            kind,
            "a quote that never closes",
            {"mine.csv": plain + b'"Question F?,16\r\nQuestion G?,17\r\n'},
            line="row 6: the quote that opens on line 7 or after it never closes",
        ),
        Case(
            kind,
            "a quote that closes rows later",
            {"mine.csv": crossed},
            line="row 1: the quote that opens on line 2 closes rows later; its end is missing",
        ),
        Case(
            kind,
            "a quote that closes at the next row's",
            {"mine.csv": b'question,answer\n"Question A?,11\n"Question B?",12\n'},
            line="row 1: a double quote within a text must be doubled",
        ),
        Case(
            kind,
            "an unquoted comma in a text",
            {"mine.csv": b"answer,question\n11,How many, in all?\n12,Question B?\n"},
            line="row 1: 3 cells where the header has 2 (line 2); a text with a comma in it must stand in",
        ),
        Case(
            kind,
            "an unquoted comma before an empty last column",
            {"mine.csv": b"answer,question,note\n7,Tom has 3, and gets 4?,\n" + b"8,Q?,\n" * 3},
            line="row 1: 4 cells where the header has 3 (line 2)",
        ),
        Case(
            kind,
            "an unquoted number of thousands before an empty last column",
            {"mine.csv": table(noted) + b"What is half of 1,000,500,\r\n"},
            skipped=1,
        ),
        Case(
            kind,
            "a cell of more than 131,072 characters",
            {"mine.csv": plain + b'"' + b"word " * 27_000 + b'?",16\r\n'},
            line="row 6: a cell has more than 131,072 characters (line 7), or the quote that opens on line 7",
        ),
        Case(
            kind,
            "half a pair in UTF-16",
            {
                "mine.csv": table(ROWS, encoding="utf-16")
                + "\ud800?,16\r\n".encode("utf-16-le", "surrogatepass")
            },
            skipped=1,
        ),
        Case(
            kind,
            "half a letter at the end of UTF-16",
            {"mine.csv": table(ROWS, encoding="utf-16") + "?,1\r\nQ".encode("utf-16-le") + b"?"},
            line="1 cell where the header has 2",
        ),
        Case(
            kind,
            "UTF-16 without its mark",
            {"mine.csv": table(ROWS, encoding="utf-16-le")},
            line="looks like UTF-16 without its mark; valid: UTF-8",
        ),
        Case(
            kind,
            "Shift-JIS, GBK and others of their kind",
            {"mine.csv": "question,answer\nりんごは3個?,3\n林檎は5?,5\n本?,2\n".encode("shift_jis")},
            line="row 1: column 'question' has the byte 0x82, which is neither UTF-8 nor Windows-1252; valid",
        ),
        Case(
            kind,
            "one column for the question and the answer",
            {"mine.csv": plain},
            columns=Columns("Answer", "answer"),
            line="the question and the answer can't both be the column 'answer'; valid: one column each",
        ),
        Case(
            kind,
            "a row with too few cells",
            {"mine.csv": plain + b"Question F?\r\n"},
            line="row 6: 1 cell where the header has 2 (line 7)",
        ),
        Case(
            kind,
            "other capitals in the header",
            {"mine.csv": table(renamed(ROWS, " Question", "ANSWER "))},
            note="questions are in the column 'Question', answers in 'ANSWER'",
        ),
        Case(
            kind,
            "other names in the header",
            {"mine.csv": table(renamed(ROWS, "prompt", "solution"))},
            line="no column 'question'; columns there: prompt, solution; --question-column and",
        ),
        Case(
            kind,
            "other names, named by the options",
            {"mine.csv": table(renamed(ROWS, "prompt", "solution"))},
            columns=Columns("prompt", "solution"),
            note="questions are in the column 'prompt', answers in 'solution'",
        ),
        Case(
            kind,
            "no header",
            {"mine.csv": b"Question A?,11\nQuestion B?,12\nQuestion C?,13\n"},
            line="no column 'question'; columns there: Question A?, 11;",
        ),
        Case(
            kind,
            "a delimiter that is none of these",
            {"mine.csv": b"question~answer\nQuestion A?~11\n"},
            line="no column 'question'; columns there: question~answer;",
        ),
        Case(
            kind,
            "a column named twice",
            {"mine.csv": b"question,answer,answer\nQuestion A?,11,12\n"},
            line="has two columns named 'answer'",
        ),
        Case(
            kind, "an empty file", {"mine.csv": b""}, line="has no rows: its first line must name the columns"
        ),
        Case(kind, "a header alone", {"mine.csv": b"question,answer\n"}, line="has no rows"),
        Case(kind, "numbers as questions", {"mine.csv": table(numbers)}, answers=digits),
        Case(kind, "a suffix in capitals", {"MINE.CSV": plain}),
        Case(
            kind,
            "a spreadsheet",
            {"mine.xlsx": b"PK\x03\x04"},
            line="must end in .jsonl, .ndjson, .json, .csv, .tsv, .parquet, .arrow, and the text ones with "
            ".gz, .bz2, .zst, .xz; save the sheet as CSV",
        ),
    ]


def _json_files() -> list[Case]:
    kind = "JSON"
    lines = jsonl(ROWS)
    columns = {name: [row[name] for row in ROWS] for name in ("question", "answer")}
    indexed = {name: dict(enumerate(values)) for name, values in columns.items()}
    turned = {**indexed, "answer": dict(reversed(indexed["answer"].items()))}
    other = {**indexed, "answer": dict(enumerate(columns["answer"], start=1))}
    mixed = {**indexed, "answer": columns["answer"]}
    capitals = [*ROWS[:2], *renamed(ROWS[2:], "Question", "Answer ")]
    return [
        Case(kind, "JSON Lines", {"mine.jsonl": lines}),
        Case(kind, "JSON Lines under .ndjson", {"mine.ndjson": lines}),
        Case(kind, "JSON Lines under .json", {"mine.json": lines}),
        Case(kind, "JSON Lines with a byte order mark", {"mine.jsonl": b"\xef\xbb\xbf" + lines}),
        Case(kind, "JSON Lines in UTF-16", {"mine.jsonl": lines.decode().encode("utf-16")}),
        Case(kind, "an array", {"mine.json": json.dumps(ROWS).encode()}),
        Case(kind, "an array over many lines", {"mine.json": json.dumps(ROWS, indent=2).encode()}),
        Case(kind, "an array under .jsonl", {"mine.jsonl": json.dumps(ROWS).encode()}),
        Case(
            kind,
            "an array within an object",
            {"mine.json": json.dumps({"version": 1, "data": ROWS}).encode()},
        ),
        Case(kind, "an object of columns", {"mine.json": json.dumps(columns).encode()}),
        Case(kind, "pandas' `to_json()`", {"mine.json": json.dumps(indexed).encode()}),
        Case(
            kind,
            "`to_json()`, a column in another order",
            {"mine.json": json.dumps(turned).encode()},
        ),
        Case(
            kind,
            "`to_json()`, a column with other keys",
            {"mine.json": json.dumps(other).encode()},
            line="is an object of columns whose rows have other keys in the column 'answer' than in",
        ),
        Case(
            kind,
            "a column with keys and one without",
            {"mine.json": json.dumps(mixed).encode()},
            line="is one JSON object with the keys question, answer; valid: an array of objects",
        ),
        Case(
            kind,
            "an array named as the test split",
            {"mine.json": json.dumps({"test": ROWS, "train": {"file": "x"}}).encode()},
            line="has one array of objects, 'test', which its name says is no training data",
        ),
        Case(
            kind,
            "two splits in one object",
            {"mine.json": json.dumps({"train": ROWS, "test": MORE}).encode()},
            line="has several arrays of objects, train, test; valid: a file a split",
        ),
        Case(
            kind,
            "a key twice in a row",
            {"mine.jsonl": lines + b'{"question": "Q?", "answer": 1, "answer": 2}\n'},
            skipped=1,
        ),
        Case(
            kind,
            "a key twice in a row of an array",
            {
                "mine.json": json.dumps(ROWS).encode()[:-1]
                + b', {"answer": 1, "question": "Q?", "answer": 2}]'
            },
            skipped=1,
        ),
        Case(
            kind,
            "a key twice with a line end in it",
            {"mine.jsonl": b'{"a\\nb": 1, "a\\nb": 2, "question": "Q?", "answer": 1}\n' + lines},
            line="row 1: the key 'a b' is there twice",
        ),
        Case(
            kind,
            "a key twice in the first row",
            {"mine.json": b'{"question": "Q?", "answer": 1, "answer": 2}\n' + lines},
            line="row 1: the key 'answer' is there twice",
        ),
        Case(
            kind,
            "a key twice in an object of columns",
            {"mine.json": b'{"question": ["Q?"], "answer": [1], "answer": [2]}'},
            line="is one JSON object in which the key 'answer' is there twice",
        ),
        Case(
            kind,
            "an object as a question, a key twice in it",
            {"mine.jsonl": lines + b'{"question": {"en": "a", "en": "b"}, "answer": 1}\n'},
            skipped=1,
        ),
        Case(
            kind,
            "other capitals in other rows",
            {"mine.jsonl": jsonl(capitals)},
        ),
        Case(
            kind,
            "a row whose column is there in two capitals",
            {"mine.jsonl": lines + b'{"Question": "Q?", "QUESTION": "R?", "answer": 1}\n'},
            skipped=1,
        ),
        Case(
            kind,
            "objects over many lines under .jsonl",
            {"mine.jsonl": "\n".join(json.dumps(row, indent=1) for row in ROWS).encode()},
            line="row 1: no whole JSON object on one line; valid: one object a line, or a file named .json",
        ),
        Case(
            kind,
            "objects that old line ends part (CR)",
            {"mine.jsonl": lines.replace(b"\n", b"\r")},
            line="row 1: more on one line than one JSON value; valid: one object a line",
        ),
        Case(
            kind,
            "objects over many lines, one after the other",
            {"mine.json": "\n".join(json.dumps(row, indent=1) for row in ROWS).encode()},
            line="is no JSON: Extra data (line 5, column 1); several values must be an array",
        ),
        Case(
            kind,
            "JSON Lines in UTF-16 without its mark",
            {"mine.jsonl": lines.decode().encode("utf-16-be")},
            line="looks like UTF-16 without its mark; valid: UTF-8",
        ),
        Case(
            kind,
            "an object that is no rows",
            {"mine.json": b'{"a": [1, 2],\n "b": [3]}'},
            line="is one JSON object with the keys a, b; valid: an array of objects",
        ),
        Case(
            kind,
            "JSON with a fault",
            {"mine.json": b'[{"question": "q", "answer": 1},\n {"question" 3}]'},
            line="is no JSON: Expecting ':' delimiter (line 2, column 14)",
        ),
        Case(kind, "a line that is no JSON", {"mine.jsonl": lines + b"{broken\n"}, skipped=1),
        Case(kind, "a line that is no object", {"mine.jsonl": lines + b"[1]\n"}, skipped=1),
        Case(kind, "lines of arrays alone", {"mine.jsonl": b"[1]\n[2]\n"}, line="row 1: not a JSON object"),
        Case(
            kind,
            "half a pair (`\\ud800`)",
            {"mine.jsonl": lines + jsonl([_with("\ud800", escaped=True)])},
            skipped=1,
        ),
        Case(kind, "a NUL", {"mine.jsonl": lines + jsonl([_with("\0")])}, skipped=1),
        Case(
            kind,
            "control codes, as a terminal's",
            {"mine.jsonl": jsonl([_with("\x1b[31m"), *ROWS])},
            line=r"row 1: column 'question' has '\x1b', a control code or half a pair, which no text has",
        ),
        Case(
            kind,
            "signs that turn the direction of writing",
            {"mine.jsonl": jsonl([{**row, "question": f"\u202e{row['question']}"} for row in ROWS])},
            answers={f"\u202e{row['question']}": str(row["answer"]) for row in ROWS},
        ),
        Case(
            kind,
            "a question that is null",
            {"mine.jsonl": lines + jsonl([{"question": None, "answer": 1}])},
            skipped=1,
        ),
        Case(
            kind,
            "numbers as questions",
            {"mine.jsonl": jsonl([{"question": 100 + i, "answer": i} for i in range(5)])},
            answers={str(100 + i): str(i) for i in range(5)},
        ),
        Case(
            kind,
            "sixty broken lines at the head",
            {"mine.jsonl": b"broken\n" * 60 + lines},
            skipped=60,
        ),
        Case(
            kind, "NaN as an answer", {"mine.jsonl": lines + b'{"question": "q", "answer": NaN}\n'}, skipped=1
        ),
        Case(kind, "a row nested without end", {"mine.jsonl": lines + b"[" * 9999 + b"\n"}, skipped=1),
        Case(
            kind,
            "answers that are text",
            {"mine.jsonl": jsonl([{**row, "answer": "a fair few"} for row in [*ROWS, *MORE]])},
            line="the answers in column 'answer' look like text, not numbers: none of the first 5 rows has "
            "one ('a fair few'; 'a fair few'); valid: '#### 18'",
        ),
        Case(
            kind,
            "one answer that is text",
            {"mine.jsonl": jsonl([*ROWS, {"question": "Q?", "answer": "two"}])},
            line="row 6: the answer must be one number, after '####' or alone",
        ),
    ]


def _with(sign: str, *, escaped: bool = False) -> Row | str:
    row = {"question": f"Has it a {sign}?", "answer": 1}
    return json.dumps(row) if escaped else row


def _binary_files() -> list[Case]:
    kind = "Compressed and binary files"
    lines = jsonl(ROWS)
    words = pa.schema([("question", pa.binary()), ("answer", pa.int64())])
    numbers = pa.schema([("question", pa.string()), ("answer", pa.int64())])
    return [
        Case(kind, "gzip", {"mine.jsonl.gz": gzip.compress(lines)}),
        Case(kind, "gzip of a CSV file", {"mine.csv.gz": gzip.compress(table(ROWS))}),
        Case(
            kind,
            "gzip in two members",
            {"mine.jsonl.gz": gzip.compress(lines[:40]) + gzip.compress(lines[40:])},
        ),
        Case(kind, "Zstandard", {"mine.jsonl.zst": zstd(lines)}),
        Case(kind, "bzip2", {"mine.jsonl.bz2": bz2.compress(lines)}),
        Case(kind, "xz", {"mine.json.xz": lzma.compress(json.dumps(ROWS).encode())}),
        Case(
            kind,
            "a file that ends too early",
            {"mine.jsonl.gz": gzip.compress(lines)[:-12]},
            line="can't be decompressed as gzip",
        ),
        Case(
            kind,
            "a file that is not what its name says",
            {"mine.jsonl.zst": lines},
            line="can't be decompressed as zstd",
        ),
        Case(kind, "Parquet", {"mine.parquet": parquet(ROWS)}),
        Case(kind, "Parquet, a suffix in capitals", {"MINE.PARQUET": parquet(ROWS)}),
        Case(
            kind,
            "Parquet with text as bytes, as old Spark writes it",
            {
                "mine.parquet": parquet(
                    [{**row, "question": str(row["question"]).encode()} for row in ROWS], words
                )
            },
        ),
        Case(
            kind,
            "Parquet with bytes that are no UTF-8",
            {
                "mine.parquet": parquet(
                    [
                        *({**r, "question": str(r["question"]).encode()} for r in ROWS),
                        {"question": b"\xff?", "answer": 1},
                    ],
                    words,
                )
            },
            skipped=1,
        ),
        Case(
            kind,
            "Parquet cut short",
            {"mine.parquet": parquet(ROWS)[:-9]},
            line="is no readable Parquet file",
        ),
        Case(kind, "Parquet without rows", {"mine.parquet": parquet(ROWS[:0], numbers)}, line="has no rows"),
        Case(
            kind,
            "Parquet without columns",
            {"mine.parquet": parquet([], pa.schema([]))},
            line="has no columns",
        ),
        Case(kind, "an Arrow stream", {"mine.arrow": arrow(ROWS)}),
        Case(kind, "an Arrow file", {"mine.arrow": arrow(ROWS, stream=False)}),
        Case(
            kind,
            "a link whose target has no suffix",
            {"blobs/0a1b2c": jsonl(ROWS)},
            links={"mine.jsonl": "blobs/0a1b2c"},
            data="mine.jsonl",
        ),
        Case(
            kind,
            "a link that has no suffix itself",
            {"kept/mine.csv": table(ROWS)},
            links={"mine": "kept/mine.csv"},
            data="mine",
        ),
    ]


def _shapes() -> list[Case]:
    kind = "Rows of other shapes"
    alpaca = [
        {"instruction": "Add.", "input": row["question"], "output": f"#### {row['answer']}"} for row in ROWS
    ]
    sharegpt = [
        {
            "conversations": [
                {"from": "human", "value": r["question"]},
                {"from": "gpt", "value": f"#### {r['answer']}"},
            ]
        }
        for r in ROWS
    ]
    parts = [
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": r["question"]}]},
                {"role": "assistant", "content": [{"type": "text", "text": str(r["answer"])}]},
            ]
        }
        for r in ROWS
    ]
    twice = {"messages": [*chats(ROWS)[0]["messages"], *chats(ROWS)[1]["messages"]]}
    said = "rows are chats ('messages'): the question is what the user says"
    return [
        Case(kind, "chats (`messages`)", {"mine.jsonl": jsonl(chats(ROWS))}, note=said),
        Case(
            kind,
            "chats with a system's text",
            {"mine.jsonl": jsonl(chats(ROWS, "Be brief."))},
            note=said,
            answers={f"Be brief.\n{row['question']}": str(row["answer"]) for row in ROWS},
        ),
        Case(
            kind,
            "chats with a developer's text",
            {"mine.jsonl": jsonl(chats(ROWS, "Be brief.")).replace(b'"system"', b'"developer"')},
            note=said,
            answers={f"Be brief.\n{row['question']}": str(row["answer"]) for row in ROWS},
        ),
        Case(kind, "chats in Parquet", {"mine.parquet": parquet(chats(ROWS))}, note=said),
        Case(kind, "chats whose content is in parts", {"mine.jsonl": jsonl(parts)}, note=said),
        Case(
            kind,
            "chats as `conversations`",
            {"mine.jsonl": jsonl(sharegpt)},
            note="rows are chats ('conversations')",
        ),
        Case(
            kind,
            "a chat of several turns",
            {"mine.jsonl": jsonl([*chats(ROWS), twice])},
            note=said,
            skipped=1,
        ),
        Case(
            kind,
            "instructions with an input and an output (alpaca)",
            {"mine.jsonl": jsonl(alpaca)},
            note="rows are instructions: the question is 'instruction', and 'input' below it",
            answers={f"Add.\n{row['question']}": str(row["answer"]) for row in ROWS},
        ),
        Case(
            kind,
            "instructions without an input",
            {
                "mine.csv": table(
                    [{"instruction": r["question"], "input": "", "output": r["answer"]} for r in ROWS]
                )
            },
            note="rows are instructions",
        ),
        Case(
            kind,
            "columns of other names",
            {"mine.jsonl": jsonl(renamed(ROWS, "prompt", "completion"))},
            line="no column 'question'; columns there: prompt, completion; --question-column and",
        ),
    ]


def _folders() -> list[Case]:
    kind = "Folders"
    train, test, validation = jsonl(ROWS), jsonl(MORE), jsonl(THIRD)
    two = (5, None, 3)
    three = (5, 2, 3)
    uuid = "6f1c1a9e-0b1d-4c55-9f0a-1d2b3c4d5e6f-c000"
    halves = (ROWS[:2], ROWS[2:])
    spark_json = {f"part-0000{i}-{uuid}.json": jsonl(rows) for i, rows in enumerate(halves)}
    spark_csv = {f"part-0000{i}-{uuid}.csv": table(rows) for i, rows in enumerate(halves)}
    spark_parquet = {f"part-0000{i}-{uuid}.snappy.parquet": parquet(rows) for i, rows in enumerate(halves)}
    rest = {"_SUCCESS": b"", f".part-00000-{uuid}.json.crc": b"crc\0", "._SUCCESS.crc": b"crc\0"}
    saved = {"state.json": b'{"_data_files": []}', "dataset_info.json": b"{}"}
    shards = {f"data/train-0000{i}-of-00002.parquet": parquet(rows) for i, rows in enumerate(halves)}
    return [
        Case(kind, "train alone", {"train.jsonl": train}, note="test 20% of its questions, held out"),
        Case(kind, "train and test", {"train.jsonl": train, "test.jsonl": test}, two),
        Case(kind, "CSV files", {"train.csv": table(ROWS), "test.csv": table(MORE)}, two),
        Case(
            kind,
            "train, validation and test",
            {"train.jsonl": train, "validation.jsonl": validation, "test.jsonl": test},
            three,
            note="validation validation.jsonl, test test.jsonl",
        ),
        Case(
            kind,
            "`dev` and `eval` are validation and test",
            {"train.jsonl": train, "dev.jsonl": validation, "eval.jsonl": test},
            three,
            note="validation dev.jsonl, test eval.jsonl",
        ),
        Case(
            kind,
            "train and validation",
            {"train.jsonl": train, "valid.jsonl": validation},
            (4, 2, 1),
            note="validation valid.jsonl, test 20% of its questions",
        ),
        Case(
            kind,
            "test alone",
            {"test.jsonl": test},
            line="needs one train file, or the numbered parts of one, found test",
        ),
        Case(
            kind,
            "two train files",
            {"train.jsonl": train, "train_v2.jsonl": test},
            line="needs one train file, or the numbered parts of one, found train.jsonl, train_v2.jsonl",
        ),
        Case(
            kind,
            "two versions of a file",
            {"train_v1.jsonl": train, "train_v2.jsonl": test},
            line="needs one train file, or the numbered parts of one, found train_v1.jsonl, train_v2.jsonl",
        ),
        Case(
            kind,
            "two versions of a file in a split's folder",
            {"train/sums-v1.1.jsonl": train, "train/sums-v1.2.jsonl": test},
            line="needs one train file, or the numbered parts of one, found sums-v1.1.jsonl, sums-v1.2.jsonl",
        ),
        Case(
            kind,
            "two sizes of a file",
            {"train_1k.jsonl": train, "train_10k.jsonl": test},
            line="needs one train file, or the numbered parts of one, found train_10k.jsonl, train_1k.jsonl",
        ),
        Case(
            kind,
            "one train file in two formats",
            {"train.jsonl": train, "train.csv": table(ROWS)},
            line="needs one train file, or the numbered parts of one, found train.csv, train.jsonl",
        ),
        Case(
            kind,
            "a file named after two splits",
            {"train_test.jsonl": train},
            line="is named after two splits, test and train",
        ),
        Case(kind, "one file of any name", {"problems/algebra.jsonl": train}, data="problems"),
        Case(
            kind,
            "two files of any names",
            {"a.jsonl": train, "b.jsonl": test},
            line="needs one train file, or the numbered parts of one, found a.jsonl, b.jsonl",
        ),
        Case(
            kind,
            "folders of subjects",
            {"algebra/train.jsonl": train, "geometry/train.jsonl": test},
            line="needs one train file, or the numbered parts of one, found train.jsonl, train.jsonl",
        ),
        Case(kind, "no data", {"notes.txt": b"x"}, line="unknown variant in data folder"),
        Case(
            kind,
            "GSM8K's variants",
            {
                "main/train.jsonl": train,
                "main/test.jsonl": test,
                "socratic/train.jsonl": validation,
                "socratic/test.jsonl": test,
            },
            two,
        ),
        Case(
            kind,
            "GSM8K's variants: Socratic",
            {
                "main/train.jsonl": train,
                "main/test.jsonl": test,
                "socratic/train.jsonl": validation,
                "socratic/test.jsonl": test,
            },
            (2, None, 3),
            variant="socratic",
        ),
        Case(
            kind,
            "`openai/grade-school-math`",
            _grade_school_math(train, test, validation),
            two,
            note="left alone in the data folder: example_model_solutions.jsonl",
        ),
        Case(
            kind,
            "`openai/grade-school-math`: Socratic",
            _grade_school_math(train, test, validation),
            (2, None, 3),
            variant="socratic",
        ),
        Case(
            kind,
            "a variant that is not there",
            {"train.jsonl": train},
            variant="socratic",
            line="has no variant 'socratic': --set variant=main runs the main arms alone",
        ),
        Case(kind, "Spark's parts, JSON", {**spark_json, **rest}),
        Case(kind, "Spark's parts, CSV", {**spark_csv, **rest}),
        Case(kind, "Spark's parts, Parquet", {**spark_parquet, **rest}),
        Case(
            kind,
            "Spark's parts without the empty ones",
            {f"part-0000{2 * i}-{uuid}.json": jsonl(rows) for i, rows in enumerate(halves)},
            note="the train files are 0 to 2 without 1 of the numbers",
        ),
        Case(
            kind,
            "Spark's folders, one a split",
            {
                **{f"train.json/{name}": content for name, content in {**spark_json, **rest}.items()},
                f"test.json/part-00000-{uuid}.json": test,
            },
            two,
        ),
        Case(
            kind,
            "a partitioned Parquet folder",
            {f"year=202{i}/part-0.parquet": parquet(rows) for i, rows in enumerate(halves)},
        ),
        Case(
            kind,
            "`save_to_disk` of a DatasetDict",
            {
                "dataset_dict.json": b'{"splits": ["train", "test"]}',
                "train/data-00000-of-00001.arrow": arrow(ROWS),
                "test/data-00000-of-00001.arrow": arrow(MORE),
                **{
                    f"{split}/{name}": content
                    for split in ("train", "test")
                    for name, content in saved.items()
                },
            },
            two,
        ),
        Case(
            kind,
            "`save_to_disk` of one Dataset",
            {
                "data-00000-of-00002.arrow": arrow(halves[0]),
                "data-00001-of-00002.arrow": arrow(halves[1]),
                **saved,
            },
        ),
        Case(
            kind,
            "the Hub's Parquet, in parts",
            {**shards, "data/test-00000-of-00001.parquet": parquet(MORE), "README.md": b"# A set\n"},
            two,
        ),
        Case(
            kind,
            "a part that is missing",
            {"data/train-00000-of-00002.parquet": parquet(ROWS)},
            line="is not whole: 1 of the 2 parts of 'train' is there",
        ),
        Case(
            kind,
            "parts of two sets, as after a new division",
            {"data/train-00000-of-00001.parquet": parquet(ROWS), **shards},
            line="has several sets of parts of 'train', of 1 and of 2; valid: one of them",
        ),
        Case(
            kind,
            "a folder that is a link",
            {"set/README.txt": b"x", "kept/train.jsonl": train, "kept/test.jsonl": test},
            two,
            data="set",
            links={"set/data": "../kept", "kept/again": "../set"},
        ),
        Case(
            kind,
            "a link to a folder beside it",
            {"v/train.jsonl": train, "v/test.jsonl": test},
            two,
            links={"latest": "v", "v/up": ".."},
        ),
        Case(
            kind,
            "the Hub's configurations: the default one by its folder",
            {
                "README.md": card(
                    "- config_name: default\n  default: true\n  data_dir: data\n"
                    "- config_name: hard\n  data_files: hard/train.jsonl\n"
                ),
                **{"data/train.jsonl": train, "data/test.jsonl": test, "hard/train.jsonl": validation},
            },
            two,
        ),
        Case(
            kind,
            "the Hub's configurations: a folder, and no files named",
            {
                "README.md": card("- config_name: sums\n  data_dir: x\n  data_files:\n"),
                **{"x/train.jsonl": train, "x/test.jsonl": test, "train.jsonl": validation},
            },
            two,
        ),
        Case(
            kind,
            "the Hub's configurations: a folder that is not there",
            {
                "README.md": card("- config_name: default\n  data_dir: data\n"),
                "train.jsonl": train,
            },
            line="README.md names 'data' for its configuration 'default', which is no folder in it",
        ),
        Case(
            kind,
            "the Hub's configurations: a folder out of this one",
            {
                "set/README.md": card("- config_name: default\n  data_dir: ../secret\n"),
                "secret/train.jsonl": train,
            },
            data="set",
            line="README.md names '../secret' for its configuration 'default', which is no folder in it",
        ),
        Case(
            kind,
            "the Hub's configurations: a name with a line end in it",
            {"README.md": card('- data_files: "a\\nb"\n'), "train.jsonl": train},
            line=r"README.md names 'a\nb', which is no data file there",
        ),
        Case(
            kind,
            "the Hub's configurations: a file that is not there",
            {
                "README.md": card("- config_name: default\n  data_files: [a.jsonl, b.jsonl]\n"),
                "a.jsonl": train,
            },
            line="README.md names 'b.jsonl', which is no data file there",
        ),
        Case(
            kind,
            "the Hub's configurations: a test split without files",
            {
                "README.md": card(
                    "- config_name: default\n  data_files:\n"
                    "  - split: train\n    path: a.jsonl\n  - split: test\n    path: test-*\n"
                ),
                "a.jsonl": train,
            },
            line="README.md has no file for the test split of its configuration 'default'",
        ),
        Case(
            kind,
            "the Hub's configurations: a pattern that can't be followed",
            {
                "README.md": card("- config_name: default\n  data_files: train**.jsonl\n"),
                "train-1.jsonl": train,
            },
            line="README.md names its files by 'train**.jsonl', a pattern that can't be followed",
        ),
        Case(
            kind,
            "a README.md with a date that is none",
            {
                "README.md": b"---\ndate: 2024-02-30\n" + card("- data_files: a---b.jsonl\n")[4:],
                **{"a---b.jsonl": train, "test.jsonl": test},
            },
        ),
        Case(
            kind,
            "the Hub's configurations: the default one",
            {
                "README.md": card(
                    "- config_name: hard\n  data_files: hard/*.jsonl\n"
                    "- config_name: easy\n  default: true\n  data_files:\n"
                    "  - split: train\n    path: easy/a*.jsonl\n"
                    "  - split: test\n    path: [easy/b.jsonl]\n"
                ),
                "easy/a-0.jsonl": jsonl(halves[0]),
                "easy/a-1.jsonl": jsonl(halves[1]),
                "easy/b.jsonl": test,
                "hard/c.jsonl": validation,
            },
            two,
        ),
        Case(
            kind,
            "the Hub's configurations: one alone, of CSV",
            {
                "README.md": card(
                    "- config_name: sums\n  data_dir: sums\n  data_files:\n"
                    "    train: t.csv\n    validation: v.csv\n"
                ),
                "sums/t.csv": table(ROWS),
                "sums/v.csv": table(THIRD),
            },
            (4, 2, 1),
            note="validation sums/v.csv, test 20% of its questions",
        ),
        Case(
            kind,
            "the Hub's configurations: splits called train_sft and test_sft",
            {
                "README.md": card(
                    "- config_name: default\n  data_files:\n"
                    "  - split: train_sft\n    path: data/a.jsonl\n"
                    "  - split: test_sft\n    path: data/b.jsonl\n"
                ),
                **{"data/a.jsonl": train, "data/b.jsonl": test},
            },
            two,
        ),
        Case(
            kind,
            "the Hub's configurations: two training splits",
            {
                "README.md": card(
                    "- config_name: default\n  data_files:\n"
                    "  - split: train_sft\n    path: a.jsonl\n"
                    "  - split: train_gen\n    path: b.jsonl\n"
                ),
                **{"a.jsonl": train, "b.jsonl": test},
            },
            line="README.md names several train splits (train_sft, train_gen); valid: a folder",
        ),
        Case(
            kind,
            "the Hub's configurations: several, none the default",
            {
                "README.md": card(
                    "- config_name: easy\n  data_files: easy.jsonl\n"
                    "- config_name: hard\n  data_files: hard.jsonl\n"
                ),
                "easy.jsonl": train,
                "hard.jsonl": test,
            },
            line="has several configurations and no default (easy, hard); valid: a folder of one",
        ),
        Case(
            kind,
            "a configuration that leads out of the folder",
            {
                "set/README.md": card("- config_name: default\n  data_files: ../secret.jsonl\n"),
                "secret.jsonl": train,
            },
            data="set",
            line="README.md has no file for the train split of its configuration 'default'",
        ),
        Case(
            kind,
            "a README.md that is no YAML",
            {"README.md": b"---\nconfigs: [\n---\n", "train.jsonl": train},
        ),
    ]


def _grade_school_math(train: bytes, test: bytes, socratic: bytes) -> dict[str, bytes]:
    folder = "grade_school_math/data"
    return {
        **{f"{folder}/train.jsonl": train, f"{folder}/test.jsonl": test},
        **{f"{folder}/train_socratic.jsonl": socratic, f"{folder}/test_socratic.jsonl": test},
        f"{folder}/example_model_solutions.jsonl": b'{"question": "q", "ground_truth": "1"}\n',
        "README.md": b"# Grade School Math\n",
    }


def _divisions() -> list[Case]:
    kind = "Questions in two splits, and small data"
    again = [
        {"question": f" {str(row['question']).upper().rstrip('?')} ", "answer": row["answer"]} for row in ROWS
    ]
    leaky = {"train.jsonl": jsonl([*ROWS, *MORE]), "test.jsonl": jsonl(again[:2])}
    plain = [
        {"question": text, "answer": i}
        for i, text in enumerate(["It doesn't cost 1,000?", "Has he 2,000,000 and 30?", "What's 5 feet?"])
    ]
    typed = [
        {"question": text, "answer": i}
        for i, text in enumerate(
            [
                "It doesn\u02bct cost 1 000?",
                "Has\u200b he 2\u202f000\u202f000 and 3\xad0?",
                "What\xb4s 5 feet?",
            ]
        )
    ]
    counted = "leaks: 2 of the 2 test questions of the main data are in train too; 2 rows there are left out"
    signs = [{"question": f"What is 3 {sign} 2?", "answer": i} for i, sign in enumerate("+-*/")]
    return [
        Case(
            kind,
            "test questions in train, in other capitals",
            leaky,
            (6, None, 2),
            note=counted,
            answers={str(row["question"]): str(row["answer"]) for row in again[:2]},
        ),
        Case(
            kind,
            "test questions in train, in other apostrophes, thousands and signs that are not seen",
            {"train.jsonl": jsonl([*ROWS, *typed]), "test.jsonl": jsonl(plain)},
            (5, None, 3),
            note="leaks: 3 of the 3 test questions of the main data are in train too; 3 rows there are left",
            answers={str(row["question"]): str(row["answer"]) for row in plain},
        ),
        Case(
            kind,
            "one test question in train",
            {"train.jsonl": jsonl([*ROWS, MORE[0]]), "test.jsonl": jsonl(MORE)},
            (5, None, 3),
            note="leaks: 1 of the 3 test questions of the main data are in train too; 1 row there is left",
        ),
        Case(
            kind,
            "the same with `--keep-leaks`",
            leaky,
            (8, None, 2),
            keep_leaks=True,
            answers={str(row["question"]): str(row["answer"]) for row in again[:2]},
        ),
        Case(
            kind,
            "validation questions in train and in test",
            {
                "train.jsonl": jsonl([*ROWS, *THIRD]),
                "validation.jsonl": jsonl([*THIRD, *MORE]),
                "test.jsonl": jsonl(MORE),
            },
            (5, 2, 3),
            note="leaks: 3 of the 3 test questions of the main data are in validation too; 3 rows",
        ),
        Case(
            kind,
            "only test questions in train",
            {"train.jsonl": jsonl(ROWS), "test.jsonl": jsonl(ROWS)},
            line="needs at least 2 (1 to train on, 1 to validate), found 0 distinct questions to train on",
        ),
        Case(
            kind,
            "a file with each row twice",
            {"mine.jsonl": jsonl([*ROWS, *again])},
            (6, None, 4),
            answers={str(row["question"]): str(row["answer"]) for row in again},
        ),
        Case(
            kind,
            "questions that differ in a sign",
            {"mine.jsonl": jsonl(signs)},
            (3, None, 1),
            answers={str(row["question"]): str(row["answer"]) for row in signs},
        ),
        Case(kind, "three rows: the smallest file", {"mine.jsonl": jsonl(MORE)}, (2, None, 1)),
        Case(
            kind,
            "two rows",
            {"mine.jsonl": jsonl(MORE[:2])},
            line="needs at least 3 (1 to train on, 1 to validate, 1 to test), found 2 distinct questions",
        ),
        Case(kind, "one row", {"mine.jsonl": jsonl(MORE[:1])}, line="found 1 distinct question"),
        Case(
            kind,
            "three rows of one question",
            {"mine.jsonl": jsonl([MORE[0]] * 3)},
            line="found 1 distinct question",
        ),
        Case(
            kind,
            "two rows to train on, and a test split",
            {"train.jsonl": jsonl(THIRD), "test.jsonl": jsonl(MORE)},
            (2, None, 3),
        ),
        Case(
            kind,
            "one row in each of three splits",
            {
                "train.jsonl": jsonl(ROWS[:1]),
                "validation.jsonl": jsonl(MORE[:1]),
                "test.jsonl": jsonl(THIRD[:1]),
            },
            (1, 1, 1),
        ),
    ]


CASES = [*_text_files(), *_json_files(), *_binary_files(), *_shapes(), *_folders(), *_divisions()]


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


if __name__ == "__main__":
    write_document()
