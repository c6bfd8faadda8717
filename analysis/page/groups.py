"""The page's section on groups: what each arm scores on each, the worst one marked beside the mean."""

from __future__ import annotations

import html
from collections.abc import Sequence

from analysis.comparison.groups import Group, Groups
from analysis.judgement.verdicts import Verdict
from analysis.page.elements import paragraphs, scrolling_table
from analysis.page.labels import name_cell
from analysis.words.groups import explain_groups
from analysis.words.numbers import show_scored


def groups_section(verdicts: Sequence[Verdict]) -> str:
    """Return the section; nothing where questions have no groups."""
    parts = [_table(verdict, verdict.groups) for verdict in verdicts if verdict.groups is not None]
    if not parts:
        return ""
    return f'\n<section id="groups">\n<h2>Groups</h2>\n{"".join(parts)}</section>'


def _table(verdict: Verdict, groups: Groups) -> str:
    names = [row.name for row in verdict.rows if row.name in groups.overall]
    worst = {name: groups.worst(name) for name in names}
    measure = groups.score.measure
    everything = "".join(
        f"<td>{html.escape(show_scored(groups.overall[name], measure))}</td>" for name in names
    )
    total = next(row.questions for row in verdict.rows)
    first = f'<tr class="clear"><td>all questions</td><td data-value="{total}">{total}</td>{everything}</tr>'
    rows = [
        first,
        *(_row(group, groups, names, [worst[name] is group for name in names]) for group in groups.groups),
    ]
    headers = ["group", "questions", *(f"{name}: {measure.heading}" for name in names)]
    note = explain_groups(groups, verdict.task.primary.measure.name)
    return scrolling_table(headers, "\n".join(rows), "sortable groups") + paragraphs([note], "note")


def _row(group: Group, groups: Groups, names: Sequence[str], is_worst: Sequence[bool]) -> str:
    cells = [
        f'<td data-value="{group.estimates[name].mean}"{" class=worst" if worst else ""}>'
        f"{html.escape(show_scored(group.estimates[name], groups.score.measure))}</td>"
        for name, worst in zip(names, is_worst, strict=True)
    ]
    count = f'<td data-value="{group.questions}">{group.questions}</td>'
    return f"<tr>{name_cell(group.name)}{count}{''.join(cells)}</tr>"
