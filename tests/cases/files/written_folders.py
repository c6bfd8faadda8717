"""Folders as Spark, `datasets` and the Hub write them, and links."""

from tests.cases.files.case import Case
from tests.cases.files.formats import arrow, jsonl, parquet, table
from tests.cases.files.rows import MORE, ROWS, THIRD

KIND = "Folders"
TRAIN, TEST, VALIDATION = jsonl(ROWS), jsonl(MORE), jsonl(THIRD)
TWO = (5, None, 3)
UUID = "6f1c1a9e-0b1d-4c55-9f0a-1d2b3c4d5e6f-c000"
HALVES = (ROWS[:2], ROWS[2:])
SPARK_JSON = {f"part-0000{i}-{UUID}.json": jsonl(rows) for i, rows in enumerate(HALVES)}
SPARK_CSV = {f"part-0000{i}-{UUID}.csv": table(rows) for i, rows in enumerate(HALVES)}
SPARK_PARQUET = {f"part-0000{i}-{UUID}.snappy.parquet": parquet(rows) for i, rows in enumerate(HALVES)}
REST = {"_SUCCESS": b"", f".part-00000-{UUID}.json.crc": b"crc\0", "._SUCCESS.crc": b"crc\0"}
SAVED = {"state.json": b'{"_data_files": []}', "dataset_info.json": b"{}"}
SHARDS = {f"data/train-0000{i}-of-00002.parquet": parquet(rows) for i, rows in enumerate(HALVES)}

CASES: list[Case] = [
    Case(KIND, "Spark's parts, JSON", {**SPARK_JSON, **REST}),
    Case(KIND, "Spark's parts, CSV", {**SPARK_CSV, **REST}),
    Case(KIND, "Spark's parts, Parquet", {**SPARK_PARQUET, **REST}),
    Case(
        KIND,
        "Spark's parts without the empty ones",
        {f"part-0000{2 * i}-{UUID}.json": jsonl(rows) for i, rows in enumerate(HALVES)},
        note="the train files are 0 to 2 without 1 of the numbers",
    ),
    Case(
        KIND,
        "Spark's folders, one a split",
        {
            **{f"train.json/{name}": content for name, content in {**SPARK_JSON, **REST}.items()},
            f"test.json/part-00000-{UUID}.json": TEST,
        },
        TWO,
    ),
    Case(
        KIND,
        "a partitioned Parquet folder",
        {f"year=202{i}/part-0.parquet": parquet(rows) for i, rows in enumerate(HALVES)},
    ),
    Case(
        KIND,
        "`save_to_disk` of a DatasetDict",
        {
            "dataset_dict.json": b'{"splits": ["train", "test"]}',
            "train/data-00000-of-00001.arrow": arrow(ROWS),
            "test/data-00000-of-00001.arrow": arrow(MORE),
            **{f"{split}/{name}": content for split in ("train", "test") for name, content in SAVED.items()},
        },
        TWO,
    ),
    Case(
        KIND,
        "`save_to_disk` of one Dataset",
        {
            "data-00000-of-00002.arrow": arrow(HALVES[0]),
            "data-00001-of-00002.arrow": arrow(HALVES[1]),
            **SAVED,
        },
    ),
    Case(
        KIND,
        "the Hub's Parquet, in parts",
        {**SHARDS, "data/test-00000-of-00001.parquet": parquet(MORE), "README.md": b"# A set\n"},
        TWO,
    ),
    Case(
        KIND,
        "a part that is missing",
        {"data/train-00000-of-00002.parquet": parquet(ROWS)},
        line="is not whole: 1 of the 2 parts of 'train' is there",
    ),
    Case(
        KIND,
        "parts of two sets, as after a new division",
        {"data/train-00000-of-00001.parquet": parquet(ROWS), **SHARDS},
        line="has several sets of parts of 'train', of 1 and of 2; valid: one of them",
    ),
    Case(
        KIND,
        "a folder that is a link",
        {"set/README.txt": b"x", "kept/train.jsonl": TRAIN, "kept/test.jsonl": TEST},
        TWO,
        data="set",
        links={"set/data": "../kept", "kept/again": "../set"},
    ),
    Case(
        KIND,
        "a link to a folder beside it",
        {"v/train.jsonl": TRAIN, "v/test.jsonl": TEST},
        TWO,
        links={"latest": "v", "v/up": ".."},
    ),
]
