"""The zoo: what trains, is exported with the answers that were measured, and is asked; or is refused."""

import contextlib
import io
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from study import embedded
from study.ask import ask
from study.config import TrialConfig, make_config
from study.errors import UserError
from study.export import write_merged
from study.models.check import Use, check_model
from study.sources.finding import Source, find_data, fingerprint_folder
from study.trial.evaluation import score_targets
from study.trial.record import Outcome
from study.trial.tokenised import load_examples
from study.trial.trial import run_trial
from study.winner.card_code import loading_example
from study.winner.keeping import load_kept, saver
from study.workplace import Workplace
from tests.cases.zoo import METHODS, TYPES, Type, build, table

DOCS = Path(__file__).parents[2] / "docs" / "model_types.md"
STEPS, QUESTIONS = 6, 3


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """28 of the embedded problems."""
    folder = tmp_path_factory.mktemp("few")
    for split, rows in (("train", 24 + QUESTIONS), ("test", QUESTIONS)):
        lines = (embedded.DATA_DIR / "main" / f"{split}.jsonl").read_text().splitlines()[:rows]
        (folder / "main").mkdir(exist_ok=True)
        (folder / "main" / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    return find_data(str(folder))


def config_of(kind: Type, name: str, model: Source) -> TrialConfig:
    """A short training of a type by a method on one batch, scored on the validation split."""
    method, quantization = METHODS[name]
    adapter = {"rank": 4, "alpha": 8.0, "lora_dropout": 0.0, "target_modules": kind.target_modules}
    return make_config(
        {
            **{"method": method, "quantization": quantization, "stage": "search", "seed": 0},
            **{"model": model.name, "model_fingerprint": fingerprint_folder(model.path)},
            **{"data": "few", "data_fingerprint": "few", "validation_questions": QUESTIONS},
            **{"max_source_tokens": 64, "max_target_tokens": 8, "precision": "fp32", "evaluations": 1},
            **{
                "train_questions": 4,
                "learning_rate": 3e-3 if method == "full" else 1e-2,
                "batch_size": 4,
                "max_steps": STEPS,
            },
            **(adapter if method != "full" else {}),
        }
    )


def train(config: TrialConfig, place: Workplace, kept: Path) -> Outcome:
    """Check the model as a plan is bound, train and score it, and keep it in `kept`."""
    modules = {config.target_modules} if config.target_modules else set()
    check_model(place.model, Use(target_modules=frozenset(modules)))
    outcome = Outcome()
    save = saver(kept, config, place.model)
    run_trial(config, place, outcome, on_progress=lambda progress: None, save_model=save)
    return outcome


def text_of_the_card(folder: Path, config: TrialConfig, row: dict[str, Any], question: str) -> str:
    """What the card's own code prints, run in the folder."""
    code = loading_example(folder, config, row, question)
    said = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(said):
        exec(compile(code, "card", "exec"), {})
    return said.getvalue().strip()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("kind", TYPES, ids=[kind.name for kind in TYPES])
def test_a_model_type_trains_and_answers_as_measured_or_is_refused(
    kind: Type, few: Source, shared_cache: Path, tmp_path: Path, in_a_worker: None
) -> None:
    model = Source(kind.name, build(kind, tmp_path / "base"))
    place = Workplace(model, few, cache=shared_cache)
    for name in METHODS:
        config, kept = config_of(kind, name, model), tmp_path / name
        if name in kind.refused:
            with pytest.raises(UserError, match=re.escape(kind.refused[name])):
                train(config, place, kept)
            continue
        outcome = train(config, place, kept)
        losses = [row["loss"] for row in outcome.history]
        assert losses[-1] < losses[0], name
        merged = tmp_path / f"{name} merged"
        if name != "full":
            write_merged(kept, merged, None)
        check = check_nearly if name == "int8" else check_answers
        for folder in (kept, *([merged] if name != "full" else [])):
            check(folder, outcome, place)
        shutil.rmtree(merged, ignore_errors=True)


def check_answers(folder: Path, outcome: Outcome, place: Workplace) -> None:
    """The model in a folder answers as was measured: by `study.ask`, and once by the code of its card."""
    questions = [row["question"] for row in outcome.predictions]
    measured = [row["text"] for row in outcome.predictions]
    model, tokenizer, config = load_kept(folder)
    assert [ask(model, tokenizer, config, question).text for question in questions] == measured
    row = {**outcome.row, "source_device": "cpu"}
    assert text_of_the_card(folder, config, row, questions[0]) == measured[0]


def check_nearly(folder: Path, outcome: Outcome, place: Workplace) -> None:
    """The model in a folder finds the targets as likely as was measured, within 3%, and can be asked.

    What int8 comes to depends on the other rows of a batch: it finds the columns of outliers among all.
    """
    model, tokenizer, config = load_kept(folder)
    examples = load_examples(config, place, "validation")
    nll = score_targets(model, examples, tokenizer.pad_token_id, "fp32").nll
    assert sum(nll) == pytest.approx(sum(row["nll"] for row in outcome.predictions), rel=0.03)
    assert ask(model, tokenizer, config, outcome.predictions[0]["question"]).text is not None


def test_the_zoo_is_large_and_its_table_in_the_docs_is_the_one_that_is_tested() -> None:
    assert len(TYPES) >= 20
    assert len({kind.name for kind in TYPES}) == len(TYPES)
    assert table() in DOCS.read_text(encoding="utf-8")
