"""Short Python programming tasks, for the second stage of stacked LoRA and for the pre-training.

Rows have the schema of m-a-p/CodeFeedback-Filtered-Instruction: query, answer, resource, lang. They are
written with the word problems by `python -m study.embedded.problems`.
"""

from __future__ import annotations

import random

ROWS = 800

_NOUNS = ["price", "score", "count", "total", "weight", "length", "speed", "height", "width", "amount"]
_LISTS = ["numbers", "values", "scores", "prices", "items", "sizes"]

# (query, program); {v} a variable, {xs} a list, {n} and {m} numbers.
_TEMPLATES: tuple[tuple[str, str], ...] = (
    ("Write a function that adds {n} to a {v}.", "def add({v}):\n    return {v} + {n}"),
    ("Write a function that multiplies a {v} by {n}.", "def multiply({v}):\n    return {v} * {n}"),
    ("Write a function that subtracts {n} from a {v}.", "def subtract({v}):\n    return {v} - {n}"),
    ("Write a function that returns half of a {v}.", "def half({v}):\n    return {v} // 2"),
    (
        "Write a function that tells whether a {v} is larger than {n}.",
        "def larger({v}):\n    return {v} > {n}",
    ),
    ("Write a function that tells whether a {v} is even.", "def is_even({v}):\n    return {v} % 2 == 0"),
    ("Sum the list {xs}.", "total = 0\nfor x in {xs}:\n    total = total + x\nprint(total)"),
    ("Print the largest of the list {xs}.", "print(max({xs}))"),
    ("Print how many entries of {xs} are larger than {n}.", "print(len([x for x in {xs} if x > {n}]))"),
    ("Add {n} to every entry of {xs}.", "{xs} = [x + {n} for x in {xs}]"),
    ("Keep the entries of {xs} that are below {n}.", "{xs} = [x for x in {xs} if x < {n}]"),
    ("Print the numbers from {n} to {m}.", "for i in range({n}, {m} + 1):\n    print(i)"),
    ("Set {v} to {n} and print its double.", "{v} = {n}\nprint({v} * 2)"),
    ("Set {v} to {n}, add {m}, and store the result in answer.", "{v} = {n}\nanswer = {v} + {m}"),
    ("Set {v} to {m}, take away {n}, and store the result in answer.", "{v} = {m}\nanswer = {v} - {n}"),
    ("Store {n} times the {v} in answer.", "answer = {n} * {v}"),
    ("Reverse the list {xs}.", "{xs} = {xs}[::-1]"),
    ("Sort {xs} from large to small.", "{xs} = sorted({xs}, reverse=True)"),
    ("Print the first {n} entries of {xs}.", "print({xs}[:{n}])"),
    ("Write a function that limits a {v} to {m}.", "def limit({v}):\n    return min({v}, {m})"),
)


def draw_code_task(rng: random.Random) -> tuple[str, str]:
    """One task: the query and the program that answers it."""
    query, program = rng.choice(_TEMPLATES)
    low, high = sorted(rng.sample(range(2, 100), 2))
    words = {"v": rng.choice(_NOUNS), "xs": rng.choice(_LISTS), "n": str(low), "m": str(high)}
    return query.format(**words), program.format(**words)


def write_code_tasks(seed: int) -> list[dict[str, str]]:
    """The rows of code/train.jsonl: distinct queries, deterministic by seed."""
    rng = random.Random(f"{seed}-code")
    tasks: dict[str, str] = {}
    while len(tasks) < ROWS:
        query, program = draw_code_task(rng)
        tasks.setdefault(query, program)
    return [
        {"query": query, "answer": f"```python\n{program}\n```", "resource": "generated", "lang": "python"}
        for query, program in tasks.items()
    ]
