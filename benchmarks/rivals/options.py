"""What both benchmarks are asked with on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from study.config import parse_setting
from study.errors import UserError


def add_options(parser: argparse.ArgumentParser, *, trials: int, repeats: int, result: Path) -> None:
    """Add the options of a contest, with their defaults."""
    parser.add_argument("--trials", type=_count, default=trials, help=f"of the search ({trials})")
    parser.add_argument("--repeats", type=_count, default=repeats, help=f"of each way ({repeats})")
    parser.add_argument(
        "--set",
        dest="settings",
        metavar="NAME=VALUE",
        type=_setting,
        action="append",
        default=[],
        help="fix a setting, as study.run does",
    )
    parser.add_argument("--to", type=Path, default=result, help=f"the file of the figures ({result.name})")


def without_paths(arguments: Sequence[str], names: Mapping[Path | None, str]) -> list[str]:
    """Return the arguments with names in the place of paths, which say nothing elsewhere."""
    by_text = {str(path): name for path, name in names.items()}
    return [by_text.get(text, text) for text in arguments]


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"it must be a whole number from 1 on, received '{text}'")
    return int(text)


def _setting(text: str) -> tuple[str, object]:
    try:
        return parse_setting(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
