"""The shape of a model: what its memory and its arithmetic are counted from, whatever its type calls it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Shape:
    """The shape of a model that writes text; composite ones (text and images) have that of their text part.

    Attributes:
        width, inner_width: of a token between the layers, and inside the feed-forward.
        encoder_layers: 0 for a decoder-only model.
        decoder_layers: those of the decoder, or all.
        heads: of attention; 1 where there is none.
        cache_width: numbers of a token's keys, and as many of its values, in each layer's cache.
        vocabulary: entries of the output.
    """

    width: int
    inner_width: int
    encoder_layers: int
    decoder_layers: int
    heads: int
    cache_width: int
    vocabulary: int

    @property
    def layers(self) -> int:
        """All of them."""
        return self.encoder_layers + self.decoder_layers

    @property
    def has_encoder(self) -> bool:
        """Whether the input goes to an encoder of its own."""
        return self.encoder_layers > 0


def shape_of(config: Any) -> Shape:
    """Return the shape of a model, from its transformers configuration."""
    decoder = config.get_text_config(decoder=True)
    encoder = config.get_text_config(encoder=True)
    width = decoder.hidden_size
    heads = _first(decoder, "num_attention_heads") or 1
    key_heads = _first(decoder, "num_key_value_heads") or heads
    layers = decoder.num_hidden_layers
    return Shape(
        width=width,
        inner_width=_first(decoder, "d_ff", "decoder_ffn_dim", "intermediate_size", "ffn_dim") or 4 * width,
        encoder_layers=(_first(encoder, "num_hidden_layers") or layers) if config.is_encoder_decoder else 0,
        decoder_layers=layers,
        heads=heads,
        cache_width=key_heads * (_first(decoder, "head_dim", "d_kv") or width // heads),
        vocabulary=decoder.vocab_size,
    )


def _first(config: Any, *names: str) -> int | None:
    """Return the first of a configuration's numbers that it has, or None."""
    values = (getattr(config, name, None) for name in names)
    return next((value for value in values if isinstance(value, int)), None)
