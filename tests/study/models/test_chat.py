"""A chat template makes the tokens that transformers makes with it, and nobody's template does harm."""

import json
import time
from fnmatch import fnmatch
from pathlib import Path

import pytest

from study.errors import UserError
from study.models.chat import ChatTemplate
from study.models.check import Use, check_model
from study.models.conversations import Conversation
from study.models.templates import check_template, has_chat_template
from study.sources import finding
from study.sources.finding import Source, fingerprint_folder
from tests.cases.models.tiny import CHATML, chat_model, chat_tokenizer, saved

ONE = Conversation("How many is 3 + 4?", "It is 7")
SEVERAL = Conversation(
    "And 1 more?", "It is 8", "Be brief.", (("user", "How many is 3 + 4?"), ("assistant", "It is 7"))
)

# What the templates of models do, of Llama 2, Qwen3, DeepSeek-R1, GLM and Mistral; and others that are odd.
QWEN3 = (
    "{% for m in messages %}{% if m.role == 'assistant' and loop.last %}"
    "{{ '<|im_start|>assistant\n<think>\n\n</think>\n\n' + m.content + '<|im_end|>\n' }}"
    "{% else %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\n\n</think>\n\n' }}"
    "{% endif %}{% endif %}"
)
R1 = CHATML.replace("'<|im_start|>assistant\n'", "'<|im_start|>assistant\n<think>\n'")
LLAMA2 = (
    "{% if messages[0].role == 'system' %}{% set s, ms = messages[0].content + '\n\n', messages[1:] %}"
    "{% else %}{% set s, ms = '', messages %}{% endif %}{% for m in ms %}{% if m.role == 'user' %}"
    "{{ '[INST] ' + (s if loop.first else '') + m.content.strip() + ' [/INST]' }}"
    "{% else %}{{ ' ' + m.content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)
MISTRAL = LLAMA2.replace("s if loop.first", "s if loop.last")  # the system's text is before the last turn
NO_HEADER = CHATML.partition("{% if add")[0]
NO_END = (
    "{% for m in messages %}{{ m.role + ': ' + m.content + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"
)
TRIMS = CHATML.replace("message['content']", "message['content'] | trim")


@pytest.mark.parametrize("template", [CHATML, QWEN3, LLAMA2, NO_HEADER, TRIMS])
@pytest.mark.parametrize("conversation", [ONE, SEVERAL])
def test_the_ids_are_those_of_the_whole_conversation(template: str, conversation: Conversation) -> None:
    tokenizer = chat_tokenizer(template)
    chat = ChatTemplate("m", tokenizer)
    encoded = chat.encode(conversation, 1000)
    messages = [*conversation.messages, {"role": "assistant", "content": conversation.answer}]
    whole = tokenizer.apply_chat_template(messages, return_dict=False, **chat.options)
    ids = [*encoded.source, *encoded.target]
    assert ids == whole[: len(ids)]
    assert tokenizer.decode(whole[len(ids) :]).strip() == ""
    assert encoded.target[-1] == chat.end
    assert encoded.lost_tokens == 0


@pytest.mark.parametrize(
    ("template", "end", "prompt_ends_with", "target"),
    [
        (CHATML, "<|im_end|>", "<|im_start|>assistant\n", "It is 7<|im_end|>"),
        (QWEN3, "<|im_end|>", "<think>\n\n</think>\n\n", "It is 7<|im_end|>"),
        (R1, "<|im_end|>", "<|im_start|>assistant\n", "It is 7<|im_end|>"),
        (LLAMA2, "</s>", "[/INST]", " It is 7 </s>"),
        (NO_HEADER, "<|im_end|>", "<|im_start|>assistant\n", "It is 7<|im_end|>"),
        (NO_END, "</s>", "assistant:", " It is 7</s>"),
    ],
)
def test_an_answer_begins_where_the_model_speaks_and_ends_with_its_turn(
    template: str, end: str, prompt_ends_with: str, target: str
) -> None:
    tokenizer = chat_tokenizer(template)
    chat = ChatTemplate("m", tokenizer)
    assert chat.end == tokenizer.convert_tokens_to_ids(end)
    assert chat.prompt(ONE).endswith(prompt_ends_with)
    assert tokenizer.decode(chat.encode(ONE, 1000).target) == target


@pytest.mark.parametrize("template", [CHATML, QWEN3, R1, LLAMA2, MISTRAL, NO_HEADER])
def test_of_several_turns_every_answer_is_learnt_and_nothing_else(template: str) -> None:
    tokenizer = chat_tokenizer(template)
    chat = ChatTemplate("m", tokenizer)
    encoded = chat.encode(SEVERAL, 1000, learns_all=True)
    assert encoded.learnt is not None
    learnt = [token for token, mark in zip(encoded.source, encoded.learnt, strict=True) if mark]
    assert tokenizer.decode(learnt).replace(" ", "") == f"Itis7{tokenizer.decode([chat.end])}"
    assert chat.encode(SEVERAL, 1000).learnt is None
    assert chat.encode(ONE, 1000, learns_all=True).learnt is None


def test_a_mark_within_an_answer_does_not_end_it() -> None:
    tokenizer = chat_tokenizer()
    target = ChatTemplate("m", tokenizer).encode(Conversation("?", "Write <|im_end|> at the end"), 99).target
    assert tokenizer.decode(target) == "Write <|im_end|> at the end<|im_end|>"


def test_what_is_too_much_is_earlier_turns_and_then_the_questions_end_and_never_the_frame() -> None:
    tokenizer = chat_tokenizer()
    chat = ChatTemplate("m", tokenizer)
    alone = chat.encode(Conversation(SEVERAL.question, SEVERAL.answer, SEVERAL.system), 1000)
    shorter = chat.encode(SEVERAL, len(alone.source), learns_all=True)
    assert (shorter.source, shorter.target) == (alone.source, alone.target)
    assert shorter.lost_tokens == len(chat.encode(SEVERAL, 1000).source) - len(alone.source) > 0
    cut = chat.encode(Conversation("How many? " * 30, "7"), 24)
    text = tokenizer.decode(cut.source)
    assert len(cut.source) == 24
    assert text.startswith("<|im_start|>user\nHow many? How")
    assert text.endswith("<|im_end|>\n<|im_start|>assistant\n")
    assert cut.lost_tokens > 0


def test_a_template_that_writes_the_date_writes_the_same_tomorrow() -> None:
    tokenizer = chat_tokenizer("{{ strftime_now('%d %b %Y, %H:%M:%S:%f') }}" + CHATML)
    chat = ChatTemplate("m", tokenizer)
    assert chat.prompt(ONE).startswith("26 Jul 2024<|im_start|>user")
    assert "today's date" in check_template("m", tokenizer, ())[1]
    template = tokenizer.chat_template
    ChatTemplate("m", tokenizer)
    assert tokenizer.chat_template == template  # once


@pytest.mark.parametrize(
    ("template", "says"),
    [
        (
            "{{ raise_exception('Only for tools') }}",
            "raises on the turns user: Only for tools; valid: template",
        ),
        (
            "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}"
            "{% endif %}" + CHATML,
            "raises on the turns system, user: System role not supported; valid: no system's text, or",
        ),
        ("{% for %}", "raises on the turns user: Expected an expression"),
        ("{{ messages[0].nothing.more }}", "has no attribute 'nothing'"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "access to attribute '__class__' of 'str' object"),
        ("{{ messages.append(messages[0]) }}", "is unsafe"),
        ("{% for i in range(10 ** 9) %}{% endfor %}", "Range too big"),
        (
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
            "it takes longer than 0.5 s",
        ),
        ("{{ 'a' * 10 ** 10 }}", "takes up more than 1 GB for a short conversation"),
        ("{% for i in range(9999) %}{{ 'a' * 1000 }}{% endfor %}", "makes 9,999,000 characters"),
        ("Say something.", "writes no assistant's text"),
    ],
)
def test_a_template_that_can_not_be_used_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, template: str, says: str
) -> None:
    monkeypatch.setattr("study.models.templates._SECONDS", 0.5)
    started = time.monotonic()
    with pytest.raises(UserError) as refused:
        check_template("m", chat_tokenizer(template), {"Be brief."})
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert time.monotonic() - started < 5


