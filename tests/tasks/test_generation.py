import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from tasks.generation import TASK
from tests.tasks.scored import scores_of


def test_scores_of_hand_made_texts_are_their_libraries() -> None:
    outputs = ["the cat sat on the mat", "a dog runs in the green park today"]
    references = ["the cat sat on a mat", "dogs run in the green park"]
    scored = scores_of(TASK, outputs, [{"question": "", "answer": text} for text in references])
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    each = [scorer.score(reference, text) for reference, text in zip(references, outputs, strict=True)]
    for name, theirs in (("rouge_1", "rouge1"), ("rouge_2", "rouge2"), ("rouge_l", "rougeL")):
        assert scored[name] == pytest.approx(100 * sum(of[theirs].fmeasure for of in each) / 2)
    assert scored["bleu"] == pytest.approx(sacrebleu.corpus_bleu(outputs, [references]).score)
    assert scored["chrf"] == pytest.approx(sacrebleu.corpus_chrf(outputs, [references]).score)
