"""The plots of one or more studies as files, each as SVG and PNG.

    python -m analysis.plots RESULTS -o plots

Accuracy by method and by prompt style (the paper's Figures 2 and 3) and by rank, the Pareto fronts, the
matrix of paired differences, expected best of n, search trials by hyperparameter, learning curves: those
that the results have data for. Takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.command_line import results_parser, run_command
from analysis.comparison.rows import Comparison
from analysis.counts import count_of
from analysis.errors import AnalysisError
from analysis.judgement.verdicts import Verdict, judge
from analysis.pictures.drawing import to_png, to_svg
from analysis.pictures.figures import (
    Chart,
    DifferenceMatrix,
    accuracy_by_method,
    accuracy_by_prompt,
    accuracy_by_rank,
    difference_matrix,
    pareto_charts,
    time_conflict,
)
from analysis.pictures.search import expected_best_chart, learning_charts, slice_charts
from analysis.reading.folders import open_studies
from analysis.searching.best_of import too_few_sentence
from analysis.tables import compare_finished


def figures(comparison: Comparison, verdicts: Sequence[Verdict]) -> list[Chart | DifferenceMatrix]:
    """Return every figure that the results have data for, in the order of a report."""
    found = [accuracy_by_method(comparison), accuracy_by_prompt(comparison), accuracy_by_rank(comparison)]
    found += pareto_charts(comparison, verdicts)
    matrices = [matrix for verdict in verdicts if (matrix := difference_matrix(verdict)) is not None]
    later = [expected_best_chart(comparison), *slice_charts(comparison), *learning_charts(comparison)]
    return [figure for figure in (*found, *_numbered(matrices), *later) if figure is not None]


def not_drawn(comparison: Comparison) -> list[str]:
    """Return a sentence for each figure that is left out although the results have something of it."""
    searched = [row for row in comparison.rows if row.arm.search]
    few = (
        too_few_sentence([row.arm for row in searched], [row.name for row in searched]) if searched else None
    )
    return [sentence for sentence in (time_conflict(comparison), few) if sentence is not None]


def _numbered(matrices: Sequence[DifferenceMatrix]) -> list[DifferenceMatrix]:
    # One set of test questions has one matrix; several need names of their own.
    return [
        DifferenceMatrix(
            f"{matrix.name}-{index}" if index else matrix.name, matrix.title, matrix.arms, matrix.cells
        )
        for index, matrix in enumerate(matrices)
    ]


def write_plots(comparison: Comparison, folder: Path) -> list[Path]:
    """Write every figure as SVG and PNG into `folder`, and return the files.

    Raises:
        AnalysisError: there is nothing to draw, or the folder can't be written.
    """
    written = []
    found = figures(comparison, judge(comparison))
    if not found:
        raise AnalysisError("there is nothing to draw: no trained arm has scores")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for figure in found:
            svg, png = folder / f"{figure.name}.svg", folder / f"{figure.name}.png"
            svg.write_text('<?xml version="1.0" encoding="utf-8"?>\n' + to_svg(figure)[0], encoding="utf-8")
            png.write_bytes(to_png(figure))
            written += [svg, png]
    except OSError as error:
        raise AnalysisError(f"'{folder}' can't be written: {error.strerror}") from None
    return written


def _main(arguments: Sequence[str] | None) -> None:
    parser = results_parser("analysis.plots", "Draw the plots of one or more studies.")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="the folder for the SVG and PNG files"
    )
    options = parser.parse_args(arguments)
    comparison = compare_finished(open_studies(options.results))
    written = write_plots(comparison, options.output)
    print(f"wrote {count_of(len(written), 'file')} into {options.output}")
    for sentence in not_drawn(comparison):
        print(f"Not drawn: {sentence}")


if __name__ == "__main__":
    run_command(_main)
