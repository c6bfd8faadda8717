"""The report's page: its sections as HTML, put into the page's frame in `web/`.

Everything that a study, a model or a data set wrote is escaped here, or reaches the page as data that its
script shows as text.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Sequence
from importlib import resources

from analysis.comparison.rows import Comparison, ComparisonRow
from analysis.judgement.verdicts import Verdict, judge
from analysis.layout.pairs import COLUMNS, LEGEND, limit_pairs, pair_cells
from analysis.layout.terminal import (
    COST_NAMES,
    PAPER_COLUMNS,
    PUBLISHED_COLUMNS,
    cost_columns,
    legend,
    score_columns,
)
from analysis.page.browsing import Browser, browse, pack
from analysis.page.method import method_section
from analysis.pictures.drawing import to_svg
from analysis.plots import figures, not_drawn
from analysis.reading.folders import Study
from analysis.searches import importance_lines
from analysis.searching.choices import CAPTION, choice_headers, choice_rows, find_choices, overstatement
from analysis.searching.spending import HEADERS, saving_sentence, spending, spending_rows, total_spending
from analysis.statistics.differences import Difference, Ranks
from analysis.units import show_interval
from analysis.verdict import say_verdicts
from analysis.words.recommendation import Recommendation, recommend

MOST_PAIRS = 500
_METRICS = {
    "accuracy % (95%)": "accuracy",
    "strict": "accuracy_strict",
    "lenient": "accuracy_lenient",
    "lm-eval strict": "accuracy_lm_eval_strict",
    "lm-eval flexible": "accuracy_lm_eval_flexible",
    "answd": "answered",
    "R-1": "rouge1",
    "perpl.": "perplexity",
    "simil.": "similarity",
}


def render_page(studies: Sequence[Study], comparison: Comparison, most_predictions: int) -> str:
    """Return the whole page."""
    verdicts = judge(comparison)
    plots, hover = _plots(comparison, verdicts)
    browser = browse(comparison.rows, most_predictions)
    return _fill(
        _web("report.html"),
        title=html.escape(f"{', '.join(study.name for study in studies)}: {_question(studies)}"),
        css=_web("report.css"),
        eyebrow=html.escape(_eyebrow(studies)),
        question=html.escape(_question(studies)),
        recommendation=_recommendation(recommend(comparison, verdicts)),
        verdict=paragraphs(say_verdicts(verdicts)),
        table=_table(comparison, verdicts),
        plots=plots,
        not_drawn=paragraphs(not_drawn(comparison), "note"),
        browser=_browser(browser),
        pairs=_pairs(verdicts),
        search=_search(comparison),
        method=method_section(studies, comparison),
        hover=_json(hover),
        data=_data(browser),
        script=_web("report.js"),
    )


def _fill(frame: str, **parts: str) -> str:
    # One pass: what a part says is never taken for a place of its own.
    return re.sub(r"@@(\w+)@@", lambda match: parts[match[1]], frame)


def _web(name: str) -> str:
    return resources.files("analysis.page").joinpath("web", name).read_text(encoding="utf-8")


def _question(studies: Sequence[Study]) -> str:
    questions = dict.fromkeys(str(study.space.get("question") or study.name) for study in studies)
    return " ".join(questions)


def _eyebrow(studies: Sequence[Study]) -> str:
    parts = []
    for study in studies:
        started = str(study.description.get("started_at") or "")[:10]
        parts.append(" · ".join(part for part in (study.name, study.profile, started) if part))
    return "; ".join(parts)


def paragraphs(lines: Sequence[str], kind: str = "") -> str:
    """Return lines of text as paragraphs."""
    attribute = f' class="{kind}"' if kind else ""
    return "\n".join(f"<p{attribute}>{html.escape(line)}</p>" for line in lines)


def _recommendation(found: Recommendation) -> str:
    commands = "".join(
        f"<dt>{html.escape(what)}</dt><dd><code>{html.escape(command)}</code></dd>\n"
        for what, command in found.commands.items()
    )
    return paragraphs(found.lines) + (f'\n<dl class="commands">\n{commands}</dl>' if commands else "")


def _table(comparison: Comparison, verdicts: Sequence[Verdict]) -> str:
    ranks = {name: rank for verdict in verdicts for name, rank in verdict.ranks.items()}
    columns = {**score_columns(comparison), **PUBLISHED_COLUMNS, **cost_columns(comparison)}
    if any(row.paper for row in comparison.rows):
        columns |= {f"paper: {name}": cell for name, cell in PAPER_COLUMNS.items() if name != "here"}
    headers = ["arm", "place", *columns]
    rows = "\n".join(_table_row(row, ranks.get(row.name), columns) for row in comparison.rows)
    notes = [
        "place: the ranks that an arm may have; those of arms that can't be told apart overlap. "
        + legend(comparison),
        *comparison.notes,
    ]
    return _scroll(headers, rows, "sortable") + paragraphs(notes, "note")


def _table_row(
    row: ComparisonRow, rank: Ranks | None, columns: dict[str, Callable[[ComparisonRow], str]]
) -> str:
    cells = [
        _cell(row.name, row.name),
        _cell("" if rank is None else str(rank), rank.first if rank else None),
    ]
    for header, show in columns.items():
        cells.append(_figure_cell(row, header, show(row)))
    kind = "reference" if row.is_reference else "best" if rank and rank.first == 1 else "arm"
    return f'<tr class="{kind}">{"".join(cells)}</tr>'


def _figure_cell(row: ComparisonRow, header: str, text: str) -> str:
    """Return a cell that is sorted by its unrounded figure, and says it where the pointer is on it."""
    if (estimate := row.estimates.get(_METRICS.get(header, ""))) is not None:
        return _cell(text, estimate.mean, f"{row.name}, {_METRICS[header]}: {show_interval(estimate, 3)}")
    if (cost := row.costs.get(COST_NAMES.get(header, ""))) is not None:
        exact = f"{cost.median:,.6g} ({cost.low:,.6g}–{cost.high:,.6g})"
        return _cell(text, cost.median, f"{row.name}, {COST_NAMES[header]}: {exact}")
    return _cell(text, _number(text))


def _number(text: str) -> float | None:
    match = re.match(r"[+-]?\d+(\.\d+)?", text)
    return float(match[0]) if match else None


def _cell(text: str, value: object = None, title: str = "") -> str:
    data = "" if value is None else f' data-value="{html.escape(str(value))}"'
    hint = f' title="{html.escape(title)}"' if title else ""
    return f"<td{data}{hint}>{html.escape(text)}</td>"


def _scroll(headers: Sequence[str], rows: str, kind: str = "") -> str:
    head = "".join(f'<th scope="col">{html.escape(header)}</th>' for header in headers)
    table = f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>'
    return f'<div class="scroll">{table}</div>\n'


def _plots(comparison: Comparison, verdicts: Sequence[Verdict]) -> tuple[str, dict[str, str]]:
    texts: dict[str, str] = {}
    parts = []
    for figure in figures(comparison, verdicts):
        svg, hover = to_svg(figure)
        texts |= hover
        label = html.escape(figure.title)
        parts.append(f'<figure role="img" aria-label="{label}">{svg}</figure>')
    return "\n".join(parts) or "<p>Nothing to draw yet.</p>", texts


def _browser(browser: Browser) -> str:
    if not browser.held:
        return "<p>No predictions can be read.</p>"
    note = f"{browser.held:,} predictions of the confirm trials"
    if browser.held < browser.total:
        note += f" of {browser.total:,}: every arm's first runs; the others are in the results folder"
    return _fill(
        _web("browser.html"), note=f"{note}. Click on one to read it; choose an arm to stand beside it."
    )


def _data(browser: Browser) -> str:
    if not browser.held:
        return ""
    kind = 'type="application/octet-stream"'
    head = f'<script {kind} id="predictions-head">{pack(browser.head)}</script>'
    blocks = [f'<script {kind} class="predictions-block">{block}</script>' for block in browser.blocks]
    return "\n".join([head, *blocks])


def _pairs(verdicts: Sequence[Verdict]) -> str:
    differences = [
        d for verdict in verdicts for d in (*verdict.effects, *verdict.differences, *verdict.gains)
    ]
    if not differences:
        return "<p>There is no pair to compare.</p>"
    kept, left_out = limit_pairs(differences, MOST_PAIRS)
    rows = "\n".join(map(_pair_row, kept))
    note = paragraphs([f"{left_out}{LEGEND}."], "note")
    return _scroll(["better - worse", *COLUMNS], rows, "sortable") + note


def _pair_row(difference: Difference) -> str:
    name = f"{difference.better} - {difference.worse}"
    cells = [_cell(name, name), *(_cell(text, _number(text.lstrip("<"))) for text in pair_cells(difference))]
    return f'<tr class="{"clear" if difference.is_clear else ""}">{"".join(cells)}</tr>'


def _search(comparison: Comparison) -> str:
    rows = [row for row in comparison.rows if row.arm.search or row.arm.confirm or row.arm.unfinished]
    spent = [spending(row.arm, row.name) for row in rows if not row.is_reference]
    table = "\n".join(f"<tr>{''.join(map(_cell, cells))}</tr>" for cells in spending_rows(spent))
    saved = saving_sentence(total_spending(spent).saving)
    lines = importance_lines([row.arm for row in comparison.rows if row.arm.search])
    chosen = _choices(comparison)
    share = "Share of the validation accuracy's variance that each hyperparameter explains (fANOVA):"
    heading = f"<h3>What mattered</h3><p>{share}</p>"
    importances = heading + paragraphs(lines, "note") if lines else ""
    return (
        chosen
        + "<h3>Cost by arm</h3>"
        + _scroll(HEADERS, table)
        + (paragraphs([saved]) if saved else "")
        + importances
    )


def _choices(comparison: Comparison) -> str:
    """Return the table of what every replicate chose, and how far validation promised too much."""
    trained = [row for row in comparison.rows if not row.is_reference]
    arms = [row.arm for row in trained]
    rows = choice_rows(arms, [row.name for row in trained])
    if not rows:
        return ""
    cells = "\n".join(f"<tr>{''.join(_cell(cell, _number(cell)) for cell in own)}</tr>" for own in rows)
    said = overstatement([choice for arm in arms for choice in find_choices(arm)])
    table = _scroll(choice_headers(arms), cells, "sortable")
    heading = "<h3>What each search chose</h3>"
    return heading + table + (paragraphs([said]) if said else "") + paragraphs([CAPTION], "note")


def _json(value: object) -> str:
    # Inside a script element only `<` could end it.
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")
