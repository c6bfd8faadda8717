"""The report's page: its sections as HTML, put into the page's frame in `web/`.

Everything that a study, a model or a data set wrote is escaped here, or reaches the page as data that its
script shows as text.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from importlib import resources

from analysis.comparison.rows import Comparison
from analysis.judgement.verdicts import Verdict, judge
from analysis.page.answers import shown_columns
from analysis.page.browsing import Browser, browse, pack
from analysis.page.elements import paragraphs
from analysis.page.groups import groups_section
from analysis.page.labels import labels_section
from analysis.page.method import method_section
from analysis.page.search import search_section
from analysis.page.tables import pairs_section, scores_section
from analysis.pictures.drawing import to_svg
from analysis.pictures.selection import figures, not_drawn
from analysis.reading.folders import Study
from analysis.reading.tasks import Task
from analysis.words.recommendation import Recommendation, recommend
from analysis.words.verdict import say_verdicts


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
        table=scores_section(comparison, verdicts),
        plots=plots,
        labels=labels_section(comparison),
        groups=groups_section(verdicts),
        not_drawn=paragraphs(not_drawn(comparison), "note"),
        browser=_browser(browser, comparison.task),
        pairs=pairs_section(verdicts),
        search=search_section(comparison),
        method=method_section(studies, comparison),
        hover=_json(hover),
        data=_data(browser),
        script=_web("comparison.js") + _web("report.js"),
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


def _recommendation(found: Recommendation) -> str:
    commands = "".join(
        f"<dt>{html.escape(what)}</dt><dd><code>{html.escape(command)}</code></dd>\n"
        for what, command in found.commands.items()
    )
    return paragraphs(found.lines) + (f'\n<dl class="commands">\n{commands}</dl>' if commands else "")


def _plots(comparison: Comparison, verdicts: Sequence[Verdict]) -> tuple[str, dict[str, str]]:
    texts: dict[str, str] = {}
    parts = []
    for figure in figures(comparison, verdicts):
        svg, hover = to_svg(figure)
        texts |= hover
        label = html.escape(figure.title)
        parts.append(f'<figure role="img" aria-label="{label}">{svg}</figure>')
    return "\n".join(parts) or "<p>Nothing to draw yet.</p>", texts


def _browser(browser: Browser, task: Task) -> str:
    if not browser.held:
        return "<p>No predictions can be read.</p>"
    note = f"{browser.held:,} predictions of the confirm trials"
    if browser.held < browser.total:
        note += f" of {browser.total:,}: every arm's first runs; the others are in the results folder"
    (fourth, fourth_header), (fifth, fifth_header) = shown_columns(task)
    return _fill(
        _web("browser.html"),
        note=f"{note}. Click on one to read it; choose an arm to stand beside it.",
        answers="\n".join(
            f'<option value="{value}">{html.escape(text)}</option>' for value, text in _answers(task).items()
        ),
        group="" if task.is_math else _GROUP_FILTER,
        where_hidden="" if task.right else " hidden",
        fourth=fourth,
        fourth_header=html.escape(fourth_header),
        fifth=fifth,
        fifth_header=html.escape(fifth_header),
    )


_GROUP_FILTER = '<label id="group-label" hidden>group <select id="filter-group"></select></label>\n'


def _answers(task: Task) -> dict[str, str]:
    """Return by what answers can be filtered: value -> what the page says."""
    right = {"right": "right", "wrong": "wrong"} if task.right else {}
    if task.is_math:
        return {**right, "unanswered": "no number", "lenient": "wrong, but the number occurs"}
    return {**right, "unanswered": "no label" if task.is_labels else "no answer"}


def _data(browser: Browser) -> str:
    if not browser.held:
        return ""
    kind = 'type="application/octet-stream"'
    head = f'<script {kind} id="predictions-head">{pack(browser.head)}</script>'
    blocks = [f'<script {kind} class="predictions-block">{block}</script>' for block in browser.blocks]
    return "\n".join([head, *blocks])


def _json(value: object) -> str:
    # Inside a script element only `<` could end it.
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")
