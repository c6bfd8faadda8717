"""Tiny random models of every type, and how a folder of one is made."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers

from study import embedded

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


# As SmolLM2's and Qwen's, and as they have it the tokens that it writes.
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CHAT_TOKENS = ("<|im_start|>", "<|im_end|>")
# A token that is added but not special, as some models end their turns with.
PLAIN_TOKEN = "<|stop|>"


def chat_tokenizer(template: str = CHATML) -> Any:
    """Return the embedded tokenizer with a chat template; its further tokens are 1,536 to 1,538."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(embedded.MODEL_DIR)
    tokenizer.add_special_tokens({"additional_special_tokens": [*CHAT_TOKENS]})
    tokenizer.add_tokens([PLAIN_TOKEN])
    tokenizer.chat_template = template
    return tokenizer


def chat_model(folder: Path, template: str = CHATML, model_type: str = "llama", **changes: Any) -> Path:
    """Write a tiny chat model to a new folder and return it."""
    model_of(model_type, vocab_size=ROWS + len(CHAT_TOKENS) + 1, **changes).save_pretrained(folder)
    chat_tokenizer(template).save_pretrained(folder)
    return folder
