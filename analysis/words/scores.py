"""What the scores of a task are, in words: under a table, and in the report's account of the protocol."""

from __future__ import annotations

from analysis.reading.tasks import Score, Task


def score_legend(task: Task) -> str:
    """Return what a table's scores are, in sentences."""
    if task.is_math:
        return "lenient and R-1 (ROUGE-1) reward copying: they rank nothing."
    return " ".join(f"{describe_score(score)}." for score in (task.primary, *task.others))


def describe_score(score: Score) -> str:
    """Return what a score is, without a full stop: macro F1: the mean over the labels; less is better."""
    what = f": {score.description.rstrip('.')}" if score.description else ""
    direction = "less is better" if score.measure.lower_is_better else ""
    if not direction:
        return f"{score.measure.name}{what}" if what else f"{score.measure.name}: more is better"
    return f"{score.measure.name}{what}; {direction}" if what else f"{score.measure.name}: {direction}"


def explain_scores(task: Task) -> str:
    """Return a paragraph on a task's scores, and on how sure they are."""
    scores = [task.primary, *task.others]
    lines = [f"{describe_score(score)}." for score in scores]
    lines.insert(0, f"The task is {task.name}{f': {task.description}' if task.description else ''}.")
    lines.append(f"The searches chose, and arms are compared, by {task.primary.measure.name}.")
    if aggregates := [score.measure.name for score in scores if score.is_aggregate]:
        are = "are no means" if len(aggregates) > 1 else "is no mean"
        lines.append(
            f"{' and '.join(aggregates)} {are} over questions: each question counts with its jackknife value "
            "(Efron and Tibshirani 1993, chapter 11), of which the score is the mean; intervals and tests "
            "are those of means."
        )
    lines.append("Perplexities share a letter where the tokenizer and the target texts are the same.")
    return " ".join(lines)
