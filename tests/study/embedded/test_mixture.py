"""The pre-training text: every task occurs, and none of them is the target form."""

import random
import re

from study.embedded.mixture import MIXTURES, STEPS_LAST, THEN_TEXTS, draw_example
from study.embedded.tasks import SENTINELS, calc


def test_no_output_is_a_worked_solution() -> None:
    rng = random.Random(5)
    for index in range(2000):
        example = draw_example(rng, list(MIXTURES.values())[index % len(MIXTURES)])
        assert not re.search(r"####\s*\d", example.source + example.target), example
        if "<<" in example.target:
            assert example.task == "calc"


def test_a_plain_question_is_never_answered_by_sentences_with_results() -> None:
    rng = random.Random(6)
    for _ in range(2000):
        example = draw_example(rng, STEPS_LAST)
        if example.source.startswith("next: "):
            assert example.target.startswith("next: ")
        elif example.source.endswith("?") and "\n" not in example.target and "=" in example.target:
            assert example.target.startswith("plan: "), example


def test_every_task_occurs_and_the_weights_are_shares() -> None:
    rng = random.Random(7)
    seen = {draw_example(rng, THEN_TEXTS).task for _ in range(1000)}
    assert len(seen) == len(THEN_TEXTS)
    for mixture in MIXTURES.values():
        assert abs(sum(weight for _, weight in mixture) - 1) < 1e-9


def test_sentinels_stay_within_the_tokenizer() -> None:
    rng = random.Random(8)
    for _ in range(2000):
        example = draw_example(rng, THEN_TEXTS)
        numbers = [int(n) for n in re.findall(r"<extra_id_(\d+)>", example.source + example.target)]
        assert all(number < SENTINELS for number in numbers)


def test_drills_are_right_and_only_results_have_a_loss() -> None:
    rng = random.Random(9)
    for _ in range(300):
        *before, (_, last_has_loss) = calc(rng).pieces
        assert last_has_loss
        assert not any(has_loss for _, has_loss in before)
        for written, value in re.findall(r"([\d*/+-]+)=(\d+)", calc(rng).target):
            assert eval(written) == int(value)
