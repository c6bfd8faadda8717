"""The protocol in words, for the report: of whole searches that were repeated, and of one search."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.comparison.rows import Comparison
from analysis.reading.folders import Study
from analysis.reading.tasks import Task
from analysis.words.scores import explain_scores

SEARCH = (
    "Every arm has the same number of search trials and the same training budget; Optuna searches within an "
    "arm, never across arms. Search trials see the training split alone and are scored on a validation "
    "split held out of it; one whose validation loss lags behind its arm's earlier trials may be stopped "
    "early, a confirm trial never."
)
EQUAL_PROPOSALS = (
    "Arms with equal ranges are proposed the same: chance in the proposals favours none of them."
)
REPLICATES = (
    "The whole of it is repeated: each replicate of an arm has a search and a validation split of its own, "
    "and what that search found best is scored once on the test split (its kept model, or its configuration "
    "trained anew). Replicates are what the figures vary over, so a claim is one about the recipe, its "
    "search included."
)
ONE_SEARCH = (
    "Arms were searched once, and the configuration found was trained again with several seeds and scored "
    "once on the test split. Seeds are what the figures vary over: a claim is one about the configurations "
    "that these searches found, and the interval leaves the search out. Another search may find others, and "
    "between equal recipes that alone can make a clear difference."
)
LOOKS = (
    "Looks were planned before the study ran, and share the 5% between them: what is decided at a look is "
    "decided at its share alone, corrected over all planned differences. An arm that was clearly beaten, or "
    "could not win any more, was stopped there."
)
EXTENDED = (
    "The study was extended after its results could be seen. Where that was decided by what they showed, its "
    "p-values are too small: a difference that is clear only since the extension is weaker than it reads."
)
FIGURES = (
    "Intervals are 95%, over repeats (replicates, or seeds where there was one search) and questions as "
    "crossed random effects (analysis of variance; Cochran's critical value, a mean of the repeats' t and "
    "the questions' t; Wilson's for shares); those of the rows without training are over questions alone. "
    "Arms are compared on the same questions. The differences that the space asks for are tested together, "
    "with Holm's correction over them; other pairs are exploratory. With two repeats an interval is wide and "
    "says little; five replicates are the least to rely on.",
    "Costs are those of the training, the median of the repeats with the least and the most. Processor "
    "seconds depend less than wall time on what else ran. Training times are compared between trials of one "
    "kind of machine, device, number of threads and load alone. An arm leaves a Pareto front only for one "
    "that is clearly better and no dearer.",
    "Accuracy: the output's number equals the reference's. It is read after ####, in a box, after the words "
    "the answer is, or else is the last. Strict: the number after #### alone. Lenient: the reference's "
    "number occurs anywhere, which the solution of another question does for one question in five. ROUGE-1 "
    "never ranks arms: an echoed question scores high. Perplexities share a letter where the "
    "tokenizer (in results of before schema 2, the model) and the target texts are the same.",
)


def describe_protocol(studies: Sequence[Study], comparison: Comparison) -> list[str]:
    """Return how the studies were done, a paragraph each: as replicates, as one search, or both."""
    trained = [row.arm for row in comparison.trained]
    several = [arm for arm in trained if arm.unit == "replicate"]
    paragraphs = [SEARCH]
    # Until then each arm was proposed other hyperparameters.
    same = all((study.description.get("schema_version") or 1) >= 2 for study in studies)
    paragraphs += [EQUAL_PROPOSALS] if same else []
    paragraphs += [REPLICATES] if several else []
    paragraphs += [ONE_SEARCH] if len(several) < len(trained) else []
    counted = [study for study in studies if not study.description.get("extensions")]
    paragraphs += [LOOKS] if any(study.description.get("looks") for study in counted) else []
    paragraphs += [EXTENDED] if any(study.description.get("extensions") for study in studies) else []
    figures = FIGURES if comparison.task.is_math else _figures_of(comparison.task)
    return [*paragraphs, *figures]


def _figures_of(task: Task) -> list[str]:
    """Return the paragraphs on the figures of another task than word problems."""
    return [FIGURES[0].replace("rows without training", "reference rows"), FIGURES[1], explain_scores(task)]
