"""Labels: reading one out of an output, and macro-F1.

    read_label("Positive.", {"labels": ("negative", "positive")})    # "positive"

A label is read, never guessed: an output that holds a label somewhere inside is no answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from study.tasks.task import Aggregate, Row

# What goes on after a label's last letter: "1.5" and "1/2" are no 1, "non-toxic" no "non", "it's" no "it".
_GOES_ON = r"(?!\w|[-.,:/'’]\w)"


def read_label(output: str, row: Row) -> str | None:
    """Return the label that an output says, one of `row["labels"]`, or None.

    It is the label that the output is: to the letter, else case, white space and a trailing full stop aside.
    Else it is the label that the output begins with, as a whole word; with two of these it is none.
    """
    labels: tuple[str, ...] = row["labels"]
    said = _plain(output)
    for candidates in (
        [label for label in labels if label == output.strip()],
        [label for label in labels if _plain(label) == said],
        [label for label in labels if _begins(said, _plain(label))],
    ):
        if candidates:
            return candidates[0] if len(candidates) == 1 else None
    return None


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold().removesuffix(".").rstrip()


def _begins(text: str, label: str) -> bool:
    return bool(label) and re.match(re.escape(label) + _GOES_ON, text) is not None


def is_label(prediction: str | None, reference: str, row: Row) -> bool:
    """Tell whether the label is the reference."""
    return prediction == reference


def _label_counts(prediction: str | None, reference: str, row: Row) -> dict[str, float]:
    """Return what a question adds to the true and false positives and the false negatives of labels."""
    if prediction == reference:
        return {f"tp {reference}": 1.0}
    missed = {f"fn {reference}": 1.0}
    return missed if prediction is None else {**missed, f"fp {prediction}": 1.0}


def _macro_f1(sums: Mapping[str, float]) -> float:
    """Return the mean, over the labels that are a reference, of 2 tp / (2 tp + fp + fn), in %."""
    counts: dict[str, dict[str, float]] = {}
    for name, amount in sums.items():
        kind, _, label = name.partition(" ")
        counts.setdefault(label, {"tp": 0.0, "fp": 0.0, "fn": 0.0})[kind] = amount
    referred = [of for of in counts.values() if of["tp"] + of["fn"] > 0]
    return 100.0 * sum(_f1(of) for of in referred) / len(referred)


def _f1(of: Mapping[str, Any]) -> float:
    return float(2 * of["tp"] / (2 * of["tp"] + of["fp"] + of["fn"]))


macro_f1 = Aggregate(_label_counts, _macro_f1)
