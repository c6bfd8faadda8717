"""Files that are broken, or another program's."""

from __future__ import annotations

from collections.abc import Mapping

from tests.cases.models.case import Case
from tests.cases.models.steps import cut, settings, sharded, then, without, written
from tests.cases.models.tiny import add_tokenizer, saved

CASES: Mapping[str, Case] = {
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
