"""ROUGE, chrF and BLEU of an output, by the packages that define them: 0 to 100.

ROUGE is a mean over the questions (`study.scores.rouge`, which reads every script). chrF and BLEU are of the
whole split, from the statistics of sacrebleu (Post 2018) and with its defaults: chrF2, and BLEU with the
tokenizer 13a and exponential smoothing. So they equal `sacrebleu.corpus_chrf` and `sacrebleu.corpus_bleu`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from study.scores.rouge import rouge
from study.tasks.task import Aggregate, Row

_ORDERS = range(1, 5)


def rouge_1(prediction: str | None, reference: str, row: Row) -> float:
    """Return the F-measure of the words that both have, in %."""
    return 100 * rouge(prediction or "", reference)["rouge1"]


def rouge_2(prediction: str | None, reference: str, row: Row) -> float:
    """Return the F-measure of the pairs of words that both have, in %."""
    return 100 * rouge(prediction or "", reference)["rouge2"]


def rouge_l(prediction: str | None, reference: str, row: Row) -> float:
    """Return the F-measure of the longest common subsequence of words, in %."""
    return 100 * rouge(prediction or "", reference)["rougeL"]


def _bleu_counts(prediction: str | None, reference: str, row: Row) -> dict[str, float]:
    of = _sacrebleu("BLEU").corpus_score([prediction or ""], [[reference]])
    counts = {"length": of.sys_len, "reference_length": of.ref_len}
    for order in _ORDERS:
        counts[f"correct_{order}"] = of.counts[order - 1]
        counts[f"total_{order}"] = of.totals[order - 1]
    return counts


def _bleu(sums: Mapping[str, float]) -> float:
    of_all = _sacrebleu("BLEU").compute_bleu(
        correct=[sums[f"correct_{order}"] for order in _ORDERS],
        total=[sums[f"total_{order}"] for order in _ORDERS],
        sys_len=int(sums["length"]),
        ref_len=int(sums["reference_length"]),
        smooth_method="exp",
    )
    return min(100.0, float(of_all.score))  # of right texts sacrebleu computes 100.00000000000004


def _chrf_counts(prediction: str | None, reference: str, row: Row) -> dict[str, float]:
    # sacrebleu gives its statistics of chrF by no public name; the tests compare with `corpus_chrf`.
    (statistics,) = _sacrebleu("CHRF")._extract_corpus_statistics([prediction or ""], [[reference]])
    return {str(place): amount for place, amount in enumerate(statistics)}


def _chrf(sums: Mapping[str, float]) -> float:
    statistics = [sums[str(place)] for place in range(len(sums))]
    return float(_sacrebleu("CHRF")._compute_score_from_stats(statistics).score)


@cache
def _sacrebleu(name: str) -> Any:
    import sacrebleu

    return getattr(sacrebleu, name)()


bleu = Aggregate(_bleu_counts, _bleu)
chrf = Aggregate(_chrf_counts, _chrf)
