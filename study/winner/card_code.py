"""The code in a model card: it loads the model without this project, and asks it as it was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from study.config import MATH, TrialConfig
from study.errors import UserError
from study.models.chat import ChatTemplate
from study.models.conversations import Conversation
from study.models.loading import load_tokenizer
from study.results.row_files import Row
from study.sources.finding import Source
from study.winner.asking import Asked, read_asked
from study.winner.keeping import adapter_folders

# What the example asks.
QUESTION = "Mia has 30 apples and eats 12. How many are left?"
ANY_QUESTION = "Your text stands here."


def loading_example(folder: Path, config: TrialConfig, measured: Row, question: str | None = None) -> str:
    """Return Python code that loads the model in `folder` and asks it, with transformers and peft alone.

    Args:
        folder: an exported model.
        config: the trial that made it.
        measured: the row of the trial that scored it.
        question: what is asked; None: an example.
    """
    asked = read_asked(folder)
    question = question or (QUESTION if config.task == MATH else ANY_QUESTION)
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
        *_input_lines(folder, config, asked, question, causal=causal),
        f"limit = {config.max_target_tokens}",
        f"with torch.autocast(model.device.type, torch.bfloat16, enabled={bf16}):",
        "    output = model.eval().generate(",
        "        inputs=inputs, attention_mask=torch.ones_like(inputs), max_new_tokens=limit",
        "    )",
        f"answer = output[0, {'inputs.shape[1]' if causal else 1}:]",
        f"print(tokenizer.decode(answer, skip_special_tokens=True){_without_end(folder, config)}.strip())",
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


def _input_lines(
    folder: Path, config: TrialConfig, asked: Asked, question: str, *, causal: bool
) -> list[str]:
    """Return the lines that make the input's tokens: those of the training, whatever the tokenizer adds."""
    from study.models.families import DecoderOnly, EncoderDecoder

    try:
        conversation, head = asked.conversation(question, config), []
    except UserError as error:  # its prompt has more in it than a question
        conversation, head = Conversation(question, system=config.system), [f"# As it is put: {error}"]
    tokenizer = _tokenizer(folder)
    if config.template == "chat":
        return [*head, *_chat_lines(conversation, ChatTemplate(folder.name, tokenizer), tokenizer)]
    family = DecoderOnly() if causal else EncoderDecoder()
    (trained,), _ = family.encode(tokenizer, [conversation.text], [""])
    text = conversation.text + ("\n" if causal else "")
    ids = f'tokenizer({json.dumps(text)})["input_ids"]'
    if [*trained] != tokenizer(text)["input_ids"]:
        before, after = _around(trained, tokenizer(text, add_special_tokens=False)["input_ids"])
        bare = f'tokenizer({json.dumps(text)}, add_special_tokens=False)["input_ids"]'
        ids = f"[*{before}, *{bare}, *{after}]"
    return [*head, f"inputs = torch.tensor([{ids}])"]


def _chat_lines(conversation: Conversation, chat: ChatTemplate, tokenizer: Any) -> list[str]:
    """Return the lines that put a question through the tokenizer's chat template, as in the training."""
    options = "".join(f", {name}={value}" for name, value in chat.options.items())
    turns = [f"    {json.dumps(turn)}," for turn in conversation.messages]
    given = f"messages, tokenize=False, add_generation_prompt=True{options}"
    lines = ["messages = [", *turns, "]", f"text = tokenizer.apply_chat_template({given})"]
    written = tokenizer.apply_chat_template(
        conversation.messages, tokenize=False, add_generation_prompt=True, **chat.options
    )
    trained = chat.prompt(conversation)
    if written != trained and written.startswith(trained):  # a thought that it would begin
        lines.append(f"text = text.removesuffix({json.dumps(written[len(trained) :])})")
    elif written != trained:  # where the model speaks, which it does not write by itself
        lines.append(f"text += {json.dumps(trained.removeprefix(written))}")
    return [*lines, 'inputs = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]']


def _without_end(folder: Path, config: TrialConfig) -> str:
    """Return what takes the end of a turn off an answer, where the tokenizer does not know it as special."""
    if config.template != "chat":
        return ""
    tokenizer = _tokenizer(folder)
    chat = ChatTemplate(folder.name, tokenizer)
    if chat.ending is None or not tokenizer.decode([chat.end], skip_special_tokens=True):
        return ""
    return f".removesuffix({json.dumps(chat.ending)})"


def _tokenizer(folder: Path) -> Any:
    return load_tokenizer(Source(folder.name, folder))


def _around(ids: Sequence[int], text: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return what stands before and after a text's tokens in an input."""
    starts = range(len(ids) - len(text) + 1)
    start = next(i for i in starts if [*ids[i : i + len(text)]] == [*text])
    return [*ids[:start]], [*ids[start + len(text) :]]
