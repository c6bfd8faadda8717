"""Rows that are chats or instructions, or have other columns."""

from tests.cases.files.case import Case
from tests.cases.files.formats import jsonl, parquet, table
from tests.cases.files.rows import ROWS, chats, renamed

KIND = "Rows of other shapes"
ALPACA = [
    {"instruction": "Add.", "input": row["question"], "output": f"#### {row['answer']}"} for row in ROWS
]
SHAREGPT = [
    {
        "conversations": [
            {"from": "human", "value": r["question"]},
            {"from": "gpt", "value": f"#### {r['answer']}"},
        ]
    }
    for r in ROWS
]
PARTS = [
    {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": r["question"]}]},
            {"role": "assistant", "content": [{"type": "text", "text": str(r["answer"])}]},
        ]
    }
    for r in ROWS
]
TWICE = {"messages": [*chats(ROWS)[0]["messages"], *chats(ROWS)[1]["messages"]]}
UNANSWERED = [
    {"messages": TWICE["messages"][:3]},
    {"messages": TWICE["messages"][:1]},
    {"messages": TWICE["messages"][1:]},
    {"messages": [*TWICE["messages"][:1], *TWICE["messages"][:2]]},
    {"messages": []},
]
SAID = "rows are chats ('messages'): the question is what the user says"

CASES: list[Case] = [
    Case(KIND, "chats (`messages`)", {"mine.jsonl": jsonl(chats(ROWS))}, note=SAID),
    Case(
        KIND,
        "chats with a system's text",
        {"mine.jsonl": jsonl(chats(ROWS, "Be brief."))},
        note=SAID,
        answers={f"Be brief.\n{row['question']}": str(row["answer"]) for row in ROWS},
    ),
    Case(
        KIND,
        "chats with a developer's text",
        {"mine.jsonl": jsonl(chats(ROWS, "Be brief.")).replace(b'"system"', b'"developer"')},
        note=SAID,
        answers={f"Be brief.\n{row['question']}": str(row["answer"]) for row in ROWS},
    ),
    Case(KIND, "chats in Parquet", {"mine.parquet": parquet(chats(ROWS))}, note=SAID),
    Case(KIND, "chats whose content is in parts", {"mine.jsonl": jsonl(PARTS)}, note=SAID),
    Case(
        KIND,
        "chats as `conversations`",
        {"mine.jsonl": jsonl(SHAREGPT)},
        note="rows are chats ('conversations')",
    ),
    Case(
        KIND,
        "a chat of several turns: its last answer is the answer, what comes before it the question",
        {"mine.jsonl": jsonl([*chats(ROWS[1:]), TWICE])},
        note=SAID,
        answers={
            **{row["question"]: str(row["answer"]) for row in ROWS[1:]},
            f"{ROWS[0]['question']}\n#### {ROWS[0]['answer']}\n{ROWS[1]['question']}": str(ROWS[1]["answer"]),
        },
    ),
    Case(
        KIND,
        "chats that do not end with the assistant's turn, or have none",
        {"mine.jsonl": jsonl([*chats(ROWS), *UNANSWERED])},
        note=SAID,
        skipped=len(UNANSWERED),
    ),
    Case(
        KIND,
        "instructions with an input and an output (alpaca)",
        {"mine.jsonl": jsonl(ALPACA)},
        note="rows are instructions: the question is 'instruction', and 'input' below it",
        answers={f"Add.\n{row['question']}": str(row["answer"]) for row in ROWS},
    ),
    Case(
        KIND,
        "instructions without an input",
        {
            "mine.csv": table(
                [{"instruction": r["question"], "input": "", "output": r["answer"]} for r in ROWS]
            )
        },
        note="rows are instructions",
    ),
    Case(
        KIND,
        "columns of other names",
        {"mine.jsonl": jsonl(renamed(ROWS, "prompt", "completion"))},
        line="no column 'question'; columns there: prompt, completion; --question-column and",
    ),
]
