"""Drawing figures with matplotlib: for the colour-blind, for black and white, with an interval on everything.

Series differ in colour (Okabe & Ito's palette), marker and dash. Every mark carries an id, so that a page
can say its numbers when the pointer is on it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, Locator, LogLocator, MaxNLocator, NullLocator

from analysis.pictures.figures import Chart, DifferenceMatrix, Mark, Series, cell_text
from analysis.statistics.differences import Difference

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D1F")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":")
_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "font.family": "sans-serif",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
}
Hover = dict[str, str]


@contextmanager
def _style(name: str) -> Iterator[None]:
    # The salt makes the same figure the same file, and keeps ids apart when several stand on one page.
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        yield


def to_svg(figure: Chart | DifferenceMatrix) -> tuple[str, Hover]:
    """Return the figure as SVG (an element, for a page), and the hover texts by the ids of the marks."""
    buffer = io.StringIO()
    with _style(figure.name):
        drawn, hover = _draw(figure)
        # `savefig` would draw it twice, to find what room it needs.
        FigureCanvasSVG(drawn).print_svg(buffer, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :], hover


def to_png(figure: Chart | DifferenceMatrix, dots_per_inch: int = 150) -> bytes:
    """Return the figure as PNG."""
    buffer = io.BytesIO()
    with _style(figure.name):
        drawn, _ = _draw(figure)
        drawn.savefig(buffer, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return buffer.getvalue()


def _draw(figure: Chart | DifferenceMatrix) -> tuple[Figure, Hover]:
    return _draw_chart(figure) if isinstance(figure, Chart) else _draw_matrix(figure)


def _draw_chart(chart: Chart) -> tuple[Figure, Hover]:
    named = len(chart.series) + len(chart.levels)
    drawn = Figure(figsize=(5.0, 3.1 + 0.13 * math.ceil(named / 2)), layout="constrained")
    axes = drawn.subplots()
    hover: Hover = {}
    for name, level in _merge_levels(chart):
        axes.axhline(
            level,
            color="#777777",
            linewidth=0.8,
            dashes=(1, 2),
            label=f"{_short(name)} {chart.y_measure.show(level)}",
            zorder=0,
        )
    for index, series in enumerate(chart.series):
        hover |= _draw_series(axes, chart, series, index)
    _finish_axes(axes, chart)
    if named > 1:
        drawn.legend(loc="outside lower center", ncols=2 if named > 3 else 3, frameon=False, fontsize=8)
    return drawn, hover


def _merge_levels(chart: Chart) -> list[tuple[str, float]]:
    # Floors that score the same share a line.
    levels: dict[float, list[str]] = {}
    for name, level in chart.levels:
        levels.setdefault(float(chart.y_measure.write(level)[0]), []).append(name)
    return [(", ".join(names), level) for level, names in levels.items()]


def _draw_series(axes: Axes, chart: Chart, series: Series, index: int) -> Hover:
    colour, marker = COLOURS[index % len(COLOURS)], MARKERS[(index + index // len(COLOURS)) % len(MARKERS)]
    if series.is_paper:
        colour, marker = "#555555", "_"
    if series.is_front:
        _draw_rings(axes, series)
        return {}
    band = series.is_line and len(series.marks) > 5
    if series.is_line:
        _draw_line(axes, series, colour, DASHES[index % len(DASHES)])
    if band:
        _draw_band(axes, series, colour)
    hover = {}
    for number, mark in enumerate(series.marks):
        identity = f"{chart.name}--{index}-{number}"
        hover[identity] = mark.text
        point = _draw_mark(axes, mark, colour, marker, with_interval=not band)
        point.set_gid(identity)
        if number == 0:
            point.set_label(_short(series.name))
    return hover


def _draw_line(axes: Axes, series: Series, colour: str, dash: str) -> None:
    xs, ys = [mark.x for mark in series.marks], [mark.y.mean for mark in series.marks]
    axes.plot(xs, ys, dash, color=colour, linewidth=1.2, zorder=1)


def _draw_rings(axes: Axes, series: Series) -> None:
    # A front of arms that can't be told apart goes up and down: a line through it would show chance.
    xs, ys = [mark.x for mark in series.marks], [mark.y.mean for mark in series.marks]
    axes.scatter(xs, ys, s=110, facecolors="none", edgecolors="#666666", zorder=4, label=series.name)


def _draw_band(axes: Axes, series: Series, colour: str) -> None:
    edges = [(mark.x, mark.y.low, mark.y.high) for mark in series.marks]
    xs = [x for x, low, _ in edges if low is not None]
    lows, highs = (
        [low for _, low, _ in edges if low is not None],
        [high for *_, high in edges if high is not None],
    )
    axes.fill_between(xs, lows, highs, color=colour, alpha=0.13, linewidth=0)


def _draw_mark(axes: Axes, mark: Mark, colour: str, marker: str, with_interval: bool) -> Line2D:
    size = 14 if marker == "_" else 5
    if with_interval and mark.y.low is not None and mark.y.high is not None:
        axes.vlines(mark.x, mark.y.low, mark.y.high, color=colour, linewidth=1.3, alpha=0.75, zorder=2)
    (point,) = axes.plot([mark.x], [mark.y.mean], marker, color=colour, markersize=size, zorder=3)
    return point


def _finish_axes(axes: Axes, chart: Chart) -> None:
    axes.set_title(chart.title)
    axes.set_ylabel(chart.y_label)
    axes.set_xlabel(chart.x_label)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    if chart.log_x:
        axes.set_xscale("log")
    if chart.from_zero:
        axes.set_ylim(0, 1.04 * axes.get_ylim()[1])
    if chart.ticks:
        axes.set_xticks(range(len(chart.ticks)), chart.ticks)
        axes.set_xlim(-0.6, len(chart.ticks) - 0.4)
    elif chart.show_x is not None:
        _label_x(axes, chart)


def _label_x(axes: Axes, chart: Chart) -> None:
    show = chart.show_x or str
    values = sorted({mark.x for series in chart.series for mark in series.marks})
    locator = _place_log_ticks(values) if chart.log_x else MaxNLocator(6, integer=_are_whole(values))
    if locator is not None:
        axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: show(_whole(value))))


def _place_log_ticks(values: list[float]) -> Locator | None:
    """Return where a logarithmic axis has its ticks; None: at the powers of ten."""
    if len(values) <= 6 and _are_whole(values):
        # A few values (ranks, parameters) are the ticks themselves, those too close to the last left out.
        return FixedLocator(_apart(values))
    # Within two decades the powers of ten alone are one tick or two, within half a one perhaps none.
    ratio = values[-1] / values[0]
    return MaxNLocator(5) if ratio < 3 else LogLocator(subs=(1.0, 2.0, 5.0)) if ratio < 200 else None


def _are_whole(values: list[float]) -> bool:
    return all(float(value).is_integer() for value in values)


def _short(name: str, most: int = 34) -> str:
    # A name that is longer than the picture leaves no room for the figures; its ends tell most.
    return name if len(name) <= most else f"{name[: most - 12]}…{name[-11:]}"


def _whole(value: float) -> float:
    return int(value) if float(value).is_integer() else value


def _apart(values: list[float]) -> list[float]:
    reach = math.log(values[-1] / values[0])
    kept = [values[0]]
    for value in values[1:]:
        if math.log(value / kept[-1]) > 0.12 * reach:
            kept.append(value)
    return kept


def _draw_matrix(matrix: DifferenceMatrix) -> tuple[Figure, Hover]:
    count = len(matrix.arms)
    side = max(2.6, min(0.55 * count + 1.6, 11))
    drawn = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = drawn.subplots()
    most = max((d.estimate.mean for row in matrix.cells for d in row if d is not None), default=1.0) or 1.0
    hover: Hover = {}
    for i, row in enumerate(matrix.cells):
        for j, difference in enumerate(row):
            if difference is not None:
                identity = f"{matrix.name}--{i}-{j}"
                hover[identity] = cell_text(difference)
                better = difference.better == matrix.arms[i]
                cell = _draw_cell(axes, i, j, _cell_text(difference, better), difference.is_clear)
                # What can't be told apart is white: only a clear difference has a colour, and bold figures.
                strength = 0.25 + 0.55 * difference.estimate.mean / most if difference.is_clear else 0.0
                cell.set_facecolor(mpl.colors.to_rgba("#0072B2" if better else "#D55E00", strength))
                cell.set_gid(identity)
    _finish_matrix(axes, matrix)
    drawn.suptitle(f"{matrix.title}\n(coloured: told apart)", x=0.02, ha="left", fontsize=10)
    return drawn, hover


def _cell_text(difference: Difference, row_is_better: bool) -> str:
    """Return the row's score less the column's, with its sign."""
    sign = (1 if row_is_better else -1) * difference.measure.sign
    return difference.measure.write(sign * difference.estimate.mean, signed=True)[0]


def _draw_cell(axes: Axes, i: int, j: int, shown: str, clear: bool) -> Rectangle:
    cell = Rectangle((j - 0.5, i - 0.5), 1, 1, edgecolor="#cccccc")
    axes.add_patch(cell)
    text = axes.text(j, i, shown, ha="center", va="center", fontsize=8)
    text.set_fontweight("bold" if clear else "normal")
    text.set_color("#000000" if clear else "#666666")
    return cell


def _finish_matrix(axes: Axes, matrix: DifferenceMatrix) -> None:
    count = len(matrix.arms)
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylim(count - 0.5, -0.5)
    names = [_short(name) for name in matrix.arms]
    axes.set_xticks(range(count), names, rotation=40, ha="right")
    axes.set_yticks(range(count), names)
    axes.set_aspect("equal")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
