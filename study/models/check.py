"""The one check of a base model before anything runs: that it is whole, and that a study can use it so.

It reads configuration, tokenizer and the headers of the weights, and builds the model where it has no memory.
docs/models.md lists what it holds to; tests/cases/models has a case of each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from study.errors import UserError
from study.machine.interruption import check
from study.methods.table import METHODS
from study.models.faults import told_in_one_line
from study.models.loading import auto_class, load_config, load_tokenizer
from study.models.targets import (
    check_targets,
    has_other_senses,
    known_to_peft,
    query_and_value,
    share_of_fused_experts,
)
from study.models.weights import check_not_quantized, load_whole
from study.sources.finding import Source

# Decoder-only by their class, but they see what follows whatever their configuration says.
_SEE_ALL = ("xlnet", "cpmant")
# Encoders unless they say otherwise, beside those that transformers lists as filling in words.
_ENCODERS_TOO = ("bert-generation",)


@dataclass(frozen=True)
class Use:
    """What a study does with one base model.

    Attributes:
        methods: of the arms that it is the base of.
        target_modules: every value that its trials may have.
        source_tokens, target_tokens: the largest limits of its trials.
        has_chat: whether rows go through its tokenizer's chat template.
        systems: the systems' texts of its trials, where it has.
        shots: examples before each question of its few-shot trials.
    """

    methods: frozenset[str] = frozenset()
    target_modules: frozenset[str] = frozenset()
    source_tokens: int = 8
    target_tokens: int = 8
    has_chat: bool = False
    systems: frozenset[str] = frozenset()
    shots: int = 0


def check_model(source: Source, use: Use) -> list[str]:
    """Check, without loading the weights, that a model can be used so; return notes, a line each.

    Raises:
        UserError: it can't; the message says what is valid.
    """
    # Imported late: the first line of a study must not wait for torch.
    from study.models.families import family_of
    from study.models.templates import check_template
    from study.models.vocabulary import check_limits, check_vocabulary
    from study.quiet import quiet_report

    with told_in_one_line(source, "model"):
        config = load_config(source)
        _check_writes(source, config)
        check_not_quantized(source, config)
        loads = auto_class(config)
    check()  # a signal waits while libraries are imported
    tokenizer = load_tokenizer(source)
    check()
    notes = check_template(source.name, tokenizer, use.systems) if use.has_chat else []
    with quiet_report():
        model = load_whole(source, loads)
    notes += check_vocabulary(source.name, tokenizer, model, family_of(config))
    check_limits(source.name, model, use.source_tokens, use.target_tokens, use.shots)
    for name in sorted(use.target_modules):
        check_targets(name, model, source.name)
    return [*notes, *_notes(source, model, use)]


def _check_writes(source: Source, config: Any) -> None:
    """Refuse encoders: asked to write, they would see what they are to write, and learn to copy it."""
    classes = getattr(config, "architectures", None) or ()
    if config.is_encoder_decoder or not _sees_its_target(config, classes):
        return
    shown = next(iter(classes), f"a model of type '{config.model_type}'")
    raise UserError(
        f"model '{source.name}' is an encoder ({shown}): it fills in words and writes no answers; "
        "valid: an encoder-decoder or a decoder-only model"
    )


def _sees_its_target(config: Any, classes: Iterable[str]) -> bool:
    """Tell whether a model that is no encoder-decoder attends to what follows a token.

    tests/study/models/test_model_types.py tries it on every type of transformers that can be built.
    """
    from transformers.models.auto import modeling_auto as auto

    from study.models.families import text_config

    part = text_config(config)
    if part.model_type in _SEE_ALL or any(name.endswith("EncoderModel") for name in classes):
        return True
    if getattr(part, "is_causal", True) is False:
        return True
    if getattr(part, "use_bidirectional_attention", None) in (True, "all"):
        return True
    fills_in = part.model_type in auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    reads_first = part.model_type in auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES
    is_decoder = getattr(part, "is_decoder", False) or getattr(part, "causal", False)
    return (fills_in or part.model_type in _ENCODERS_TOO) and not reads_first and not is_decoder


def _notes(source: Source, model: Any, use: Use) -> list[str]:
    notes = []
    if "query-value" in use.target_modules and known_to_peft(model) is None:
        found = query_and_value(model)
        notes.append(
            f"query-value of model '{source.name}' is {', '.join(found)}, by its attention's modules"
        )
    share = share_of_fused_experts(model)
    if share and (use.target_modules or any(METHODS[name].quantizes for name in use.methods)):
        notes.append(
            f"the experts of model '{source.name}' ({share:.1%} of its weights) are no linear layers: no "
            "adapter is put on them, and qlora leaves them in 32 bits; full trains them"
        )
    if has_other_senses(model):
        notes.append(f"model '{source.name}' sees or hears too: those parts get no adapter and no input")
    return notes
