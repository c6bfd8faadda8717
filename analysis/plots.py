"""The plots of one or more studies as files, each as SVG and PNG.

    python -m analysis.plots RESULTS -o plots

The primary score by method and by prompt style (the paper's Figures 2 and 3) and by rank, Pareto fronts, the
matrix of paired differences, expected best of n, search trials by hyperparameter, learning curves: those
that the results have data for. Takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

from analysis.command_line import output_path, results_parser, run_command, say_left_out
from analysis.comparison.comparing import compare_finished
from analysis.comparison.notes import exclusion_notes
from analysis.counts import count_of
from analysis.pictures.files import write_plots
from analysis.pictures.selection import not_drawn
from analysis.reading.folders import open_studies


def _main(arguments: Sequence[str] | None) -> None:
    parser = results_parser("analysis.plots", "Draw the plots of one or more studies.")
    parser.add_argument(
        "-o", "--output", type=output_path, required=True, help="the folder for the SVG and PNG files"
    )
    options = parser.parse_args(arguments)
    studies = open_studies(options.results)
    comparison = compare_finished(studies)
    say_left_out(exclusion_notes(studies))
    written = write_plots(comparison, options.output)
    print(f"wrote {count_of(len(written), 'file')} into {options.output}")
    for sentence in not_drawn(comparison):
        print(f"Not drawn: {sentence}")


if __name__ == "__main__":
    run_command(_main)
