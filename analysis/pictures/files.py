"""The figures as files, each as SVG and PNG."""

from __future__ import annotations

from pathlib import Path

from analysis.comparison.rows import Comparison
from analysis.errors import AnalysisError
from analysis.judgement.verdicts import judge
from analysis.pictures.drawing import to_png, to_svg
from analysis.pictures.selection import figures


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
