"""The shipped chat model: pre-trained as its template writes, on other questions than the data's."""

import json
import random
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

from study.embedded import CHAT_MODEL_DIR, INSTRUCTIONS_DIR
from study.embedded import instructions as asked_later
from study.embedded.batches import IGNORED, Recipe
from study.embedded.drawn_splits import split_of
from study.embedded.pretrain_chat import (
    STAGES,
    ChatTokens,
    build_chat_model,
    draw_batches,
    train,
    train_chat_tokenizer,
)
from study.embedded.pretraining_chats import KINDS, draw_list, draw_turns
from study.models.chat import ChatTemplate
from study.models.conversations import Conversation


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(CHAT_MODEL_DIR)


def chats(split: str) -> list[list[dict[str, str]]]:
    lines = (INSTRUCTIONS_DIR / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["messages"] for line in lines]


def instruction(question: str) -> str:
    """Return the name of what a user asks: before its list, or before the question mark."""
    return question.partition(":")[0].rstrip("?")


def test_the_weights_are_small_and_in_half_precision() -> None:
    file = CHAT_MODEL_DIR / "model.safetensors"
    assert file.stat().st_size <= 3_000_000
    with safe_open(str(file), framework="pt") as weights:
        tensors = [weights.get_tensor(name) for name in weights.keys()]  # noqa: SIM118
    assert {tensor.dtype for tensor in tensors} == {torch.float16}
    assert all(torch.isfinite(tensor).all() for tensor in tensors)
    assert 500_000 <= sum(tensor.numel() for tensor in tensors) <= 1_500_000


def test_no_question_of_the_data_is_in_the_pretraining() -> None:
    questions = {turn["content"] for s in ("train", "test") for chat in chats(s) for turn in chat[::2]}
    names = {*asked_later.ABOUT_WORDS, *asked_later.ABOUT_NUMBERS}
    assert {instruction(question) for question in questions} == names
    assert names.isdisjoint(name for kind in KINDS for name in kind.tasks)
    rng = random.Random(1)
    for _ in range(3000):
        asked = {text for role, text in draw_turns(rng) if role == "user"}
        assert asked.isdisjoint(questions)
        assert names.isdisjoint(map(instruction, asked))


def test_no_list_of_the_pretraining_is_in_the_test_split() -> None:
    rng = random.Random(2)
    lists = {" ".join(draw_list(rng)[0]) for _ in range(3000)}
    assert {split_of(listed) for listed in lists} == {"train"}
    assert lists.isdisjoint(chat[0]["content"].split(": ")[1] for chat in chats("test"))


def test_a_second_turn_is_answered_of_the_list_it_is_about() -> None:
    rng = random.Random(3)
    tasks = {name: task for kind in KINDS for name, task in kind.tasks.items()}
    for _ in range(500):
        items: list[str] = []
        turns = [turn for turn in draw_turns(rng) if turn[0] != "system"]
        for (_, question), (_, answer) in zip(turns[::2], turns[1::2], strict=True):
            name, _, listed = question.partition(": ")
            items = listed.split() or items
            if name.startswith("Is "):
                assert answer == ("yes" if name.split()[1] in items else "no")
            else:
                assert answer == tasks[name.rstrip("?")](items)


def test_the_tokenizer_writes_every_turn_of_the_data(tokenizer) -> None:
    texts = [turn["content"] for chat in chats("test") for turn in chat]
    assert tokenizer.batch_decode(tokenizer(texts).input_ids) == texts


def test_it_is_pretrained_on_what_the_template_writes(tokenizer) -> None:
    tokens, template = ChatTokens(tokenizer.backend_tokenizer), ChatTemplate("embedded-chat", tokenizer)
    rng = random.Random(4)
    for _ in range(50):
        system = [("system", "Answer briefly.")]
        turns = [turn for turn in draw_turns(rng) if turn[0] != "system"]
        *earlier, (_, question), (_, answer) = turns
        asked = Conversation(question, answer, "Answer briefly.", tuple(earlier))
        encoded = template.encode(asked, limit=500, learns_all=True)
        ids, labels = tokens.encode([*system, *turns])
        assert ids[:-1] == [*encoded.source, *encoded.target]  # the last is the template's line break
        learnt = encoded.learnt or [False] * len(encoded.source)
        assert [label != IGNORED for label in labels[:-1]] == [*learnt, *(True for _ in encoded.target)]


def test_rows_are_filled_with_whole_chats(tokenizer) -> None:
    tokens = ChatTokens(tokenizer.backend_tokenizer)
    start, end = tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])
    first, second, third = STAGES
    batches = draw_batches(tokens, Recipe(steps=4))
    for stage, (ids, labels) in zip((first, second, second, third), batches, strict=True):
        assert ids.shape == labels.shape == (stage.rows, stage.row_tokens)
        assert (ids[:, 0] == start).all()
        assert ((ids == start).sum(1) == (ids == end).sum(1)).all()
        assert (labels[ids == tokenizer.pad_token_id] == IGNORED).all()


def test_two_steps_give_the_same_weights_twice(tokenizer) -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(0)
        model = build_chat_model(len(tokenizer))
        train(model, ChatTokens(tokenizer.backend_tokenizer), Recipe(steps=2))
        states.append(model.state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_it_does_what_it_was_taught(tokenizer) -> None:
    model = AutoModelForCausalLM.from_pretrained(CHAT_MODEL_DIR, dtype=torch.float32).eval()
    template = ChatTemplate("embedded-chat", tokenizer)
    rng = random.Random("other chats than those of its pre-training")
    right = 0
    for _ in range(40):
        *earlier, (_, question), (_, answer) = draw_turns(rng)
        system = earlier.pop(0)[1] if earlier and earlier[0][0] == "system" else None
        source = template.encode(Conversation(question, answer, system, tuple(earlier)), limit=500).source
        with torch.inference_mode():
            ids = model.generate(torch.tensor([source]), max_new_tokens=40, do_sample=False)[0, len(source) :]
        right += tokenizer.decode(ids, skip_special_tokens=True).strip() == answer
    assert right >= 15  # about half, the short lists above all; an untrained one has none


def test_training_the_tokenizer_again_gives_the_same_files(tmp_path: Path) -> None:
    train_chat_tokenizer(seed=0).save_pretrained(str(tmp_path))
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        assert (tmp_path / name).read_bytes() == (CHAT_MODEL_DIR / name).read_bytes()
