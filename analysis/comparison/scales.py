"""Which arms' perplexities are on one scale: the same tokenizer, and the same target texts.

A perplexity is a figure a token, so it depends on what a token is, and on what has to be written. Equally
many tokens a question are no proof of either. The tokenizer is known by the hash of its files; in rows of
before schema 2, which lack it, by the hash of the model's files, under which two models that share a
tokenizer count as different. Where neither is known, an arm has a scale of its own. What is not on one
scale is then never called comparable; what is may be kept apart.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np

from analysis.arms.arm import Arm


def perplexity_scale(arm: Arm) -> bytes | None:
    """Return a key, the same for arms whose perplexities can be compared; None where there is none.

    The target texts are read of one confirm trial: all of an arm's are asked the same. Their token counts
    belong to the key besides, since a longer text may have been cut.
    """
    tokens = arm.scores.matrices.get("tokens") if arm.scores else None
    if tokens is None:
        return None
    key = hashlib.sha256(_tokenizer(arm).encode())
    key.update(_targets(arm))
    key.update(np.ascontiguousarray(tokens[0]).tobytes())
    return key.digest()


def _tokenizer(arm: Arm) -> str:
    rows = arm.scored_trials
    for column in ("source_tokenizer_fingerprint", "source_model_fingerprint"):
        values = {row.get(column) for row in rows}
        if None not in values:
            return json.dumps([column, *sorted(map(str, values))])
    return json.dumps(["unknown", *(row["trial"] for row in rows)])


def _targets(arm: Arm) -> bytes:
    """Return the hash of an arm's questions and target texts, in the questions' order."""
    first = arm.scored_trials[0]
    table = arm.study_of(first).read("predictions", first["trial"], ["question_id", "reference"])
    if table is None:
        return str(first["trial"]).encode()
    pairs = sorted(
        zip(table["question_id"].to_pylist(), table["reference"].to_pylist(), strict=True), key=str
    )
    return hashlib.sha256(json.dumps(pairs).encode()).digest()
