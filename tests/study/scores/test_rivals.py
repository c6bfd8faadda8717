from study.scores.rivals import empty_answers, tfidf_answers, words

GOOD = ["I love this film", "a great and moving story", "wonderful, simply wonderful", "what a great cast"]
BAD = ["I hate this film", "a dull and boring story", "awful, simply awful", "what a boring cast"]
QUESTIONS, ANSWERS = [*GOOD, *BAD], ["good"] * 4 + ["bad"] * 4


def test_the_rival_learns_what_words_say() -> None:
    said = tfidf_answers(QUESTIONS, ANSWERS, ["a great and wonderful film", "boring and awful"], 0)
    assert said == ["good", "bad"]
    assert tfidf_answers(QUESTIONS, ANSWERS, QUESTIONS, 1) == ANSWERS


def test_the_rival_sees_pairs_of_words() -> None:
    questions = ["not good", "good", "not bad", "bad"] * 5
    assert tfidf_answers(questions, ["no", "yes", "yes", "no"] * 5, ["not good", "not bad"], 0) == [
        "no",
        "yes",
    ]


def test_the_rival_reads_scripts_without_spaces() -> None:
    assert words("很好 a") == ["很", "好", "a"]
    assert tfidf_answers(["很好", "不好", "好看", "不行"], ["+", "-", "+", "-"], ["好", "不"], 0) == [
        "+",
        "-",
    ]


def test_one_answer_or_no_word_gives_the_commonest() -> None:
    assert tfidf_answers(["a", "b"], ["x", "x"], ["c"], 0) == ["x"]
    assert tfidf_answers(["!", "?", "."], ["x", "y", "y"], ["c", "d"], 0) == ["y", "y"]


def test_an_empty_answer_is_empty() -> None:
    assert empty_answers(QUESTIONS, ANSWERS, ["a", "b"], 0) == ["", ""]
