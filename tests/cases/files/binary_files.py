"""Compressed files, Parquet and Arrow."""

import bz2
import gzip
import json
import lzma

import pyarrow as pa

from tests.cases.files.case import Case
from tests.cases.files.formats import arrow, jsonl, parquet, table, zstd
from tests.cases.files.rows import ROWS

KIND = "Compressed and binary files"
LINES = jsonl(ROWS)
WORDS = pa.schema([("question", pa.binary()), ("answer", pa.int64())])
NUMBERS = pa.schema([("question", pa.string()), ("answer", pa.int64())])

CASES: list[Case] = [
    Case(KIND, "gzip", {"mine.jsonl.gz": gzip.compress(LINES)}),
    Case(KIND, "gzip of a CSV file", {"mine.csv.gz": gzip.compress(table(ROWS))}),
    Case(
        KIND,
        "gzip in two members",
        {"mine.jsonl.gz": gzip.compress(LINES[:40]) + gzip.compress(LINES[40:])},
    ),
    Case(KIND, "Zstandard", {"mine.jsonl.zst": zstd(LINES)}),
    Case(KIND, "bzip2", {"mine.jsonl.bz2": bz2.compress(LINES)}),
    Case(KIND, "xz", {"mine.json.xz": lzma.compress(json.dumps(ROWS).encode())}),
    Case(
        KIND,
        "a file that ends too early",
        {"mine.jsonl.gz": gzip.compress(LINES)[:-12]},
        line="can't be decompressed as gzip",
    ),
    Case(
        KIND,
        "a file that is not what its name says",
        {"mine.jsonl.zst": LINES},
        line="can't be decompressed as zstd",
    ),
    Case(KIND, "Parquet", {"mine.parquet": parquet(ROWS)}),
    Case(KIND, "Parquet, a suffix in capitals", {"MINE.PARQUET": parquet(ROWS)}),
    Case(
        KIND,
        "Parquet with text as bytes, as old Spark writes it",
        {
            "mine.parquet": parquet(
                [{**row, "question": str(row["question"]).encode()} for row in ROWS], WORDS
            )
        },
    ),
    Case(
        KIND,
        "Parquet with bytes that are no UTF-8",
        {
            "mine.parquet": parquet(
                [
                    *({**r, "question": str(r["question"]).encode()} for r in ROWS),
                    {"question": b"\xff?", "answer": 1},
                ],
                WORDS,
            )
        },
        skipped=1,
    ),
    Case(
        KIND,
        "Parquet cut short",
        {"mine.parquet": parquet(ROWS)[:-9]},
        line="is no readable Parquet file",
    ),
    Case(KIND, "Parquet without rows", {"mine.parquet": parquet(ROWS[:0], NUMBERS)}, line="has no rows"),
    Case(
        KIND,
        "Parquet without columns",
        {"mine.parquet": parquet([], pa.schema([]))},
        line="has no columns",
    ),
    Case(KIND, "an Arrow stream", {"mine.arrow": arrow(ROWS)}),
    Case(KIND, "an Arrow file", {"mine.arrow": arrow(ROWS, stream=False)}),
    Case(
        KIND,
        "a link whose target has no suffix",
        {"blobs/0a1b2c": jsonl(ROWS)},
        links={"mine.jsonl": "blobs/0a1b2c"},
        data="mine.jsonl",
    ),
    Case(
        KIND,
        "a link that has no suffix itself",
        {"kept/mine.csv": table(ROWS)},
        links={"mine": "kept/mine.csv"},
        data="mine",
    ),
]
