"""A tokenizer's chat template: how a conversation becomes the tokens of a prompt and of an answer.

The prompt is what the template writes up to where the assistant speaks, without a thought where the template
can leave it out. The answer is what the template writes after that, up to and including the token that ends
a turn: `ending`. A template that writes no such token gets the tokenizer's end of sequence in its place; and
where it writes the prompt otherwise once there is an answer, the answer follows the prompt, between what the
template writes around an answer elsewhere. A template is code from the model's folder: transformers runs it
in jinja's sandbox, and `study.models.templates` tries it out within bounds before anything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from study.errors import UserError
from study.models.conversations import Conversation

Ids = list[int]

# What templates call the switch that leaves out the model's thinking.
_SWITCHES = ("enable_thinking", "thinking")
# A thought that the template begins and leaves to the model, and any that it ends a prompt with.
_OPEN_THOUGHT = re.compile(r"<think>\s*\Z")
_THOUGHT = re.compile(r"<think>(?:(?!<think>).)*\Z", re.DOTALL)
# A template that writes today's date would write another tomorrow, for the same trial.
_DATE = "{%- macro strftime_now(format) -%}26 Jul 2024{%- endmacro -%}"
# What a template may add to a conversation.
_MOST_CHARACTERS = 100_000
_PROBE = Conversation("How many is 7 + 5?", "It is 12")


@dataclass(frozen=True)
class Encoded:
    """The tokens of a conversation.

    Attributes:
        source: the prompt's.
        target: the answer's, its end included.
        learnt: for each of the prompt's, whether it is of an earlier answer; None: there is none.
        lost_tokens: tokens of the prompt that were left out.
    """

    source: Ids
    target: Ids
    learnt: list[bool] | None = None
    lost_tokens: int = 0


class ChatTemplate:
    """The chat template of a tokenizer.

    Attributes:
        options: what is given to `apply_chat_template` beside the conversation.
        ending: the token that ends an answer, as text; None: the tokenizer's end of sequence, which the
            template does not write.
        end: the id of the token that ends an answer.
        has_fixed_date: whether it writes today's date, for which one and the same stands.
    """

    def __init__(self, name: str, tokenizer: Any) -> None:
        """Take the template of the tokenizer of the model called `name`; its date is fixed.

        Raises:
            UserError: there is none, or it raises on a user's plain question.
        """
        self._name, self._tokenizer = name, tokenizer
        if not getattr(tokenizer, "chat_template", None):
            raise UserError(
                f"the tokenizer of model '{name}' has no chat template; valid: template none, or an instruct "
                "model, whose folder has a chat_template.jinja"
            )
        self.has_fixed_date = _fix_date(tokenizer)
        self.options: Mapping[str, bool] = {}
        self._header = ""
        plain = self._write(_PROBE.messages, is_open=True)
        self.options = {
            switch: False
            for switch in _SWITCHES
            if self._write(_PROBE.messages, is_open=True, **{switch: False}) != plain
        }
        self._before, self._after = self._around()
        if self._before.strip():  # it takes no notice of add_generation_prompt, or not all of it
            self._header, self._before = self._before, ""
        self.ending = self._find_ending()
        ending = tokenizer.eos_token if self.ending is None else self.ending
        self.end: int = tokenizer.convert_tokens_to_ids(ending)

    def prompt(self, conversation: Conversation) -> str:
        """Return the text that a model reads, up to where it speaks.

        Raises:
            UserError: the template raises on it.
        """
        return _OPEN_THOUGHT.sub("", self._write(conversation.messages, is_open=True)) + self._header

    def encode(self, conversation: Conversation, limit: int, *, learns_all: bool = False) -> Encoded:
        """Return a conversation's tokens, of the prompt at most `limit`.

        What is too much is left out from the first exchange on; the question is cut last, and never what
        the template writes around it.

        Args:
            learns_all: whether earlier answers are marked as learnt.

        Raises:
            UserError: the template raises, or its earlier answers can't be found.
        """
        prompt = self.prompt(conversation)
        source = self._ids(prompt)
        tokens = len(source)
        while len(source) > limit and conversation.earlier:
            conversation = conversation.without_first_exchange()
            prompt = self.prompt(conversation)
            source = self._ids(prompt)
        target = self._target(conversation, prompt, source)
        learnt = self._learnt(conversation, prompt, source) if learns_all and conversation.earlier else None
        if len(source) > limit:
            frame = len(self._ids(prompt.rpartition(conversation.question.strip())[2])) or 1
            kept = max(1, limit - frame)
            source = [*source[:kept], *source[len(source) - (limit - kept) :]]
        return Encoded(source, target, learnt, tokens - len(source))

    def _target(self, conversation: Conversation, prompt: str, source: Ids) -> Ids:
        """Return the answer's tokens as they follow those of the prompt."""
        answer = conversation.answer.strip()
        messages = [*conversation.messages, {"role": "assistant", "content": conversation.answer}]
        whole = self._write(messages, is_open=False)
        said = whole[len(prompt) :] if whole.startswith(prompt) else ""
        place = said.find(answer, len(self._before) if said.startswith(self._before) else 0)
        if place < 0 or (self.ending and self.ending not in said[place + len(answer) :]):
            said, place = f"{self._before}{answer}{self._after}", len(self._before)
        end = place + len(answer)
        if self.ending:
            end = said.index(self.ending, end) + len(self.ending)
        ids = self._ids(prompt + said[:end])
        target = ids[len(source) :] if ids[: len(source)] == source else self._ids(said[:end])
        return target if self.ending else [*target, self.end]

    def _learnt(self, conversation: Conversation, prompt: str, source: Ids) -> list[bool]:
        """Return for each token of the prompt whether it is of an earlier answer."""
        learnt = [False] * len(source)
        messages, place = conversation.messages, 0
        for number, message in enumerate(messages):
            if message["role"] == "assistant":
                start, place = self._span(messages[:number], message["content"].strip(), prompt, place)
                first, after = (self._tokens_before(prompt[:at], source) for at in (start, place))
                learnt[first:after] = [True] * (after - first)
        return learnt

    def _span(
        self, before: Sequence[Mapping[str, str]], answer: str, prompt: str, place: int
    ) -> tuple[int, int]:
        """Return where an earlier answer, its end included, begins and ends in a prompt."""
        head = self._head(before, prompt)
        start = -1 if head is None else prompt.find(answer, len(head))
        if head is None or start < 0 or len(head) < place:
            raise UserError(
                f"the chat template of model '{self._name}' writes a conversation so that its earlier "
                "answers can't be found in it; valid: rows of one question and one answer, or template none"
            )
        end = start + len(answer)
        if self.ending and (found := prompt.find(self.ending, end)) >= 0:
            end = found + len(self.ending)
        return len(head), end

    def _head(self, before: Sequence[Mapping[str, str]], prompt: str) -> str | None:
        """Return what a prompt begins with up to an earlier answer, or None where that is not found."""
        without_system = [message for message in before if message["role"] != "system"]
        for messages in (before, without_system):  # which may stand with the last question alone
            head = self._write(messages, is_open=True)
            for start in (head, _THOUGHT.sub("", head)):  # which earlier answers may be written without
                if prompt.startswith(start):
                    return start + self._header if prompt.startswith(start + self._header) else start
        return None

    def _tokens_before(self, head: str, source: Ids) -> int:
        """Return how many of a prompt's tokens are of its first characters `head`."""
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(self._ids(head), source)))  # noqa: B905

    def _around(self) -> tuple[str, str]:
        """Return what the template writes between a prompt and its answer, and after the answer."""
        prompt = self.prompt(_PROBE)
        answer = {"role": "assistant", "content": _PROBE.answer}
        whole = self._write([*_PROBE.messages, answer], is_open=False)
        head, found, after = whole.rpartition(_PROBE.answer)
        if not found:
            raise UserError(
                f"the chat template of model '{self._name}' writes no assistant's text: of "
                f"{_PROBE.answer!r} it makes {whole[-200:]!r}; valid: template none"
            )
        return head[len(prompt) :] if head.startswith(prompt) else "", after

    def _find_ending(self) -> str | None:
        known = self._tokenizer.added_tokens_decoder
        special = {*self._tokenizer.all_special_ids}
        for token in self._ids(self._after):
            text = known[token].content if token in known else None
            if token in special:
                text = self._tokenizer.convert_ids_to_tokens(token)
            if text and text.strip() and text in self._after:
                return str(text)
        return None

    def _write(self, messages: Sequence[Mapping[str, str]], *, is_open: bool, **more: bool) -> str:
        """Return the template's text of a conversation; `is_open`: up to where the assistant speaks."""
        options = {**self.options, **more}
        try:
            text: str = self._tokenizer.apply_chat_template(
                [*messages], tokenize=False, add_generation_prompt=is_open, **options
            )
        except MemoryError:
            raise
        except Exception as error:
            raise self._refused(messages, error) from error
        if len(text) > (most := _MOST_CHARACTERS + 8 * sum(len(turn["content"]) for turn in messages)):
            raise UserError(
                f"the chat template of model '{self._name}' makes {len(text):,} characters of a "
                f"conversation; valid: {most:,} or less"
            )
        return text

    def _refused(self, messages: Sequence[Mapping[str, str]], error: Exception) -> UserError:
        why = " ".join(f"{error}".split())[:200] or type(error).__name__
        roles = ", ".join(message["role"] for message in messages)
        cure = "no system's text, or " if messages[0]["role"] == "system" else ""
        return UserError(
            f"the chat template of model '{self._name}' raises on the turns {roles[:200]}: {why}; "
            f"valid: {cure}template none"
        )

    def _ids(self, text: str) -> Ids:
        # What a text begins and ends with is in the template.
        return [*self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]]


def _fix_date(tokenizer: Any) -> bool:
    """Let a template that writes today's date write one and the same, today and tomorrow; tell if it does."""
    template = tokenizer.chat_template
    if isinstance(template, Mapping):
        template = template.get("default", "")
    if "strftime_now" not in template:
        return False
    if not template.startswith(_DATE):
        tokenizer.chat_template = _DATE + template
    return True
