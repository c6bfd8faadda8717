"""A trial through a chat template: what is learnt, scored and said, and the examples before a question."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from study.ask import ask
from study.config import TrialConfig
from study.errors import UserError
from study.models.building import build_model
from study.models.families import family_of
from study.models.loading import load_tokenizer
from study.sources.finding import Source, find_data, fingerprint_folder
from study.trial.evaluation import generate_answers, score_targets
from study.trial.record import Outcome
from study.trial.tokenised import Examples, load_examples
from study.trial.trial import run_trial
from study.winner.keeping import load_kept, saver
from study.workplace import Workplace
from tests.cases.models.tiny import CHAT_TOKENS, CHATML, PLAIN_TOKEN, ROWS, chat_model
from tests.conftest import write_jsonl

Maker = Callable[..., TrialConfig]
END = ROWS + CHAT_TOKENS.index("<|im_end|>")


@pytest.fixture(scope="module")
def chat_source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return Source("chat", chat_model(tmp_path_factory.mktemp("models") / "chat"))


@pytest.fixture
def place(workplace: Workplace, chat_source: Source) -> Workplace:
    return replace(workplace, model=chat_source)


@pytest.fixture
def chat_config(config_for: Maker, chat_source: Source) -> Maker:
    def make(method: str, **changes: object) -> TrialConfig:
        named = {"target_modules": "all-linear"} if method == "lora" else {}
        known = {"model": "chat", "model_fingerprint": fingerprint_folder(chat_source.path)}
        return config_for(method, **{**known, **named, "template": "chat", **changes})

    return make


def conversation(row: dict[str, Any], system: str | None = None) -> list[dict[str, str]]:
    head = [{"role": "system", "content": system}] if system else []
    return [
        *head,
        {"role": "user", "content": row["question"]},
        {"role": "assistant", "content": row["target"]},
    ]


@pytest.mark.parametrize("system", [None, "Be brief."])
def test_rows_are_the_conversations_that_transformers_makes(
    chat_config: Maker, place: Workplace, system: str | None
) -> None:
    limits = {"max_source_tokens": 200, "max_target_tokens": 200}
    rows = load_examples(chat_config("zero_shot", system=system, **limits), place, "test").rows
    tokenizer = load_tokenizer(place.model)
    for row in rows:
        whole = tokenizer.apply_chat_template(conversation(row, system), return_dict=False)
        ids = [*row["input_ids"], *row["labels"]]
        assert whole[: len(ids)] == ids
        assert tokenizer.decode(whole[len(ids) :]) == "\n"
        assert row["labels"][-1] == END
        assert row["learnt"] is None
        assert not row["truncated_source"]


def test_a_systems_text_without_a_template_stands_above_the_question(
    config_for: Maker, workplace: Workplace
) -> None:
    tokenizer = load_tokenizer(workplace.model)
    plain = load_examples(config_for("zero_shot", max_source_tokens=200), workplace, "test").rows[0]
    with_system = load_examples(
        config_for("zero_shot", max_source_tokens=200, system="Be brief."), workplace, "test"
    ).rows[0]
    assert tokenizer.decode(with_system["input_ids"]) == f"Be brief.\n{tokenizer.decode(plain['input_ids'])}"


def test_the_likelihood_is_of_the_answers_tokens_alone(chat_config: Maker, place: Workplace) -> None:
    examples = Examples(load_examples(chat_config("zero_shot"), place, "test").rows.select(range(3)), "chat")
    model = build_model(chat_config("zero_shot"), place).eval()
    likelihood = score_targets(model, examples, 0, "fp32")
    for i, row in enumerate(examples.rows):
        ids = torch.tensor([[*row["input_ids"], *row["labels"]]])
        with torch.no_grad():
            logs = model(input_ids=ids).logits.log_softmax(-1)[0, :-1].gather(1, ids[0, 1:, None])[:, 0]
        assert likelihood.nll[i] == pytest.approx(-float(logs[-len(row["labels"]) :].sum()), rel=1e-4)
        assert likelihood.tokens[i] == len(row["labels"])


def test_a_chat_model_learns_and_stops_and_is_asked_as_it_was_scored(
    chat_config: Maker, place: Workplace, tmp_path: Path
) -> None:
    config = chat_config("full", learning_rate=5e-3, max_steps=40, stage="confirm", system="Be brief.")
    outcome = Outcome()
    run_trial(
        config,
        place,
        outcome,
        on_progress=lambda progress: None,
        save_model=saver(tmp_path / "kept", config, place.model),
    )
    losses = [row["loss"] for row in outcome.history]
    assert losses[-1] < 0.7 * losses[0]
    texts = [row["text"] for row in outcome.predictions]
    assert any(texts)
    assert not any(token in text for text in texts for token in CHAT_TOKENS)
    model, tokenizer, kept = load_kept(tmp_path / "kept")
    assert model.generation_config.eos_token_id == [1, END]
    for row in outcome.predictions[:4]:
        assert ask(model, tokenizer, kept, row["question"]).text == row["text"]


@pytest.mark.parametrize("end", ["<|im_end|>", PLAIN_TOKEN])
def test_generation_stops_at_the_templates_end_which_is_no_part_of_the_answer(
    chat_config: Maker, workplace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    source = Source("chat", chat_model(tmp_path / "chat", CHATML.replace("<|im_end|>", end)))
    config, own = chat_config("zero_shot", model_fingerprint=end), replace(workplace, model=source)
    rows = load_examples(config, own, "test").rows.select(range(4))
    model, tokenizer = build_model(config, own).eval(), load_tokenizer(source)
    always = torch.eye(len(tokenizer))[tokenizer.convert_tokens_to_ids(end)]
    monkeypatch.setattr(
        model.get_output_embeddings(), "forward", lambda states: always.expand(*states.shape[:2], -1)
    )
    plain = generate_answers(model, tokenizer, Examples(rows), "fp32", 8)
    chat = generate_answers(model, tokenizer, Examples(rows, "chat"), "fp32", 8)
    assert (chat.tokens, plain.tokens) == ([1] * 4, [8] * 4)
    assert chat.texts == [""] * 4
    assert ask(model, tokenizer, config, "How many?").text == ""


def test_of_a_chat_of_several_turns_every_answer_is_learnt(
    chat_config: Maker, place: Workplace, tmp_path: Path
) -> None:
    lines = []
    for i in range(40):
        asked = [
            ("system", "Add."),
            ("user", f"How many is {i} + 1?"),
            ("assistant", f"It is {i + 1}."),
            ("user", f"And {i} more?"),
            ("assistant", f"#### {2 * i + 1}"),
        ]
        lines.append(json.dumps({"messages": [{"role": role, "content": text} for role, text in asked]}))
    (tmp_path / "chats.jsonl").write_text("\n".join(lines) + "\n")
    own = replace(place, data=find_data(str(tmp_path / "chats.jsonl")))
    config = chat_config("lora", data="chats", data_fingerprint="chats", validation_questions=4)
    examples = load_examples(config, own, "train")
    tokenizer = load_tokenizer(own.model)
    batch = family_of(build_model(config, own).config).collator(tokenizer, None)(
        [examples.to_train[i] for i in range(4)]
    )
    for row, labels in zip(examples.rows.select(range(4)), batch["labels"], strict=True):
        learnt = tokenizer.decode([token for token in labels.tolist() if token != -100])
        said, number, _ = learnt.split("<|im_end|>")
        assert said.startswith("It is ")
        assert number == row["target"]
        assert tokenizer.decode(row["input_ids"]).startswith(
            "<|im_start|>system\nAdd.<|im_end|>\n<|im_start|>user"
        )
    assert score_targets(build_model(config, own), examples, 0, "fp32").tokens == [
        len(labels) for labels in examples.rows["labels"]
    ]
    plain = load_examples(config.model_copy(update={"template": "none"}), own, "train").rows[0]
    assert "How many is" in tokenizer.decode(plain["input_ids"]).splitlines()[1]


@pytest.mark.parametrize("template", ["none", "chat"])
def test_examples_stand_before_each_question_the_same_and_never_one_that_is_scored(
    chat_config: Maker, place: Workplace, template: str
) -> None:
    config = chat_config("few_shot", template=template, shots=3, max_source_tokens=120, max_target_tokens=120)
    tokenizer = load_tokenizer(place.model)
    rows = load_examples(config, place, "test").rows
    texts = [tokenizer.decode(ids) for ids in rows["input_ids"]]
    before = {text.partition(row["question"])[0] for text, row in zip(texts, rows, strict=True)}
    assert len(before) == 1
    (head,) = before
    train = load_examples(config.model_copy(update={"shots": 0}), place, "train").rows
    shown = [row for row in train if row["question"] in head]
    assert len(shown) == 3
    for row in shown:
        between = "<|im_end|>\n<|im_start|>assistant\n" if template == "chat" else "\n"
        after = "<|im_end|>\n" if template == "chat" else "\n\n"
        assert f"{row['question']}{between}{row['target']}{after}" in head
    assert not {row["question"] for row in shown} & {*rows["question"]}
    other = load_examples(config.model_copy(update={"seed": 1}), place, "test").rows[0]["input_ids"]
    assert tokenizer.decode(other).partition(rows[0]["question"])[0] != head
    assert rows["truncated_source"][:] == [False] * len(rows)


@pytest.mark.parametrize("template", ["none", "chat"])
def test_examples_that_are_too_long_are_left_out_and_counted_and_the_question_is_whole(
    chat_config: Maker, place: Workplace, template: str
) -> None:
    config = chat_config("few_shot", template=template, shots=2, max_source_tokens=48, max_target_tokens=8)
    rows = load_examples(config, place, "test").rows
    tokenizer = load_tokenizer(place.model)
    for row in rows:
        assert len(row["input_ids"]) <= 3 * 48 + 2 * 8
        assert row["question"] in tokenizer.decode(row["input_ids"])
    assert any(rows["truncated_source"])


def test_with_leaks_kept_an_example_is_still_no_question_that_is_scored(
    chat_config: Maker, place: Workplace, tmp_path: Path
) -> None:
    rows = [{"question": f"How many is {i} + 1?", "answer": f"#### {i + 1}"} for i in range(12)]
    for split, some in (("train", rows), ("test", rows[:8])):
        write_jsonl(tmp_path / "leaks" / f"{split}.jsonl", some)
    own = replace(place, data=find_data(str(tmp_path / "leaks")), keep_leaks=True)
    config = chat_config("few_shot", shots=2, data="leaks", data_fingerprint="leaks", validation_questions=1)
    head = load_token_texts(config, own)[0].rpartition("<|im_start|>user")[0]
    assert sum(f"How many is {i} + 1?" in head for i in range(8, 12)) == 2
    assert not any(f"How many is {i} + 1?" in head for i in range(8))


def load_token_texts(config: TrialConfig, place: Workplace) -> list[str]:
    """The inputs of the test split as text."""
    tokenizer = load_tokenizer(place.model)
    return [tokenizer.decode(ids) for ids in load_examples(config, place, "test").rows["input_ids"]]


def test_an_encoder_decoder_goes_through_its_template_too(
    chat_config: Maker, workplace: Workplace, tmp_path: Path
) -> None:
    source = Source("chat", chat_model(tmp_path / "chat", model_type="t5"))
    config, own = chat_config("full", model_fingerprint="t5", max_steps=3), replace(workplace, model=source)
    row = load_examples(config.model_copy(update={"max_source_tokens": 200}), own, "test").rows[0]
    text = load_tokenizer(source).decode(row["input_ids"])
    assert text == f"<|im_start|>user\n{row['question']}<|im_end|>\n<|im_start|>assistant\n"
    assert row["labels"][-1] == END
    outcome = Outcome()
    keep = saver(tmp_path / "kept", config, source)
    run_trial(config, own, outcome, on_progress=lambda progress: None, save_model=keep)
    model, tokenizer, kept = load_kept(tmp_path / "kept")
    assert model.generation_config.eos_token_id == [1, END]
    said = outcome.predictions[0]
    assert ask(model, tokenizer, kept, said["question"]).text == said["text"]


def test_a_row_that_the_template_refuses_is_named(
    chat_config: Maker, workplace: Workplace, tmp_path: Path
) -> None:
    refuses = "{% if '+ 7?' in messages[-1].content %}{{ raise_exception('No sevens') }}{% endif %}"
    source = Source("chat", chat_model(tmp_path / "chat", refuses + CHATML))
    rows = [{"question": f"How many is 1 + {i}?", "answer": f"#### {i + 1}"} for i in range(12)]
    for split, some in (("train", rows[:6]), ("test", rows[6:])):
        write_jsonl(tmp_path / "sums" / f"{split}.jsonl", some)
    own = replace(workplace, model=source, data=find_data(str(tmp_path / "sums")))
    known = {"data": "sums", "data_fingerprint": "sums", "validation_questions": 1}
    with pytest.raises(
        UserError, match=r"the question 'How many is 1 \+ 7\?': the chat template .* No sevens"
    ):
        load_examples(chat_config("zero_shot", model_fingerprint="sevens", **known), own, "test")


def test_more_examples_than_training_questions_are_refused(chat_config: Maker, place: Workplace) -> None:
    config = chat_config("few_shot", shots=64, validation_questions=48)
    with pytest.raises(UserError, match=r"--shots 64 needs .*, received 48; valid: --shots 48 or less"):
        load_examples(config, place, "test")
