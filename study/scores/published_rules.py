"""The two rules by which lm-evaluation-harness scores GSM8K, to the letter, for figures that can be compared.

Source: lm_eval/tasks/gsm8k/gsm8k.yaml, version 3.0, with `lm_eval/filters/extraction.py` (the first match, or
for 'flexible-extract' the last) and `exact_match` of `lm_eval/api/metrics.py` (both sides through
`regexes_to_ignore` and into lower case, then equal as texts). What they make of an answer is theirs: "$29.00"
is not "29" (#3214).
"""

from __future__ import annotations

import re

# The metrics of a trial, and why they are missing where answers are programs.
PUBLISHED = ("accuracy_lm_eval_strict", "accuracy_lm_eval_flexible")
NOT_FOR_PROGRAMS = "lm-evaluation-harness reads the number out of a text; these answers are programs"

_STRICT = re.compile(r"#### (\-?[0-9\.\,]+)")
_FLEXIBLE = re.compile(r"(-?[$0-9.,]{2,})|(-?[0-9]+)")
_RUNS = re.compile(r"[-$0-9.,]+")
_FALLBACK = "[invalid]"
# `until` of the task: the harness ends its answers there.
_STOPS = ("Question:", "</s>", "<|im_end|>")


def is_strict_match(text: str, reference: str) -> bool:
    """Tell whether 'strict-match' counts `text` as right; `reference` is the whole worked answer."""
    match = _STRICT.search(_until_stop(text))
    return _compared(match[1] if match else _FALLBACK) == _compared(reference)


def is_flexible_match(text: str, reference: str) -> bool:
    """Tell whether 'flexible-extract' counts `text` as right; `reference` is the whole worked answer."""
    # A match never leaves a run of these characters, so the last one is that of the last run that has any.
    for run in reversed(_RUNS.findall(_until_stop(text))):
        if matches := list(_FLEXIBLE.finditer(run)):
            return _compared(matches[-1][0]) == _compared(reference)
    return _compared(_FALLBACK) == _compared(reference)


def _until_stop(text: str) -> str:
    for stop in _STOPS:
        text = text.partition(stop)[0]
    return text


def _compared(text: str) -> str:
    """Return `text` after the task's regexes_to_ignore, in their order: `,`, `\\$`, `(?s).*#### `, `\\.$`."""
    text = text.replace(",", "").replace("$", "")
    # What the third takes away ends with the last mark; the pattern itself takes quadratic time without one.
    text = text.rpartition("#### ")[2]
    return re.sub(r"\.$", "", text).lower()
