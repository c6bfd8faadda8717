"""A conversation: what a model is asked and should say, turn by turn, before its tokens are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

# Who speaks ("user" or "assistant"), and what is said.
Turn = tuple[str, str]


@dataclass(frozen=True)
class Conversation:
    """A question, what comes before it, and its answer.

    Attributes:
        question: what the user says last.
        answer: what the assistant should say to it.
        system: the system's text before all turns, or None.
        earlier: the turns before the question, of the user and the assistant alternately.
    """

    question: str
    answer: str = ""
    system: str | None = None
    earlier: Sequence[Turn] = ()

    @property
    def messages(self) -> list[dict[str, str]]:
        """The turns up to the question, as a chat template takes them."""
        head = [("system", self.system)] if self.system else []
        turns = [*head, *self.earlier, ("user", self.question)]
        return [{"role": role, "content": text} for role, text in turns]

    @property
    def text(self) -> str:
        """The turns up to the question as plain text: each question, its answer below, a blank line."""
        texts = [text for _, text in self.earlier]
        blocks = [f"{texts[i]}\n{texts[i + 1]}" for i in range(0, len(texts) - 1, 2)]
        whole = "\n\n".join([*blocks, self.question])
        return f"{self.system}\n{whole}" if self.system else whole

    def without_first_exchange(self) -> Conversation:
        """Return it without the question and the answer that are farthest from its own question."""
        return replace(self, earlier=self.earlier[2:])