def test_a_folder_tells_whether_it_has_a_template(tmp_path: Path) -> None:
    chat_model(tmp_path / "chat")
    assert has_chat_template(tmp_path / "chat")
    saved()(tmp_path / "base")
    assert not has_chat_template(tmp_path / "base")
    about = tmp_path / "base" / "tokenizer_config.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), "chat_template": CHATML}))
    assert has_chat_template(tmp_path / "base")
    several = [{"name": "tool_use", "template": CHATML}]
    about.write_text(json.dumps({**json.loads(about.read_text()), "chat_template": several}))
    assert not has_chat_template(tmp_path / "base")
    assert not has_chat_template(tmp_path / "none")


def test_a_template_is_part_of_what_a_model_is(tmp_path: Path) -> None:
    """Another template asks otherwise: its trials are others, and it comes with a model of the Hub."""
    folder = chat_model(tmp_path / "chat")
    before = fingerprint_folder(folder)
    (folder / "chat_template.jinja").write_text(TRIMS)
    assert fingerprint_folder(folder) != before
    assert any(fnmatch("chat_template.jinja", pattern) for pattern in finding._MODEL_FILES)


def test_a_model_is_checked_with_its_template_and_its_shots(tmp_path: Path) -> None:
    model = Source("m", chat_model(tmp_path / "chat", max_position_embeddings=200))
    limits = {"source_tokens": 40, "target_tokens": 20}
    (said,) = (
        note for note in check_model(model, Use(has_chat=True, shots=2, **limits)) if "template" in note
    )
    assert "--set template=none" in said
    with pytest.raises(
        UserError, match=r"--shots 3 .* may take 240 tokens, .* 200 positions; valid: --shots 2"
    ):
        check_model(model, Use(shots=3, **limits))
    saved()(tmp_path / "base")
    with pytest.raises(
        UserError, match="'b' has no chat template; valid: template none, or an instruct model"
    ):
        check_model(Source("b", tmp_path / "base"), Use(has_chat=True))
