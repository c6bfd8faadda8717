"""Loading a base model and its tokenizer from a local folder: safetensors alone, no code from the folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from study.errors import UserError
from study.models.faults import told_in_one_line
from study.sources.finding import Source

if TYPE_CHECKING:
    from study.models.families import Family


def load_tokenizer(source: Source) -> Any:
    """Return the tokenizer of a base model.

    Raises:
        UserError: the folder's tokenizer can't be read.
    """
    from transformers import AutoTokenizer

    with told_in_one_line(source, "tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(
            source.path, trust_remote_code=False, local_files_only=True, padding_side="right"
        )
    if tokenizer.eos_token_id is None:
        raise UserError(
            f"the tokenizer in '{source.path}' has no end-of-sequence token, so that no answer would end; "
            "valid: one whose tokenizer_config.json names its eos_token"
        )
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

    with told_in_one_line(source, "model"):
        config = load_config(source)
        return auto_class(config).from_pretrained(
            source.path,
            config=config,
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

    with told_in_one_line(source, "model"):
        config = load_config(source)
        with torch.device("meta"):
            return auto_class(config).from_config(config)


def load_family(source: Source) -> Family:
    """Return the family of the model in a folder.

    Raises:
        UserError: the folder's configuration can't be read.
    """
    from study.models.families import family_of

    with told_in_one_line(source, "model"):
        return family_of(load_config(source))


def load_config(source: Source) -> Any:
    """Return the configuration of the model in a folder."""
    from transformers import AutoConfig

    # A folder may ask for tuples, which neither decoding nor training takes.
    return AutoConfig.from_pretrained(
        source.path, trust_remote_code=False, local_files_only=True, return_dict=True
    )


def auto_class(config: Any) -> Any:
    """Return transformers' class that loads a model of its configuration."""
    import transformers

    from study.models.families import family_of

    return getattr(transformers, family_of(config).auto_class)
