"""What the tests share: a tiny model and small data in the layouts that users have."""

from __future__ import annotations

import functools
import gc
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from study import embedded
from study.config import TrialConfig, make_config
from study.engine.worker import load_trainer
from study.methods.table import METHODS
from study.sources.finding import find_code_data, find_data, find_model, fingerprint_folder
from study.workplace import Workplace
from tests.skips import pytest_runtest_makereport  # noqa: F401  a hook

# A busy machine is no fault of an example's.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# What Ray and the trackers leave behind: sockets and files until the interpreter's end, deprecated names.
RAYS_OWN_WARNINGS = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="session", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep the user's own cache out of the tests."""
    folder = tmp_path_factory.mktemp("cache")
    patch = pytest.MonkeyPatch()
    patch.setenv("FINETUNE_STUDY_CACHE", str(folder))
    patch.setenv("HF_HUB_OFFLINE", "1")
    return folder


@pytest.fixture(scope="session")
def one_embedding_model() -> Iterator[None]:
    """Load the model that similarities are of once, where each trial of a study loads it anew."""
    import sentence_transformers

    with pytest.MonkeyPatch.context() as patch:
        loaded = functools.cache(sentence_transformers.SentenceTransformer)
        patch.setattr(sentence_transformers, "SentenceTransformer", loaded)
        yield


@pytest.fixture(scope="session")
def in_a_worker(one_embedding_model: None) -> Iterator[None]:
    """The process as a worker has it, with the trainer loaded: short trials take a quarter of the time."""
    load_trainer("study.trial.trial:run_trial")
    yield
    gc.unfreeze()  # for pytest's plugins


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory, in_a_worker: None) -> Path:
    """A random T5 of 0.2 M parameters with the embedded tokenizer, in the Hub's layout."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    folder = tmp_path_factory.mktemp("models") / "tiny-t5"
    folder.mkdir()
    for path in embedded.MODEL_DIR.iterdir():
        if path.name.startswith(("tokenizer", "special_tokens")):
            shutil.copy(path, folder)
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=1536,
        d_model=64,
        d_ff=128,
        num_heads=2,
        d_kv=32,
        num_layers=2,
        num_decoder_layers=2,
        decoder_start_token_id=0,
        dropout_rate=0.0,
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """96 training and 24 test problems of the embedded data, in GSM8K's layout."""
    folder = tmp_path_factory.mktemp("data") / "small"
    for variant in ("main", "socratic"):
        for split, rows in (("train", 96), ("test", 24)):
            lines = (
                (embedded.DATA_DIR / variant / f"{split}.jsonl")
                .read_text(encoding="utf-8")
                .splitlines()[:rows]
            )
            (folder / variant).mkdir(parents=True, exist_ok=True)
            (folder / variant / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def small_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """32 programming tasks of the embedded code data, in CodeFeedback's layout."""
    folder = tmp_path_factory.mktemp("code")
    lines = (embedded.DATA_DIR / "code" / "train.jsonl").read_text(encoding="utf-8").splitlines()[:32]
    (folder / "train.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def workplace(tiny_model: Path, small_data: Path, small_code: Path, shared_cache: Path) -> Workplace:
    """One thread, the tiny model and the small data."""
    return Workplace(
        find_model(str(tiny_model)),
        find_data(str(small_data)),
        cache=shared_cache,
        code_data=find_code_data(str(small_code)),
    )


@pytest.fixture
def config_for(tiny_model: Path) -> Callable[..., TrialConfig]:
    """Return a maker of small configurations: `config_for("lora", rank=4)`."""
    model_fingerprint = fingerprint_folder(tiny_model)

    def make(method: str, **changes: Any) -> TrialConfig:
        values: dict[str, Any] = {
            "method": method,
            "model": "tiny-t5",
            "model_fingerprint": model_fingerprint,
            "data": "small",
            "data_fingerprint": "small",
            "stage": "confirm",
            "seed": 0,
            "validation_questions": 16,
            "max_source_tokens": 96,
            "max_target_tokens": 24,
        }
        if METHODS[method].trains_adapter:
            values |= {"rank": 4, "alpha": 8.0, "lora_dropout": 0.0, "target_modules": "q,v"}
        if method == "qlora":
            values |= {"quantization": "nf4"}
        if method == "few_shot":
            values |= {"shots": 1}
        if method == "stacked_lora":
            values |= {"code_data": "code", "code_fingerprint": "code", "second_rank": 4, "second_alpha": 8.0}
            values |= {"second_learning_rate": 2e-3, "second_max_steps": 4}
        if METHODS[method].is_trained:
            values |= {"learning_rate": 5e-3, "batch_size": 8, "max_steps": 4}
        return make_config({**values, **changes})

    return make


def write_jsonl(path: Path, rows: list[Mapping[str, Any] | str]) -> Path:
    """Write rows (a string goes in as it is) and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8"
    )
    return path
