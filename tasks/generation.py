"""A text for a text, of which many would do: a summary, a translation, a rewritten sentence.

    python -m study.run --space lora_rank --data summaries.csv --task generation

No score here sees whether what is said is true. Each says how much an output shares with its reference: words
(ROUGE), runs of words (BLEU), letters (chrF), meaning (similarity).
"""

from study.scores.overlap import bleu, chrf, rouge_1, rouge_2, rouge_l
from study.tasks import Score, Task

TASK = Task(
    description="a text for a text",
    question=("question", "text", "document", "article", "dialogue", "source", "input", "prompt"),
    answer=("answer", "summary", "highlights", "target", "output", "response", "completion"),
    styles={"plain": "{question}", "summarize": "summarize: {question}"},
    scores=[
        Score(
            "rouge_l",
            rouge_l,
            "F-measure of the longest common subsequence of words, stemmed",
            kind="mean",
            label="ROUGE-L",
        ),
        Score("rouge_1", rouge_1, "F-measure of the words in both, stemmed", kind="mean", label="ROUGE-1"),
        Score(
            "rouge_2",
            rouge_2,
            "F-measure of the pairs of words in both, stemmed",
            kind="mean",
            label="ROUGE-2",
        ),
        Score("chrf", chrf, "chrF2 of the whole split, by sacrebleu", kind="mean", label="chrF"),
        Score("bleu", bleu, "BLEU of the whole split, by sacrebleu", kind="mean", label="BLEU"),
    ],
    primary="rouge_l",
    floors=(
        "floor_commonest_answer",
        "floor_random_solution",
        "floor_nearest_solution",
        "floor_echo",
        "floor_empty",
    ),
    similarity=True,
)
