"""What must fit a model: its tokenizer, its start, token limits, target modules."""

from __future__ import annotations

from collections.abc import Mapping

from study.models.check import Use
from tests.cases.models.case import Case, limits, targets
from tests.cases.models.composed import bert_to_bert, gemma3_with_eyes, t5gemma
from tests.cases.models.steps import added_tokens, settings, template, then
from tests.cases.models.tiny import saved

CASES: Mapping[str, Case] = {
    # Tokenizers.
    "tokens without rows": Case(
        then(saved(), added_tokens("<a>", "<b>")), "ids up to 1537 ('<b>'), its embedding 1536 rows"
    ),
    "padding without a row": Case(
        then(
            saved(), added_tokens("[PAD]", special=True), settings("tokenizer_config.json", pad_token="[PAD]")
        ),
        "resize_token_embeddings(1537)",
    ),
    "a tokenizer of another model": Case(saved("llama", vocab_size=1000), "its embedding 1000 rows"),
    "no end of sequence": Case(
        then(
            saved(),
            settings("tokenizer_config.json", eos_token=None, tokenizer_class="PreTrainedTokenizerFast"),
        ),
        "has no end-of-sequence token",
    ),
    "a tokenizer that adds no end": Case(then(saved("t5"), template(["A"]))),
    "a tokenizer that ends prompts": Case(then(saved(), template(["A", "</s>"]))),
    "a tokenizer that begins twice": Case(then(saved(), template(["<unk>", "<unk>", "A", "</s>"]))),
    # Starts.
    "no start of the decoder": Case(
        then(
            saved("t5"),
            settings("config.json", decoder_start_token_id=None),
            settings("generation_config.json", decoder_start_token_id=None),
        ),
        "without a decoder_start_token_id",
    ),
    "a start in generation_config.json alone": Case(
        then(saved("t5"), settings("config.json", decoder_start_token_id=None))
    ),
    "two starts": Case(
        then(saved("t5"), settings("generation_config.json", decoder_start_token_id=2)),
        "starts its decoder with 0 by config.json, with 2",
    ),
    # Positions.
    "gpt2, as many": Case(saved("gpt2"), use=limits(40, 24)),
    "gpt2, too many": Case(saved("gpt2"), "has 64 positions; valid: as many, say --set", use=limits(40, 25)),
    "opt, as many": Case(saved("opt"), use=limits(32, 32)),
    "opt, too many": Case(saved("opt"), "has 64 positions", use=limits(33, 32)),
    "mpt, too many": Case(saved("mpt"), "has 64 positions", use=limits(33, 32)),
    "gptj, too many": Case(saved("gptj"), "has 64 positions", use=limits(33, 32)),
    "bloom has any number": Case(saved("bloom"), use=limits(8192, 8192)),
    "t5 has any number": Case(
        then(saved("t5"), settings("config.json", n_positions=512)), use=limits(8192, 8192)
    ),
    "llama, too many": Case(
        saved("llama", max_position_embeddings=128), "has 128 positions", use=limits(128, 1)
    ),
    "bart, as many": Case(saved("bart"), use=limits(64, 64)),
    "bart's encoder, too many": Case(saved("bart"), "max_source_tokens is 65", use=limits(65, 8)),
    "bart's decoder, too many": Case(saved("bart"), "max_target_tokens is 65", use=limits(8, 65)),
    "pegasus, too many": Case(saved("pegasus"), "max_target_tokens is 65", use=limits(64, 65)),
    "led, as many": Case(saved("led"), use=limits(64, 32)),
    "led's decoder, too many": Case(saved("led"), "--set max_target_tokens=32", use=limits(64, 33)),
    "roberta's positions begin behind its padding": Case(
        saved("roberta", is_decoder=True, max_position_embeddings=66), "has 65 positions", use=limits(33, 33)
    ),
    # Composite configurations.
    "gemma3 with eyes": Case(
        gemma3_with_eyes,
        notes=("is q_proj, v_proj", "sees or hears too"),
        use=Use(frozenset({"lora"}), frozenset({"query-value", "all-linear"}), 64, 64),
    ),
    "gemma3 with eyes, too many": Case(gemma3_with_eyes, "has 128 positions", use=limits(128, 128)),
    "t5gemma": Case(t5gemma, use=Use(frozenset({"lora"}), frozenset({"all-linear"}), 64, 64)),
    "t5gemma, too many": Case(t5gemma, "max_target_tokens is 129", use=limits(128, 129)),
    "bert to bert": Case(bert_to_bert, use=limits(128, 64)),
    "bert to bert, too many": Case(bert_to_bert, "max_source_tokens is 129", use=limits(129, 64)),
    # Target modules.
    "phi3": Case(
        saved("phi3"), notes=("query-value of model 'phi3' is qkv_proj",), use=targets("query-value")
    ),
    "smollm3": Case(saved("smollm3"), notes=("is q_proj, v_proj",), use=targets("query-value")),
    "granite": Case(saved("granite"), notes=("is q_proj, v_proj",), use=targets("query-value")),
    "umt5": Case(saved("umt5"), notes=("is q, v",), use=targets("query-value")),
    "longt5": Case(saved("longt5"), notes=("is q, v",), use=targets("query-value")),
    "pegasus": Case(saved("pegasus"), notes=("is q_proj, v_proj",), use=targets("query-value")),
    "led": Case(saved("led"), notes=("is q_proj, v_proj, query, value",), use=targets("query-value")),
    "deepseek": Case(
        saved("deepseek_v3"),
        notes=("is q_b_proj, kv_b_proj", "the experts of model 'deepseek'"),
        use=targets("query-value"),
    ),
    "ctrl": Case(saved("ctrl"), notes=("is Wq, Wv",), use=targets("query-value")),
    "xlstm": Case(saved("xlstm"), notes=("is q, v",), use=targets("query-value")),
    "mamba has neither query nor value": Case(
        saved("mamba"), "--set target_modules=; valid: dt_proj, in_proj,", use=targets("query-value")
    ),
    "a module that is not there": Case(
        saved(),
        "unknown target module of model 'a-module-that-is-not-there' 'q_porj': did you mean q_proj",
        use=targets("q_porj"),
    ),
    "a tied head as target": Case(
        saved("gpt2"), "'lm_head' of model 'a-tied-head-as-target' shares its weight", use=targets("lm_head")
    ),
    "a tied embedding as target": Case(saved("t5"), "'shared' of model", use=targets("q,shared")),
    "a head that is not tied as target": Case(saved(), use=targets("lm_head")),
    "fused experts": Case(
        saved("mixtral"), notes=("the experts of model 'fused-experts' (",), use=targets("all-linear")
    ),
    "experts that are layers": Case(saved("switch_transformers"), use=targets("all-linear")),
}
