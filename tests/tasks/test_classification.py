import pytest

from study.tasks import BadRow, Given
from tasks.classification import TASK
from tests.tasks.scored import scores_of


def row(answer: str) -> dict:
    return {"question": "What a day!", "answer": answer, "labels": ("glad", "sad")}


def test_accuracy_and_macro_f1_of_hand_made_answers() -> None:
    rows = [row("glad"), row("glad"), row("glad"), row("sad")]
    scored = scores_of(TASK, ["Glad.", "glad I am", "who knows", "glad"], rows)
    # glad: tp 2, fp 1, fn 1; sad: fn 1.
    assert scored == {"accuracy": 50.0, "macro_f1": pytest.approx(100 * (4 / 6) / 2)}


def test_the_instruction_names_the_labels_and_the_text_alone_does_not() -> None:
    source = TASK.style("instruction").source
    assert callable(source)
    assert source(row("sad")) == "Classify the text. Labels: glad, sad.\nWhat a day!"
    assert TASK.style("plain").source == "{question}"


def test_a_label_loses_its_white_space_and_an_empty_one_is_refused() -> None:
    assert TASK.check is not None
    assert TASK.check(Given("a", " very \n glad ")).answer == "very glad"
    with pytest.raises(
        BadRow, match="a label is a text of 1 to 100 characters or a whole number, received one of 0"
    ):
        TASK.check(Given("a", "  "))
