"""The committed figures of the whole protocol keep what the README promises of them."""

import json
from typing import Any

import pytest

from benchmarks.protocol import DEFAULTS, RESULT

MOST_FALSE_POSITIVES = 0.055


@pytest.fixture(scope="module")
def parts() -> dict[str, list[dict[str, Any]]]:
    return {
        name: part["settings"]
        for name, part in json.loads(RESULT.read_text(encoding="utf-8"))["parts"].items()
    }


def of_defaults(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["design"] in [design.name for design in DEFAULTS]]


def test_figures_rest_on_enough_studies(parts: dict[str, list[dict[str, Any]]]) -> None:
    for name in ("pairs", "families", "looks", "extensions", "other scores"):
        assert all(row["studies"] >= 2_000 for row in parts[name])


def test_equal_recipes_are_called_different_in_at_most_5_and_a_half_percent(
    parts: dict[str, list[dict[str, Any]]],
) -> None:
    pairs = [row["false_positives"] for row in [*parts["pairs"], *of_defaults(parts["other arms"])]]
    families = [row["some_false_positive"] for row in [*parts["families"], *parts["looks"]]]
    assert {row["score"] for row in parts["other scores"]} == {"a mean score", "macro-F1"}
    pairs += [row["false_positives"] for row in parts["other scores"] if "false_positives" in row]
    families += [row["some_false_positive"] for row in parts["other scores"] if "contrasts" in row]
    assert max(pairs + families) <= MOST_FALSE_POSITIVES


def test_interval_of_a_recipes_mean_covers_it_in_93_to_97_percent(
    parts: dict[str, list[dict[str, Any]]],
) -> None:
    others = [row for row in parts["other scores"] if "covered_mean" in row]
    covered = [row["covered_mean"] for row in [*parts["pairs"], *parts["other arms"], *others]]
    assert 0.93 <= min(covered) <= max(covered) <= 0.97


def test_paper_profile_sees_five_points(parts: dict[str, list[dict[str, Any]]]) -> None:
    assert min(row["power_at_5"] for row in parts["pairs"] if row["design"] == "paper") >= 0.80


def test_power_at_the_least_difference_is_80_percent(parts: dict[str, list[dict[str, Any]]]) -> None:
    powers = [row["power"] for row in parts["resolution"]]
    assert len(powers) == 144
    assert 0.77 <= min(powers) <= max(powers) <= 0.83


def test_one_search_an_arm_errs_as_the_documents_say(parts: dict[str, list[dict[str, Any]]]) -> None:
    rows = [row for row in parts["long searches"] if row["design"].startswith("one search")]
    assert len(rows) == 3
    assert min(row["false_positives"] for row in rows) > 0.09
    assert max(row["false_positives"] for row in rows) > 0.40
