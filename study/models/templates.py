"""Whether a model has a chat template, and whether it can be used: told before anything runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from study.errors import UserError
from study.machine.bounds import bounded
from study.models.chat import ChatTemplate
from study.models.conversations import Conversation

# What a template may take for a short conversation: it is code from the model's folder.
_SECONDS, _BYTES = 10.0, 1_000_000_000
_EXCHANGE = (("user", "How many is 7 + 5?"), ("assistant", "It is 12."))


def has_chat_template(folder: Path) -> bool:
    """Tell whether the tokenizer in a model's folder has a chat template; no library is imported."""
    if (folder / "chat_template.jinja").is_file():
        return True
    try:
        about = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    template = about.get("chat_template") if isinstance(about, dict) else None
    if isinstance(template, list):  # several, by their names
        return any(isinstance(one, dict) and one.get("name") == "default" for one in template)
    return bool(template)


def check_template(name: str, tokenizer: Any, systems: Iterable[str | None]) -> list[str]:
    """Check that a model's chat template can be used so, and return what the user has to know, a line each.

    Args:
        name: the model's.
        systems: the systems' texts that go through it.

    Raises:
        UserError: there is none; or, on a plain conversation, it raises, takes longer than 10 s or more than
            1 GB, or writes no answer.
    """
    try:
        with bounded(_SECONDS, _BYTES):
            chat = ChatTemplate(name, tokenizer)
            for system in {*systems, None}:
                chat.prompt(Conversation("How many?", system=system))
                chat.encode(Conversation("And 1 more?", "It is 13.", system, _EXCHANGE), 10_000)
    except MemoryError:
        raise UserError(
            f"the chat template of model '{name}' takes up more than {_BYTES / 1e9:.0f} GB for a short "
            "conversation; valid: template none"
        ) from None
    notes = [f"rows go through the chat template of model '{name}'; --set template=none puts them as text"]
    if chat.ending is None:
        notes.append(
            f"the chat template of model '{name}' ends an answer with no token of its own: it ends with "
            f"{tokenizer.eos_token}"
        )
    if chat.has_fixed_date:
        notes.append(
            f"the chat template of model '{name}' writes today's date: it is 26 Jul 2024 in all trials"
        )
    return notes
