"""Models that are whole, and weights without a place or places without a weight."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from tests.cases.models.case import Case, targets
from tests.cases.models.steps import prefixed, settings, sharded, special, then, weights
from tests.cases.models.tiny import ROWS, model_of, saved

LLAMA_WITHOUT_HEAD = then(saved("llama", "LlamaModel"), settings("config.json", architectures=["LlamaModel"]))
V1_1 = {"tie_word_embeddings": False, "feed_forward_proj": "gated-gelu"}
MASK = torch.ones(1, 1, 64, 64)

CASES: Mapping[str, Case] = {
    # Whole, as they are.
    "t5": Case(saved("t5"), use=targets("query-value", "all-linear", "q,v")),
    "llama": Case(saved("llama"), use=targets("query-value", "all-linear", "q_proj,down_proj")),
    "t5 that reads bytes": Case(
        then(
            lambda folder: model_of("t5", vocab_size=384).save_pretrained(folder),
            settings("tokenizer_config.json", tokenizer_class="ByT5Tokenizer"),
        )
    ),
    "gpt2 with a tied head that is not in the file": Case(saved("gpt2"), use=targets("c_attn")),
    "gpt2 with its old tables of masks": Case(
        then(saved("gpt2"), weights(lambda w: {**w, "transformer.h.0.attn.bias": MASK}))
    ),
    "llama with its old tables of rotations": Case(
        then(
            saved(),
            weights(lambda w: {**w, "model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)}),
        )
    ),
    "gpt_neox, whose configuration says that it is no decoder": Case(saved("gpt_neox")),
    "llama in shards": Case(sharded()),
    "llama in 16 bits": Case(then(saved(), weights(lambda w: {n: x.bfloat16() for n, x in w.items()}))),
    "t5 saved by AutoModel, whose head is tied": Case(saved("t5", "T5Model")),
    "gpt2 saved by AutoModel, whose head is tied": Case(saved("gpt2", "GPT2Model")),
    "bart saved by AutoModel, whose head is tied": Case(saved("bart", "BartModel")),
    "llama with several ends": Case(then(saved(), settings("config.json", eos_token_id=[1, 2]))),
    "llama that ends with another token than its tokenizer": Case(
        then(
            saved(),
            settings("config.json", eos_token_id=5),
            settings("generation_config.json", eos_token_id=5),
        ),
        notes=("ends a text with </s> (1), its configuration with 5",),
    ),
    "a roberta that is a decoder": Case(saved("roberta", is_decoder=True)),
    "a model with more rows than tokens": Case(saved("llama", vocab_size=ROWS + 64)),
    # Weights without a place, places without a weight.
    "torch.compile": Case(then(saved(), prefixed("_orig_mod.")), "as torch.compile names them"),
    "DataParallel": Case(then(saved(), prefixed("module.")), "save model.module instead"),
    "FSDP": Case(then(saved(), prefixed("_fsdp_wrapped_module.")), "as FSDP names them"),
    "peft's names": Case(
        then(saved(), prefixed("base_model.model.")), "save what merge_and_unload() returns"
    ),
    "another prefix": Case(then(saved(), prefixed("net.")), "lacks 12 weights"),
    "llama saved by AutoModel": Case(LLAMA_WITHOUT_HEAD, "has no head (lm_head.weight)"),
    "t5 v1.1, whose head is its own": Case(
        then(saved("t5", **V1_1), weights(lambda w: {**w, "lm_head.weight": torch.ones(ROWS, 32)}))
    ),
    "t5 v1.1 made anew, whose head is tied": Case(saved("t5", **V1_1)),
    "t5 v1.1 saved by AutoModel": Case(saved("t5", "T5Model", **V1_1), "has no head (lm_head.weight)"),
    "t5 v1.1 saved by an old AutoModel": Case(
        then(saved("t5", **V1_1), settings("config.json", tie_word_embeddings=False)), "has no head"
    ),
    "a classifier": Case(
        saved("llama", "LlamaForSequenceClassification"),
        "has no head (lm_head.weight); it has score.weight instead",
    ),
    "a classifier whose head would be tied": Case(
        saved("gpt2", "GPT2ForSequenceClassification"),
        "holds 1 weights that a GPT2LMHeadModel has no place for",
    ),
    "a value head of reinforcement learning": Case(
        then(saved(), weights(lambda w: {**w, "v_head.summary.weight": torch.ones(1, 32)})),
        "no place for (v_head.summary.weight)",
    ),
    "a layer short": Case(then(saved(), settings("config.json", num_hidden_layers=2)), "lacks 9 weights"),
    "a layer too many": Case(
        then(saved("llama", num_hidden_layers=2), settings("config.json", num_hidden_layers=1)),
        "holds 9 weights",
    ),
    "another width": Case(
        then(saved(), settings("config.json", intermediate_size=48)), "is 32 x 64, by its config.json 32 x 48"
    ),
    "only t5's encoder": Case(
        then(saved("t5", "T5EncoderModel"), settings("config.json", is_encoder_decoder=True)),
        "lacks 15 weights",
    ),
    "outputs as tuples": Case(then(saved(), settings("config.json", return_dict=False))),
    "a tokenizer that drops the mark": Case(
        then(saved(), special("####")), notes=("can't write the mark ####",)
    ),
    # Quantised already.
    "gptq": Case(
        then(saved(), settings("config.json", quantization_config={"quant_method": "gptq", "bits": 4})),
        "is quantised already (gptq)",
    ),
    "bitsandbytes": Case(
        then(
            saved(),
            settings(
                "config.json", quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True}
            ),
        ),
        "is quantised already (bitsandbytes)",
    ),
    "fp8": Case(
        then(saved(), settings("config.json", quantization_config={"quant_method": "fp8"})),
        "is quantised already (fp8)",
    ),
    "8 bits that config.json does not say": Case(
        then(
            saved(),
            weights(lambda w: {n: x.to(torch.int8) if "q_proj" in n else x for n, x in w.items()}),
        ),
        "is stored as I8",
    ),
}
