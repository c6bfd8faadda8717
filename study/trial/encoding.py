"""How a problem is put to a model: as plain text, or through its tokenizer's chat template.

Examples of few-shot prompting, and a row's own earlier turns, stand before the question. Where that is too
long they are left out, from the first one on, and never the question for their sake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from study.config import TrialConfig
from study.data.prompts import Example
from study.errors import UserError
from study.models.chat import ChatTemplate, Encoded
from study.models.conversations import Conversation, Turn
from study.models.families import DecoderOnly
from study.rows.problems import Problem


def conversation_of(
    example: Example,
    config: TrialConfig,
    shots: Sequence[Turn] = (),
    turns: Sequence[Turn] = (),
    whole: str = "",
) -> Conversation:
    """Return what a model is asked with a rendered example, and what it should say.

    Args:
        shots: turns of other examples, which stand before it.
        turns: the row's own turns up to its question, if it has several, and...
        whole: ...the text of all of them, which stands in the example's source.
    """
    asked = Conversation(example.source, example.target, config.system, (*shots,))
    if config.template == "none" or not turns or whole.strip() not in example.source:
        return asked
    before, _, after = example.source.partition(whole.strip())
    systems = [config.system, *(text for role, text in turns if role == "system")]
    *earlier, (_, question) = [turn for turn in turns if turn[0] != "system"]
    return replace(
        asked,
        question=f"{before}{question.strip()}{after}",
        system="\n".join(filter(None, systems)) or None,
        earlier=(*shots, *earlier),
    )


def turns_of(problem: Problem) -> list[Turn]:
    """Return a row's turns up to its question, or none where they are its question alone."""
    turns = problem.fields.get("turns") if problem.extra else None
    if not isinstance(turns, list) or not all(isinstance(turn, list) and len(turn) == 2 for turn in turns):
        return []  # a column of that name that holds something else
    return [(role, text) for role, text in turns]


def encode_conversations(
    conversations: Sequence[Conversation], config: TrialConfig, tokenizer: Any, family: Any
) -> list[Encoded]:
    """Return the tokens of conversations; targets are as long as they are.

    Raises:
        UserError: the tokenizer's chat template raises.
    """
    limit = prompt_limit(config)
    if config.template == "chat":
        chat = ChatTemplate(config.model, tokenizer)
        learns_all = isinstance(family, DecoderOnly) and not config.shots
        return [_through(chat, one, limit, learns_all=learns_all) for one in conversations]
    texts, answers = [one.text for one in conversations], [one.answer for one in conversations]
    sources, targets = family.encode(tokenizer, texts, answers)
    found = []
    for ids, target, one in zip(sources, targets, conversations, strict=True):
        short = ids
        while len(short) > limit and one.earlier:
            one = one.without_first_exchange()
            ((short,), _) = family.encode(tokenizer, [one.text], [""])
        short = cut(short, limit)
        found.append(Encoded(short, [*target], lost_tokens=len(ids) - len(short)))
    return found


def _through(chat: ChatTemplate, one: Conversation, limit: int, *, learns_all: bool) -> Encoded:
    try:
        return chat.encode(one, limit, learns_all=learns_all)
    except UserError as error:
        raise UserError(f"the question '{' '.join(one.question.split())[:60]}': {error}") from error


def prompt_limit(config: TrialConfig) -> int:
    """Return the most tokens of a prompt: of its question, and of the examples before it."""
    return (config.shots + 1) * config.max_source_tokens + config.shots * config.max_target_tokens


def cut(ids: Sequence[int], limit: int) -> list[int]:
    """Return at most `limit` ids: the first ones, and the last, which ends the sequence or the prompt."""
    return [*ids] if len(ids) <= limit else [*ids[: limit - 1], ids[-1]]
