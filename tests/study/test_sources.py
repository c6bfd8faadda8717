"""Models and data by Hub name: the real code, against a cache laid out as the Hub's client lays it out."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study.data import load_split
from study.errors import UserError
from study.sources import find_data, find_model, fingerprint_folder

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import huggingface_hub.constants

    cache = tmp_path / "hub"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    return cache


def snapshot(cache: Path, repository: str) -> Path:
    (cache / repository / "refs").mkdir(parents=True)
    (cache / repository / "refs" / "main").write_text(COMMIT)
    folder = cache / repository / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    return folder


def test_a_model_by_its_hub_name_is_the_folder_of_its_commit(hub_cache: Path, tiny_model: Path) -> None:
    shutil.copytree(tiny_model, snapshot(hub_cache, "models--google-t5--t5-small"), dirs_exist_ok=True)
    source = find_model("google-t5/t5-small")
    assert source.name == "google-t5/t5-small"
    assert source.revision == COMMIT
    assert fingerprint_folder(source.path) == fingerprint_folder(tiny_model)


def test_gsm8k_by_its_hub_name_gives_the_same_rows_as_a_folder(hub_cache: Path, small_data: Path) -> None:
    folder = snapshot(hub_cache, "datasets--openai--gsm8k")
    for variant in ("main", "socratic"):
        (folder / variant).mkdir()
        for split in ("train", "test"):
            lines = (small_data / variant / f"{split}.jsonl").read_text().splitlines()
            rows = pa.Table.from_pylist([json.loads(line) for line in lines])
            pq.write_table(rows, folder / variant / f"{split}-00000-of-00001.parquet")
    source = find_data("openai/gsm8k")
    assert source.revision == COMMIT
    for variant in ("main", "socratic"):
        assert load_split(source.path, variant, "test") == load_split(small_data, variant, "test")


def test_a_pickle_alone_is_refused_with_the_reason(tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "pytorch_model.bin"):
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=r"only a pickle \(pytorch_model.bin\), which can run code"):
        find_model(str(tmp_path))


def test_a_models_fingerprint_is_its_content(tiny_model: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_model, tmp_path / "elsewhere")
    assert fingerprint_folder(copy) == fingerprint_folder(tiny_model)
    (copy / "config.json").write_text((copy / "config.json").read_text() + " ")
    assert fingerprint_folder(copy) != fingerprint_folder(tiny_model)
