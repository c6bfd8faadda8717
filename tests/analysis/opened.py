"""What tests look at: the comparison of studies, a study's arm, a table as text, a command that has run."""

import io
import subprocess
import sys

from rich.console import Console

from analysis.arms.grouping import group_arms
from analysis.comparison.comparing import comparison
from analysis.reading.folders import open_studies


def compare(*paths):
    """Return the comparison of the studies in `paths`."""
    return comparison(open_studies(paths))


def first_arm(path):
    """Return the first arm of the only study in `path`."""
    (study,) = open_studies([path])
    return group_arms(study)[0]


def shown(renderable, width=100):
    """Return what a terminal would show, without colours."""
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(renderable)
    return console.file.getvalue()


def run_command(module, *arguments):
    """Run `python -m analysis.MODULE` and return what has become of it."""
    command = [sys.executable, "-m", f"analysis.{module}", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, encoding="utf-8")
