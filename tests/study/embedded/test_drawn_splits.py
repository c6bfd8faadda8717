"""The generated orders and chats: right answers, disjoint splits, the same bytes each time."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from study.embedded import EXTRACTION_DIR, INSTRUCTIONS_DIR, MODEL_DIR
from study.embedded.drawn_splits import draw_splits, split_of, write_splits
from study.embedded.instructions import ABOUT_NUMBERS, ABOUT_WORDS, draw_chat
from study.embedded.instructions import ROWS as CHATS
from study.embedded.orders import ROWS as ORDERS
from study.embedded.orders import draw_order

SETS = {"orders": (EXTRACTION_DIR, draw_order, ORDERS), "chats": (INSTRUCTIONS_DIR, draw_chat, CHATS)}


def read(folder: Path, split: str) -> list[dict]:
    return [json.loads(line) for line in (folder / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(("folder", "draw", "rows"), SETS.values(), ids=SETS)
def test_the_kept_files_are_what_is_drawn(folder: Path, draw: Callable, rows: dict, tmp_path: Path) -> None:
    write_splits(tmp_path, draw_splits(draw, rows, 0))
    for split, count in rows.items():
        kept = (folder / f"{split}.jsonl").read_bytes()
        assert (tmp_path / f"{split}.jsonl").read_bytes() == kept
        assert len(kept.splitlines()) == count


def test_what_an_order_says_is_in_its_object_and_in_one_split_alone() -> None:
    keys: dict[str, set] = {}
    for split in ORDERS:
        for row in read(EXTRACTION_DIR, split):
            answer = row["answer"]
            assert list(answer) == ["item", "n"] + ["price"] * (row["group"] == "price")
            words = re.findall(r"\w+", row["question"])
            assert {str(answer["n"]), answer["item"]} <= {*words}
            if "price" in answer:
                assert f"${answer['price']}" in row["question"]
                key = f"{answer['item']} {answer['n']} {answer['price']}"
                assert split_of(key) == split
            keys.setdefault(split, set()).add(row["question"])
    assert keys["train"].isdisjoint(keys["test"])


def test_every_turn_of_a_chat_answers_what_is_asked_of_its_first() -> None:
    for split in CHATS:
        for row in read(INSTRUCTIONS_DIR, split):
            turns = row["messages"]
            asked, listed = turns[0]["content"].split(": ")
            items = listed.split()
            tasks = ABOUT_NUMBERS if items[0].isdigit() else ABOUT_WORDS
            assert split_of(listed) == split
            assert [turn["role"] for turn in turns] == ["user", "assistant"] * (len(turns) // 2)
            assert turns[1]["content"] == tasks[asked](items)
            if len(turns) > 2:
                assert turns[3]["content"] == tasks[turns[2]["content"].rstrip("?")](items)
                assert turns[2]["content"].rstrip("?") != asked


def test_the_embedded_tokenizer_writes_every_answer() -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(MODEL_DIR)
    texts = [json.dumps(row["answer"]) for row in read(EXTRACTION_DIR, "test")]
    texts += [turn["content"] for row in read(INSTRUCTIONS_DIR, "test") for turn in row["messages"]]
    assert tokenizer.batch_decode(tokenizer(texts).input_ids, skip_special_tokens=True) == texts
