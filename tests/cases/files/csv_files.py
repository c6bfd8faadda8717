"""CSV and its kin, as editors and Excel write them."""

from study.rows.problems import Columns
from tests.cases.files.case import Case
from tests.cases.files.formats import table
from tests.cases.files.rows import ROWS, renamed

KIND = "CSV and its kin"
LATIN = [{"question": f"Où est {word}é?", "answer": 11 + i} for i, word in enumerate("ABCDE")]
ACCENTS = {f"Où est {word}é?": str(11 + i) for i, word in enumerate("ABCDE")}
QUOTED = [{"question": f'He said "{word}", and\nwent?', "answer": 11 + i} for i, word in enumerate("ABCDE")]
QUOTES = {f'He said "{word}", and\nwent?': str(11 + i) for i, word in enumerate("ABCDE")}
PLAIN = table(ROWS)
NOTED = [{**row, "note": ""} for row in ROWS]
NUMBERS = [{"question": 100 + i, "answer": 200 + i} for i in range(5)]
DIGITS = {str(100 + i): str(200 + i) for i in range(5)}
CROSSED = b'question,answer\n"Question A?,11\nQuestion B?,12\nQuestion C?,13\nQuestion D?",14\n'

CASES: list[Case] = [
    Case(KIND, "a CSV file with a header", {"mine.csv": PLAIN}),
    Case(KIND, "a byte order mark", {"mine.csv": table(ROWS, encoding="utf-8-sig")}),
    Case(KIND, "semicolons between cells", {"mine.csv": table(ROWS, ";")}),
    Case(KIND, "tabs between cells", {"mine.csv": table(ROWS, "\t")}),
    Case(KIND, "bars between cells", {"mine.csv": table(ROWS, "|")}),
    Case(KIND, "a TSV file", {"mine.tsv": table(ROWS, "\t")}),
    Case(KIND, "Excel's first line `sep=;`", {"mine.csv": b"sep=;\r\n" + table(ROWS, ";")}),
    Case(KIND, "Excel's Unicode text: UTF-16 with tabs", {"mine.tsv": table(ROWS, "\t", "utf-16")}),
    Case(KIND, "Excel's empty rows at the end", {"mine.csv": table(ROWS, ";") + b";\r\n;\r\n"}),
    Case(KIND, "Excel's empty columns at the end", {"mine.csv": PLAIN.replace(b"\r\n", b",,\r\n")}),
    Case(KIND, "old line ends (CR)", {"mine.csv": table(ROWS, end="\r")}),
    Case(
        KIND,
        "Latin-1, or Windows-1252",
        {"mine.csv": table(LATIN, ";", "cp1252")},
        answers=ACCENTS,
        note="mine.csv is not UTF-8 and is read as Windows-1252 (Latin-1): 'Où'",
    ),
    Case(
        KIND,
        "UTF-8 with a byte that is none",
        {"mine.csv": table(LATIN) + b"broken \xff\xfe?,9\r\n"},
        answers=ACCENTS,
        skipped=1,
    ),
    Case(KIND, "quotes, commas and lines within a cell", {"mine.csv": table(QUOTED)}, answers=QUOTES),
    Case(
        KIND,
        "a quote that never closes",
        {"mine.csv": PLAIN + b'"Question F?,16\r\nQuestion G?,17\r\n'},
        line="row 6: the quote that opens on line 7 or after it never closes",
    ),
    Case(
        KIND,
        "a quote that closes rows later",
        {"mine.csv": CROSSED},
        line="row 1: the quote that opens on line 2 closes rows later; its end is missing",
    ),
    Case(
        KIND,
        "a quote that closes at the next row's",
        {"mine.csv": b'question,answer\n"Question A?,11\n"Question B?",12\n'},
        line="row 1: a double quote within a text must be doubled",
    ),
    Case(
        KIND,
        "an unquoted comma in a text",
        {"mine.csv": b"answer,question\n11,How many, in all?\n12,Question B?\n"},
        line="row 1: 3 cells where the header has 2 (line 2); a text with a comma in it must stand in",
    ),
    Case(
        KIND,
        "an unquoted comma before an empty last column",
        {"mine.csv": b"answer,question,note\n7,Tom has 3, and gets 4?,\n" + b"8,Q?,\n" * 3},
        line="row 1: 4 cells where the header has 3 (line 2)",
    ),
    Case(
        KIND,
        "an unquoted number of thousands before an empty last column",
        {"mine.csv": table(NOTED) + b"What is half of 1,000,500,\r\n"},
        skipped=1,
    ),
    Case(
        KIND,
        "a cell of more than 131,072 characters",
        {"mine.csv": PLAIN + b'"' + b"word " * 27_000 + b'?",16\r\n'},
        line="row 6: a cell has more than 131,072 characters (line 7), or the quote that opens on line 7",
    ),
    Case(
        KIND,
        "half a pair in UTF-16",
        {"mine.csv": table(ROWS, encoding="utf-16") + "\ud800?,16\r\n".encode("utf-16-le", "surrogatepass")},
        skipped=1,
    ),
    Case(
        KIND,
        "half a letter at the end of UTF-16",
        {"mine.csv": table(ROWS, encoding="utf-16") + "?,1\r\nQ".encode("utf-16-le") + b"?"},
        line="1 cell where the header has 2",
    ),
    Case(
        KIND,
        "UTF-16 without its mark",
        {"mine.csv": table(ROWS, encoding="utf-16-le")},
        line="looks like UTF-16 without its mark; valid: UTF-8",
    ),
    Case(
        KIND,
        "Shift-JIS, GBK and others of their kind",
        {"mine.csv": "question,answer\nりんごは3個?,3\n林檎は5?,5\n本?,2\n".encode("shift_jis")},
        line="row 1: column 'question' has the byte 0x82, which is neither UTF-8 nor Windows-1252; valid",
    ),
    Case(
        KIND,
        "one column for the question and the answer",
        {"mine.csv": PLAIN},
        columns=Columns("Answer", "answer"),
        line="the question and the answer can't both be the column 'answer'; valid: one column each",
    ),
    Case(
        KIND,
        "a row with too few cells",
        {"mine.csv": PLAIN + b"Question F?\r\n"},
        line="row 6: 1 cell where the header has 2 (line 7)",
    ),
    Case(
        KIND,
        "other capitals in the header",
        {"mine.csv": table(renamed(ROWS, " Question", "ANSWER "))},
        note="questions are in the column 'Question', answers in 'ANSWER'",
    ),
    Case(
        KIND,
        "other names in the header",
        {"mine.csv": table(renamed(ROWS, "prompt", "solution"))},
        line="no column 'question'; columns there: prompt, solution; --question-column and",
    ),
    Case(
        KIND,
        "other names, named by the options",
        {"mine.csv": table(renamed(ROWS, "prompt", "solution"))},
        columns=Columns("prompt", "solution"),
        note="questions are in the column 'prompt', answers in 'solution'",
    ),
    Case(
        KIND,
        "no header",
        {"mine.csv": b"Question A?,11\nQuestion B?,12\nQuestion C?,13\n"},
        line="no column 'question'; columns there: Question A?, 11;",
    ),
    Case(
        KIND,
        "a delimiter that is none of these",
        {"mine.csv": b"question~answer\nQuestion A?~11\n"},
        line="no column 'question'; columns there: question~answer;",
    ),
    Case(
        KIND,
        "a column named twice",
        {"mine.csv": b"question,answer,answer\nQuestion A?,11,12\n"},
        line="has two columns named 'answer'",
    ),
    Case(KIND, "an empty file", {"mine.csv": b""}, line="has no rows: its first line must name the columns"),
    Case(KIND, "a header alone", {"mine.csv": b"question,answer\n"}, line="has no rows"),
    Case(KIND, "numbers as questions", {"mine.csv": table(NUMBERS)}, answers=DIGITS),
    Case(KIND, "a suffix in capitals", {"MINE.CSV": PLAIN}),
    Case(
        KIND,
        "a spreadsheet",
        {"mine.xlsx": b"PK\x03\x04"},
        line="must end in .jsonl, .ndjson, .json, .csv, .tsv, .parquet, .arrow, and the text ones with "
        ".gz, .bz2, .zst, .xz; save the sheet as CSV",
    ),
]
