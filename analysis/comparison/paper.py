"""The paper's own numbers, shown beside what was measured.

Table 1 of the paper, and the accuracies that its text gives for Figures 2 and 3. Its accuracy rule is
not stated; a rule that counts the reference's number anywhere in the output comes nearest.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.arms.arm import Arm


@dataclass(frozen=True)
class PaperRow:
    """One row of the paper's Table 1.

    Attributes:
        train_minutes: minutes of training; `accuracy` and `similarity` %, `rouge1` 0-1.
    """

    method: str
    variant: str | None
    model: str
    trainable_parameters: int
    train_minutes: float
    rouge1: float
    perplexity: float
    similarity: float
    accuracy: float | None


TABLE_1 = (
    PaperRow("lora", "main", "T5-small", 294_000, 10, 0.5084, 3.2633, 79.70, 25.0),
    PaperRow("qlora", "main", "T5-base", 884_000, 36, 0.5156, 2.4158, 79.99, 23.0),
    PaperRow("lora", "socratic", "T5-small", 294_000, 10, 0.4678, 3.2706, 80.42, 26.0),
    PaperRow("qlora", "socratic", "T5-base", 884_000, 37, 0.5262, 2.3754, 75.96, 10.0),
    PaperRow("full", "main", "T5-small", 60_000_000, 14, 0.4136, 2.2708, 62.81, None),
    PaperRow("full", "socratic", "T5-small", 60_000_000, 14, 0.4778, 2.2353, 62.50, None),
    PaperRow("stacked_lora", None, "T5-small", 588_000, 15, 0.3546, 2.2587, 61.38, None),
)

# Figure 3, LoRA: accuracy % by prompt style and variant. "Below 10" and "just under 25" are upper bounds.
FIGURE_3 = {
    ("with_breakdown", "main"): 10.0,
    ("with_breakdown", "socratic"): 25.0,
    ("without_breakdown", "main"): 25.0,
    ("without_breakdown", "socratic"): 25.0,
    ("python_code", "main"): 25.0,
    ("python_code", "socratic"): 18.2,
}


def paper_row(arm: Arm) -> PaperRow | None:
    """Return the row of the paper's Table 1 that an arm repeats; None for another profile's."""
    if not arm.task.is_math or not any(row.get("profile") == "paper" for row in arm.confirm):
        return None
    if arm.factor("prompt_style") not in (None, "plain"):
        return None
    for row in TABLE_1:
        if row.method == arm.method and row.variant in (None, arm.factor("variant")):
            return row
    return None
