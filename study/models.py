"""Loading a base model and its tokenizer from a local folder: safetensors alone, no code from the folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.config import TARGET_GROUPS
from study.errors import UserError, unknown_name
from study.sources import Source

if TYPE_CHECKING:
    from study.families import Family


def load_tokenizer(source: Source) -> Any:
    """Return the tokenizer of a base model.

    Raises:
        UserError: the folder's tokenizer can't be read.
    """
    from transformers import AutoTokenizer

    with _told_in_one_line(source, "tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(
            source.path, trust_remote_code=False, local_files_only=True, padding_side="right"
        )
    if tokenizer.eos_token_id is None:
        raise UserError(f"the tokenizer in '{source.path}' has no end-of-sequence token")
    if tokenizer.pad_token_id is None:
        # Most decoder-only models have none. Padding is masked, so any id will do.
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_base(source: Source, **options: Any) -> Any:
    """Return the pre-trained model; `options` go to from_pretrained (quantization_config, device_map).

    Weights are read as 32-bit floats, whatever they are stored in: T5 in fp16 gives a loss of 0, and bf16
    comes by autocast where the hardware has it.

    Raises:
        UserError: the folder holds no language model that can be read.
    """
    import torch

    with _told_in_one_line(source, "model"):
        return _auto_class(_load_config(source)).from_pretrained(
            source.path,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            **options,
        )


def load_skeleton(source: Source) -> Any:
    """Return the model without its weights (on the meta device): for counting parameters.

    Raises:
        UserError: the folder holds no language model.
    """
    import torch

    with _told_in_one_line(source, "model"):
        config = _load_config(source)
        with torch.device("meta"):
            return _auto_class(config).from_config(config)


def load_family(source: Source) -> Family:
    """Return the family of the model in a folder.

    Raises:
        UserError: the folder's configuration can't be read.
    """
    from study.families import family_of

    with _told_in_one_line(source, "model"):
        return family_of(_load_config(source))


def _load_config(source: Source) -> Any:
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(source.path, trust_remote_code=False, local_files_only=True)


def _auto_class(config: Any) -> Any:
    import transformers

    from study.families import family_of

    return getattr(transformers, family_of(config).auto_class)


def check_model(source: Source, target_modules: Iterable[str]) -> None:
    """Check, without loading the weights, that a model can be trained.

    Args:
        source: the model's folder.
        target_modules: values of `TrialConfig.target_modules` that the study may use.

    Raises:
        UserError: tokenizer, configuration or weights can't be read, or a target module is not in the model.
    """
    load_tokenizer(source)
    skeleton = load_skeleton(source)
    _check_writes(source, skeleton.config)
    names = [name for name, _ in skeleton.named_modules()]
    for targets in target_modules:
        if targets == "query-value" and skeleton.config.model_type not in _known_targets():
            kind = skeleton.config.model_type
            raise UserError(f"target_modules=query-value: not known for a model of type '{kind}'; name them")
        for target in [] if targets in TARGET_GROUPS else targets.split(","):
            if not any(name == target or name.endswith(f".{target}") for name in names):
                last_parts = sorted(
                    {name.rpartition(".")[2] for name in names if name and not name[-1].isdigit()}
                )
                raise unknown_name(f"target module of model '{source.name}'", target, last_parts)
    with _told_in_one_line(source, "model"):
        for path in source.path.glob("*.safetensors"):
            _read_header(path)


def _check_writes(source: Source, config: Any) -> None:
    encoders = [name for name in config.architectures or () if name.endswith("ForMaskedLM")]
    if encoders and not config.is_encoder_decoder:
        raise UserError(
            f"model '{source.name}' is an encoder ({encoders[0]}): it fills in words and writes no answers; "
            "valid: an encoder-decoder or a decoder-only model"
        )


def _known_targets() -> Any:
    from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING

    return TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING


def _read_header(path: Path) -> None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt"):
            pass
    except SafetensorError as error:
        raise ValueError(f"{path.name}: {error}") from None


@contextmanager
def _told_in_one_line(source: Source, part: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(f"the {part} in '{source.path}' can't be read: {first}") from None
