import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from study.scores.jackknife import sum_up
from study.scores.labels import macro_f1, read_label

LABELS = (
    "negative",
    "positive",
    "very positive",
    "1",
    "15",
    "non-toxic",
    "non",
    "C++",
    "Ja",
    "ja",
    "St. Gallen",
)


@pytest.mark.parametrize(
    ("output", "label"),
    [
        ("positive", "positive"),
        ("  Positive.\n", "positive"),
        ("VERY   positive", "very positive"),
        ("positive, because it is praised", "positive"),
        ("Negative\nText: the next one", "negative"),
        ("very positive indeed", "very positive"),
        ("1", "1"),
        ("15", "15"),
        ("1.", "1"),
        ("1 star", "1"),
        ("non-toxic!", "non-toxic"),
        ("non", "non"),
        ("c++", "C++"),
        ("c++ code", "C++"),
        ("Ja", "Ja"),
        ("ja", "ja"),
        ("st. gallen", "St. Gallen"),
    ],
)
def test_a_label_is_read(output: str, label: str) -> None:
    assert read_label(output, {"labels": LABELS}) == label


@pytest.mark.parametrize(
    "output",
    [
        "",
        ".",
        "It is positive",
        "positively",
        "positive/negative",
        "unpositive",
        "not positive",
        "1.5",
        "1/2",
        "1,000",
        "150",
        "non-sense",
        "JA",  # "Ja" or "ja"
        "Label: positive",
    ],
)
def test_what_is_no_label_is_none_and_no_guess(output: str) -> None:
    assert read_label(output, {"labels": LABELS}) is None


def test_an_output_that_begins_with_two_labels_is_none() -> None:
    labels = ("science", "science fiction")
    assert read_label("science fiction.", {"labels": labels}) == "science fiction"
    assert read_label("science fiction and more", {"labels": labels}) is None
    assert read_label("science and more", {"labels": labels}) == "science"


@given(st.text(max_size=30), st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=5, unique=True))
def test_whatever_is_read_is_a_label(output: str, labels: list[str]) -> None:
    assert read_label(output, {"labels": tuple(labels)}) in (None, *labels)
    assert read_label(labels[0], {"labels": tuple(labels)}) in (None, labels[0])


NAMES = st.sampled_from(["a", "b b", "fp c", ""])


@given(st.lists(st.tuples(st.one_of(st.none(), NAMES), NAMES), min_size=1, max_size=30))
def test_macro_f1_is_scikit_learns(pairs: list[tuple[str | None, str]]) -> None:
    sums = sum_up([macro_f1.counts(said, label, {}) for said, label in pairs])
    labels = sorted({label for _, label in pairs})
    said = ["no label at all" if said is None else said for said, _ in pairs]
    expected = f1_score([label for _, label in pairs], said, labels=labels, average="macro", zero_division=0)
    assert macro_f1.value(sums) == pytest.approx(100 * expected)


def test_macro_f1_counts_a_label_that_only_an_output_has_against_no_label() -> None:
    sums = sum_up([macro_f1.counts("b", "a", {}), macro_f1.counts("a", "a", {})])
    assert macro_f1.value(sums) == pytest.approx(100 * 2 / 3)
