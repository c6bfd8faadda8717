"""No question stands in two of train, validation and test, whatever the layout; which questions are one."""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.config import TrialConfig
from study.data.chosen_rows import Choice
from study.data.loading import fingerprint, load_data
from study.data.question_keys import find_twins, question_key
from study.data.store import keep_problems, open_problems
from study.errors import UserError
from study.sources.finding import find_data
from study.workplace import Workplace

GSM8K = Path(__file__).resolve().parents[4] / "shared" / "data" / "gsm8k"

# Layout -> the files among which the rows are dealt out.
LAYOUTS = {
    "one file": ["mine.jsonl"],
    "train alone": ["train.jsonl"],
    "a variant's folder": ["main/train.jsonl", "main/test.jsonl"],
    "train and test": ["train.jsonl", "test.jsonl"],
    "train and validation": ["train.jsonl", "validation.jsonl"],
    "all three": ["train.jsonl", "validation.jsonl", "test.jsonl"],
    "parts": ["data/train-0-of-2.jsonl", "data/train-1-of-2.jsonl", "data/test-0-of-1.jsonl"],
}
WAYS: list[Callable[[str], str]] = [
    str,
    str.upper,
    lambda text: f"  {text}\n",
    lambda text: text.rstrip("?."),
    lambda text: text.replace(" ", "  "),
    lambda text: text.replace("a", "\uff41"),
    lambda text: f'"{text}"',
]
ROWS = st.lists(
    st.tuples(st.integers(0, 14), st.sampled_from(WAYS), st.integers(0, 2)), min_size=4, max_size=40
)


@pytest.mark.parametrize("layout", LAYOUTS)
@given(ROWS, st.integers(0, 3), st.sampled_from([None, 1, 3]))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
def test_no_question_stands_in_two_splits(
    config_for: Callable[..., TrialConfig],
    workplace: Workplace,
    layout: str,
    rows: list[tuple[int, Callable[[str], str], int]],
    split_seed: int,
    limit: int | None,
) -> None:
    files: dict[str, list[str]] = {name: [] for name in LAYOUTS[layout]}
    for number, way, where in rows:
        row = {"question": way(f"What has a {number}?"), "answer": number}
        files[LAYOUTS[layout][where % len(files)]].append(json.dumps(row))
    with TemporaryDirectory() as folder:
        for name, lines in files.items():
            path = Path(folder, "data", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(lines))
        source = find_data(str(Path(folder, "data")))
        try:
            data = load_data(source.path, "main")
        except UserError as error:
            if not any(reason in str(error) for reason in TOO_FEW):
                raise
            return
        own = Workplace(workplace.model, source, cache=Path(folder, "cache"))
        config = config_for(
            "lora", data_fingerprint=fingerprint(*data.splits), split_seed=split_seed,
            train_questions=limit, validation_questions=4, test_questions=limit,
        )  # fmt: skip
        keep_problems(data, config.data_fingerprint, "main", own)
        splits = [questions_of(Choice(config, own, open_problems(config, own)), split) for split in SPLITS]
    keys = [{question_key(question) for question in split} for split in splits]
    assert all(splits)
    assert len(set.union(*keys)) == sum(map(len, keys))
    if limit is None:
        # Nothing else is left out: what was a question somewhere is in one of the splits.
        given = {question_key(json.loads(line)["question"]) for lines in files.values() for line in lines}
        drawn_from = {question_key(p.question) for p in (data.validation.problems if data.validation else ())}
        assert set.union(*keys) | drawn_from == given


TOO_FEW = ("has no rows", "needs at least", "are in its test split too")
SPLITS = ("train", "validation", "test")


def questions_of(choice: Choice, split: str) -> list[str]:
    """Return the questions of a split as `study.trial.tokenised` divides them."""
    is_drawn = split == "train" or (split == "validation" and not choice.stored.has_validation)
    if is_drawn and choice.is_whole(split):
        everything = [*choice.stored.questions("train")]
        return [everything[i] for i in choice.side(split)]
    return [problem.question for batch in choice.problems(split) for problem in batch]


@pytest.mark.parametrize(
    ("question", "other", "same"),
    [
        ("How many?", "how  MANY", True),
        ("He has 3 apples.", "He has 3 apples", True),
        ("He has 3, and she 4.", "He has 3 and she 4", True),
        ("Tom’s \u201cbig\u201d box", "Toms 'big' box", True),
        ("He has 1,000 cents", "He has 1000 cents.", True),
        ("a twenty-five-year-old man", "A twenty five year old man", True),
        ("It costs $5 (in all).", "it costs 5 in all", True),
        ("５ apples", "5 apples", True),
        ("caf\u00e9", "cafe\u0301", True),
        ("Tom doesn\u02bct, can\xb4t 3", "Tom doesn't, can\u2032t 3", True),
        ("He has 1 000 000 cents", "He has 1,000,000 cents.", True),
        ("He has 1\u202f000 cents", "He has 1'000 cents.", True),
        ("In 2010 300 people", "In 2010300 people", False),
        ("He is 5'6", "He is 56", False),
        ("3\xad0 app\u200bles", "30 apples", True),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u062e", False),
        ("What is 3 - 2?", "What is 3 + 2?", False),
        ("What is 3-2?", "What is 3 - 2", True),
        ("What is -3?", "What is 3?", False),
        ("What is 1.5?", "What is 15?", False),
        ("What is 1.5?", "What is 1 5?", False),
        ("5% of 20", "5 of 20", False),
        ("(3+2)*4", "3+(2*4)", False),
        ("12", "1 2", False),
        ("x + y", "x - y", False),
        ("???", "!!!", False),
        ("\u0915\u0940", "\u0915\u093e", False),
        ("🍎 + 🍎", "🍐 + 🍐", False),
    ],
)
def test_two_questions_are_one_when_case_white_space_and_punctuation_alone_differ(
    question: str, other: str, same: bool
) -> None:
    assert (question_key(question) == question_key(other)) == same
    assert bool(find_twins(lambda: [question, other])) == same


@given(st.lists(st.text("aA1 02-+.,?'\u0301é％５\u02bc\xb4\xad\u200b\u200cʹ½", max_size=8), max_size=12))
def test_twins_are_the_questions_with_one_key(questions: list[str]) -> None:
    """What finds candidates fast leaves none out."""
    twins = find_twins(lambda: questions)
    for question in questions:
        same = {other for other in questions if question_key(other) == question_key(question)}
        assert twins.get(question, question) == min(same)


@pytest.mark.skipif(not GSM8K.is_dir(), reason="GSM8K is not beside the checkout")
@pytest.mark.parametrize(("variant", "train", "test"), [("main", 7473, 1319), ("socratic", 1119, 200)])
def test_gsm8k_has_no_leaks_and_no_twins(variant: str, train: int, test: int) -> None:
    data = load_data(GSM8K, variant)
    assert (len(data.train.problems), data.validation, len(data.test.problems)) == (train, None, test)
    assert not data.twins
    assert data == load_data(GSM8K, variant, keep_leaks=True)


@pytest.mark.parametrize("variant", ["main", "socratic"])
def test_the_embedded_data_have_no_leaks_and_no_twins(variant: str) -> None:
    data = load_data(find_data("embedded").path, variant)
    assert (len(data.train.problems), data.validation, len(data.test.problems)) == (2000, None, 600)
    assert not data.twins
    assert not data.notes
