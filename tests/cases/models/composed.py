"""Tiny models that are made of several."""

from __future__ import annotations

from pathlib import Path

import transformers

from tests.cases.models.tiny import ROWS, TINY, add_tokenizer, config_of


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
