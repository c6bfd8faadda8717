"""What a study will cost: time, memory and disk, estimated from its plan before anything runs.

The arithmetic of a trial is counted from the model's shape, the data and the budget, and divided by the
speed that this machine shows in a short matrix product; nothing is trained. Where the Hub can't be reached,
what is on record of the paper's models and data stands in, and a GPU's speed is assumed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from study.config import TrialConfig
from study.cost.facts import Facts, SplitFacts, largest_config, read_facts
from study.cost.memory import PROCESS_BYTES, trial_bytes
from study.cost.on_record import facts_on_record
from study.cost.speed import ASSUMED, Speed, measure_slot
from study.engine.slots import Slots
from study.models.counting import count_parameters
from study.models.shape import shape_of
from study.plan.arms import Arm
from study.plan.binding import workplace_of
from study.plan.plan import Plan
from study.results.disk import DiskPlan, checkpoint_bytes
from study.trial.batches import GENERATION_ROWS, generation_bytes, rows_that_fit
from study.trial.recipe import recipe_of

# Floating-point operations a parameter and token (Kaplan et al. 2020, section 2.1): 2 in the forward pass,
# 4 in the backward pass, of which a frozen base saves the half that makes gradients of its weights.
FORWARD, BACKWARD = 2.0, 4.0

# Fitted to the 34 trials of the embedded lora_vs_qlora on two cores of an AMD EPYC, whose wall time they give
# within a tenth (benchmarks/results/embedded_lora_vs_qlora.json): what a trial reaches of the rate of a
# plain product, the seconds it spends outside training and scoring, those of embedding an answer and its
# reference for the similarity, and those that a decoding step costs a layer. Larger models reach more.
EFFICIENCY = 0.17
OVERHEAD_SECONDS = 1.4
SIMILARITY_SECONDS = 0.013
DECODING_STEP_SECONDS = 0.0006
STARTUP_SECONDS = 20.0

# Of the tables, a trial: its row with all columns' descriptions, history and log; and a prediction's text in
# Parquet and once more in the report, in bytes a token of it. Measured on the embedded study, rounded up.
TRIAL_FILES_BYTES = 100e3
PREDICTION_BYTES, PREDICTION_BYTES_A_TOKEN = 200.0, 3.0


@dataclass(frozen=True)
class ArmEstimate:
    """What one arm comes to; times are of one trial, memory is the peak of its training.

    Attributes:
        model_bytes, checkpoint_bytes: with the largest adapters of its ranges.
        tables_bytes: what all its trials leave behind, but for the model.
    """

    arm: Arm
    facts: Facts
    trainable: int
    total: int
    steps: int
    training_seconds: float
    search_seconds: float
    confirm_seconds: float
    memory_bytes: float
    model_bytes: float
    checkpoint_bytes: float
    tables_bytes: float

    def seconds(self, done: Counter[tuple[str, str]]) -> float:
        """Return the seconds of its trials, one after another, less those done: (arm, stage) -> trials."""
        each = {"search": self.search_seconds, "confirm": self.confirm_seconds}
        planned = self.arm.trials_by_stage.items()
        return sum((trials - done[self.arm.label, stage]) * each[stage] for stage, trials in planned)


@dataclass(frozen=True)
class StudyEstimate:
    """What a study comes to.

    Attributes:
        arms: those that train.
        speed: of one slot.
        slot_seconds: seconds of all trials that are left, one after another.
        trials_left: their number.
    """

    plan: Plan
    slots: Slots
    speed: Speed
    arms: Sequence[ArmEstimate]
    slot_seconds: float
    trials_left: int

    @property
    def seconds(self) -> float:
        """Wall time, in s."""
        return STARTUP_SECONDS + self.slot_seconds / self.slots.count

    @property
    def memory_bytes(self) -> float:
        """The peak of the largest trial: of the GPU on GPUs, else of the host."""
        return process_bytes(self.slots) + max(arm.memory_bytes for arm in self.arms)

    @property
    def trial_seconds(self) -> Mapping[tuple[str, str], float]:
        """(arm, stage) -> seconds of one trial, of every arm of the plan."""
        known = {(e.arm.label, "search"): e.search_seconds for e in self.arms}
        known |= {(e.arm.label, "confirm"): e.confirm_seconds for e in self.arms}
        baselines = [arm for arm in self.plan.arms if arm.is_baseline]
        return known | {(arm.label, "confirm"): _baseline_seconds(arm, self.arms) for arm in baselines}

    def disk(self, limit: float | None = None) -> DiskPlan:
        """Return what it takes up on disk under the user's limit."""
        baselines = sum(arm.is_baseline for arm in self.plan.arms)
        like = max(arm.tables_bytes / arm.arm.trials for arm in self.arms)
        return DiskPlan(
            models=sum(arm.model_bytes for arm in self.arms),
            candidates=self._candidates_bytes,
            tables=sum(arm.tables_bytes for arm in self.arms) + baselines * like,
            model=max(arm.model_bytes for arm in self.arms),
            checkpoint=max(arm.checkpoint_bytes for arm in self.arms),
            slots=self.slots.count,
            limit=limit,
        )

    @property
    def _candidates_bytes(self) -> float:
        """Return the bytes of the models that wait to be scored, at most.

        The arms advance together: one replicate of each is under way, and with it the best model so far.
        Beside it every slot may be at a later replicate, with a best model, a trial that runs and one that
        waits.
        """
        largest = max(arm.model_bytes for arm in self.arms)
        return sum(arm.model_bytes for arm in self.arms) + 3 * self.slots.count * largest


