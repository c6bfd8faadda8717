"""Every type of decoder-only model that transformers has, as far as it can be built tiny."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as TYPES

from study.errors import UserError
from study.models.check import _check_writes
from study.models.targets import known_to_peft, query_and_value
from study.sources.finding import Source
from tests.cases.models.tiny import OF_TYPE, TINY

MOST_WEIGHTS = 3_000_000
SHAPES: list[dict[str, Any]] = [{}, {"head_dim": 8}, {"head_dim": 8, "num_hidden_layers": 2}]


def built(model_type: str) -> Any:
    """Return a tiny random model of a type, or None where no shape of ours is one of its own."""
    own = {**TINY, "bos_token_id": 1, **OF_TYPE.get(model_type, {}), "vocab_size": 64}
    for shape in SHAPES:
        try:
            config = AutoConfig.for_model(model_type, **{**own, **shape})
            with torch.device("meta"):
                size = sum(p.numel() for p in AutoModelForCausalLM.from_config(config).parameters())
            if size < MOST_WEIGHTS and config.get_text_config(decoder=True) is config:
                return AutoModelForCausalLM.from_config(config).eval()
        except Exception:  # whatever a type says to a shape that is not its own
            continue
    return None


def sees_what_follows(model: Any) -> bool | None:
    """Return whether the last token changes the logits before it, or None where the shape does not fit."""
    ids = torch.tensor([[5, 6, 7, 8, 9, 10], [5, 6, 7, 8, 9, 11]])
    try:
        with torch.no_grad():
            one, other = (model(input_ids=row[None], use_cache=False).logits[0, :-1] for row in ids)
    except Exception:
        return None
    return not torch.allclose(one, other, atol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_whatever_sees_its_target_is_refused_and_nothing_else() -> None:
    seen: dict[str, tuple[bool, bool]] = {}
    with_query_and_value = 0
    for model_type in sorted(TYPES):
        model = built(model_type)
        sees = None if model is None else sees_what_follows(model)
        if sees is None:
            continue
        try:
            _check_writes(Source(model_type, Path()), model.config)
            seen[model_type] = (sees, False)
        except UserError:
            seen[model_type] = (sees, True)
        with suppress(UserError):
            with_query_and_value += bool(known_to_peft(model) or query_and_value(model))
    assert {name: pair for name, pair in seen.items() if pair[0] != pair[1]} == {}
    assert len(seen) >= 100
    assert with_query_and_value >= 0.85 * len(seen)
