"""Model folders as people bring them: how each is made, and what a study says to it.

A case is made by a script from tiny random models, and is either fine (with its notes) or refused in one
line. `tests/study/models/test_model_cases.py` runs them all; docs/models.md says the rules.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save_file

from study import embedded
from study.models.check import Use

Make = Callable[[Path], None]

# The embedded tokenizer's 1,536 entries; what a tiny model has of everything, whatever its type calls it.
ROWS = 1536
TINY: Mapping[str, Any] = {
    "vocab_size": ROWS, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
    "num_attention_heads": 4, "num_key_value_heads": 2, "bos_token_id": None, "eos_token_id": 1,
    "pad_token_id": 0,
}  # fmt: skip
T5 = {"d_model": 32, "d_ff": 64, "num_heads": 2, "d_kv": 16, "num_layers": 1, "decoder_start_token_id": 0}
BART = {
    "d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "decoder_start_token_id": 0,
}  # fmt: skip
GPT2 = {"n_embd": 32, "n_layer": 1, "n_head": 4, "n_positions": 64}
OF_TYPE: Mapping[str, Mapping[str, Any]] = {
    "t5": T5, "umt5": T5, "longt5": T5, "mt5": T5,
    "switch_transformers": {**T5, "num_layers": 2, "num_sparse_encoder_layers": 1, "num_experts": 2},
    "bart": {**BART, "max_position_embeddings": 64},
    "pegasus": {**BART, "max_position_embeddings": 64},
    "led": {**BART, "attention_window": 8, "max_encoder_position_embeddings": 64,
            "max_decoder_position_embeddings": 32},
    "gpt2": GPT2,
    "gptj": {**GPT2, "rotary_dim": 4},
    "bloom": {"n_layer": 1, "n_head": 4},
    "mpt": {"d_model": 32, "n_layers": 1, "n_heads": 4, "max_seq_len": 64},
    "opt": {"word_embed_proj_dim": 32, "ffn_dim": 64, "max_position_embeddings": 64},
    "xlnet": {"d_model": 32, "n_layer": 1, "n_head": 4, "d_inner": 64},
    "xlm": {"emb_dim": 32, "n_layers": 1, "n_heads": 4},
    "mixtral": {"num_local_experts": 2},
    "distilbert": {"dim": 32, "n_layers": 1, "n_heads": 4, "hidden_dim": 64},
    "deepseek_v3": {"num_key_value_heads": 4, "moe_intermediate_size": 16, "n_routed_experts": 4,
                    "n_group": 1, "topk_group": 1, "num_experts_per_tok": 2, "first_k_dense_replace": 0},
}  # fmt: skip


def config_of(model_type: str, **changes: Any) -> Any:
    """Return the configuration of a tiny model of a type."""
    return transformers.AutoConfig.for_model(model_type, **{**TINY, **OF_TYPE.get(model_type, {}), **changes})


def model_of(model_type: str, class_name: str | None = None, **changes: Any) -> Any:
    """Return a tiny random model of a type: of its class that writes, or of another."""
    torch.manual_seed(0)
    config = config_of(model_type, **changes)
    if class_name is not None:
        return getattr(transformers, class_name)(config)
    auto = "AutoModelForSeq2SeqLM" if config.is_encoder_decoder else "AutoModelForCausalLM"
    return getattr(transformers, auto).from_config(config)


def add_tokenizer(folder: Path) -> None:
    """Copy the embedded tokenizer."""
    for path in embedded.MODEL_DIR.glob("tokenizer*"):
        shutil.copy(path, folder)


def saved(model_type: str = "llama", class_name: str | None = None, **changes: Any) -> Make:
    """Return what saves a tiny model with the embedded tokenizer."""

    def make(folder: Path) -> None:
        model_of(model_type, class_name, **changes).save_pretrained(folder)
        add_tokenizer(folder)

    return make


def then(*steps: Make) -> Make:
    """Return what does one thing after another."""

    def make(folder: Path) -> None:
        for step in steps:
            step(folder)

    return make


def settings(file: str, **changes: Any) -> Make:
    """Return what changes entries of a JSON file; None takes one out."""

    def make(folder: Path) -> None:
        path = folder / file
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        known = {name: value for name, value in {**known, **changes}.items() if value is not None}
        path.write_text(json.dumps(known), encoding="utf-8")

    return make


def written(file: str, content: str | bytes) -> Make:
    """Return what writes a file."""

    def make(folder: Path) -> None:
        (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)

    return make


def without(*files: str) -> Make:
    """Return what deletes files."""

    def make(folder: Path) -> None:
        for file in files:
            (folder / file).unlink()

    return make


def weights(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Make:
    """Return what changes the weights of model.safetensors."""

    def make(folder: Path) -> None:
        path = folder / "model.safetensors"
        save_file({n: w.contiguous() for n, w in change(load_file(path)).items()}, path, {"format": "pt"})

    return make


def prefixed(prefix: str) -> Make:
    """Return what puts something before the name of every weight."""
    return weights(lambda found: {f"{prefix}{name}": weight for name, weight in found.items()})


def cut(file: str, keep: Callable[[int], int]) -> Make:
    """Return what cuts a file off."""

    def make(folder: Path) -> None:
        content = (folder / file).read_bytes()
        (folder / file).write_bytes(content[: keep(len(content))])

    return make


def sharded(lost: int = 0) -> Make:
    """Return what saves a model in files of 100 kB, and loses some of them."""

    def make(folder: Path) -> None:
        model_of("llama").save_pretrained(folder, max_shard_size="100kB")
        add_tokenizer(folder)
        for path in sorted(folder.glob("*.safetensors"))[:lost]:
            path.unlink()

    return make


def special(token: str) -> Make:
    """Return what makes a text a special token, which decoding leaves out."""

    def make(folder: Path) -> None:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        tokenizer.add_special_tokens({"additional_special_tokens": [token]})
        tokenizer.save_pretrained(folder)
        model = transformers.AutoModelForCausalLM.from_pretrained(folder)
        model.resize_token_embeddings(len(tokenizer))
        model.save_pretrained(folder)

    return make


def template(single: list[Any]) -> Make:
    """Return what gives the tokenizer a template: "A" is the text, every other entry a special token."""

    def make(folder: Path) -> None:
        path = folder / "tokenizer.json"
        about = json.loads(path.read_text(encoding="utf-8"))
        ids = {token["content"]: token["id"] for token in about["added_tokens"]}
        piece = [
            {"Sequence": {"id": "A", "type_id": 0}}
            if entry == "A"
            else {"SpecialToken": {"id": entry, "type_id": 0}}
            for entry in single
        ]
        special = {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in single if t != "A"}
        about["post_processor"] = {
            "type": "TemplateProcessing",
            "single": piece,
            "pair": [*piece, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": special,
        }
        path.write_text(json.dumps(about), encoding="utf-8")
        # Else T5's class puts its own template back.
        settings("tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")(folder)

    return make


def added_tokens(*tokens: str, special: bool = False) -> Make:
    """Return what adds tokens to the tokenizer, and no rows to the model."""

    def make(folder: Path) -> None:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        tokenizer.add_tokens(list(tokens), special_tokens=special)
        tokenizer.save_pretrained(folder)

    return make


def gemma3_with_eyes(folder: Path) -> None:
    """Save a tiny Gemma 3 that has a vision tower."""
    eyes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
    config = transformers.Gemma3Config(
        text_config={**TINY, "head_dim": 8, "max_position_embeddings": 128},
        vision_config={**eyes, "image_size": 28, "patch_size": 14},
        eos_token_id=[1, 2],
    )
    transformers.Gemma3ForConditionalGeneration(config).save_pretrained(folder)
    add_tokenizer(folder)


def t5gemma(folder: Path) -> None:
    """Save a tiny T5Gemma: an encoder and a decoder, each with a configuration of its own."""
    half = {**TINY, "head_dim": 8, "max_position_embeddings": 128}
    config = transformers.T5GemmaConfig(encoder=half, decoder=half, vocab_size=ROWS)
    config.decoder_start_token_id = 0
    transformers.T5GemmaForConditionalGeneration(config).save_pretrained(folder)
    add_tokenizer(folder)


def bert_to_bert(folder: Path) -> None:
    """Save a tiny encoder-decoder made of two BERTs, of which the second is a decoder."""
    encoder = config_of("bert", max_position_embeddings=128)
    decoder = config_of("bert", max_position_embeddings=64, is_decoder=True, add_cross_attention=True)
    config = transformers.EncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    config.decoder_start_token_id, config.pad_token_id = 0, 0
    transformers.EncoderDecoderModel(config).save_pretrained(folder)
    add_tokenizer(folder)


@dataclass(frozen=True)
class Case:
    """A folder and what comes of it.

    Attributes:
        make: makes the folder.
        says: what is in the line that refuses it; None: it is fine.
        notes: what is in the notes of a folder that is fine, in their order.
        use: what the study does with it.
    """

    make: Make
    says: str | None = None
    notes: tuple[str, ...] = ()
    use: Use = field(default_factory=Use)


def targets(*names: str, methods: tuple[str, ...] = ("lora",)) -> Use:
    """Return the use of a study with these values of target_modules."""
    return Use(methods=frozenset(methods), target_modules=frozenset(names))


def limits(source: int, target: int) -> Use:
    """Return the use of a study with these token limits."""
    return Use(source_tokens=source, target_tokens=target)


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
    # Broken and foreign files.
    "weights cut off": Case(
        then(saved(), cut("model.safetensors", lambda n: n - 100)), "cut off or no safetensors"
    ),
    "weights cut off in their header": Case(then(saved(), cut("model.safetensors", lambda n: 60)), "cut off"),
    "no bytes of weights": Case(then(saved(), written("model.safetensors", b"")), "is empty; fetch or copy"),
    "weights of zeros": Case(
        then(saved(), written("model.safetensors", bytes(64))), "cut off or no safetensors"
    ),
    "a pointer of Git LFS": Case(
        then(saved(), written("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid 1")),
        "run git lfs pull",
    ),
    "a shard short": Case(sharded(lost=2), "lacks 2 of its"),
    "weights under another name": Case(
        then(
            saved(),
            lambda folder: (folder / "model.safetensors").rename(folder / "weights.safetensors") and None,
        ),
        "needs its weights in model.safetensors",
    ),
    "an index that is a list": Case(
        then(sharded(), written("model.safetensors.index.json", "[]")), "can't be read: "
    ),
    "pickles": Case(
        then(saved(), without("model.safetensors"), written("pytorch_model.bin", b"x")),
        "AutoModelForCausalLM.from_pretrained(...).save_pretrained(FOLDER)",
    ),
    "pickles of an encoder-decoder": Case(
        then(saved("t5"), without("model.safetensors"), written("pytorch_model.bin", b"x")),
        "AutoModelForSeq2SeqLM.from_pretrained(...)",
    ),
    "gguf": Case(
        then(saved(), without("model.safetensors"), written("model.Q4.gguf", b"x")),
        "only model.Q4.gguf: load it",
    ),
    "an adapter": Case(
        then(written("adapter_config.json", "{}"), written("adapter_model.safetensors", b""), add_tokenizer),
        "holds an adapter, not a model",
    ),
    "an adapter beside its base": Case(
        then(saved(), written("adapter_config.json", "{}")), "holds an adapter, not a model"
    ),
    "no config.json": Case(then(saved(), without("config.json")), "it has no config.json"),
    "config.json is a list": Case(then(saved(), written("config.json", "[]")), "can't be read"),
    "config.json is empty": Case(then(saved(), written("config.json", "")), "not a valid JSON file"),
    "config.json is cut off": Case(
        then(saved(), cut("config.json", lambda n: n // 2)), "not a valid JSON file"
    ),
    "config.json is not UTF-8": Case(then(saved(), written("config.json", b"\xff\xfe{}")), "can't be read"),
    "config.json has no type": Case(then(saved(), written("config.json", "{}")), "names no model_type"),
    "a type that transformers does not know": Case(
        then(saved(), settings("config.json", model_type="llama99")), "has no model type 'llama99'"
    ),
    "a type of its own code": Case(
        then(
            saved(),
            settings("config.json", model_type="mine", auto_map={"AutoConfig": "mine.Config"}),
            written("mine.py", "raise SystemExit('run')"),
        ),
        "needs code of its own (auto_map",
    ),
    "sizes that do not divide": Case(
        then(saved(), settings("config.json", num_attention_heads=5)), "can't be read"
    ),
    "a size that is a word": Case(
        then(saved(), settings("config.json", hidden_size="many")), "can't be read"
    ),
    "no tokenizer": Case(then(saved(), without("tokenizer.json")), "has no tokenizer"),
    "tokenizer.json of another version": Case(
        then(saved(), settings("tokenizer.json", model={"type": "BPE2", "vocab": {}, "merges": []})),
        "is not one that tokenizers",
    ),
    "tokenizer.json is cut off": Case(
        then(saved(), cut("tokenizer.json", lambda n: n // 2)), "the tokenizer in"
    ),
    "tokenizer.json is empty": Case(then(saved(), written("tokenizer.json", "")), "the tokenizer in"),
    "a tokenizer of sentencepiece": Case(
        then(
            saved(),
            without("tokenizer.json"),
            written("tokenizer.model", b"\n\x0e\n"),
            settings("tokenizer_config.json", tokenizer_class="LlamaTokenizer"),
        ),
        "tokenizer.model is ",
    ),
    "a vocabulary that is neither": Case(
        then(saved(), without("tokenizer.json"), written("tokenizer.model", b"<html>")),
        "tokenizer.model is neither sentencepiece's nor tiktoken's",
    ),
    "a tokenizer of its own code": Case(
        then(
            saved(),
            settings(
                "tokenizer_config.json",
                auto_map={"AutoTokenizer": ["mine.Tokenizer", None]},
                tokenizer_class="Mine",
            ),
            written("mine.py", "raise SystemExit('run')"),
        ),
        "can't be read",
    ),
    "a tokenizer that can't write digits": Case(
        then(
            saved(),
            settings(
                "tokenizer.json",
                model={
                    "type": "WordLevel",
                    "vocab": {"<pad>": 0, "</s>": 1, "<unk>": 2, "apples": 3},
                    "unk_token": "<unk>",
                },
            ),
        ),
        "can't write digits",
    ),
}
