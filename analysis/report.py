"""The report: one HTML file that needs no network, with the verdict, tables, plots and predictions.

    python -m analysis.report RESULTS -o report.html

RESULTS is a study's folder or a parent of several. The file opens in any browser of 2023 or later; up to
200,000 predictions can be read and filtered in it. Takes half a minute for a large study.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.command_line import output_path, results_parser, run_command
from analysis.comparison.comparing import compare_finished
from analysis.errors import AnalysisError
from analysis.page.browsing import MOST_PREDICTIONS
from analysis.page.frame import render_page
from analysis.reading.folders import Study, open_studies


def write_report(folder: Path, output: Path | None = None) -> Path:
    """Write a study's report, by default into its results folder as report.html, and return its path.

    Raises:
        AnalysisError: nothing in the folder can be compared yet, or the file can't be written.
    """
    target = output or folder / "report.html"
    _write(target, open_studies([folder]), MOST_PREDICTIONS)
    return target


def _write(output: Path, studies: Sequence[Study], most: int) -> None:
    page = render_page(studies, compare_finished(studies), most)
    temporary = output.with_name(f".{output.name}.part")
    try:
        temporary.write_text(page, encoding="utf-8", errors="replace")
        temporary.replace(output)
    except OSError as error:
        raise AnalysisError(f"'{output}' can't be written: {error.strerror}") from None


def _main(arguments: Sequence[str] | None) -> None:
    parser = results_parser("analysis.report", "Write the report of one or more studies as one HTML file.")
    parser.add_argument("-o", "--output", type=output_path, required=True, help="the HTML file to write")
    most = f"most predictions in the page (default {MOST_PREDICTIONS}); beyond it whole trials are left out"
    parser.add_argument("--max-predictions", type=int, default=MOST_PREDICTIONS, metavar="N", help=most)
    options = parser.parse_args(arguments)
    output: Path = options.output
    _write(output, open_studies(options.results), options.max_predictions)
    print(f"wrote {output} ({output.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    run_command(_main)
