"""How a kept or exported model is asked: through its chat template, as its task puts a question."""

import dataclasses
import json
import re
from pathlib import Path

import pytest

from study import ask as ask_module
from study.export import export
from study.sources.finding import Source, find_data
from study.tasks.finding import find_task
from study.winner.card_code import loading_example
from study.winner.keeping import load_kept
from study.workplace import Workplace
from tasks import classification
from tests.cases.models.tiny import CHATML, chat_model
from tests.study.winner.trained import Maker, printed_by, study_of

# Templates that are asked each in another way: as they are, with thinking switched off, with a thought taken
# away, with a header put in, and with an end that the tokenizer does not know as special.
TEMPLATES = {
    "ChatML": CHATML,
    "switch": CHATML.replace(
        "'<|im_start|>assistant\n'",
        "'<|im_start|>assistant\n' + ('' if enable_thinking is defined else 'Hm.')",
    ),
    "thought": CHATML.replace("'<|im_start|>assistant\n'", "'<|im_start|>assistant\n<think>\n'"),
    "no header": CHATML.partition("{% if add")[0],
    "own end": CHATML.replace("<|im_end|>", "<|stop|>"),
    "no end": CHATML.replace("<|im_end|>", ""),
}


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_chat_model_is_delivered_with_the_template_that_it_was_measured_through(
    config_for: Maker, workplace: Workplace, tmp_path: Path, template: str
) -> None:
    base = Source("chat", chat_model(tmp_path / "base", TEMPLATES[template]))
    changes = {"learning_rate": 5e-3, "max_steps": 25, "precision": "fp32", "max_target_tokens": 8}
    config = config_for(
        "full", model="chat", model_fingerprint=template, template="chat", system='Be "brief".', **changes
    )
    folder, _ = study_of(config, dataclasses.replace(workplace, model=base), tmp_path / "study")
    to = tmp_path / "exported"
    export(folder, "my arm", to, merged=False)
    (row,) = folder.read_trials()
    table = folder.read_table("predictions", row["trial"])
    assert table is not None
    model, tokenizer, config = load_kept(to)
    card = (to / "README.md").read_text(encoding="utf-8")
    assert loading_example(to, config, row) in card
    assert "tokenizer.apply_chat_template(messages, " in card
    assert "through the tokenizer's chat template" in card
    said = []
    for prediction in table.to_pylist()[:3]:
        said.append(printed_by(loading_example(to, config, row, prediction["question"]), to))
        assert said[-1] == prediction["text"]
        assert ask_module.ask(model, tokenizer, config, prediction["question"]).text == prediction["text"]
    assert any(said)


@pytest.mark.parametrize(
    ("name", "style"), [("classification", "instruction"), ("mine", "plain"), ("mine", "instruction")]
)
def test_a_model_of_another_task_is_asked_as_its_task_puts_it_where_its_data_are_not(
    config_for: Maker,
    workplace: Workplace,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    style: str,
) -> None:
    rows = [f"Text {i} is {'good' if i % 2 else 'bad'}.,{'yes' if i % 2 else 'no'}" for i in range(60)]
    (tmp_path / "labels.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    text = Path(classification.__file__).read_text(encoding="utf-8")
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    task = find_task(name if name == "classification" else str(tmp_path / "mine.py"))
    place = dataclasses.replace(
        workplace, data=find_data(str(tmp_path / "labels.csv")), task=task, columns=None
    )
    changes = {"task": name, "task_fingerprint": task.fingerprint, "prompt_style": style}
    changes["max_target_tokens"] = 8
    config = config_for(
        "full", data="labels", data_fingerprint="labels", learning_rate=1e-2, max_steps=60, **changes
    )
    folder, _ = study_of(config, place, tmp_path / "study")
    (tmp_path / "labels.csv").unlink()
    to = tmp_path / "exported"
    export(folder, "my arm", to, merged=False)
    card = (to / "README.md").read_text(encoding="utf-8")
    assert "- macro_f1 (%): the mean of the labels' F1" in card
    assert re.search(r"^\| macro_f1 \| [\d.]+ \| [\d.]+ \|$", card, re.MULTILINE)
    assert ("Classify the text. Labels: no, yes." in card) == (name == "classification")
    assert ("is code of the task's own file" in card) == (name == "mine" and style == "instruction")
    file = ["--task", str(tmp_path / "mine.py")] if name == "mine" else []
    (row,) = folder.read_trials()
    table = folder.read_table("predictions", row["trial"])
    assert table is not None
    assert any(prediction["answer"] for prediction in table.to_pylist())
    for prediction in table.to_pylist()[:4]:
        if (name, style) != ("mine", "instruction"):
            example = loading_example(to, config, row, prediction["question"])
            assert printed_by(example, to) == prediction["text"]
        capsys.readouterr()
        assert ask_module.main([str(to), prediction["question"], *file]) == 0
        answer = prediction["answer"]
        last = f"Answer: {answer}" if answer else "No answer: its task could read none."
        assert capsys.readouterr().out == f"{prediction['text']}\n\n{last}\n"


def test_no_code_that_comes_with_a_model_is_run(
    config_for: Maker, workplace: Workplace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a task of somebody's own its file is asked for, and must be the one it was trained with."""
    folder, _ = study_of(config_for("lora"), workplace, tmp_path / "study")
    kept = folder.model_path("my-arm")
    about = json.loads((kept / "trial.json").read_text(encoding="utf-8"))
    about["task"] = {"name": "theirs", "fingerprint": "0" * 16, "labels": [], "source": None}
    (kept / "trial.json").write_text(json.dumps(about), encoding="utf-8")
    assert ask_module.main([str(kept), "How many?"]) == 2
    assert "is code of the task's own file; --task FILE names it" in capsys.readouterr().err
    (tmp_path / "theirs.py").write_text(Path(classification.__file__).read_text(encoding="utf-8"))
    assert ask_module.main([str(kept), "How many?", "--task", str(tmp_path / "theirs.py")]) == 2
    assert "is another task than that of the model, 'theirs'" in capsys.readouterr().err
    about["task"] |= {"text": "raise SystemExit"}
    (kept / "trial.json").write_text(json.dumps(about), encoding="utf-8")
    assert ask_module.main([str(kept), "How many?"]) == 2
    assert "holds no model of a study" in capsys.readouterr().err
