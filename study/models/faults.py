"""What goes wrong when somebody's model, tokenizer or adapter is read, in one line with the cure.

Whatever a library raises on such a folder is told to the user as a fault of the folder; running out of
memory, of disk, or of patience (Ctrl-C) is none, and goes through.
"""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from json import JSONDecodeError
from pathlib import Path

from study.errors import UserError
from study.machine.memory import is_out_of_memory
from study.sources.finding import Source

# How a library tells that a package is missing: "requires the sentencepiece library", "pip install tiktoken".
_PACKAGES = re.compile(
    r"pip install (?:-U |--upgrade )?[`'\"]?([a-z][\w.\[\]-]+)"
    r"|requires the (\w+) library|No module named '(\w+)'"
    r"|\b(sentencepiece|tiktoken|protobuf|sacremoses|mistral[-_]common)\b"
)
_TYPE = re.compile(r"model type [`'\"]?([\w.-]+)")
_OWN_CODE = ("trust_remote_code", "custom code")
_NO_TEXT_MODEL = re.compile(r"Unrecognized configuration class.*?\.(\w+)Config'?>")


@contextmanager
def told_in_one_line(source: Source, part: str) -> Iterator[None]:
    """Turn what goes wrong in reading `part` ("model", "tokenizer") of a folder into a `UserError`."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if is_out_of_memory(error) or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            raise
        why = _vocabulary_fault(error, source.path) if part == "tokenizer" else None
        raise UserError(f"the {part} in '{source.path}' can't be read: {why or explain(error)}") from error


def explain(error: BaseException) -> str:
    """Return why something can't be read, and the cure where one is known, in one line."""
    text = " ".join(str(error).split())
    kind = type(error).__name__
    if sys.flags.optimize >= 2 and "docstring" in text:
        return "Python was started without docstrings (-OO, PYTHONOPTIMIZE=2), and transformers reads them"
    if any(words in text for words in _OWN_CODE):
        return (
            "it needs code of its own (auto_map in its configuration), which is never run here; "
            "valid: a model of a type that transformers has"
        )
    if found := _NO_TEXT_MODEL.search(text):
        return (
            f"a model of type {found[1]} writes no text after a text; "
            "valid: an encoder-decoder or a decoder-only language model"
        )
    if "does not recognize this architecture" in text:
        kind_of_model = _TYPE.search(text)
        return (
            f"transformers {version('transformers')} has no model type "
            f"'{kind_of_model and kind_of_model[1]}'; a newer one may: pip install -U transformers"
        )
    if "Should have a `model_type` key" in text:
        return "its config.json names no model_type; valid: a folder that a model's save_pretrained wrote"
    if kind == "SafetensorError":
        return f"{text}; its weights are cut off or no safetensors: fetch or copy them again"
    if "untagged enum" in text or "missing field" in text or "unknown variant" in text:
        return (
            f"its tokenizer.json is not one that tokenizers {version('tokenizers')} reads "
            f"({_short(text)}); save it again with save_pretrained, or pip install -U tokenizers"
        )
    if isinstance(error, JSONDecodeError):
        return f"a JSON file of it is empty, cut off or broken ({_short(text)}); fetch or copy it again"
    if kind.startswith("StrictDataclass"):
        return f"its config.json says what can't be: {_short(text.rpartition('Error: ')[2])}"
    packages = [next(filter(None, names)) for names in _PACKAGES.findall(text)]
    if packages and (isinstance(error, ImportError) or kind in ("ValueError", "Exception", "OSError")):
        wanted = " ".join(dict.fromkeys(name.rstrip(".").lower() for name in packages))
        return f"a package is missing: pip install {wanted}"
    return _short(text) if isinstance(error, OSError | ValueError) and text else f"{kind}: {_short(text)}"


def _vocabulary_fault(error: Exception, folder: Path) -> str | None:
    """Return why a *.model file can't be read; transformers asks for tiktoken whatever is wrong with it."""
    if "tiktoken" not in str(error):
        return None
    for path in sorted(folder.glob("*.model")):
        content = path.read_bytes()
        if content[:1] == b"\n":  # a message of protobuf whose first field is a piece
            if find_spec("sentencepiece") is None:
                return f"{path.name} is sentencepiece's, a package that is missing: pip install sentencepiece"
            return f"{path.name} is broken; fetch or copy it again"
        if not re.match(rb"[A-Za-z0-9+/]+=* \d+\s", content):
            return f"{path.name} is neither sentencepiece's nor tiktoken's; fetch or copy it again"
    return None


def _short(text: str, most: int = 300) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
