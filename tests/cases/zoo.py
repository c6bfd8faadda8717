"""The zoo: model types as people bring them, each built tiny and random from its configuration.

`TYPES` is the table; tests/study/test_zoo.py trains, exports and asks each of them, and docs/model_types.md
says what came out. All share the embedded tokenizer.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from study import embedded

VOCABULARY, PAD, END = 1536, 0, 1
LAYERS, WIDTH, HEADS = 2, 64, 4
# The least spread of a layer's random weights. Those that a pre-training begins with are far smaller, and
# a model of them gives every input the same answer.
SPREAD = 0.15

# As the table calls them -> the trial's method and quantisation.
METHODS = {
    "LoRA": ("lora", "none"),
    "NF4": ("qlora", "nf4"),
    "int8": ("qlora", "int8"),
    "full": ("full", "none"),
}
_NOT_QUANTISED = "a model of type 'falcon' has no layer that bitsandbytes quantises"
_BY_ITSELF = "a model of type 'mamba' multiplies with its weights by itself"
_EXPERTS = "the experts get no adapter and stay 32-bit floats"

# Names that most configurations have.
_DECODER = {
    "hidden_size": WIDTH,
    "intermediate_size": 2 * WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": 2,
    "head_dim": WIDTH // HEADS,
}
_T5 = {"d_model": WIDTH, "d_ff": 2 * WIDTH, "num_heads": HEADS, "d_kv": WIDTH // HEADS, "num_layers": LAYERS}
_T5 |= {"decoder_start_token_id": PAD, "dropout_rate": 0.0}
_BART = {
    "d_model": WIDTH,
    **{f"{half}_{name}": value for half in ("encoder", "decoder") for name, value in
       {"layers": LAYERS, "attention_heads": HEADS, "ffn_dim": 2 * WIDTH}.items()},
    "dropout": 0.0,
    "forced_eos_token_id": None,
}  # fmt: skip


@dataclass(frozen=True)
class Type:
    """One model type.

    Attributes:
        name: as people call it.
        config: the name of its configuration class in transformers.
        shape: what makes it tiny.
        target_modules: of its adapters.
        refused: of METHODS, those that are refused -> the start of the line.
        note: what a user should know of it.
    """

    name: str
    config: str
    shape: Mapping[str, Any] = field(default_factory=dict)
    target_modules: str = "all-linear"
    refused: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


# What grows with a model's width, and with its depth, by the names that configurations have.
_WIDE = ("hidden_size", "n_embd", "d_model", "word_embed_proj_dim", "head_dim", "d_kv")
_WIDE += ("intermediate_size", "ffn_dim", "d_ff", "encoder_ffn_dim", "decoder_ffn_dim")
_WIDE += ("moe_intermediate_size", "shared_expert_intermediate_size")
_DEEP = ("num_hidden_layers", "n_layer", "num_layers", "encoder_layers", "decoder_layers")


@dataclass(frozen=True)
class Size:
    """How large a type is built: so many times as wide and as deep as in the table."""

    wider: int = 1
    deeper: int = 1
    vocabulary: int = VOCABULARY

    def of(self, shape: Mapping[str, Any]) -> dict[str, Any]:
        """Return a shape of the table in this size."""
        times = {**dict.fromkeys(_WIDE, self.wider), **dict.fromkeys(_DEEP, self.deeper)}
        return {name: value * times[name] if name in times else value for name, value in shape.items()}


TYPES = (
    Type("GPT-2", "GPT2Config", {"n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "n_positions": 512}),
    Type(
        "GPT-NeoX",
        "GPTNeoXConfig",
        {k: v for k, v in _DECODER.items() if k not in ("num_key_value_heads", "head_dim")},
    ),
    Type(
        "OPT",
        "OPTConfig",
        {"hidden_size": WIDTH, "word_embed_proj_dim": WIDTH, "ffn_dim": 2 * WIDTH}
        | {"num_attention_heads": HEADS}
        | {"num_hidden_layers": LAYERS, "dropout": 0.0},
    ),
    Type("Bloom", "BloomConfig", {"hidden_size": WIDTH, "n_layer": LAYERS, "n_head": HEADS}),
    Type(
        "Falcon",
        "FalconConfig",
        {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS},
        refused={"NF4": _NOT_QUANTISED, "int8": _NOT_QUANTISED},
        note="its layers are of its own kind, which bitsandbytes does not quantise",
    ),
    Type("Llama", "LlamaConfig", _DECODER),
    Type("Qwen2", "Qwen2Config", _DECODER),
    Type("Qwen3", "Qwen3Config", _DECODER),
    Type("Gemma 2", "Gemma2Config", _DECODER),
    Type("Gemma 3", "Gemma3TextConfig", _DECODER),
    Type("Phi-3", "Phi3Config", _DECODER),
    Type("Mistral", "MistralConfig", _DECODER | {"sliding_window": 16}),
    Type("Mixtral", "MixtralConfig", _DECODER | {"num_local_experts": 4}, note=_EXPERTS),
    Type(
        "Qwen2-MoE",
        "Qwen2MoeConfig",
        _DECODER | {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": WIDTH}
        | {"shared_expert_intermediate_size": WIDTH},
    ),
    Type("StableLM", "StableLmConfig", _DECODER),
    Type("SmolLM3", "SmolLM3Config", _DECODER),
    Type("Mamba", "MambaConfig", {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "state_size": 8},
         "in_proj,x_proj", refused={"NF4": _BY_ITSELF, "int8": _BY_ITSELF},
        note="`all-linear` is refused by peft; name `in_proj,x_proj`"),
    Type("T5", "T5Config", _T5),
    Type("T5 v1.1", "T5Config", _T5 | {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}),
    Type("umT5", "UMT5Config", _T5),
    Type("LongT5", "LongT5Config", _T5 | {"encoder_attention_type": "transient-global"}),
    Type("BART", "BartConfig", _BART),
    Type("mBART", "MBartConfig", _BART),
    Type("Pegasus", "PegasusConfig", _BART),
    Type("Marian", "MarianConfig", _BART),
    Type("T5Gemma", "T5GemmaConfig", {}),
)  # fmt: skip


def build(kind: Type, folder: Path, size: Size = Size()) -> Path:
    """Write a random model of a type with the embedded tokenizer to a new folder, and return it."""
    import torch
    import transformers

    folder.mkdir(parents=True)
    for path in embedded.MODEL_DIR.iterdir():
        if path.name.startswith(("tokenizer", "special_tokens")):
            shutil.copy(path, folder)
    shape = size.of(kind.shape)
    if kind.config == "T5GemmaConfig":
        module = transformers.T5GemmaModuleConfig(
            **size.of(_DECODER),
            vocab_size=size.vocabulary,
            pad_token_id=PAD,
            eos_token_id=END,
            bos_token_id=PAD,
        )
        shape = {"encoder": module.to_dict(), "decoder": module.to_dict()}
    tokens: dict[str, Any] = {"pad_token_id": PAD, "eos_token_id": END, "bos_token_id": None}
    if kind.shape == _BART:
        tokens["decoder_start_token_id"] = PAD if kind.name in ("Pegasus", "Marian") else END
    if kind.config == "T5GemmaConfig":
        tokens["bos_token_id"] = PAD
    config = getattr(transformers, kind.config)(vocab_size=size.vocabulary, **{**tokens, **shape})
    torch.manual_seed(0)
    auto = "AutoModelForSeq2SeqLM" if config.is_encoder_decoder else "AutoModelForCausalLM"
    model = getattr(transformers, auto).from_config(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1 and not any(part in name for part in ("embed", "wte", "shared")):
                parameter.mul_(max(1.0, SPREAD / float(parameter.std())))
    model.save_pretrained(folder)
    return folder


def table() -> str:
    """Return the table of docs/model_types.md."""
    lines = [
        "| model type | configuration | " + " | ".join(METHODS) + " | note |",
        "|---" * (len(METHODS) + 3) + "|",
    ]
    for kind in TYPES:
        cells = ["refused" if name in kind.refused else "yes" for name in METHODS]
        lines.append(f"| {kind.name} | `{kind.config}` | {' | '.join(cells)} | {kind.note} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
