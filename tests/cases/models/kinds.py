"""Encoders, and models that write no text."""

from __future__ import annotations

from collections.abc import Mapping

from tests.cases.models.case import Case
from tests.cases.models.steps import settings, then, written
from tests.cases.models.tiny import saved

CASES: Mapping[str, Case] = {
    # Encoders.
    "bert": Case(saved("bert", "BertForMaskedLM"), "is an encoder (BertForMaskedLM)"),
    "bert without a head": Case(saved("bert", "BertModel"), "is an encoder (BertModel)"),
    "roberta without a head": Case(saved("roberta", "RobertaModel"), "is an encoder (RobertaModel)"),
    "roberta's class for decoders, without is_decoder": Case(
        saved("roberta"), "is an encoder (RobertaForCausalLM)"
    ),
    "electra": Case(saved("electra", "ElectraModel"), "is an encoder"),
    "bert's generation half": Case(saved("bert-generation"), "is an encoder"),
    "xlnet": Case(saved("xlnet"), "is an encoder (XLNetLMHeadModel)"),
    "xlm": Case(saved("xlm"), "is an encoder"),
    "cpm-ant": Case(saved("cpmant"), "is an encoder (CpmAntForCausalLM)"),
    "distilbert": Case(saved("distilbert", "DistilBertModel"), "is an encoder (DistilBertModel)"),
    "t5's encoder alone": Case(saved("t5", "T5EncoderModel"), "is an encoder (T5EncoderModel)"),
    "a gemma that sees both ways": Case(
        saved("gemma3_text", head_dim=8, use_bidirectional_attention=True), "is an encoder"
    ),
    "a llama that sees both ways": Case(
        then(saved(), settings("config.json", is_causal=False)), "is an encoder"
    ),
    # Not of a kind that writes text.
    "a vision model": Case(
        then(saved(), written("config.json", '{"model_type": "vit"}')),
        "a model of type ViT writes no text",
    ),
    "whisper": Case(
        saved(
            "whisper",
            "WhisperForConditionalGeneration",
            num_mel_bins=8,
            d_model=32,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
        ),
        "a model of type Whisper writes no text",
    ),
}
