"""What each search chose, as a table, and in the cells of a table of all arms."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from analysis.arms.arm import Arm
from analysis.reading.tasks import MATH
from analysis.searching.choices import Choice, find_choices, value_order
from analysis.searching.ranges import searched_by
from analysis.units import MISSING, show_value

# What the table of all arms has room for; the second adapter's only where nothing else was searched.
_SHOWN = {"rank": "rank", "learning_rate": "lr"}
_SHOWN_OF_SECOND = {"second_rank": "rank 2", "second_learning_rate": "lr 2"}
CAPTION = (
    "The best trial of each search by validation, and the test score of its model; several where it was "
    "trained anew with several seeds. Replicates are numbered as in the results, from 0."
)


def chosen_columns(arms: Sequence[Arm]) -> dict[str, str]:
    """Return which chosen hyperparameters the table of all arms shows: name -> header."""
    searched = searched_by(arms)
    first = {name: header for name, header in _SHOWN.items() if name in searched}
    return first or {name: header for name, header in _SHOWN_OF_SECOND.items() if name in searched}


def show_chosen(choices: Sequence[Choice], name: str) -> str:
    """Return the chosen values of a hyperparameter for a cell: 8, or 8–32 over several replicates."""
    values = [choice.hyperparameters.get(name) for choice in choices]
    known = sorted({value for value in values if value is not None}, key=value_order)
    if not known:
        return MISSING
    if any(isinstance(value, str) for value in known):
        return ", ".join(map(str, known))
    low, high = show_value(known[0]), show_value(known[-1])
    return low if low == high else f"{low}–{high}"


def choice_headers(arms: Sequence[Arm]) -> list[str]:
    """Return the headers of the table of choices."""
    searched = [name.replace("_", " ") for name in searched_by(arms)]
    # Of word problems it is the accuracy, and so said elsewhere.
    task = arms[0].task if arms else MATH
    primary = task.primary.measure
    unit = "%" if task.is_math else primary.heading
    return ["arm", "replicate", *searched, f"validation {unit}", f"test {unit}"]


def choice_rows(arms: Sequence[Arm], names: Sequence[str]) -> list[list[str]]:
    """Return the cells of the table of choices: a row a replicate of each arm."""
    columns = searched_by(arms)
    return [
        [name, *_cells(choice, columns)]
        for arm, name in zip(arms, names, strict=True)
        for choice in find_choices(arm)
    ]


def _cells(choice: Choice, columns: Sequence[str]) -> list[str]:
    values = [choice.hyperparameters.get(name) for name in columns]
    measure = choice.primary.measure
    validation = MISSING if choice.validation is None else measure.write(choice.validation)[0]
    tests = ", ".join(measure.write(test)[0] for test in choice.tests) or MISSING
    shown = [MISSING if value is None else show_value(value) for value in values]
    return [choice.replicate or MISSING, *shown, validation, tests]


def choice_table(arms: Sequence[Arm], names: Sequence[str]) -> Table | None:
    """Return the table of choices for the terminal; None where nothing is chosen."""
    rows = choice_rows(arms, names)
    if not rows:
        return None
    table = Table(title="what the searches chose", box=box.SIMPLE_HEAD, title_justify="left", caption=CAPTION)
    table.caption_justify = "left"
    for index, header in enumerate(choice_headers(arms)):
        table.add_column(header, justify="right" if index else "left", overflow="fold")
    for cells in rows:
        table.add_row(*map(Text, cells))
    return table
