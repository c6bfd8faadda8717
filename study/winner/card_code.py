"""The code in a model card: it loads the model without this project, and asks it as it was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from study.config import TrialConfig
from study.data.prompts import question_source
from study.results.row_files import Row
from study.sources.finding import Source
from study.winner.keeping import adapter_folders

# What the example asks.
QUESTION = "Mia has 30 apples and eats 12. How many are left?"


def loading_example(folder: Path, config: TrialConfig, measured: Row, question: str = QUESTION) -> str:
    """Return Python code that loads the model in `folder` and asks it, with transformers and peft alone.

    Args:
        folder: an exported model.
        config: the trial that made it.
        measured: the row of the trial that scored it.
        question: what is asked.
    """
    adapters = adapter_folders(folder)
    about = next(iter(adapters.values()), folder) / ("adapter_config.json" if adapters else "config.json")
    shape = json.loads(about.read_text(encoding="utf-8"))
    causal = shape["task_type"] == "CAUSAL_LM" if adapters else not shape.get("is_encoder_decoder")
    auto = "AutoModelForCausalLM" if causal else "AutoModelForSeq2SeqLM"
    quantized = bool(adapters) and config.quantization != "none"
    names = [auto, "AutoTokenizer", *(["BitsAndBytesConfig"] if quantized else [])]
    names += ["GenerationConfig"] if adapters else []
    bf16 = measured.get("source_precision") == "bf16"
    lines = [
        "import torch",
        *(["from peft import PeftModel"] if adapters else []),
        f"from transformers import {', '.join(names)}",
        "",
        'tokenizer = AutoTokenizer.from_pretrained(".")',
        *(_base_lines(auto, shape, config, measured, quantized=quantized) if adapters else []),
        *([] if adapters else [f'model = {auto}.from_pretrained(".", dtype="float32")']),
        *_adapter_lines(folder, adapters),
        *_input_lines(folder, question_source(question, config.prompt_style), causal=causal),
        f"limit = {config.max_target_tokens}",
        f"with torch.autocast(model.device.type, torch.bfloat16, enabled={bf16}):",
        "    output = model.eval().generate(",
        "        inputs=inputs, attention_mask=torch.ones_like(inputs), max_new_tokens=limit",
        "    )",
        f"answer = output[0, {'inputs.shape[1]' if causal else 1}:]",
        "print(tokenizer.decode(answer, skip_special_tokens=True).strip())",
    ]
    return "\n".join(lines)


def _base_lines(
    auto: str, adapter: Mapping[str, Any], config: TrialConfig, measured: Row, *, quantized: bool
) -> list[str]:
    """Return the lines that load the base of an adapter."""
    options = [f'"{adapter["base_model_name_or_path"]}"', 'dtype="float32"']
    if adapter.get("revision"):
        options.append(f'revision="{adapter["revision"]}"')
    lines = []
    if quantized:
        options.append("quantization_config=quantization")
        lines = [f"quantization = BitsAndBytesConfig({_quantization(config, measured)})"]
    lines.append(f"model = {auto}.from_pretrained({', '.join(options)})")
    if config.quantization == "nf4":
        lines += [
            "for module in model.modules():  # on a CPU: the kernel that it was measured with",
            "    module.support_avx512bf16_for_cpu = False",
        ]
    return [*lines, 'model.generation_config = GenerationConfig.from_pretrained(".")']


def _quantization(config: TrialConfig, measured: Row) -> str:
    """Return the arguments of the base's quantisation, those that differ from the library's defaults."""
    from study.models.quantized import quantization_config

    chosen = quantization_config(config, use_gpu=measured.get("source_device") == "cuda").to_diff_dict()
    chosen.pop("quant_method", None)
    return ", ".join(f"{name}={value!r}" for name, value in chosen.items())


def _adapter_lines(folder: Path, adapters: Mapping[str, Path]) -> list[str]:
    lines = []
    for i, (name, place) in enumerate(adapters.items()):
        path = place.relative_to(folder)
        loaded = f'model.load_adapter("{path}", "{name}")'
        lines.append(loaded if i else f'model = PeftModel.from_pretrained(model, "{path}", "{name}")')
    if len(adapters) > 1:
        lines.append(f"model.base_model.set_adapter({list(adapters)})")
    return lines


def _input_lines(folder: Path, source: str, *, causal: bool) -> list[str]:
    """Return the lines that make the input's tokens: those of the training, whatever the tokenizer adds."""
    from study.models.families import DecoderOnly, EncoderDecoder
    from study.models.loading import load_tokenizer

    tokenizer = load_tokenizer(Source(folder.name, folder))
    family = DecoderOnly() if causal else EncoderDecoder()
    (trained,), _ = family.encode(tokenizer, [source], [""])
    text = source + ("\n" if causal else "")
    ids = f'tokenizer({json.dumps(text)})["input_ids"]'
    if [*trained] != tokenizer(text)["input_ids"]:
        before, after = _around(trained, tokenizer(text, add_special_tokens=False)["input_ids"])
        bare = f'tokenizer({json.dumps(text)}, add_special_tokens=False)["input_ids"]'
        ids = f"[*{before}, *{bare}, *{after}]"
    return [f"inputs = torch.tensor([{ids}])"]


def _around(ids: Sequence[int], text: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return what stands before and after a text's tokens in an input."""
    starts = range(len(ids) - len(text) + 1)
    start = next(i for i in starts if [*ids[i : i + len(text)]] == [*text])
    return [*ids[:start]], [*ids[start + len(text) :]]