def estimate_study(plan: Plan, slots: Slots, finished: Iterable[Mapping[str, Any]] = ()) -> StudyEstimate:
    """Return the estimate of a bound plan, less the trials whose rows are `finished`.

    It reads the data as the trials will, so they find it tokenised.

    Raises:
        UserError: a model or the data can't be used.
    """
    skeletons: dict[Any, Any] = {}
    facts = [read_facts(arm, workplace_of(plan, arm.values["model"]), skeletons) for arm in plan.compared]
    return _estimate(plan, slots, measure_slot(slots), facts, finished)


def estimate_on_record(plan: Plan, slots: Slots) -> StudyEstimate:
    """Return the estimate of a plan whose models or data can't be reached, from what is on record of them.

    Raises:
        UserError: something of them is not on record.
    """
    # The speed assumed is a GPU's: without one here, the trials are taken to run on one, one after another.
    slots = slots if slots.gpus else Slots(count=1, cpus=slots.cpus, gpus=1.0)
    return _estimate(plan, slots, ASSUMED, [facts_on_record(arm) for arm in plan.compared], ())


def process_bytes(slots: Slots) -> float:
    """Return what a trial's process takes up before any model is in it."""
    return 0.0 if slots.gpus else PROCESS_BYTES


def _estimate(
    plan: Plan, slots: Slots, speed: Speed, facts: Sequence[Facts], finished: Iterable[Mapping[str, Any]]
) -> StudyEstimate:
    on_gpu = bool(slots.gpus)
    pairs = zip(plan.compared, facts, strict=True)
    arms = [estimate_arm(arm, own, speed.flops, on_gpu=on_gpu) for arm, own in pairs]
    done = Counter((str(row["arm"]), str(row["stage"])) for row in finished)
    seconds = sum(arm.seconds(done) for arm in arms)
    baselines = [arm for arm in plan.arms if arm.is_baseline and not done[arm.label, "confirm"]]
    seconds += sum(_baseline_seconds(arm, arms) for arm in baselines)
    return StudyEstimate(plan, slots, speed, arms, seconds, plan.trials - done.total())


def estimate_arm(arm: Arm, facts: Facts, flops_a_second: float, *, on_gpu: bool) -> ArmEstimate:
    """Return the estimate of one arm that trains, on a slot of that speed (see `measure_rate`)."""
    config = arm.confirm_config({}, 0)
    trainable, total = count_parameters(facts.model)
    splits = [(phase, facts.trained_on(phase)) for phase in config.entry.phases]
    phases = [(recipe_of(config, phase, split.rows).steps, split) for phase, split in splits]
    active = _active(facts.model, total)
    flops = sum(_training_flops(config, steps, split, active) for steps, split in phases)
    training_seconds = flops / (flops_a_second * EFFICIENCY)

    def seconds(split: SplitFacts) -> float:
        return OVERHEAD_SECONDS + _scoring_seconds(split, facts.model, active, flops_a_second)

    tokenizer = facts.tokenizer_bytes
    adapter = config.entry.trains_adapter
    return ArmEstimate(
        arm=arm,
        facts=facts,
        trainable=trainable,
        total=total,
        steps=sum(steps for steps, _ in phases),
        training_seconds=training_seconds,
        search_seconds=training_seconds + seconds(facts.validation),
        # Where the search's own model is scored, nothing trains. The search ranks by no similarity.
        confirm_seconds=(training_seconds if arm.confirm_seeds else 0.0)
        + seconds(facts.test)
        + facts.test.rows * SIMILARITY_SECONDS,
        memory_bytes=trial_bytes(largest_config(arm), facts, on_gpu=on_gpu),
        model_bytes=4.0 * (facts.most_trainable if adapter else total) + tokenizer,
        checkpoint_bytes=checkpoint_bytes(facts.most_trainable, tokenizer),
        tables_bytes=arm.trials_by_stage["search"] * _tables(facts.validation)
        + arm.trials_by_stage["confirm"] * _tables(facts.test),
    )


def _baseline_seconds(arm: Arm, estimates: Sequence[ArmEstimate]) -> float:
    """Return the seconds of an arm's trial that trains nothing; a floor has no model to ask either."""
    like = max(estimates, key=lambda estimate: estimate.confirm_seconds)
    if arm.method.is_floor:
        return OVERHEAD_SECONDS + like.facts.test.rows * SIMILARITY_SECONDS
    return like.confirm_seconds - (like.training_seconds if like.arm.confirm_seeds else 0.0)


def _training_flops(config: TrialConfig, steps: int, split: SplitFacts, active: float) -> float:
    assert config.batch_size is not None
    backward = BACKWARD / 2 if config.entry.trains_adapter else BACKWARD
    return (FORWARD + backward) * active * steps * config.batch_size * split.tokens


def _scoring_seconds(split: SplitFacts, model: Any, active: float, rate: float) -> float:
    # Twice: once for the likelihood of the targets, once for the answers.
    flops = 2 * FORWARD * active * split.rows * split.tokens
    shape, source, target = shape_of(model.config), round(split.source_tokens), round(split.target_tokens)
    batches = math.ceil(split.rows / rows_that_fit(generation_bytes(shape, source, target), GENERATION_ROWS))
    steps = batches * split.target_tokens
    return flops / (rate * EFFICIENCY) + steps * 2 * shape.decoder_layers * DECODING_STEP_SECONDS


def _active(model: Any, parameters: int) -> float:
    # An encoder-decoder passes each token through one half of itself.
    return parameters / 2 if model.config.is_encoder_decoder else parameters


def _tables(split: SplitFacts) -> float:
    # The question, the reference, and an answer as long as the reference.
    tokens = split.source_tokens + 2 * split.target_tokens
    return TRIAL_FILES_BYTES + split.rows * (PREDICTION_BYTES + PREDICTION_BYTES_A_TOKEN * tokens)
