"""What `study.ask` calls the answer is what the study scores."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from study.ask import ask
from study.config import make_config
from study.scores.numbers import score_answer

CONFIG = {
    **{"method": "zero_shot", "stage": "confirm", "seed": 0, "model": "m", "model_fingerprint": "m"},
    **{"data": "d", "data_fingerprint": "d"},
}


class Saying:
    """A model, its tokenizer and its family, which says one thing."""

    pad_token_id = 0
    config = None
    generation_config = SimpleNamespace(eos_token_id=[1])
    device = torch.device("cpu")

    def __init__(self, text: str):
        self.text = text

    def eval(self) -> "Saying":
        return self

    def encode(self, *texts: Any) -> Any:
        return [[1, 2, 3]], [[]]

    def generate(self, *arguments: Any) -> torch.Tensor:
        return torch.tensor([[1]])

    def decode(self, *arguments: Any, **options: Any) -> str:
        return self.text


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The answer is 7. I checked it in 2 ways.", "7"),
        ("#### 7\nQuestion: Tom has 3 apples", "7"),
        ("It is −1\u202f000.", "-1000"),
        ("#### 1/3", "1/3"),
        ("She arrives at 12:30.", None),
    ],
)
def test_an_answer_is_read_as_it_is_scored(
    monkeypatch: pytest.MonkeyPatch, text: str, number: str | None
) -> None:
    says = Saying(text)
    monkeypatch.setattr("study.models.families.family_of", lambda config: says)
    config = make_config({**CONFIG, "max_source_tokens": 9, "max_target_tokens": 9})
    reply = ask(says, says, config, "How many?")
    assert reply.answer == number == score_answer(text, "#### 7", "7")["number"]
    assert (reply.reason is None) == (number is not None)
